"""What people say about a repository and propose for it, one numbered thread each."""

from django.db import models
from django.db.models import Exists, OuterRef, Q

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.catalog.models import Proposal, Ref, Repository, Revision
from registry.ids import new_public_id

MAX_TITLE = 200


class Kind(models.TextChoices):
    DISCUSSION = "discussion", "discussion"
    PULL_REQUEST = "pull_request", "pull request"


class Status(models.TextChoices):
    DRAFT = "draft", "draft"
    OPEN = "open", "open"
    CLOSED = "closed", "closed"
    MERGED = "merged", "merged"


OPEN = (Status.OPEN, Status.DRAFT)


class DiscussionQuerySet(models.QuerySet["Discussion"]):
    def visible_to(self, caller: Caller) -> "DiscussionQuerySet":
        """The one definition of who may know of a discussion.

        Whoever may know of the repository; but of a review's own thread only those who see
        quarantine, and of a pull request onto a branch only they, its author, and those for whom
        the branch exists.
        """
        known = Q(repository__in=Repository.objects.visible_to(caller), is_internal=False)
        theirs = Q(author=caller.user) if caller.user is not None else Q(pk__in=[])
        base = Q(proposal=None) | Q(_base_is_known()) | plain_hub.where("repository__namespace")
        inside = Q(repository__in=Repository.objects.quarantine_seen_by(caller))
        return self.filter((known & (base | theirs)) | inside)


class Discussion(models.Model):
    """A thread. A pull request is one with a proposal, `refs/pr/N`, where N is its number.

    An internal one belongs to the review of a release.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="discussions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=Kind)
    title = models.CharField(max_length=MAX_TITLE)
    status = models.CharField(max_length=8, choices=Status)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposal = models.OneToOneField(
        Proposal, on_delete=models.CASCADE, null=True, blank=True, related_name="discussion"
    )
    merged_as = models.ForeignKey(
        Revision, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_internal = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DiscussionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "number"], name="discussion_number_once_in_a_repository"
            ),
            models.CheckConstraint(
                name="pull_request_has_a_proposal",
                condition=Q(kind=Kind.DISCUSSION, proposal=None)
                | Q(kind=Kind.PULL_REQUEST, proposal__isnull=False),
            ),
            models.CheckConstraint(
                name="discussion_is_open_or_closed",
                condition=Q(kind=Kind.PULL_REQUEST) | Q(status__in=[Status.OPEN, Status.CLOSED]),
            ),
            models.CheckConstraint(
                name="merged_as_a_revision",
                condition=Q(status=Status.MERGED, merged_as__isnull=False)
                | (~Q(status=Status.MERGED) & Q(merged_as=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repository} #{self.number}"

    def get_absolute_url(self) -> str:
        return f"{self.repository.get_absolute_url()}/discussions/{self.number}"

    @property
    def is_pull_request(self) -> bool:
        return self.kind == Kind.PULL_REQUEST

    @property
    def ref_name(self) -> str:
        return f"refs/pr/{self.number}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


def _base_is_known() -> Exists:
    of_base = Ref.objects.filter(repository=OuterRef("repository"), name=OuterRef("proposal__base"))
    return Exists(of_base.filter(Q(public__isnull=False) | Q(withdrawn__isnull=False)))


class EventKind(models.TextChoices):
    """`review` is a step of a release of which this is the thread; the others are the wire's."""

    COMMENT = "comment", "comment"
    COMMIT = "commit", "commit"
    STATUS = "status-change", "status change"
    TITLE = "title-change", "title change"
    REVIEW = "review", "review"


class Event(models.Model):
    """Something that happened in a thread. `facts` are what its kind says of it.

    An internal one is seen by those who see quarantine.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    discussion = models.ForeignKey(Discussion, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=16, choices=EventKind)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    revision = models.ForeignKey(
        Revision, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    facts = models.JSONField(default=dict, blank=True)
    is_internal = models.BooleanField(default=False)
    hidden_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="commit_event_names_a_revision",
                condition=Q(kind=EventKind.COMMIT, revision__isnull=False)
                | (~Q(kind=EventKind.COMMIT) & Q(revision=None)),
            ),
            models.UniqueConstraint(
                fields=["discussion", "revision"],
                condition=Q(kind=EventKind.COMMIT),
                name="commit_once_in_a_thread",
            ),
            models.CheckConstraint(
                name="only_comments_are_hidden",
                condition=Q(kind=EventKind.COMMENT) | Q(hidden_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} in {self.discussion_id}"


class CommentText(models.Model):
    """What a comment says: the newest text is the comment, those before are its history."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="texts")
    raw = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.raw[:40]
