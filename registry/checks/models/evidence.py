"""What checks leave besides findings: fingerprints of weights, results used again, overrides."""

from django.db import models

from registry.accounts.models import User
from registry.catalog.models import Revision
from registry.checks.models.runs import CheckRun
from registry.ids import new_public_id


class Fingerprint(models.Model):
    """What a run measured of one model in a revision, to compare other models with.

    `target` is which of several. `weights_digest` is over names and hashes of all tensors,
    `shape_key` over the shapes of one layer: only models with the same key are compared.
    `tensors` holds the samples of each tensor (`checks.lineage.fingerprints` writes and reads it),
    `facts` tokenizer, template, figures and the answers to the fixed texts.
    """

    run = models.ForeignKey(CheckRun, on_delete=models.CASCADE, related_name="fingerprints")
    target = models.CharField(max_length=1024, blank=True)
    weights_digest = models.CharField(max_length=64, db_index=True)
    shape_key = models.CharField(max_length=64, db_index=True)
    parameters = models.BigIntegerField()
    tensors = models.BinaryField()
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "target"], name="one_fingerprint_of_a_model_in_a_run"
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.target}"


class CachedResult(models.Model):
    """What a check found before, by a key over everything that it looked at."""

    key = models.CharField(max_length=64, unique=True)
    check_id = models.CharField(max_length=32)
    findings = models.JSONField(default=list)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.check_id} {self.key[:12]}"


class Override(models.Model):
    """One maintainer's written reason why a blocking finding need not hold a revision. Two of them,
    neither an author, lift it. Bound to the manifest that was looked at."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="overrides")
    manifest_digest = models.CharField(max_length=64)
    check_id = models.CharField(max_length=32)
    reason = models.TextField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "check_id", "by"],
                condition=models.Q(withdrawn_at=None),
                name="one_override_of_a_maintainer_for_a_check",
            )
        ]

    def __str__(self) -> str:
        return f"{self.check_id} of {self.revision_id}"
