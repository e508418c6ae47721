"""Access requests, what was decided about them, and the grants that follow."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from registry.accounts.models import Namespace, User
from registry.catalog.models import Gated, Repository
from registry.ids import new_public_id


class RequestState(models.TextChoices):
    PENDING = "pending", "pending"
    RETURNED = "returned", "waiting for an answer of the person"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"
    LAPSED = "lapsed", "lapsed"
    ENDED = "ended", "over"


WAITING = [RequestState.PENDING, RequestState.RETURNED]
LIVING = [*WAITING, RequestState.ACCEPTED]


class AccessGroup(models.Model):
    """Repositories of one namespace that are asked for together: let into one is let into all."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="access_groups")
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "namespace",
                Lower("name"),
                condition=Q(closed_at=None),
                name="access_group_once_in_a_namespace",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AccessGroupEntry(models.Model):
    """A repository is in a group, since then and up to its removal."""

    group = models.ForeignKey(AccessGroup, on_delete=models.PROTECT, related_name="entries")
    repository = models.ForeignKey(
        Repository, on_delete=models.PROTECT, related_name="group_entries"
    )
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository"], condition=Q(until=None), name="repository_in_one_group"
            ),
            models.CheckConstraint(
                name="group_entry_ends_after_its_start",
                condition=Q(until=None) | Q(until__gte=models.F("since")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repository_id} in {self.group_id}"


class AccessPolicy(models.Model):
    """How the publisher of a repository handles requests; the defaults where there is no row.

    A request that waits `lapse_days` lapses; a grant lasts `grant_days`, or without an end.
    """

    repository = models.OneToOneField(
        Repository, on_delete=models.CASCADE, related_name="access_policy"
    )
    ask_again_days = models.PositiveSmallIntegerField(default=30)
    lapse_days = models.PositiveSmallIntegerField(default=60, db_default=60)
    grant_days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "access policies"
        constraints = [
            models.CheckConstraint(
                name="a_rejected_person_may_ask_again_some_day",
                condition=Q(ask_again_days__lte=3650),
            ),
            models.CheckConstraint(
                name="a_request_waits_some_days",
                condition=Q(lapse_days__gte=1, lapse_days__lte=3650),
            ),
            models.CheckConstraint(
                name="a_grant_lasts_some_days",
                condition=Q(grant_days=None) | Q(grant_days__gte=1, grant_days__lte=3650),
            ),
        ]

    def __str__(self) -> str:
        return f"ask again after {self.ask_again_days} days"


class AccessRequest(models.Model):
    """A person asked the publisher to be let in, or was let in without asking.

    A person has several over time; the newest counts. With a `group` it asks for all repositories
    of it. `mode` is the publisher's lock when it was asked, `wanted_until` the end that the person
    wishes, `reminded_at` when somebody was last told that it waits. `terms_hash` and `prompt_hash` say what was shown, `answers_digest` what was answered; the
    answers themselves stand in `AccessRequestWords`. `agreements.requests` alone writes `state`.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(
        Repository, on_delete=models.PROTECT, related_name="access_requests"
    )
    group = models.ForeignKey(
        AccessGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="requests"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_requests")
    state = models.CharField(max_length=9, choices=RequestState, default=RequestState.PENDING)
    mode = models.CharField(max_length=8, choices=[(g.value, g.label) for g in Gated if g])
    granted_without_asking = models.BooleanField(default=False)
    terms_hash = models.CharField(max_length=64, blank=True)
    prompt_hash = models.CharField(max_length=64, blank=True)
    answers_digest = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=200, blank=True)
    purpose = models.CharField(max_length=500, blank=True, default="", db_default="")
    wanted_until = models.DateTimeField(null=True, blank=True)
    lapses_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "user"],
                condition=Q(state__in=LIVING, group=None),
                name="one_living_request_of_a_person",
            ),
            models.UniqueConstraint(
                fields=["group", "user"],
                condition=Q(state__in=LIVING, group__isnull=False),
                name="one_living_request_for_a_group",
            ),
            models.CheckConstraint(
                name="request_is_dated_once_decided",
                condition=Q(state__in=WAITING, reviewed_at=None, decided_by=None)
                | Q(
                    state__in=[RequestState.ACCEPTED, RequestState.REJECTED],
                    reviewed_at__isnull=False,
                )
                | Q(state__in=[RequestState.WITHDRAWN, RequestState.LAPSED, RequestState.ENDED]),
            ),
            models.CheckConstraint(
                name="reason_belongs_to_a_rejection",
                condition=Q(reason="") | Q(state=RequestState.REJECTED),
            ),
        ]
        indexes = [
            models.Index(fields=["repository", "user", "-id"], name="newest_request_of_a_person"),
            models.Index(fields=["repository", "state", "-id"], name="requests_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.state}"


class AccessRequestWords(models.Model):
    """What the person answered, and the salt of its digest: all of a request that can be erased."""

    request = models.OneToOneField(AccessRequest, on_delete=models.PROTECT, related_name="words")
    answers = models.JSONField(default=dict)
    salt = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"words of {self.request_id}"


class AccessMessage(models.Model):
    """A question of the publisher's about a request, or the person's answer to it. Erasure empties
    `text`."""

    request = models.ForeignKey(AccessRequest, on_delete=models.PROTECT, related_name="messages")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=2000, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"message about {self.request_id}"


class AccessDecision(models.Model):
    """One step of a request, from one state to the next, by whom and why; `by` is nobody where the
    registry itself took it. Never updated or deleted."""

    request = models.ForeignKey(AccessRequest, on_delete=models.PROTECT, related_name="decisions")
    before = models.CharField(max_length=9, choices=RequestState, blank=True)
    after = models.CharField(max_length=9, choices=RequestState)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="access_decision_changes_something", condition=~Q(before=models.F("after"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.before or 'nothing'} to {self.after}"


class Grant(models.Model):
    """The right that an accepted request gives: from its start on, and up to its end.

    It opens the publisher's lock alone; terms are another one. Revoking sets its end. It may be
    limited to files that fit `patterns`, to releases from `first_release` to `last_release` (their
    public ids, empty for no bound) and to a number of `full_downloads`. Another one that goes on
    after it is a row that `renews` it.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    request = models.ForeignKey(AccessRequest, on_delete=models.PROTECT, related_name="grants")
    repository = models.ForeignKey(
        Repository, on_delete=models.PROTECT, related_name="access_grants"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_grants")
    granted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    group = models.ForeignKey(
        AccessGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="grants"
    )
    purpose = models.CharField(max_length=500, blank=True, default="", db_default="")
    patterns = ArrayField(models.CharField(max_length=200), default=list, db_default=[])
    first_release = models.CharField(max_length=24, blank=True, default="", db_default="")
    last_release = models.CharField(max_length=24, blank=True, default="", db_default="")
    full_downloads = models.PositiveIntegerField(null=True, blank=True)
    renews = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="renewals"
    )
    renewal_asked_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(ends_at=None, renews=None),
                name="one_open_grant_of_a_request",
            ),
            models.UniqueConstraint(
                fields=["renews"], condition=Q(revoked_at=None), name="grant_is_renewed_once"
            ),
            models.CheckConstraint(
                name="grant_of_downloads_allows_one",
                condition=Q(full_downloads=None) | Q(full_downloads__gte=1),
            ),
            models.CheckConstraint(
                name="revoked_grant_has_ended",
                condition=Q(revoked_at=None) | Q(ends_at__isnull=False),
            ),
            models.CheckConstraint(
                name="grant_ends_after_its_start",
                condition=Q(ends_at=None) | Q(ends_at__gte=models.F("starts_at")),
            ),
        ]
        indexes = [models.Index(fields=["repository", "user", "-id"], name="grants_of_a_person")]

    def __str__(self) -> str:
        return self.public_id
