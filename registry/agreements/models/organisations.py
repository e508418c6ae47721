"""Who may sign for an organisation, and which of its members joined what was signed."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from registry.accounts.models import Namespace, User
from registry.agreements.models.acceptances import Acceptance
from registry.ids import new_public_id


class Domain(models.Model):
    """A mail domain of an organisation, once a steward confirmed it: who signs for the organisation
    has a verified address in it."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    organisation = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="domains")
    domain = models.CharField(max_length=253)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                "organisation",
                Lower("domain"),
                condition=Q(ended_at=None),
                name="domain_once_of_an_organisation",
            ),
            models.UniqueConstraint(
                Lower("domain"),
                condition=Q(ended_at=None, confirmed_at__isnull=False),
                name="confirmed_domain_is_of_one_organisation",
            ),
            models.CheckConstraint(
                name="domain_is_confirmed_by_somebody",
                condition=Q(confirmed_at=None, confirmed_by=None)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.domain


class Adherence(models.Model):
    """A member joined what the organisation's signatory accepted. Never updated or deleted.

    `membership` is the key of the membership by which they could: it is gone once they leave, and
    coming back makes another one.
    """

    acceptance = models.ForeignKey(Acceptance, on_delete=models.PROTECT, related_name="adherences")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="adherences")
    membership = models.BigIntegerField()
    token = models.CharField(max_length=24, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["acceptance", "user", "membership"], name="member_adheres_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} adheres to {self.acceptance_id}"
