"""When the result of an earlier run holds for another revision: the same files in the same repository,
the same checks and libraries, the same of everything else that a verdict rests on."""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings

from registry.audit import canonical
from registry.catalog.models import Revision
from registry.checks import catalogue
from registry.checks.lineage import references
from registry.checks.models import (
    CachedResult,
    CheckRun,
    FindingRow,
    Fingerprint,
    Host,
    Job,
    JobKind,
    JobState,
    RunState,
    Verdict,
)
from registry.checks.scanners import SCANNER_VERSION

WHOLE_RUN = "run"
# What is published meanwhile, which lineage is searched in, is no part of the key
KEPT = timedelta(days=1)
# What it knows changes from hour to hour
FRESH_ENGINES = {"clamav"}

Row = TypeVar("Row", FindingRow, Fingerprint)


def key_of(revision: Revision, *, profile: str, device: str) -> str:
    """Of all that decides what a run of this revision would find, but the libraries of a worker."""
    repository = revision.repository
    bases = [
        [declared.name, declared.relation, _published(declared.revision)]
        for declared in references.declared_by(revision)
    ]
    return canonical.digest(
        {
            "manifest": revision.manifest_digest,
            "repository": repository.full_name,
            "type": str(repository.type),
            "profile": str(profile),
            "device": device,
            "bases": bases,
            "catalogue": catalogue.CATALOGUE,
            "checks": catalogue.VERSIONS,
            "scanner": SCANNER_VERSION,
            "engines": list(settings.CHECK_ENGINES),
            "memory": settings.CHECK_MEMORY_MIB,
            "seconds": settings.CHECK_RUN_SECONDS,
            "isolation": settings.CHECK_MIN_ISOLATION,
        }
    )


def note(run: CheckRun, now: datetime) -> None:
    """Remember a run that ended, for revisions of the same files."""
    CachedResult.objects.filter(check_id=WHOLE_RUN, used_at__lt=now - KEPT).delete()
    if run.verdict == Verdict.ERROR or run.rescan_id is not None or _taken_over(run):
        return
    key = key_of(run.revision, profile=run.profile, device=_device(run))
    known = CachedResult(
        key=key,
        check_id=WHOLE_RUN,
        findings={"run": run.public_id},
        created_at=now,
        used_at=now,
    )
    CachedResult.objects.bulk_create(
        [known],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["check_id", "findings", "created_at", "used_at"],
    )


def earlier(revision: Revision, *, profile: str, device: str, now: datetime) -> CheckRun | None:
    """The run whose result is this revision's as well; none where it is unknown which libraries a
    worker would use now."""
    same_files = CheckRun.objects.filter(
        revision__repository=revision.repository_id,
        revision__manifest_digest=revision.manifest_digest,
        state=RunState.FINISHED,
        report__isnull=False,
    )
    if not same_files.exists() or FRESH_ENGINES & set(settings.CHECK_ENGINES):
        return None
    versions = _versions(device)
    key = key_of(revision, profile=profile, device=device)
    known = CachedResult.objects.filter(key=key, created_at__gt=now - KEPT).first()
    if known is None or not versions:
        return None
    run = same_files.filter(public_id=known.findings["run"]).first()
    if run is None or not _same(versions, (run.report or {})["versions"]):
        return None
    return run


def take_over(run: CheckRun, source: CheckRun, now: datetime) -> None:
    """Give a run that has not begun the result of another. Whoever calls ends it."""
    note_of_it = (
        f"The same files were checked in run {source.public_id}; its result holds here too."
    )
    done = {job.kind: job for job in source.jobs.all()}
    for job in run.jobs.all():
        before = done[job.kind]
        job.state = before.state
        job.result, job.queue = before.result, before.queue
        job.note = note_of_it if before.state == JobState.DONE else before.note
        job.due_at, job.started_at, job.finished_at = None, now, now
        job.save()
    FindingRow.objects.bulk_create(_copy(row, run) for row in source.findings.all())
    Fingerprint.objects.bulk_create(_copy(row, run) for row in source.fingerprints.all())
    run.started_at = now
    run.save(update_fields=["started_at"])


def _copy(row: Row, run: CheckRun) -> Row:
    row.pk, row.run = None, run
    row._state.adding = True
    return row


def _published(revision: Revision | None) -> str:
    return revision.manifest_digest if revision else ""


def _device(run: CheckRun) -> str:
    """The queue of the smoke test, which says on which kind of device it ran."""
    return str(run.jobs.get(kind=JobKind.SMOKE).queue)


def _taken_over(run: CheckRun) -> bool:
    return not Job.objects.filter(run=run, attempt__gt=0).exists()


def _versions(queue: str) -> dict[str, Any]:
    """Those of the last smoke test on the machine of that kind that was heard of last."""
    for host in Host.objects.order_by("-seen_at").exclude(versions={}):
        if any(served["queue"] == queue for served in host.queues):
            return dict(host.versions)
    return {}


def _same(versions: dict[str, Any], used: dict[str, Any]) -> bool:
    """A smoke test that did not run used none."""
    return all(used.get(name, version) == version for name, version in versions.items())
