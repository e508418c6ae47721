"""The base model at a desk: tried before the model, and what came of that kept for the next time."""

import gzip
import json
import os
import stat
import tempfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from registry.audit import canonical
from registry.checks import catalogue, document, figures, findings
from registry.checks.findings import Finding, ModelFile
from registry.checks.lineage import kept
from registry.checks.scanners import SCANNER_VERSION, adapters, config, scan
from registry.checks.scanners.folder import Folder
from registry.checks.smoke import launcher
from registry.checks.smoke.isolation import gpu_nodes
from registry.checks.smoke.limits import Base, Limits
from registry.checks.smoke.refusal_probes import REFUSALS
from registry.checks.smoke.texts import PROBE

LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "gguf",
    "peft",
    "numpy",
    "xllamacpp",
)
MOST_KEPT = 32
MOST_BYTES = 256 * 1024 * 1024
KEPT = "Run before the model; kept in registry-checks of your cache folder for the next time."
CUT_SHORT = "too little time was left"

Listener = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Measured:
    """What a run of the base said, by target; `note` is for the report: whether it was run now."""

    records: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    device: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    note: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """What the smoke test of a descendant may read of it."""
        targets = self.metrics.get("targets") or {}
        found = kept.record(
            {name: kept.facts(said, targets.get(name) or {}) for name, said in self.records.items()}
        )
        if not found:
            return {}
        return {
            **found,
            "measured": figures.about({"metrics": self.metrics, "device": self.device}),
        }


def usable(files: Sequence[ModelFile], *, repository: str) -> tuple[list[ModelFile], str]:
    """The files that a library may open, and why none may be: a base is scanned as any upload.
    Files of kinds that are refused are left out, as those of a published base would be."""
    found = scan(files, repository=repository).findings
    refused = {one.file for one in found if one.check == "UPL-TYPE"}
    if blocks := findings.that_stop(one for one in found if one.file not in refused):
        return [], f"The base is not used: {', '.join(blocks)} has to be mended in it first."
    return [file for file in files if file.path not in refused], ""


def measure(
    base: Base, *, limits: Limits, profile: str, scratch: Path, on_event: Listener
) -> Measured:
    """What an earlier run of the same files kept, or else what running them now says."""
    place = _place(base, limits=limits, profile=profile)
    if (before := _read(place)) is not None:
        return before

    def show(event: dict[str, Any]) -> None:
        on_event({**event, "target": f"base {event.get('target', '')}".strip()})

    result = launcher.run(
        base.files,
        repository=base.repository,
        limits=limits,
        scratch=scratch,
        profile=profile,
        on_event=show,
    )
    blocks = findings.that_stop(result.findings)
    found: dict[str, Any] = {
        "records": result.records,
        "metrics": result.metrics,
        "samples": result.samples,
        "device": result.device,
    }
    is_whole = any(result.records.values()) and not blocks
    is_whole &= all(stage["reason"] != CUT_SHORT for stage in result.stages)
    note = "Run before the model."
    if blocks:
        note = f"Run before the model, and ended by {', '.join(blocks)}; the rest is not compared."
    elif is_whole and _write(place, found):
        note = KEPT
    return Measured(**found, seconds=result.seconds, note=note)


def misfits(folder: Folder, base: Base) -> list[Finding]:
    """Where the adapters of a folder do not fit the base that they are to be put on."""
    found: list[Finding] = []
    for model in config.models_of(Folder(base.files, repository=base.repository)):
        if model.tensors is not None and not model.folder:
            found += adapters.against_base(folder, model.tensors)
    return found


def cache_folder() -> Path:
    """Where programs of this person keep what they can make anew."""
    above = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(above).expanduser() / "registry-checks" / "bases"


def _place(base: Base, *, limits: Limits, profile: str) -> Path:
    """By the files and all that decides what running them says."""
    key = {
        "manifest": base.revision,
        "repository": base.repository,
        "profile": profile,
        "memory": limits.memory_mib,
        "catalogue": catalogue.CATALOGUE,
        "checks": catalogue.VERSIONS,
        "scanner": SCANNER_VERSION,
        "texts": [PROBE, REFUSALS],
        "libraries": {name: _version(name) for name in LIBRARIES},
        "cards": len(gpu_nodes()),
    }
    return cache_folder() / f"{base.revision[:16]}-{canonical.digest(key)[:16]}.json.gz"


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _read(place: Path) -> Measured | None:
    """A file that is damaged, or that others may have written, counts as none: it is made anew."""
    try:
        if not _is_own(place.parent):
            return None
        with gzip.open(place, "rb") as stream:
            said = json.loads(stream.read(MOST_BYTES))
        found = Measured(
            dict(said["records"]),
            dict(said["metrics"]),
            list(said["samples"]),
            dict(said["device"]),
        )
    except (OSError, EOFError, zlib.error, ValueError, RecursionError, KeyError, TypeError):
        return None
    with suppress(OSError):  # somebody removed it meanwhile, or it may not be changed
        os.utime(place)
    return Measured(
        **{**vars(found), "note": "Not run again: the same files were measured before."}
    )


def _write(place: Path, found: dict[str, Any]) -> bool:
    """Whether there is a place for it; without one the base is run each time."""
    raw = gzip.compress(json.dumps(document.plain(found)).encode(), 1)
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(place.parent):
            return False
        _put(place, raw)
        for old in sorted(place.parent.glob("*.json.gz"), key=_age)[MOST_KEPT:]:
            old.unlink()
    except OSError:
        return False
    return True


def _put(place: Path, raw: bytes) -> None:
    """At once or not at all; nothing is left of what could not be written."""
    descriptor, name = tempfile.mkstemp(dir=place.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(raw)
        os.replace(name, place)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _is_own(folder: Path) -> bool:
    """Whether nobody else can write there: `XDG_CACHE_HOME` may be a place that is everybody's."""
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _age(place: Path) -> float:
    return -place.stat().st_mtime
