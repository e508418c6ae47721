"""What comes after a release: advisories and who is told, and what the public reports."""

from django.db import models
from django.db.models import F, Q

from registry.accounts.callers import Caller
from registry.accounts.models import Membership, User
from registry.catalog.models import Repository
from registry.ids import new_public_id
from registry.releases.models.releases import Release


class AdvisoryKind(models.TextChoices):
    SUSPENSION = "suspension", "suspended"
    RECALL = "recall", "recalled"
    RESTORATION = "restoration", "restored"
    NOTICE = "notice", "notice"


class AdvisoryCategory(models.TextChoices):
    MALWARE = "malware", "harmful code or files"
    LICENSE = "license", "license or terms"
    PRIVACY = "privacy", "personal data"
    RIGHTS = "rights", "rights of others"
    SAFETY = "safety", "unsafe behaviour"
    QUALITY = "quality", "broken or worse than said"
    OTHER = "other", "something else"


class Severity(models.TextChoices):
    CRITICAL = "critical", "critical: stop using it now"
    HIGH = "high", "high: replace it soon"
    MODERATE = "moderate", "moderate: look at it"
    LOW = "low", "low: for your information"


class AdvisoryQuerySet(models.QuerySet["Advisory"]):
    def visible_to(self, caller: Caller) -> "AdvisoryQuerySet":
        """Those of repositories that the caller may know of."""
        return self.filter(repository__in=Repository.objects.visible_to(caller))


class Advisory(models.Model):
    """What everybody is told about releases that went out. Never updated or deleted: what is wrong in
    one is said in another that `follows` it."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="advisories")
    kind = models.CharField(max_length=12, choices=AdvisoryKind)
    category = models.CharField(max_length=8, choices=AdvisoryCategory)
    severity = models.CharField(max_length=8, choices=Severity)
    reason = models.TextField()
    follows = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="followed_by"
    )
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    objects = AdvisoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "advisories"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="advisory_has_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    def get_absolute_url(self) -> str:
        return f"/advisories/{self.public_id}"


class AdvisoryScope(models.Model):
    """A release that an advisory is about. Never updated or deleted."""

    advisory = models.ForeignKey(Advisory, on_delete=models.PROTECT, related_name="scope")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="advised")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["advisory", "release"], name="release_once_in_an_advisory"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.advisory_id} of {self.release_id}"


class Recipient(models.TextChoices):
    """Why somebody is told."""

    ACCEPTED = "accepted", "accepted its terms"
    DOWNLOADED = "downloaded", "downloaded it"
    DERIVED = "derived", "publishes a model that comes from it"


class AdvisoryNotice(models.Model):
    """Somebody was told of an advisory, once, and may have said that they read it."""

    advisory = models.ForeignKey(Advisory, on_delete=models.PROTECT, related_name="notices")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="advisory_notices")
    because = models.CharField(max_length=10, choices=Recipient)
    at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["advisory", "user"], name="told_once_of_an_advisory"),
            models.CheckConstraint(
                name="advisory_is_acknowledged_after_it_was_sent",
                condition=Q(acknowledged_at=None) | Q(acknowledged_at__gte=F("at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} of {self.advisory_id}"


class ReportState(models.TextChoices):
    OPEN = "open", "open"
    ANSWERED = "answered", "answered"
    APPEALED = "appealed", "appealed"
    CLOSED = "closed", "closed"


class ReportQuerySet(models.QuerySet["Report"]):
    def visible_to(self, caller: Caller) -> "ReportQuerySet":
        """A case is private: its reporter and site maintainers, nobody else. Of a namespace that a
        maintainer belongs to they see no case of others: whom it concerns never learns who
        reported."""
        if caller.user is None or caller.token:
            return self.none()
        own = Q(reporter=caller.user)
        if not caller.is_maintainer:
            return self.filter(own)
        theirs = Membership.objects.filter(user=caller.user).values("namespace")
        concerned = Q(repository__namespace=caller.user.namespace_id) | Q(
            repository__namespace__in=theirs
        )
        return self.filter(own | ~concerned)


class Report(models.Model):
    """Somebody says that a repository is against a policy or a law: a private case."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="reports")
    release = models.ForeignKey(
        Release, on_delete=models.PROTECT, null=True, blank=True, related_name="reports"
    )
    path = models.CharField(max_length=1000, blank=True)
    category = models.CharField(max_length=64)
    text = models.TextField()
    reporter = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reports")
    handler = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=8, choices=ReportState, default=ReportState.OPEN)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="report_is_dated_once_closed",
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at=None)),
            ),
            models.UniqueConstraint(
                fields=["repository", "reporter", "category"],
                condition=Q(state="open"),
                name="one_open_report_of_a_kind_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.public_id}"

    def get_absolute_url(self) -> str:
        return f"/reports/{self.public_id}"


class ReportMessage(models.Model):
    """What is said in a case. An internal one is seen by maintainers alone."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="messages")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    is_internal = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="report_message_says_something", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return f"{self.by} in {self.report_id}"


class Outcome(models.TextChoices):
    UPHELD = "upheld", "upheld"
    PARTLY = "partly", "upheld in part"
    DISMISSED = "dismissed", "dismissed"


class ReportAnswer(models.Model):
    """The statement of reasons: what was found, on what ground, what is done. The answer to an appeal
    is by somebody else than the first. Never updated or deleted."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="answers")
    is_of_appeal = models.BooleanField(default=False)
    outcome = models.CharField(max_length=9, choices=Outcome)
    facts = models.TextField()
    ground = models.TextField()
    measure = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "is_of_appeal"],
                name="one_answer_to_a_report_and_one_to_its_appeal",
            ),
            models.UniqueConstraint(
                fields=["report", "by"], name="an_appeal_is_answered_by_somebody_else"
            ),
            models.CheckConstraint(
                name="answer_gives_facts_ground_and_measure",
                condition=~Q(facts="") & ~Q(ground="") & ~Q(measure=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.report_id}"


class Appeal(models.Model):
    """Somebody whom the answer concerns, reporter or publisher, asks for another look. Once."""

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="appeal")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="appeal_says_why", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return f"appeal of {self.report_id}"
