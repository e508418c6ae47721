"""Starts the sandboxed program on each model of a revision, and believes none of it unchecked."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from registry.checks.findings import Finding, ModelFile, show, warn
from registry.checks.scanners import card, config, gguf
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.smoke import isolation as isolations
from registry.checks.smoke.limits import Base, IsolationTooWeak, Limits, SmokeError, SmokeResult
from registry.checks.smoke.watch import Watched, watch

__all__ = ["Base", "IsolationTooWeak", "Limits", "SmokeError", "SmokeResult", "run", "targets_of"]

MOST_TARGETS = 4
LOG_BYTES = 16 * 1024

_LOADED = re.compile(
    r"model(-\d{5}-of-\d{5})?\.safetensors|pytorch_model(-\d{5}-of-\d{5})?\.bin"
    r"|[a-z_]*config\.json|(model\.safetensors|pytorch_model\.bin)\.index\.json"
    r"|(tokenizer|vocab|added_tokens|special_tokens_map)\.json|chat_template\.(jinja|json)"
    r"|tokenizer\.model|merges\.txt"
)
_CHAT_NAME = re.compile(r"instruct|chat|-it$", re.IGNORECASE)

Listener = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Target:
    """One thing to load: a folder for transformers (`file` is empty), or one GGUF file."""

    kind: str
    name: str
    file: str
    files: tuple[ModelFile, ...]
    weights: tuple[str, ...]
    parameters: int


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

    `base` is the parent model of this registry that the card names, as far as it may be read here.

    `on_event` gets {"event": "stage", "target": "...", "stage": "load", "status": "started"|"done"|
    "failed"|"skipped", "seconds": n} and {"event": "progress", "target", "stage", "done": 0.4, "note"}.
    """
    started = monotonic()
    isolation = isolations.require(limits.min_isolation)
    folder = Folder(files, repository=repository)
    targets, skipped = targets_of(folder)
    if isolation.level < 2:
        targets, skipped = [], [_skipped("", "this machine cannot shut it in well enough")]
    result = SmokeResult(
        findings=list(skipped),
        metrics={"files": {file.path: file.sha256 for file in folder.files[:100]}},
        isolation=isolation.as_json(memory_mib=limits.memory_mib),
    )
    log = ""
    for number, target in enumerate(targets):
        left = limits.seconds - (monotonic() - started)
        if number and left < limits.seconds / 2:
            # What the others took says nothing about this one.
            result.findings.append(
                _skipped(target.name, "too little time was left after the others")
            )
            continue
        watched = _try(
            target,
            isolation=isolation,
            limits=Limits(left, limits.memory_mib, limits.min_isolation),
            scratch=scratch,
            profile=profile,
            chat=is_chat(folder),
            base=base,
            on_event=on_event,
        )
        _add(result, target, watched, first=number == 0)
        log += f"== {target.name}\n{watched.log}" if watched.log else ""
    seconds = round(monotonic() - started, 3)
    return replace(result, log_tail=log[-LOG_BYTES:], seconds=seconds)


def targets_of(folder: Folder) -> tuple[list[Target], list[Finding]]:
    """What can be loaded, and what is left out, with the reason."""
    targets = [_transformers(folder, model) for model in config.models_of(folder) if model.config]
    targets = [target for target in targets if target.weights or len(target.files) > 1]
    skipped: list[Finding] = []
    for file in folder.ending(".gguf"):
        try:
            header = folder.parsed("gguf", file.path, gguf.header_of)
        except Problem:
            continue  # blocked by the scan
        if why := _gguf_problem(header):
            skipped.append(_skipped(file.path, why))
            continue
        values = sum(_product(tensor.shape) for tensor in header.tensors.values())
        targets.append(Target("gguf", file.path, file.path, (file,), (), values))
    for target in targets[MOST_TARGETS:]:
        skipped.append(_skipped(target.file, f"only {MOST_TARGETS} of a revision are run"))
    if not targets and not skipped:
        skipped.append(
            _skipped("", "the revision holds no weights that can be loaded by themselves")
        )
    return targets[:MOST_TARGETS], skipped


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


def _transformers(folder: Folder, model: config.Model) -> Target:
    loaded = tuple(
        file
        for file in folder.files
        if os.path.dirname(file.path) == model.folder
        and _LOADED.fullmatch(os.path.basename(file.path))
    )
    tensors = model.tensors or {}
    weights = tuple(sorted({os.path.basename(path) for path, _ in tensors.values()}))
    kept = [file for file in loaded if file.path.endswith((".safetensors", ".bin"))]
    if tensors:
        parameters = sum(tensor.elements for _, tensor in tensors.values())
    else:
        parameters = sum(file.size for file in kept) // 2
    return Target(
        "transformers",
        model.folder or "safetensors",
        "",
        loaded if kept else (),
        weights,
        parameters,
    )


def _gguf_problem(header: gguf.Header) -> str | None:
    if header.values.get("general.architecture") != "llama":
        return "the library opens GGUF files of text Llamas only"
    if header.values.get("split.count", 1) not in (0, 1):
        return "split GGUF files cannot be loaded by the library"
    return None


def _skipped(file: str, why: str) -> Finding:
    what = show(file) if file else "The model"
    return warn("RUN-SKIPPED", f"{what} was not run: {why}.", file=file)


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _try(
    target: Target,
    *,
    isolation: isolations.Isolation,
    limits: Limits,
    scratch: Path,
    profile: str,
    chat: bool,
    base: Base | None,
    on_event: Listener,
) -> Watched:
    with _job_folder(scratch) as job:
        model, work, parent = job / "model", job / "work", job / "base" if base else None
        model.mkdir()
        work.mkdir()
        outside = _put_all(target.files, model)
        if base and parent:
            parent.mkdir()
            outside += _put_all([f for f in base.files if "/" not in f.path], parent)
        seen = isolations.place(isolation, model=model, scratch=work, base=parent)
        files = (*target.files, *(base.files if base else ()))
        spec = {
            "task": "trial",
            "kind": target.kind,
            "folder": seen.model,
            "file": os.path.basename(target.file),
            "weights": list(target.weights),
            "parameters": target.parameters,
            "profile": profile,
            "chat": chat,
            "base": base
            and {
                "repository": base.repository,
                "revision": base.revision,
                "folder": seen.base if base.files else None,
                "record": base.record,
            },
            "memory_mib": limits.memory_mib,
            "seconds": limits.seconds,
            "locks": isolations.locks(
                isolation,
                model=model,
                scratch=work,
                files=outside,
                seconds=limits.seconds,
                memory_mib=limits.memory_mib,
                model_bytes=sum(file.size for file in files),
                base=parent,
            ),
        }
        return watch(
            isolations.command(isolation, model=model, scratch=work, files=outside, base=parent),
            spec=spec,
            folder=job,
            environment=isolations.environment(isolation, scratch=work),
            limits=limits,
            isolation=isolation,
            on_event=lambda event: on_event({**event, "target": target.name}),
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
    result.metrics.setdefault("targets", {})[target.name] = figures
    if first:
        result.metrics.update(figures)
