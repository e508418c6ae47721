"""People, namespaces and the tokens that act for them."""

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower

from registry.ids import new_public_id


class NamespaceKind(models.TextChoices):
    PERSON = "person", "person"
    ORGANISATION = "organisation", "organisation"


class Namespace(models.Model):
    """The first part of a repository's id: the name of a person or an organisation.

    `quota_bytes` bounds what its repositories hold, None stands for the site's default. With
    `publishes_on_commit` it is a plain hub: nothing in it waits for a release.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    name = models.CharField(max_length=96)
    kind = models.CharField(max_length=16, choices=NamespaceKind)
    full_name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    quota_bytes = models.BigIntegerField(null=True, blank=True)
    publishes_on_commit = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="namespace_quota_is_not_negative",
                condition=models.Q(quota_bytes=None) | models.Q(quota_bytes__gte=0),
            ),
            models.UniqueConstraint(Lower("name"), name="namespace_name_is_unique_in_any_case"),
            models.CheckConstraint(
                name="namespace_name_is_well_formed",
                condition=models.Q(name__regex=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_])?$"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/{self.name}"


class ReservedName(models.Model):
    """The one table of names: every name in use or ever used, so that none changes hands."""

    folded = models.CharField(max_length=96, primary_key=True)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="names")

    def __str__(self) -> str:
        return self.folded


class SiteRole(models.TextChoices):
    NONE = "", "none"
    MAINTAINER = "maintainer", "maintainer"
    STEWARD = "steward", "steward"


class UserManager(BaseUserManager["User"]):
    """Only what Django asks for; people are made by `accounts.people`."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person or a service account. Closed, never deleted."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    username = models.CharField(max_length=96)
    email = models.EmailField(blank=True)
    full_name = models.CharField(max_length=200, blank=True)
    namespace = models.OneToOneField(Namespace, on_delete=models.PROTECT, related_name="person")
    site_role = models.CharField(max_length=16, choices=SiteRole, blank=True, default=SiteRole.NONE)
    is_service = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    # As in settings.LANGUAGES; "" where nothing was chosen
    language = models.CharField(max_length=8, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="username_is_unique_in_any_case"),
            models.UniqueConstraint(
                Lower("email"), condition=~models.Q(email=""), name="email_is_unique_in_any_case"
            ),
            models.CheckConstraint(
                name="service_account_has_no_site_role",
                condition=models.Q(is_service=False) | models.Q(site_role=""),
            ),
            models.CheckConstraint(
                name="language_is_spoken_here",
                condition=models.Q(language__in=["", *dict(settings.LANGUAGES)]),
            ),
        ]

    def __str__(self) -> str:
        return self.username


class Role(models.TextChoices):
    READ = "read", "read"
    CONTRIBUTOR = "contributor", "contributor"
    WRITE = "write", "write"
    ADMIN = "admin", "admin"


class Membership(models.Model):
    """A person's role in an organisation, or in a namespace of somebody else."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "namespace"], name="one_role_of_a_person_in_a_namespace"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.role} of {self.namespace}"


class Scope(models.TextChoices):
    READ = "read", "read"
    WRITE = "write", "write"
    ADMIN = "admin", "admin"


class AccessToken(models.Model):
    """A key that acts for a person: shown once, kept as a digest."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=12)
    scope = models.CharField(max_length=8, choices=Scope)
    repositories = ArrayField(models.CharField(max_length=24), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class DeviceLogin(models.Model):
    """A program asks to be signed in, and a person says yes or no on another device.

    Both codes are kept as digests. While neither `allowed_by` nor `denied_at` is set it waits.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    device_digest = models.CharField(max_length=64, unique=True)
    user_digest = models.CharField(max_length=64, unique=True)
    client = models.CharField(max_length=100)
    address = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    polled_at = models.DateTimeField(null=True, blank=True)
    allowed_by = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="device_logins"
    )
    scope = models.CharField(max_length=8, choices=Scope, blank=True)
    denied_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="device_login_is_not_allowed_and_denied",
                condition=models.Q(allowed_by=None) | models.Q(denied_at=None),
            ),
            models.CheckConstraint(
                name="device_login_is_used_once_allowed",
                condition=models.Q(used_at=None)
                | (models.Q(allowed_by__isnull=False) & ~models.Q(scope="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client} {self.public_id}"


class RefreshToken(models.Model):
    """Gets the next token of a device login, once. Coming twice, it ends all that came of it."""

    login = models.ForeignKey(DeviceLogin, on_delete=models.CASCADE, related_name="refresh_tokens")
    token = models.OneToOneField(AccessToken, on_delete=models.CASCADE, related_name="refresh")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"refresh of {self.token_id}"
