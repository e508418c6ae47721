"""The registry's signed statement about a finished run, bound to the files by their SHA-256."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from registry.audit import keys
from registry.catalog import files
from registry.checks import envelopes, reports
from registry.checks.models import CheckRun, RunState
from registry.errors import NotNow

AT_ONCE = 50
# Whatever no machine with the key came to by then has been without a statement from the beginning
STILL_EXPECTED = timedelta(days=1)


def made_of(run: CheckRun) -> dict[str, Any] | None:
    """The envelope for a run whose report stands. None where this machine has not the key, as
    workers of their own have not: `sign_missing` then signs on one that has."""
    if run.report is None:
        return None
    repository = run.revision.repository
    said = envelopes.statement(
        [(file.path, file.sha256) for file in files.files_of(run.revision)],
        run.report,
        repository={"id": repository.public_id, "name": repository.full_name},
        run=run.public_id,
        finished=reports.instant(run.finished_at),
    )
    try:
        return envelopes.seal(said, keys.sign)
    except NotNow:
        return None


def sign_missing(now: datetime) -> int:
    """Sign what machines without the key finished. Returns how many statements were made."""
    unsigned = CheckRun.objects.filter(
        state=RunState.FINISHED,
        attestation__isnull=True,
        report__isnull=False,
        finished_at__gte=now - STILL_EXPECTED,
    )
    signed = 0
    for key in list(unsigned.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            signed += _sign(key)
    return signed


def _sign(key: int) -> bool:
    run = (
        CheckRun.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("revision__repository__namespace")
        .filter(pk=key, attestation__isnull=True)
        .first()
    )
    if run is None or (made := made_of(run)) is None:
        return False
    run.attestation = made
    run.save(update_fields=["attestation"])
    return True
