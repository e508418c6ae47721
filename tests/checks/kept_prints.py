"""Fingerprints as a finished run keeps them."""

from django.utils import timezone

from registry.checks.lineage import fingerprints
from registry.checks.models import CheckRun, Fingerprint


def keep(run: CheckRun, prints: fingerprints.Prints) -> None:
    Fingerprint.objects.create(
        run=run,
        weights_digest=prints.weights_digest,
        shape_key=prints.shape_key,
        parameters=prints.parameters,
        tensors=fingerprints.encode(prints),
        created_at=timezone.now(),
    )
