"""One revision that somebody might upload, and what must become of it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.checks import models

Files = dict[str, bytes]


@dataclass(frozen=True)
class Case:
    """`outcome` are checks of which one must block; none is for what must pass without a finding."""

    threat: str
    name: str
    make: Callable[[], Files]
    outcome: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return f"{self.threat}: {self.name}"


def hostile(threat: str, outcome: str, **files: Callable[[], Files]) -> list[Case]:
    """Cases of one threat, each under its name."""
    checks = frozenset(outcome.split())
    return [Case(threat, name.replace("_", " "), make, checks) for name, make in files.items()]


def beside(**more: bytes) -> Files:
    """A sound model with other files beside it; `__` in a name stands for a dot, `___` for a slash."""
    named = {name.replace("___", "/").replace("__", "."): data for name, data in more.items()}
    return models.llama() | named
