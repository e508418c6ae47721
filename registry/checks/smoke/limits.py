"""What a smoke test may use, and what comes out of one."""

from dataclasses import dataclass, field
from typing import Any

from registry.checks.findings import Finding, ModelFile


@dataclass(frozen=True)
class Limits:
    """`cpus` 0 is all of them; `cgroup` is below which control group the jobs get theirs, if one is
    prepared for that."""

    seconds: float = 600
    memory_mib: int = 8192
    min_isolation: int = 2
    cpus: float = 0
    cgroup: str = ""


@dataclass(frozen=True)
class Base:
    """The published model that a card names as its parent. `files` are those that may be read beside
    the model: all of them for an adapter, else configuration, tokenizer and template. `record` is
    what an earlier run kept of it: `SmokeResult.records` of its target, and under "metrics" the
    figures of that target."""

    repository: str
    revision: str
    files: tuple[ModelFile, ...] = ()
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SmokeResult:
    """`records` has, by target and by kind, what the program measured for later comparisons.

    `stages`, `metrics`, `samples`, `device`, `isolation` are as the report of a revision carries them."""

    findings: list[Finding]
    stages: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, str]] = field(default_factory=list)
    device: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    isolation: dict[str, Any] = field(default_factory=dict)
    records: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    log_tail: str = ""
    seconds: float = 0.0


class SmokeError(Exception):
    """The test itself failed, not the model: the run is an error and is tried again."""


class IsolationTooWeak(SmokeError):
    """This machine cannot shut the model in as well as the site demands."""
