"""What a report of schema 1 holds, and how it is put together, on the site as at a desk."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from registry.audit import canonical
from registry.checks import catalogue
from registry.checks.scanners import SCANNER_VERSION

SCHEMA = 1
SCHEMA_FILE = Path(__file__).with_name("report.schema.json")
MAX_SAFE_INTEGER = 2**53 - 1
MAX_BITS = 1024
# What a smoke test is told of by before its program has told of stages of its own
SMOKE_STAGES = ("weights", "text", "run")
# Stands for the versions of all checks: a verdict of others may be another one today
CHECKS = canonical.digest(
    {
        "catalogue": catalogue.CATALOGUE,
        "scanner": SCANNER_VERSION,
        "checks": catalogue.VERSIONS,
    }
)[:12]


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema that every report meets, of live runs too."""
    found: dict[str, Any] = json.loads(SCHEMA_FILE.read_text())
    return found


def document(
    *,
    about: Mapping[str, Any],
    scan: Mapping[str, Any],
    smoke: Mapping[str, Any],
    stages: Sequence[dict[str, Any]],
    findings: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The report. `about` has repo, revision, manifest, profile, state, verdict, reason, started and
    seconds; `scan` and `smoke` are what those jobs add to it."""
    report = {
        "schema": SCHEMA,
        "catalogue": catalogue.CATALOGUE,
        **about,
        "device": smoke.get("device") or None,
        "versions": {**scan.get("versions", {}), **smoke.get("versions", {})},
        "isolation": smoke.get("isolation") or None,
        "stages": list(stages),
        "findings": list(findings),
        "engines": scan.get("engines", []),
        "metrics": smoke.get("metrics", {}),
        "lineage": smoke.get("lineage"),
        "samples": smoke.get("samples", []),
        "log_tail": smoke.get("log_tail", ""),
    }
    return {name: plain(value) for name, value in report.items()}


def versions_of_checks() -> dict[str, str]:
    """What a report says beside the versions of libraries."""
    return {"scanner": SCANNER_VERSION, "checks": CHECKS}


def stage(
    name: str, status: str, seconds: float | None, reason: str, *, target: str = ""
) -> dict[str, Any]:
    """`target` is which of several models in a revision was tried, where that is said."""
    told = {"name": name, "status": status, "seconds": seconds, "reason": reason or None}
    return {**told, "target": target} if target else told


def manifest_of(files: Iterable[tuple[str, int, str]]) -> str:
    """The manifest digest of files by path, size and SHA-256, as a revision of them has it."""
    listed = [{"path": path, "sha256": sha256, "size": size} for path, size, sha256 in files]
    return canonical.digest(sorted(listed, key=lambda file: str(file["path"]).encode()))


def plain(value: Any) -> Any:
    """A value as every JSON reader and PostgreSQL take it: without NaN, NUL, lone surrogates and
    integers that a double cannot hold, which PostgreSQL makes of large floats."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value if abs(value) <= MAX_SAFE_INTEGER else _large(value)
    if isinstance(value, dict):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _large(value: float) -> str:
    """Python writes no integer of more than 4300 digits, unless by powers of two."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return hex(value)
    return str(value)
