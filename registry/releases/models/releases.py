"""Releases, and the decisions about them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace, User
from registry.catalog.models import Repository, Revision
from registry.discussions.models import Discussion
from registry.ids import new_public_id


class Status(models.TextChoices):
    DRAFT = "draft", "draft"
    IN_REVIEW = "in_review", "in review"
    CHANGES_REQUESTED = "changes_requested", "changes requested"
    RELEASED = "released", "released"
    SUSPENDED = "suspended", "suspended"
    RECALLED = "recalled", "recalled"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"


OPEN = [Status.DRAFT, Status.IN_REVIEW, Status.CHANGES_REQUESTED]
WAS_RELEASED = [Status.RELEASED, Status.SUSPENDED, Status.RECALLED]


class ReleaseQuerySet(models.QuerySet["Release"]):
    def visible_to(self, caller: Caller) -> "ReleaseQuerySet":
        """The one definition of who sees a release: what was released, whoever may know of the
        repository; the rest, those who see its quarantine."""
        known = Q(status__in=WAS_RELEASED, repository__in=Repository.objects.visible_to(caller))
        own = Q(repository__in=Repository.objects.quarantine_seen_by(caller))
        return self.filter(known | own)


class Release(models.Model):
    """An offer of one revision to the outside, with a version label, under a pinned set of terms.

    `digest` is the SHA-256 over repository id, version label, manifest digest and terms hash as
    canonical JSON: approvals name it, so that a changed byte or term voids them. `discussion` is
    the thread of its review: the pull request that the revision came from, else one of its own.
    `open_duties` are those of its licenses, as they were counted for the digest
    `duties_counted_of`.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="releases")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="releases")
    branch = models.CharField(max_length=255, default="refs/heads/main")
    version = models.CharField(max_length=64)
    notes = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.DRAFT)
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    terms = models.JSONField()
    terms_hash = models.CharField(max_length=64)
    manifest_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    released_at = models.DateTimeField(null=True, blank=True)
    status_reason = models.TextField(blank=True)
    discussion = models.ForeignKey(
        Discussion, on_delete=models.PROTECT, null=True, blank=True, related_name="releases"
    )
    open_duties = models.PositiveIntegerField(null=True, blank=True)
    duties_counted_of = models.CharField(max_length=64, blank=True, default="", db_default="")
    duties_counted_at = models.DateTimeField(null=True, blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "version"],
                condition=~Q(status__in=[Status.REJECTED, Status.WITHDRAWN]),
                name="version_label_once_in_a_repository",
            ),
            models.UniqueConstraint(
                fields=["repository", "branch"],
                condition=Q(status__in=OPEN),
                name="one_open_release_of_a_branch",
            ),
            models.UniqueConstraint(
                fields=["revision"],
                condition=Q(status__in=[*OPEN, *WAS_RELEASED]),
                name="one_living_release_of_a_revision",
            ),
            models.CheckConstraint(
                name="release_dated_once_released",
                condition=Q(status__in=WAS_RELEASED, released_at__isnull=False)
                | (~Q(status__in=WAS_RELEASED) & Q(released_at=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repository} {self.version}"

    def get_absolute_url(self) -> str:
        return f"/review/{self.public_id}"


class Interest(models.TextChoices):
    """What a maintainer has to do with what they decide about, beside having written it."""

    SAME_ORGANISATION = "same_organisation", "a member of the namespace"
    PARENT_AUTHOR = "parent_author", "an author of a model that it comes from"


class DecisionKind(models.TextChoices):
    APPROVE = "approve", "approved"
    REQUEST_CHANGES = "request_changes", "asked for changes"
    REJECT = "reject", "rejected"
    SUSPEND = "suspend", "suspended"
    RESTORE = "restore", "restored"
    RECALL = "recall", "recalled"


class Decision(models.Model):
    """What a maintainer decided about exactly this digest, which warnings they ticked off, and which
    conflicts of interest they acknowledged. Never updated or deleted."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="decisions")
    kind = models.CharField(max_length=16, choices=DecisionKind)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    acknowledged = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    conflicts = ArrayField(
        models.CharField(max_length=32, choices=Interest), default=list, blank=True, db_default=[]
    )
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["release", "by", "digest"],
                condition=Q(kind=DecisionKind.APPROVE),
                name="one_approval_of_a_digest_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.kind}"


class Policy(models.Model):
    """What a namespace asks of the reviews of its releases; the defaults where there is no row.

    `bars` are the conflicts of interest that keep a maintainer from deciding; the others are said
    and acknowledged. With `reviews_apart` no reviewer sees what the others said before they are
    done themselves.
    """

    namespace = models.OneToOneField(Namespace, on_delete=models.CASCADE, related_name="policy")
    approvals = models.PositiveSmallIntegerField(default=1)
    reviews_apart = models.BooleanField(default=False, db_default=False)
    bars = ArrayField(
        models.CharField(max_length=32, choices=Interest), default=list, blank=True, db_default=[]
    )

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                name="a_release_needs_an_approval", condition=Q(approvals__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.approvals} approvals in {self.namespace_id}"


class DutyVerdict(models.TextChoices):
    ALLOW = "allow", "allowed"
    REFUSE = "refuse", "refused"


class DutyDecision(models.Model):
    """What a steward decided about a duty that the rules leave to a person, for one revision.
    Never updated or deleted; the newest counts.

    `facts_digest` is over what the rule looked at: once that changes, a steward decides again.
    """

    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="duty_decisions")
    rule = models.CharField(max_length=64)
    facts_digest = models.CharField(max_length=64)
    verdict = models.CharField(max_length=8, choices=DutyVerdict)
    reason = models.CharField(max_length=1000)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="duty_decision_has_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.verdict}"
