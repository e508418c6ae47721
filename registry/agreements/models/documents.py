"""Licenses, policies and notices in immutable versions, and texts found in what people upload."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from registry.accounts.models import User
from registry.catalog.models import Repository, Revision
from registry.ids import new_public_id


class DocumentKind(models.TextChoices):
    LICENSE = "license", "license"
    POLICY = "policy", "acceptable-use policy"
    NOTICE = "notice", "notice"


class Document(models.Model):
    """A license, an acceptable-use policy or a notice; its texts are versions.

    `hub_tags` are the values of a card's `license` that mean it, `license_names` those of
    `license_name` beside `license: other`. `is_site_policy` marks the policy that every download
    from this site is under. One that only refers to another `stands_for` it: its texts and duties
    are the other's.
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
    stands_for = models.ForeignKey(
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
    JSON. `normalised` is the hash of its words alone, by which copies with other markup are known;
    empty without a text. `source` says where the text was taken from. The database refuses to
    update or delete a row.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=64)
    effective_date = models.DateField(null=True, blank=True)
    text = models.BinaryField(null=True, blank=True)
    summary = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    normalised = models.CharField(max_length=64, blank=True, db_default="", default="")
    source = models.JSONField(default=dict, db_default={})
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


class FoundState(models.TextChoices):
    RECOGNISED = "recognised", "recognised"
    UNKNOWN = "unknown", "unknown"
    TAKEN = "taken", "taken as a version"
    DISMISSED = "dismissed", "dismissed"


class FoundText(models.Model):
    """A license, policy or notice file of a repository: which version its words are, or that no
    steward has said yet."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="found_texts")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=255)
    kind = models.CharField(max_length=8, choices=DocumentKind)
    sha256 = models.CharField(max_length=64)
    normalised = models.CharField(max_length=64)
    version = models.ForeignKey(
        DocumentVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=10, choices=FoundState)
    found_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "path", "sha256"], name="text_found_once_in_a_repository"
            ),
            models.CheckConstraint(
                name="found_text_is_a_version_once_known",
                condition=Q(state__in=["recognised", "taken"], version__isnull=False)
                | Q(state__in=["unknown", "dismissed"], version=None),
            ),
            models.CheckConstraint(
                name="found_text_is_decided_by_somebody",
                condition=Q(
                    state__in=["taken", "dismissed"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                )
                | Q(state__in=["recognised", "unknown"], decided_by=None, decided_at=None),
            ),
        ]
        indexes = [
            models.Index(fields=["-id"], condition=Q(state="unknown"), name="found_text_unknown"),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.state}"
