"""The chained log of governance acts, its signed checkpoints, the signing keys, and the access log."""

from django.db import models


class SigningKey(models.Model):
    """The public half of a key that the registry signs with. Old ones are kept for ever."""

    key_id = models.CharField(max_length=24, unique=True)
    algorithm = models.CharField(max_length=16, default="ed25519")
    public_key = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["algorithm"],
                condition=models.Q(retired_at=None),
                name="one_signing_key_in_use",
            ),
        ]

    def __str__(self) -> str:
        return self.key_id


class Entry(models.Model):
    """One governance act. Rows name things by public id; they hold no foreign keys.

    The database refuses to update or delete a row.
    """

    sequence = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    event = models.CharField(max_length=64)
    actor = models.CharField(max_length=24, blank=True)
    subject_type = models.CharField(max_length=32)
    subject = models.CharField(max_length=64)
    details = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["sequence"]
        indexes = [
            models.Index(fields=["subject_type", "subject", "sequence"], name="entry_by_subject"),
            models.Index(fields=["actor", "sequence"], name="entry_by_actor"),
        ]
        constraints = [
            models.CheckConstraint(
                name="entry_sequence_is_positive", condition=models.Q(sequence__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.event}"


class Checkpoint(models.Model):
    """The registry's signature under the head of the chain at one moment."""

    sequence = models.BigIntegerField(unique=True)
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    key_id = models.CharField(max_length=24)
    signature = models.BinaryField(max_length=64)

    def __str__(self) -> str:
        return f"checkpoint {self.sequence}"


class Access(models.Model):
    """One download that the gate allowed. Partitioned by month; too many rows for the chain."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=24, blank=True)
    token = models.CharField(max_length=24, blank=True)
    repository = models.CharField(max_length=24)
    revision = models.CharField(max_length=40)
    release_digest = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=1024)
    sha256 = models.CharField(max_length=64)
    first_byte = models.BigIntegerField()
    last_byte = models.BigIntegerField()
    size = models.BigIntegerField()
    reason = models.CharField(max_length=32)
    acceptance = models.CharField(max_length=24, blank=True)
    grant = models.CharField(max_length=24, blank=True, db_default="", db_column="access_grant")
    request_id = models.CharField(max_length=64, blank=True)
    # The bytes were not sent but a link to them, which lives so long; 0 where they were sent
    link_seconds = models.IntegerField(default=0, db_default=0)

    class Meta:
        verbose_name_plural = "accesses"
        managed = False
        db_table = "audit_access"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.path}"
