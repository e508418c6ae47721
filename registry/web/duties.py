"""The duties of a revision as pages show them: verdict, words, and the fixes that meet each."""

from collections.abc import Sequence
from typing import Any

from registry.agreements.duties.engine import Result, Verdict
from registry.catalog.models import Revision
from registry.releases import duties, mending

# The words of verdicts are those of the checks
WORDS = {
    Verdict.BLOCK: "blocked",
    Verdict.REVIEW: "review",
    Verdict.WARN: "warned",
    Verdict.PASS: "passed",
}


def rows(revision: Revision, results: Sequence[Result] | None = None) -> list[dict[str, Any]]:
    """Each duty that is about the model, what stands in the way first. `results` are those of the
    revision where they were read already."""
    if results is None:
        results = duties.of_revision(revision)
    fixes = mending.plan(revision, results)
    return [
        {
            "result": one,
            "verdict": WORDS[one.verdict],
            "fixes": mending.fixes_of(one, fixes) if one.holds or one.warns else [],
        }
        for one in duties.told(results)
    ]


def unmet(revision: Revision, results: Sequence[Result] | None = None) -> list[dict[str, Any]]:
    return [row for row in rows(revision, results) if row["verdict"] != "passed"]
