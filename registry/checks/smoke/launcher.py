"""Starts the sandboxed program on each model of a revision, and believes none of it unchecked."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from registry.checks.findings import Finding, ModelFile, show, warn
from registry.checks.scanners import card, targets
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.scanners.targets import Target
from registry.checks.scanners.types import Kind, kind_of
from registry.checks.smoke import control
from registry.checks.smoke import isolation as isolations
from registry.checks.smoke.limits import Base, IsolationTooWeak, Limits, SmokeError, SmokeResult
from registry.checks.smoke.plans import Plan, plan_of
from registry.checks.smoke.watch import Watched, watch

__all__ = ["Base", "IsolationTooWeak", "Limits", "SmokeError", "SmokeResult", "run", "targets_of"]

MOST_TARGETS = 4
LOG_BYTES = 16 * 1024
WEIGHTS = (Kind.SAFETENSORS, Kind.CHECKPOINT, Kind.GGUF)
OF_BASE = ("device", "figures", "greedy_fingerprint", "chat")
TOO_LATE = "too little time was left after the others"

_CHAT_NAME = re.compile(r"instruct|chat|-it$", re.IGNORECASE)

Listener = Callable[[dict[str, Any]], None]


def run(
    files: Sequence[ModelFile],
    *,
    repository: str,
    limits: Limits,
    scratch: Path,
    profile: str = "full",
    base: Base | None = None,
    on_event: Listener = lambda event: None,
) -> SmokeResult:
    """Try the model out in the sandbox. Raises SmokeError (our fault) or returns what was found.

    `base` is the parent model of this registry that the card names, as far as it may be read here;
    `on_event` gets {"event": "stage", "target": "...", "stage": "load", "status": "started"|"done"|
    "failed"|"skipped", "seconds": n}, {"event": "progress", "target", "stage", "done": 0.4, "note"} and
    every few seconds {"event": "pulse", "target"}; what it raises ends the test.
    """
    started = monotonic()
    isolation = isolations.require(limits.min_isolation)
    folder = Folder(files, repository=repository)
    found, skipped = targets_of(folder)
    if isolation.level < 2:
        found, skipped = [], [_skipped("", "this machine cannot shut it in well enough")]
    result = SmokeResult(
        findings=list(skipped),
        metrics={"files": {file.path: file.sha256 for file in folder.files[:100]}} | _of_base(base),
        isolation=isolation.as_json(limits),
    )
    log = ""
    for number, target in enumerate(found):
        left = limits.seconds - (monotonic() - started)
        if number and left < limits.seconds / (2 * len(found)):
            # What the others took says nothing about this one.
            result.findings.append(_skipped(target.name, TOO_LATE))
            continue
        watched = _try(
            plan_of(target, folder, base, result),
            isolation=isolation,
            limits=replace(limits, seconds=left),
            scratch=scratch,
            profile=profile,
            chat=is_chat(folder),
            base=base,
            on_event=on_event,
        )
        _prove(watched, isolation, limits, scratch, on_event)
        _add(result, target, watched, first=number == 0)
        log += f"== {target.name}\n{watched.log}" if watched.log else ""
    seconds = round(monotonic() - started, 3)
    return replace(result, log_tail=log[-LOG_BYTES:], seconds=seconds)


def targets_of(folder: Folder) -> tuple[list[Target], list[Finding]]:
    """What is tried, and what is left out, with the reason."""
    found = targets.targets_of(folder)
    skipped = [
        _skipped(target.name, f"only {MOST_TARGETS} of a revision are run")
        for target in found[MOST_TARGETS:]
    ]
    if not found:
        skipped.append(
            _skipped("", "the revision holds no weights that can be loaded by themselves")
        )
    else:
        skipped += _left_over(folder, found)
    return found[:MOST_TARGETS], skipped


def _left_over(folder: Folder, found: Sequence[Target]) -> list[Finding]:
    """Weights that no loader would read, so that nobody has looked at their numbers."""
    read = {
        file.path
        for target in found
        for file in target.files
        if os.path.basename(file.path) in target.weights
    }
    left = [f.path for f in folder.files if kind_of(f.path) in WEIGHTS and f.path not in read]
    if not left:
        return []
    more = f" and {len(left) - 1} more were" if len(left) > 1 else " was"
    text = f"{show(left[0])}{more} not run: no loader of the models here reads these weights."
    return [warn("RUN-SKIPPED", text, file=left[0], evidence={"files": left[:20]})]


def is_chat(folder: Folder) -> bool:
    """A template alone does not make a chat model: the card or the name says so."""
    if _CHAT_NAME.search(folder.repository.rsplit("/", 1)[-1]):
        return True
    readme = folder.by_path.get("README.md")
    if readme is None:
        return False
    try:
        with readme.local.open("rb") as stream:
            tags = card.front_matter(stream.read(card.MAX_CARD)).get("tags") or []
    except Problem:
        return False
    return isinstance(tags, list) and bool({"conversational", "chat"} & set(map(str, tags)))


def _of_base(base: Base | None) -> dict[str, Any]:
    """The base's own figures beside those of this model, where an earlier run took them."""
    if base is None or "perplexity" not in base.record:
        return {}
    about = {"repo": base.repository, "revision": base.revision}
    measured = base.record.get("measured") or {}
    kept = {name: measured[name] for name in OF_BASE if name in measured}
    return {"base": about | {"perplexity": base.record["perplexity"]} | kept}


def _skipped(file: str, why: str) -> Finding:
    what = show(file) if file else "The model"
    return warn("RUN-SKIPPED", f"{what} was not run: {why}.", file=file)


def _try(
    plan: Plan,
    *,
    isolation: isolations.Isolation,
    limits: Limits,
    scratch: Path,
    profile: str,
    chat: bool,
    base: Base | None,
    on_event: Listener,
) -> Watched:
    target = plan.target
    with _job_folder(scratch) as job:
        model, work, parent = job / "model", job / "work", job / "base" if base else None
        model.mkdir()
        work.mkdir()
        outside = _put_all(target.files, model)
        if base and parent:
            parent.mkdir()
            outside += _put_all([f for f in base.files if "/" not in f.path], parent)
        seen = isolations.place(isolation, model=model, scratch=work, base=parent)
        where: dict[str, Any] = {"model": model, "scratch": work, "files": outside, "base": parent}
        files = (*target.files, *(base.files if base else ()))
        spec = {
            "task": "trial",
            **plan.as_spec(),
            "folder": seen.model,
            "file": os.path.basename(target.file),
            "profile": profile,
            "chat": chat,
            "base": base and _told_of(base, seen),
            "memory_mib": limits.memory_mib,
            "seconds": limits.seconds,
            "locks": isolations.locks(
                isolation,
                **where,
                seconds=limits.seconds,
                memory_mib=limits.memory_mib,
                model_bytes=sum(file.size for file in files),
            ),
        }
        return watch(
            isolations.command(isolation, **where),
            spec=spec,
            folder=job,
            environment=isolations.environment(isolation, scratch=work),
            limits=limits,
            isolation=isolation,
            on_event=lambda event: on_event({**event, "target": target.name}),
        )


def _told_of(base: Base, seen: isolations.Place) -> dict[str, Any]:
    return {
        "repository": base.repository,
        "revision": base.revision,
        "folder": seen.base if base.files else None,
        "record": base.record,
    }


def _prove(
    watched: Watched,
    isolation: isolations.Isolation,
    limits: Limits,
    scratch: Path,
    on_event: Listener,
) -> None:
    """Where the program was ended: raises SmokeError if a model that is known to be good ends it too."""
    ended = control.was_ended(watched.findings)
    if ended is None:
        return

    def pulse(event: dict[str, Any]) -> None:
        if event["event"] == "pulse":
            on_event(event)

    with _job_folder(scratch) as place:
        folder = Folder(control.files_in(place / "control"), repository=control.REPOSITORY)
        [target] = targets_of(folder)[0]
        again = _try(
            plan_of(target, folder, None, SmokeResult([])),
            isolation=isolation,
            limits=replace(limits, seconds=control.SECONDS),
            scratch=scratch,
            profile="structural",
            chat=False,
            base=None,
            on_event=pulse,
        )
    if also := control.was_ended(again.findings):
        raise SmokeError(
            f"A model that is known to be good ends as well ({also.check} after {ended.check}): "
            f"{also.message}"
        )


@contextmanager
def _job_folder(scratch: Path) -> Iterator[Path]:
    scratch.mkdir(parents=True, exist_ok=True)
    job = Path(tempfile.mkdtemp(prefix="smoke-", dir=scratch))
    try:
        yield job
    finally:
        shutil.rmtree(job, ignore_errors=True)


def _put_all(files: Sequence[ModelFile], folder: Path) -> list[Path]:
    return [path for file in files if (path := _put(file, folder)) is not None]


def _put(file: ModelFile, model: Path) -> Path | None:
    """The file under its plain name, without copying. Returns the place that must be let in besides."""
    place = model / os.path.basename(file.path)
    try:
        os.link(file.local, place)
    except OSError:  # another disk, or a file of somebody else: point to it
        target = file.local.resolve()
        place.symlink_to(target)
        return target
    return None


def _add(result: SmokeResult, target: Target, watched: Watched, *, first: bool) -> None:
    """The first target's figures stand at the top of the report, all of them under their names."""
    result.findings.extend(watched.findings)
    result.stages.extend({**stage, "target": target.name} for stage in watched.stages)
    result.samples.extend({**sample, "target": target.name} for sample in watched.samples)
    result.device.update(watched.device)
    result.versions.update(watched.versions)
    result.isolation.update(watched.held)
    result.records[target.name] = watched.records
    figures = {**watched.metrics, "peak_rss_mb": watched.peak_mib, "seconds": watched.seconds}
    if watched.peak_card_mib:
        figures["peak_gpu_used_mb"] = watched.peak_card_mib
    result.metrics.setdefault("targets", {})[target.name] = figures
    if first:
        result.metrics.update(figures)
