"""Which files of a revision have passed before, by the same checks of the same version, so that their
bytes are not read again.

Only that a file is clean is kept, never a finding: whatever is wrong with a file is found in it.
What looks at several files together is judged anew each time, from headers. Each repository has its
own: that a scan is short would else tell who has a file that it is in a repository of somebody else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import metadata
from typing import Any

from django.conf import settings
from django.db import transaction

from registry.audit import canonical
from registry.catalog.models import Repository
from registry.checks import catalogue
from registry.checks.engines import Vote, pickled
from registry.checks.findings import ModelFile
from registry.checks.models import CachedResult, CheckRun
from registry.checks.scanners import SCANNER_VERSION
from registry.checks.scanners.container import ENDINGS
from registry.checks.scanners.run import CHECKS_OF_CONTENTS

A_FILE = "file"
# Reading a smaller one again costs less than keeping a row of it
LEAST_BYTES = 1024 * 1024
# After this time without use it is forgotten
KEPT = timedelta(days=30)
TOUCHED = timedelta(days=1)


@dataclass(frozen=True)
class Known:
    """The paths of files that passed, and how engines voted on them, by engine and path."""

    paths: frozenset[str] = frozenset()
    votes: Mapping[tuple[str, str], Vote] = field(default_factory=dict)


def key_of(file: ModelFile, repository: Repository) -> str:
    """Of all that decides whether the contents of a file pass: bytes, path, checks and engines."""
    versions = {check: catalogue.VERSIONS[check] for check in (*CHECKS_OF_CONTENTS, "SEC-AV")}
    return canonical.digest(
        {
            "repository": repository.pk,
            "type": str(repository.type),
            "sha256": file.sha256,
            "path": file.path,
            "catalogue": catalogue.CATALOGUE,
            "scanner": SCANNER_VERSION,
            "checks": versions,
            "engines": {name: _installed(name) for name in settings.CHECK_ENGINES},
        }
    )


def known(run: CheckRun, files: Sequence[ModelFile], *, now: datetime) -> Known:
    """What holds still of these files. A rescan, and a rerun, which somebody asked for, know of
    nothing."""
    before = CheckRun.objects.filter(revision=run.revision_id, pk__lt=run.pk)
    if run.rescan_id is not None or before.exists():
        return Known()
    keys = _keys(files, run.revision.repository)
    found = dict(
        CachedResult.objects.filter(
            key__in=keys, check_id=A_FILE, used_at__gt=now - KEPT
        ).values_list("key", "findings")
    )
    _touch(found, now)
    paths = {keys[key].path: votes for key, votes in found.items()}
    return Known(
        frozenset(paths),
        {
            (said["engine"], path): Vote(**said)
            for path, votes in paths.items()
            for said in votes["votes"]
        },
    )


def keep(
    run: CheckRun,
    files: Sequence[ModelFile],
    clean: Iterable[str],
    votes: Sequence[Vote],
    *,
    now: datetime,
) -> None:
    """Remember the files that a whole scan found clean, and that every engine passed which looks
    into files of their kind."""
    asked = [name for name in settings.CHECK_ENGINES if name in pickled.NAMES]
    passed: dict[str, dict[str, Vote]] = {}
    for vote in votes:
        if vote.vote == "clean" and vote.engine in asked:
            passed.setdefault(vote.file, {})[vote.engine] = vote
    hit = {vote.file for vote in votes if vote.vote != "clean"}
    sound = set(clean) - hit
    rows = [
        CachedResult(
            key=key,
            check_id=A_FILE,
            findings={"votes": [vote.as_json() for vote in passed.get(file.path, {}).values()]},
            created_at=now,
            used_at=now,
        )
        for key, file in _keys(files, run.revision.repository).items()
        if file.path in sound
        and (
            not file.path.lower().endswith(ENDINGS) or len(passed.get(file.path, ())) == len(asked)
        )
    ]
    # In one order, so that of two workers that keep the same files neither waits for the other
    CachedResult.objects.bulk_create(sorted(rows, key=lambda row: row.key), ignore_conflicts=True)
    with transaction.atomic():
        old = CachedResult.objects.filter(check_id=A_FILE, used_at__lt=now - KEPT)
        CachedResult.objects.filter(pk__in=_free(old)).delete()


def _keys(files: Sequence[ModelFile], repository: Repository) -> dict[str, ModelFile]:
    large = (file for file in files if file.size >= LEAST_BYTES)
    return {key_of(file, repository): file for file in large}


def _touch(found: Mapping[str, Any], now: datetime) -> None:
    with transaction.atomic():
        seen = CachedResult.objects.filter(key__in=found, used_at__lt=now - TOUCHED)
        CachedResult.objects.filter(pk__in=_free(seen)).update(used_at=now)


def _free(rows: Any) -> list[int]:
    """Those that nobody else is changing, locked."""
    return list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))


def _installed(engine: str) -> str:
    """The version of an engine that is a library here; what it is not has none."""
    try:
        return metadata.version(engine) if engine in pickled.NAMES else ""
    except metadata.PackageNotFoundError:
        return ""
