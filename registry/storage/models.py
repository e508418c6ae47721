"""What is stored. A row exists only for bytes that are all there and were verified."""

from django.db import models


class Blob(models.Model):
    """Bytes, named by their SHA-256; shared by every repository that holds them."""

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="blob_is_named_by_sha256", condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(
                name="blob_size_is_not_negative", condition=models.Q(size__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.sha256
