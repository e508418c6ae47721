"""How a review is worked on: who takes it, what is remarked where, and what has to be ticked."""

from django.db import models
from django.db.models import F, Q

from registry.accounts.models import Namespace, User
from registry.catalog.models import Revision
from registry.discussions.models import Event
from registry.ids import new_public_id
from registry.releases.models.releases import Release


class Claim(models.Model):
    """A maintainer works on a review until it expires: their own choice, or given by another."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="claims")
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="claims")
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["release", "reviewer"],
                condition=Q(ended_at=None),
                name="claimed_once_by_a_reviewer",
            ),
            models.CheckConstraint(name="claim_lasts_a_while", condition=Q(expires_at__gt=F("at"))),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} on {self.release_id}"


class Place(models.TextChoices):
    """What a remark is about."""

    LINE = "line", "a line"
    FILE = "file", "a file"
    FINDING = "finding", "a finding"
    RELEASE = "release", "the release"


class Side(models.TextChoices):
    BEFORE = "before", "as it was"
    AFTER = "after", "as it is"


class Remark(models.Model):
    """Where a comment of a review is pinned: a line, a file, a finding. The words are the event's,
    in the thread of the release; an answer has the place of the remark that it answers.

    `revision` is what was looked at; `line` counts from 1 on its `side` of the comparison.
    """

    event = models.OneToOneField(Event, on_delete=models.CASCADE, related_name="remark")
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="remarks")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    answers = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="answered_by"
    )
    place = models.CharField(max_length=8, choices=Place)
    path = models.CharField(max_length=1000, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    side = models.CharField(max_length=6, choices=Side, blank=True)
    check_id = models.CharField(max_length=32, blank=True)
    resolved_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="remark_says_where",
                condition=(Q(place="line", line__gte=1, check_id="") & ~Q(path="") & ~Q(side=""))
                | (Q(place="file", line=None, side="", check_id="") & ~Q(path=""))
                | (Q(place="finding", line=None, side="") & ~Q(check_id=""))
                | Q(place="release", line=None, side="", path="", check_id=""),
            ),
            models.CheckConstraint(
                name="remark_is_resolved_by_somebody",
                condition=Q(resolved_at=None, resolved_by=None)
                | Q(resolved_at__isnull=False, resolved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="only_the_first_of_a_thread_is_resolved",
                condition=Q(answers=None) | Q(resolved_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place} {self.path or self.check_id}"


class ChecklistItem(models.Model):
    """What an approver has to have looked at: in one namespace, or everywhere without one. Retired,
    never changed, so that a tick says what it said."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    namespace = models.ForeignKey(
        Namespace, on_delete=models.CASCADE, null=True, blank=True, related_name="checklist"
    )
    text = models.CharField(max_length=300)
    position = models.PositiveIntegerField(default=0)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["namespace", "text"],
                condition=Q(retired_at=None),
                nulls_distinct=False,
                name="checklist_says_a_thing_once",
            ),
            models.CheckConstraint(name="checklist_item_says_something", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return self.text


class ChecklistTick(models.Model):
    """A reviewer looked at this, of exactly this release digest. Evidence: an approval needs one for
    each living item; it is never updated or deleted."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="ticks")
    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="ticks")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["release", "item", "by", "digest"], name="ticked_once_of_a_digest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by} ticked {self.item_id}"


class ReasonTemplate(models.Model):
    """A reason that maintainers give often, to start from. Retired, never changed."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    step = models.CharField(max_length=16)
    title = models.CharField(max_length=100)
    text = models.TextField()
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["step", "title"]
        constraints = [
            models.UniqueConstraint(
                fields=["step", "title"],
                condition=Q(retired_at=None),
                name="reason_of_a_step_has_its_own_title",
            ),
            models.CheckConstraint(
                name="reason_template_says_something", condition=~Q(text="") & ~Q(title="")
            ),
        ]

    def __str__(self) -> str:
        return self.title
