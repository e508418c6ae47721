"""Campaigns that change the terms in force."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from registry.accounts.models import User
from registry.agreements.models import Document, DocumentVersion
from registry.ids import new_public_id
from registry.releases.models.releases import Release


class CampaignKind(models.TextChoices):
    EDITORIAL = "editorial", "editorial: acceptances carry over"
    MATERIAL = "material", "material: everybody is asked again"


class Campaign(models.Model):
    """A new version of a text takes the place of another in the terms of what is released, from
    `effective_at` on, once a second steward confirmed it."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="campaigns")
    version = models.ForeignKey(DocumentVersion, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9, choices=CampaignKind)
    note = models.CharField(max_length=2000)
    effective_at = models.DateTimeField()
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    reminded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["document"],
                condition=Q(confirmed_at=None, cancelled_at=None),
                name="one_proposed_campaign_of_a_document",
            ),
            models.CheckConstraint(
                name="campaign_needs_a_second_steward",
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=models.F("opened_by")),
            ),
            models.CheckConstraint(
                name="campaign_is_confirmed_by_somebody",
                condition=Q(confirmed_at=None, confirmed_by=None)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_is_cancelled_before_it_takes_effect",
                condition=Q(cancelled_at=None, cancelled_by=None)
                | Q(cancelled_by__isnull=False, cancelled_at__isnull=False)
                & (Q(confirmed_at=None) | Q(cancelled_at__lt=models.F("effective_at"))),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} {self.kind}"


class TermsChange(models.Model):
    """The terms in force of a release from `from_at` on, by a campaign. Never updated or deleted.

    `counts` are the hashes of the sets whose acceptance opens the release from then on.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="changes")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="terms_changes")
    terms = models.JSONField()
    terms_hash = models.CharField(max_length=64)
    counts = ArrayField(models.CharField(max_length=64))
    from_at = models.DateTimeField()

    class Meta:
        ordering = ["from_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "release"], name="terms_changed_once_by_a_campaign"
            ),
        ]
        indexes = [models.Index(fields=["release", "-from_at"], name="terms_of_a_release")]

    def __str__(self) -> str:
        return f"{self.release_id} from {self.from_at:%Y-%m-%d}"


class CampaignNoticeKind(models.TextChoices):
    ANNOUNCED = "announced", "the terms will change"
    REMINDED = "reminded", "the grace is about to end"
    CANCELLED = "cancelled", "nothing changes after all"


class CampaignNotice(models.Model):
    """Somebody was told of a campaign; a second mail of the same kind is never written."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="notices")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9, choices=CampaignNoticeKind)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "kind", "user"], name="told_once_of_a_campaign"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.kind}"
