"""Malware scanners of others beside our own checks (SEC-AV): who votes, and what the votes mean.

An engine that is switched on and does not answer has not passed the file. Where our own checks
block the revision anyway, that is noted among the votes. Where nothing else does, the run fails,
is tried again, and ends as an error: never as a pass.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from registry.checks.engines import clamd, pickled
from registry.checks.engines.vote import Ballot, EngineFailed, Vote
from registry.checks.findings import Finding, ModelFile, block, show

__all__ = [
    "ENGINES",
    "Ballot",
    "EngineFailed",
    "Vote",
    "findings_of",
    "judge",
    "recorded",
    "votes_on",
]

MOST_RECORDED = 500
ORDER = ("hit", "failed", "clean")

Engine = Callable[[Sequence[ModelFile], Ballot], list[Vote]]

ENGINES: dict[str, Engine] = {
    **{name: pickled.engine(name) for name in pickled.NAMES},
    "clamav": clamd.votes_on,
}


@dataclass(frozen=True)
class Judged:
    findings: list[Finding]
    votes: list[Vote]


def judge(files: Sequence[ModelFile], ballot: Ballot, *, is_blocked: bool) -> Judged:
    """What the engines of the ballot say of these files. Raises EngineFailed where one did not
    answer, and nothing else keeps the revision back."""
    votes = votes_on(files, ballot)
    found = findings_of(votes)
    failed = next((vote for vote in votes if vote.vote == "failed"), None)
    if failed is not None and not found and not is_blocked:
        raise EngineFailed(failed)
    return Judged(found, votes)


def votes_on(files: Sequence[ModelFile], ballot: Ballot) -> list[Vote]:
    found: list[Vote] = []
    for name in ballot.engines:
        engine = ENGINES.get(name)
        if engine is None:
            found.append(Vote(name, "", "", "failed", "There is no engine of this name."))
        else:
            found += engine(files, ballot)
    return found


def recorded(votes: Sequence[Vote]) -> list[dict[str, Any]]:
    """The votes as the report carries them: those that say something first, and not without end."""
    ordered = sorted(votes, key=lambda vote: ORDER.index(vote.vote))
    return [vote.as_json() for vote in ordered[:MOST_RECORDED]]


def findings_of(votes: Sequence[Vote]) -> list[Finding]:
    return [
        block(
            "SEC-AV",
            f"{show(vote.file)} matches {show(vote.detail)} ({vote.engine}).",
            file=vote.file,
            where=vote.engine,
            value=vote.detail,
        )
        for vote in votes
        if vote.vote == "hit"
    ]
