"""What a check says about a revision: findings, how grave they are, and the verdict they add up to."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

VALUE_LIMIT = 200
MESSAGE_LIMIT = 1000
# A file of a wrong type is no reason to keep the rest from being tried.
HARMLESS_BLOCKS = {"UPL-TYPE"}


class Severity(StrEnum):
    """BLOCK stops publication, WARN needs a maintainer's tick, INFO is only shown."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class Verdict(StrEnum):
    """What a finished run says. A run that failed has no verdict of these: it is an error."""

    PASSED = "passed"
    WARNED = "warned"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class ModelFile:
    """One file of the revision under test; `path` is its name in the repository."""

    path: str
    size: int
    sha256: str
    local: Path


@dataclass(frozen=True)
class Finding:
    """One fault (or fact) that a check found. Every text in it is safe to print and bounded."""

    check: str
    severity: Severity
    message: str
    file: str = ""
    where: str = ""
    value: int | float | str | None = None
    threshold: int | float | str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", escaped(self.message, limit=MESSAGE_LIMIT))
        object.__setattr__(self, "file", escaped(self.file, limit=1024))
        object.__setattr__(self, "where", escaped(self.where, limit=512))
        object.__setattr__(self, "value", _plain(self.value))
        object.__setattr__(self, "threshold", _plain(self.threshold))
        object.__setattr__(self, "evidence", _plain(self.evidence))

    def as_json(self) -> dict[str, Any]:
        """The finding as the report of a revision carries it."""
        return {
            "id": self.check,
            "severity": self.severity.value,
            "file": self.file,
            "where": self.where,
            "value": self.value,
            "threshold": self.threshold,
            "message": self.message,
            "help": f"/docs/checks#{self.check.lower()}",
            "evidence": self.evidence,
        }

    def about(self, file: str) -> "Finding":
        return replace(self, file=file)


def block(check: str, message: str, **rest: Any) -> Finding:
    return Finding(check, Severity.BLOCK, message, **rest)


def warn(check: str, message: str, **rest: Any) -> Finding:
    return Finding(check, Severity.WARN, message, **rest)


def info(check: str, message: str, **rest: Any) -> Finding:
    return Finding(check, Severity.INFO, message, **rest)


def verdict(findings: Iterable[Finding]) -> Verdict:
    grave = {finding.severity for finding in findings}
    if Severity.BLOCK in grave:
        return Verdict.BLOCKED
    return Verdict.WARNED if Severity.WARN in grave else Verdict.PASSED


def that_stop(findings: Iterable[Finding]) -> list[str]:
    """The checks whose findings keep later stages from running."""
    blocking = {finding.check for finding in findings if finding.severity is Severity.BLOCK}
    return sorted(blocking - HARMLESS_BLOCKS)


def first(found: Iterable[Finding], most: int) -> Iterator[Finding]:
    """The first so many of each severity, so that no number of warnings hides what blocks."""
    seen: Counter[Severity] = Counter()
    for finding in found:
        seen[finding.severity] += 1
        if seen[finding.severity] <= most:
            yield finding
        elif finding.severity is Severity.BLOCK:
            return


def escaped(text: str, *, limit: int = VALUE_LIMIT) -> str:
    """Uploaded text made safe to print: no control, bidi or zero-width character, and not too long."""
    shown = "".join(_visible(character) for character in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def show(value: object) -> str:
    """A value from an upload, ready to stand inside a message."""
    if isinstance(value, str):
        return escaped(value)
    try:
        return escaped(repr(value))
    except ValueError:  # Python writes no integer of more than 4300 digits
        return "a number of too many digits"


def _visible(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def _plain(value: Any, depth: int = 0) -> Any:
    """JSON that any reader takes: bounded, escaped, and without NaN or Infinity."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else escaped(hex(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return escaped(value)
    if depth >= 6:
        return "…"
    if isinstance(value, dict):
        pairs = list(value.items())[:64]
        return {escaped(show(key), limit=64): _plain(item, depth + 1) for key, item in pairs}
    return [_plain(item, depth + 1) for item in list(value)[:64]]
