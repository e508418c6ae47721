"""Checks a folder or a file on this disk as the site would after an upload; knows no database."""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from registry.checks import (
    document,
    engines,
    figures,
    findings,
    local_base,
    local_lineage,
)
from registry.checks.engines import Ballot, EngineFailed
from registry.checks.findings import Finding, ModelFile, Verdict, show
from registry.checks.local_base import Measured
from registry.checks.scanners import ScannerCrashed, card, scan
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.smoke import launcher
from registry.checks.smoke.limits import Base, Limits, SmokeError, SmokeResult
from registry.errors import Invalid

# What the stock client leaves out of an upload, too
LEFT_OUT = (".git", os.path.join(".cache", "huggingface"))
OWNER = "local"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,96}/[A-Za-z0-9._-]{1,96}")

Listener = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Wanted:
    """What to check and how. `repository` is the name that it will have; names matter to checks.
    `last` is the report of the last release, to compare figures with."""

    path: Path
    repository: str = ""
    base: Path | None = None
    base_repository: str = ""
    profile: str = "full"
    runs: bool = True
    runs_base: bool = True
    last: dict[str, Any] | None = None
    limits: Limits = field(default_factory=Limits)
    ballot: Ballot = field(default_factory=Ballot)

    @property
    def name(self) -> str:
        return self.repository or named_after(self.path)


@dataclass
class _Seen:
    """What has been found so far."""

    findings: list[Finding] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    scan: dict[str, Any] = field(default_factory=dict)
    smoke: dict[str, Any] = field(default_factory=dict)
    error: str = ""


def check(wanted: Wanted, *, on_event: Listener = lambda event: None) -> dict[str, Any]:
    """The report of what is there. A failure of the checks themselves is the verdict `error`."""
    started, began = datetime.now(UTC), monotonic()
    files = files_at(wanted.path)
    beside = files_at(wanted.base) if wanted.base else []
    seen = _Seen()
    try:
        _scan(seen, files, wanted, on_event)
        _try(seen, files, wanted, beside, on_event)
    except (EngineFailed, ScannerCrashed, SmokeError) as error:
        seen.error = findings.escaped(str(error), limit=findings.MESSAGE_LIMIT)
    verdict = "error" if seen.error else findings.verdict(seen.findings).value
    return document.document(
        about={
            "repo": wanted.name,
            "revision": None,
            "manifest": document.manifest_of((f.path, f.size, f.sha256) for f in files),
            "profile": wanted.profile,
            "state": "finished",
            "verdict": verdict,
            "reason": seen.error or None,
            "started": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "seconds": round(monotonic() - began, 3),
        },
        scan=seen.scan,
        smoke=seen.smoke,
        stages=seen.stages,
        findings=[found.as_json() | {"acknowledged_by": None} for found in seen.findings],
    )


def files_at(path: Path) -> list[ModelFile]:
    """The files as an upload of them would hold them. Links to files count as what they lead to."""
    if path.is_dir():
        places = {place.relative_to(path).as_posix(): place for place in _below(path)}
    else:
        places = {path.name: path}
    if not places:
        raise Invalid(f"There is no file in {show(str(path))}.")
    return [_file(name, place) for name, place in sorted(places.items())]


def named_after(path: Path) -> str:
    """A repository's name made of the folder's, where none is given."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.resolve().name).strip(".-_")
    return f"{OWNER}/{name or 'model'}"


def _below(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        below = Path(parent).relative_to(folder)
        folders[:] = [name for name in folders if not _is_left_out(below / name)]
        yield from (Path(parent, name) for name in names)


def _is_left_out(folder: Path) -> bool:
    return folder.name == ".git" or str(folder) in LEFT_OUT


def _file(name: str, place: Path) -> ModelFile:
    local = place.resolve()
    found = local.stat()
    if not stat.S_ISREG(found.st_mode):
        raise Invalid(f"{show(name)} is not a file that could be uploaded.")
    with local.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ModelFile(name, found.st_size, digest, local)


def _scan(seen: _Seen, files: list[ModelFile], wanted: Wanted, on_event: Listener) -> None:
    def show_progress(check: str, done: float) -> None:
        on_event({"event": "progress", "stage": "scan", "done": done, "note": check})

    on_event({"event": "stage", "stage": "scan", "status": "started"})
    result = scan(files, repository=wanted.name, on_progress=show_progress)
    on_event({"event": "stage", "stage": "scan", "status": "done", "seconds": result.seconds})
    # Of a file by itself nobody can ask that others are beside it
    alone = "" if wanted.path.is_dir() else files[0].path
    seen.findings += [found for found in result.findings if alone in ("", found.file)]
    seen.stages.append(document.stage("scan", "done", result.seconds, ""))
    seen.scan = {"versions": document.versions_of_checks()}
    is_blocked = findings.verdict(seen.findings) is Verdict.BLOCKED
    judged = engines.judge(files, wanted.ballot, is_blocked=is_blocked)
    seen.findings += judged.findings
    seen.scan["engines"] = engines.recorded(judged.votes)


def _try(
    seen: _Seen,
    files: list[ModelFile],
    wanted: Wanted,
    beside: list[ModelFile],
    on_event: Listener,
) -> None:
    if why := _why_not_tried(seen, files, wanted):
        seen.stages += [
            document.stage(name, "skipped", None, why) for name in document.SMOKE_STAGES
        ]
        return
    folder = Folder(files, repository=wanted.name)
    with tempfile.TemporaryDirectory(prefix="registry-checks-") as scratch:
        base, measured = _base(seen, folder, wanted, beside, Path(scratch), on_event)
        result = launcher.run(
            files,
            repository=wanted.name,
            limits=wanted.limits,
            scratch=Path(scratch),
            profile=wanted.profile,
            base=base,
            on_event=on_event,
        )
    seen.findings += result.findings
    seen.stages += result.stages
    seen.smoke = parts_of(result)
    _set_beside(seen.smoke, measured, wanted.last)
    _trace(seen, result, measured, base, _relation(folder))


def _base(
    seen: _Seen,
    folder: Folder,
    wanted: Wanted,
    beside: list[ModelFile],
    scratch: Path,
    on_event: Listener,
) -> tuple[Base | None, Measured]:
    """The base as the smoke test may use it, and what was measured of it."""
    if wanted.base is None:
        return None, Measured()
    manifest = document.manifest_of((file.path, file.size, file.sha256) for file in beside)
    name = wanted.base_repository or _named_in(folder) or named_after(wanted.base)
    usable, why_not = local_base.usable(beside, repository=name)
    if why_not:
        seen.stages.append(document.stage("base", "skipped", None, why_not, target=name))
        return None, Measured()
    base = Base(name, manifest, files=tuple(usable))
    seen.findings += local_base.misfits(folder, base)
    if not wanted.runs_base:
        why = "Not run, as was asked: only its files are compared."
        seen.stages.append(document.stage("base", "skipped", None, why, target=name))
        return base, Measured()
    measured = local_base.measure(
        base, limits=wanted.limits, profile=wanted.profile, scratch=scratch, on_event=on_event
    )
    seen.stages.append(document.stage("base", "done", measured.seconds, measured.note, target=name))
    return replace(base, record=measured.record), measured


def _set_beside(smoke: dict[str, Any], measured: Measured, last: dict[str, Any] | None) -> None:
    """What the base answered beside what the model did, and the figures of the last release."""
    is_alike = figures.were_asked_alike(smoke["metrics"], measured.metrics)
    said = figures.outputs_in(measured.samples) if is_alike else {}
    smoke["samples"] = [
        {**sample, "base": said[sample["prompt"]]} if sample["prompt"] in said else sample
        for sample in smoke["samples"]
    ]
    if last is not None:
        smoke["metrics"] = {**smoke["metrics"], "last": figures.about(last)}


def _trace(
    seen: _Seen, result: SmokeResult, measured: Measured, base: Base | None, relation: str
) -> None:
    """Where the weights come from, as far as one base can tell."""
    if base is None or not measured.records:
        why = local_lineage.NO_BASE if base is None else local_lineage.NOT_MEASURED
        seen.stages.append(document.stage("lineage", "skipped", None, why))
        return
    judged = local_lineage.judge(
        result.records, measured.records, base=base.repository, relation=relation
    )
    seen.findings += judged.findings
    seen.stages.append(judged.stage)
    seen.smoke["lineage"] = judged.report


def _named_in(folder: Folder) -> str:
    """The base that the card names, where it names one."""
    said = _card(folder).get("base_model")
    names = said if isinstance(said, list) else [said]
    name = names[0] if len(names) == 1 else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else ""


def _relation(folder: Folder) -> str:
    said = _card(folder).get("base_model_relation")
    return said if isinstance(said, str) else ""


def _card(folder: Folder) -> dict[str, Any]:
    readme = folder.by_path.get("README.md")
    if readme is None:
        return {}
    try:
        with readme.local.open("rb") as stream:
            return card.front_matter(stream.read(card.MAX_CARD))
    except Problem:
        return {}


def _why_not_tried(seen: _Seen, files: list[ModelFile], wanted: Wanted) -> str:
    if not wanted.runs:
        return "Not run: only the scan was asked for."
    if not wanted.path.is_dir() and not files[0].path.lower().endswith(".gguf"):
        return "Not run: a single file of this kind is no model by itself."
    if blocks := findings.that_stop(seen.findings):
        return f"Not run: {', '.join(blocks)} has to be mended first."
    return ""


def parts_of(result: SmokeResult) -> dict[str, Any]:
    """What of a smoke test goes into a report as it is."""
    return {
        "metrics": result.metrics,
        "samples": result.samples,
        "device": result.device,
        "versions": result.versions,
        "isolation": result.isolation,
        "log_tail": result.log_tail,
    }
