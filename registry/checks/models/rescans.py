"""Running a new edition of the checks over what is released, before its verdicts count."""

from django.db import models
from django.db.models import Q

from registry.accounts.models import User
from registry.ids import new_public_id


class Rescan(models.Model):
    """All released revisions, checked once more. Its verdicts are only compared until a
    maintainer adopts them; given up, they are never more than that. `checks` says in which versions
    they were (`document.CHECKS`). The site itself started those that nobody did."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    catalogue = models.CharField(max_length=16)
    checks = models.CharField(max_length=64, blank=True, default="", db_default="")
    reason = models.TextField()
    started_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField()
    adopted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    adopted_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="rescan_is_adopted_by_somebody",
                condition=Q(adopted_at=None, adopted_by=None)
                | Q(adopted_at__isnull=False, adopted_by__isnull=False),
            ),
            models.CheckConstraint(
                name="rescan_is_adopted_or_given_up",
                condition=Q(adopted_at=None) | Q(given_up_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.catalogue} {self.public_id}"
