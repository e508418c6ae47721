"""The machines that check: what each can do, and when it was last heard of."""

from django.db import models

from registry.ids import new_public_id


class Queue(models.TextChoices):
    """Which workers may take a job. A model that wants a GPU waits in its own queue."""

    SCAN = "scan", "scanners"
    SMOKE_CPU = "smoke.cpu", "smoke tests on processors"
    SMOKE_GPU = "smoke.gpu", "smoke tests on GPUs"


class Host(models.Model):
    """A machine with workers, by the name that it gives itself.

    `queues` is a list of `{"queue", "slots", "seen_at"}`: several workers of a machine say each
    what they serve. `devices` is a list of `{"id", "uuid", "kind", "name", "memory_mb", "driver",
    "healthy", "note"}`, `isolation` and `versions` are those of the last smoke test. A draining host
    ends what it has and takes nothing new.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    name = models.CharField(max_length=200, unique=True)
    queues = models.JSONField(default=list)
    devices = models.JSONField(default=list)
    isolation = models.JSONField(default=dict)
    versions = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    is_draining = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
