"""What is asked of an engine, and what it may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from registry.checks.findings import escaped

DETAIL = 200


@dataclass(frozen=True)
class Vote:
    """`detail` is what was found, or why nothing could be said. It may come from a hostile file."""

    engine: str
    version: str
    file: str
    vote: Literal["clean", "hit", "failed"]
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "engine": self.engine,
            "version": escaped(self.version, limit=64),
            "file": escaped(self.file, limit=1024),
            "vote": self.vote,
            "detail": escaped(self.detail, limit=DETAIL),
        }


@dataclass(frozen=True)
class Ballot:
    """Which engines are asked and how. `clamd` is `unix:PATH` or `HOST:PORT`. `known` are votes of
    before, by engine and path, that hold still."""

    engines: tuple[str, ...] = ("picklescan",)
    seconds: float = 120
    memory_mib: int = 2048
    cgroup: str = ""
    clamd: str = "unix:/run/clamav/clamd.ctl"
    clamd_mib: int = 25
    known: Mapping[tuple[str, str], Vote] = field(default_factory=dict)


class EngineFailed(Exception):
    """An engine that the site has switched on is missing, crashed, or took too long."""

    def __init__(self, vote: Vote) -> None:
        about = f" on {escaped(vote.file)}" if vote.file else ""
        why = escaped(vote.detail).rstrip(".") or "it did not answer"
        super().__init__(f"The malware scanner {vote.engine} failed{about}: {why}")
        self.vote = vote
