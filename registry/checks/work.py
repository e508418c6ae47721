"""What a worker does with a job that it has claimed, and how long that may take."""

import errno
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.utils import timezone

from registry.catalog import files
from registry.catalog.models import RepositoryType
from registry.checks import document, engines, file_results, hosts, leases, runs, scanners
from registry.checks.engines import Ballot, EngineFailed, Vote
from registry.checks.findings import Finding, ModelFile, Verdict, escaped, verdict
from registry.checks.leases import Lease, LeaseLost
from registry.checks.lineage import judge, references
from registry.checks.models import Job, JobKind
from registry.checks.runs import Outcome
from registry.checks.scanners import ScannerCrashed
from registry.checks.scanners.folder import Folder
from registry.checks.smoke import launcher
from registry.checks.smoke.launcher import Limits, SmokeError
from registry.checks.smoke.limits import Base
from registry.errors import StorageFull, StorageUnavailable
from registry.storage import blobs

log = logging.getLogger(__name__)

GIB = 1024**3
# The scanners need a minute and four seconds a GiB; a slow disk may take five times that.
SCAN_SECONDS, SCAN_SECONDS_A_GIB = 300, 20
TEXT_SECONDS, WEIGHTS_SECONDS_A_GIB = 60, 10
# Past its own limit the smoke test still has to end its program and to tell what it knows.
SMOKE_GRACE_SECONDS = 120
FAILURES = (
    EngineFailed,
    ScannerCrashed,
    SmokeError,
    SoftTimeLimitExceeded,
    OSError,
    StorageFull,
    StorageUnavailable,
)


def perform(job: Job) -> None:
    """Do a claimed job and write what came of it. A failure of ours is never a verdict."""
    with leases.keep(job) as lease:
        try:
            outcome = WORK[JobKind(job.kind)](job, lease)
        except LeaseLost:
            log.warning("%s is another attempt's by now; attempt %s ends.", job, job.attempt)
        except FAILURES as error:
            log.exception("%s failed in attempt %s", job, job.attempt)
            reason = _reason(error)
            leases.persist(lambda: runs.fail(job, reason=reason))
        else:
            leases.persist(lambda: runs.finish(job, outcome))


def seconds_allowed(job: Job) -> int:
    """After how long the worker gives the job up, by the size of what it reads."""
    if job.kind == JobKind.SCAN:
        return int(SCAN_SECONDS + SCAN_SECONDS_A_GIB * _gib(job))
    return int(_smoke_seconds(job) + SMOKE_GRACE_SECONDS)


def scratch_folder() -> Path:
    """Where smoke tests keep what they need for as long as they run."""
    folder = settings.CACHE_DIR / "smoke"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _scan(job: Job, lease: Lease) -> Outcome:
    lease.tell("scan", "started")

    def show(check: str, done: float) -> None:
        lease.tell("scan", "progress", done=round(done, 3), note=check)

    repository = job.run.revision.repository
    is_dataset = repository.type == RepositoryType.DATASET
    now = timezone.now()
    with _model_files(job) as model:
        known = file_results.known(job.run, model, now=now)
        result = scanners.scan(
            model,
            repository=repository.full_name,
            is_dataset=is_dataset,
            known=known.paths,
            on_progress=show,
        )
        is_blocked = verdict(result.findings) is Verdict.BLOCKED
        judged = engines.judge(model, _ballot(known.votes), is_blocked=is_blocked)
        file_results.keep(job.run, model, result.clean, judged.votes, now=now)
    reason = _known_before(len(known.paths), len(model))
    stage = {"name": "scan", "status": "done", "seconds": result.seconds, "reason": reason}
    return Outcome(
        [*result.findings, *judged.findings],
        {
            "stages": [stage],
            "versions": document.versions_of_checks(),
            "engines": engines.recorded(judged.votes),
        },
    )


def _known_before(files: int, of: int) -> str | None:
    if not files:
        return None
    return (
        f"{files} of {of} files passed the same checks before; their contents were not read again."
    )


def _ballot(known: Mapping[tuple[str, str], Vote]) -> Ballot:
    return Ballot(
        tuple(settings.CHECK_ENGINES),
        seconds=settings.CHECK_ENGINE_SECONDS,
        clamd=settings.CHECK_CLAMD,
        clamd_mib=settings.CHECK_CLAMD_MIB,
        cgroup=settings.CHECK_CGROUP,
        known=known,
    )


def _smoke(job: Job, lease: Lease) -> Outcome:
    with _model_files(job) as model, _base(job, model) as (base, of_adapters):
        result = launcher.run(
            model,
            repository=job.run.revision.repository.full_name,
            limits=Limits(
                seconds=_smoke_seconds(job),
                memory_mib=settings.CHECK_MEMORY_MIB,
                min_isolation=settings.CHECK_MIN_ISOLATION,
                cpus=settings.CHECK_CPUS,
                cgroup=settings.CHECK_CGROUP,
            ),
            profile=job.run.profile,
            base=base,
            scratch=scratch_folder(),
            on_event=lambda event: _show(event, lease),
        )
    if job.host is not None:
        hosts.note_test(job.host.name, isolation=result.isolation, versions=result.versions)
    judged = judge.judge(job.run, result.records, metrics=result.metrics, now=timezone.now())
    return Outcome(
        [*of_adapters, *result.findings, *judged.findings],
        {
            "stages": [*result.stages, judged.stage],
            "metrics": result.metrics,
            "samples": result.samples,
            "device": result.device,
            "versions": result.versions,
            "isolation": result.isolation,
            "log_tail": result.log_tail,
            "lineage": judged.report,
        },
        judged.rows,
    )


def _show(event: dict[str, Any], lease: Lease) -> None:
    """An event of the smoke test, which the launcher has checked."""
    if event["event"] == "pulse":
        lease.check()
        return
    lease.tell(
        event["stage"],
        event.get("status", "progress"),
        done=event.get("done"),
        note=event.get("note") or event.get("reason") or "",
        target=event.get("target", ""),
    )


@contextmanager
def _model_files(job: Job) -> Iterator[list[ModelFile]]:
    """The files of the model, which stay on this machine's disk for as long as the job needs them."""
    with ExitStack() as copies:
        yield [
            ModelFile(
                file.path,
                file.size,
                file.sha256,
                copies.enter_context(blobs.local_copy(file.sha256)),
            )
            for file in files.files_of(job.run.revision)
        ]


@contextmanager
def _base(job: Job, model: list[ModelFile]) -> Iterator[tuple[Base | None, list[Finding]]]:
    """The published model that this one names as its base, as far as it is here, and what that
    means for adapters."""
    revision = job.run.revision
    folder = Folder(model, repository=revision.repository.full_name)
    with ExitStack() as copies:
        base = references.base_of(
            revision, folder, local=lambda sha256: copies.enter_context(blobs.local_copy(sha256))
        )
        yield base, references.adapter_findings(revision, folder, base)


def _reason(error: Exception) -> str:
    """The beginning of a sentence for people; what may name folders of ours is only logged."""
    cause = error.cause if isinstance(error, ScannerCrashed) else error
    if isinstance(cause, SoftTimeLimitExceeded):
        return "The worker ran out of time"
    if isinstance(error, ScannerCrashed):
        about = f" on {escaped(error.file)}" if error.file else ""
        return f"The check {error.check} failed{about}"
    if isinstance(error, EngineFailed):
        return str(error).rstrip(".")
    if isinstance(error, SmokeError):
        return escaped(str(error).partition(":")[0], limit=300).rstrip(".")
    if isinstance(error, StorageFull) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    ):
        return "The worker has no room on its disk for the files of the model"
    if isinstance(error, StorageUnavailable):
        return "The storage did not give the worker a file"
    return "A file could not be read or written on the worker"


def _smoke_seconds(job: Job) -> float:
    """Each format of a model that a revision holds is tried by itself, and has its own time."""
    paths = [entry.path for entry in files.files_of(job.run.revision)]
    formats = sum(path.endswith(".gguf") for path in paths)
    formats += any(path.endswith((".safetensors", ".bin", ".pth")) for path in paths)
    tries = min(max(formats, 1), launcher.MOST_TARGETS)
    each = settings.CHECK_RUN_SECONDS + TEXT_SECONDS
    return tries * each + WEIGHTS_SECONDS_A_GIB * _gib(job)


def _gib(job: Job) -> float:
    return float(job.run.revision.total_size / GIB)


WORK: dict[JobKind, Callable[[Job, Lease], Outcome]] = {
    JobKind.SCAN: _scan,
    JobKind.SMOKE: _smoke,
}
