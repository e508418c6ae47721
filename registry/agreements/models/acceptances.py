"""Acceptances with what was shown, their signed receipts, and what ends them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_noop

from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, Role, User
from registry.catalog.models import Repository
from registry.ids import new_public_id


class Capacity(models.TextChoices):
    SELF = "self", "for myself"
    ORGANISATION = "organisation", "for my organisation"


class Acceptance(models.Model):
    """A person agreed to one set of terms of one repository, for themselves or, as its signatory,
    for an `organisation`.

    `terms` is the set as it was shown, `terms_hash` its SHA-256. `attested` names the statements
    that were made with it, without anything about the person. Names nobody but by public id; the
    typed words stand in `AcceptanceWords`, which erasure may empty. Never updated or deleted.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="acceptances")
    organisation = models.ForeignKey(
        Namespace, on_delete=models.PROTECT, null=True, blank=True, related_name="acceptances"
    )
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="acceptances")
    terms = models.JSONField()
    terms_hash = models.CharField(max_length=64)
    capacity = models.CharField(max_length=16, choices=Capacity, default=Capacity.SELF)
    release_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    attested = models.JSONField(default=dict, db_default={})
    words_digest = models.CharField(max_length=64)
    token = models.CharField(max_length=24, blank=True)
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "repository", "terms_hash"],
                condition=Q(organisation=None),
                name="terms_accepted_once_by_a_person",
            ),
            models.UniqueConstraint(
                fields=["organisation", "repository", "terms_hash"],
                condition=Q(organisation__isnull=False),
                name="terms_accepted_once_by_an_organisation",
            ),
            models.CheckConstraint(
                name="signatory_accepts_for_an_organisation",
                condition=Q(organisation=None)
                | Q(organisation__isnull=False, capacity=Capacity.ORGANISATION),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class AcceptanceWords(models.Model):
    """Who the person was then, what they typed and answered, and the salt of the digests: all of an
    acceptance that can be erased."""

    acceptance = models.OneToOneField(Acceptance, on_delete=models.PROTECT, related_name="words")
    typed_name = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200, blank=True, default="", db_default="")
    address = models.CharField(max_length=254, blank=True, default="", db_default="")
    country = models.CharField(max_length=2, blank=True, default="", db_default="")
    answers = models.JSONField(default=dict)
    salt = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"words of {self.acceptance_id}"


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def visible_to(self, caller: Caller) -> "ReceiptQuerySet":
        """The one definition of who sees a receipt: who accepted, the admins of the organisation
        that it was for, and stewards. A token for some repositories sees those of these alone."""
        if caller.user is None:
            return self.none()
        found = self
        if caller.repositories is not None:
            found = found.filter(acceptance__repository__public_id__in=caller.repositories)
        if caller.is_steward and caller.can_administer:
            return found
        administered = Membership.objects.filter(user=caller.user, role=Role.ADMIN)
        return found.filter(
            Q(acceptance__user=caller.user)
            | Q(acceptance__organisation__in=administered.values("namespace"))
        )


class Receipt(models.Model):
    """The registry's signed statement of an acceptance. Never updated or deleted.

    `body` is what is signed, as canonical JSON; it names people by opaque id and salted digest.
    """

    acceptance = models.OneToOneField(Acceptance, on_delete=models.PROTECT, related_name="receipt")
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    body = models.JSONField()
    key_id = models.CharField(max_length=24)
    signature = models.BinaryField(max_length=64)
    at = models.DateTimeField()

    objects = ReceiptQuerySet.as_manager()

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return f"/receipts/{self.public_id}"


class EndingEvent(models.TextChoices):
    BREACH = "breach_confirmed", gettext_noop("a breach was confirmed")
    PUBLISHER = "publisher_termination", gettext_noop("the publisher ended the license")
    SUIT = "infringement_suit_by_licensee", gettext_noop("the licensee sued")
    LICENSEE = "licensee_withdraws", gettext_noop("the licensee withdrew")


class Ending(models.Model):
    """The license under an acceptance ended: the acceptance opens nothing from then on, and whoever
    holds the files has to delete them. Never updated or deleted."""

    acceptance = models.OneToOneField(Acceptance, on_delete=models.PROTECT, related_name="ending")
    event = models.CharField(max_length=32, choices=EndingEvent)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.acceptance_id} {self.event}"


class Deletion(models.Model):
    """The licensee says that the files were deleted after the license ended. Never updated or
    deleted."""

    ending = models.OneToOneField(Ending, on_delete=models.PROTECT, related_name="deletion")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"deletion after {self.ending_id}"
