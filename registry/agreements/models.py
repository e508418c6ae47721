"""Documents in immutable versions, acceptances with what was shown, access requests and grants."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from registry.accounts.models import User
from registry.catalog.models import Gated, Repository
from registry.ids import new_public_id


class DocumentKind(models.TextChoices):
    LICENSE = "license", "license"
    POLICY = "policy", "acceptable-use policy"
    NOTICE = "notice", "notice"


class Document(models.Model):
    """A license, an acceptable-use policy or a notice; its texts are versions.

    `hub_tags` are the values of a card's `license` that mean it, `license_names` those of
    `license_name` beside `license: other`. `is_site_policy` marks the policy that every download
    from this site is under.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    slug = models.SlugField(max_length=100, unique=True)
    kind = models.CharField(max_length=8, choices=DocumentKind)
    title = models.CharField(max_length=300)
    publisher = models.CharField(max_length=300, blank=True)
    official_url = models.URLField(max_length=500, blank=True)
    hub_tags = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    license_names = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    policy = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    needs_acceptance = models.BooleanField()
    is_site_policy = models.BooleanField(default=False)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_site_policy"],
                condition=Q(is_site_policy=True),
                name="one_policy_of_the_site",
            ),
            models.CheckConstraint(
                name="site_policy_is_a_policy",
                condition=Q(is_site_policy=False) | Q(kind=DocumentKind.POLICY),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/licenses/{self.slug}"


class DocumentVersion(models.Model):
    """One immutable text, or where no text was loaded, our summary with the official link.

    `sha256` is over the exact bytes of the text; without a text, over the summary as canonical
    JSON. The database refuses to update or delete a row.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=64)
    effective_date = models.DateField(null=True, blank=True)
    text = models.BinaryField(null=True, blank=True)
    summary = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    loaded_by = models.CharField(max_length=24, blank=True)
    loaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["document", "sha256"], name="text_once_in_a_document"),
            models.UniqueConstraint(
                fields=["document", "version"],
                condition=Q(text__isnull=False),
                name="one_text_of_a_version",
            ),
            models.CheckConstraint(
                name="document_version_is_named_by_sha256",
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} {self.version}"

    @property
    def has_text(self) -> bool:
        return self.text is not None

    @property
    def words(self) -> str:
        """The text for people to read; undecodable bytes shown as such."""
        return bytes(self.text).decode(errors="replace") if self.text is not None else ""


class Capacity(models.TextChoices):
    SELF = "self", "for myself"
    ORGANISATION = "organisation", "for my organisation"


class Acceptance(models.Model):
    """A person agreed to one set of terms of one repository.

    `terms` is the set as it was shown, `terms_hash` its SHA-256. Names nobody but by public id;
    the typed words stand in `AcceptanceWords`, which erasure may empty. Never updated or deleted.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="acceptances")
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="acceptances")
    terms = models.JSONField()
    terms_hash = models.CharField(max_length=64)
    capacity = models.CharField(max_length=16, choices=Capacity, default=Capacity.SELF)
    words_digest = models.CharField(max_length=64)
    token = models.CharField(max_length=24, blank=True)
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "repository", "terms_hash"],
                name="terms_accepted_once_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class AcceptanceWords(models.Model):
    """What the person typed, and the salt of its digest: all of an acceptance that can be erased."""

    acceptance = models.OneToOneField(Acceptance, on_delete=models.PROTECT, related_name="words")
    typed_name = models.CharField(max_length=200, blank=True)
    answers = models.JSONField(default=dict)
    salt = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"words of {self.acceptance_id}"


class RequestState(models.TextChoices):
    PENDING = "pending", "pending"
    ACCEPTED = "accepted", "accepted"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"


LIVING = [RequestState.PENDING, RequestState.ACCEPTED]


class AccessPolicy(models.Model):
    """How the publisher of a repository handles requests; the defaults where there is no row."""

    repository = models.OneToOneField(
        Repository, on_delete=models.CASCADE, related_name="access_policy"
    )
    ask_again_days = models.PositiveSmallIntegerField(default=30)

    class Meta:
        verbose_name_plural = "access policies"
        constraints = [
            models.CheckConstraint(
                name="a_rejected_person_may_ask_again_some_day",
                condition=Q(ask_again_days__lte=3650),
            ),
        ]

    def __str__(self) -> str:
        return f"ask again after {self.ask_again_days} days"


class AccessRequest(models.Model):
    """A person asked the publisher to be let in, or was let in without asking.

    A person has several over time; the newest counts. `mode` is the publisher's lock when it was
    asked. `terms_hash` and `prompt_hash` say what was shown, `answers_digest` what was answered; the
    answers themselves stand in `AccessRequestWords`. `agreements.requests` alone writes `state`.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(
        Repository, on_delete=models.PROTECT, related_name="access_requests"
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

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "user"],
                condition=Q(state__in=LIVING),
                name="one_living_request_of_a_person",
            ),
            models.CheckConstraint(
                name="request_is_dated_once_decided",
                condition=Q(state=RequestState.PENDING, reviewed_at=None, decided_by=None)
                | Q(
                    state__in=[RequestState.ACCEPTED, RequestState.REJECTED],
                    reviewed_at__isnull=False,
                )
                | Q(state=RequestState.WITHDRAWN),
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

    It opens the publisher's lock alone; terms are another one. Revoking sets its end.
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

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=Q(ends_at=None), name="one_open_grant_of_a_request"
            ),
            models.CheckConstraint(
                name="grant_ends_after_its_start",
                condition=Q(ends_at=None) | Q(ends_at__gte=models.F("starts_at")),
            ),
        ]
        indexes = [models.Index(fields=["repository", "user", "-id"], name="grants_of_a_person")]

    def __str__(self) -> str:
        return self.public_id
