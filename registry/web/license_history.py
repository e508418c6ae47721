"""What changed between a license or policy and the one before it of the same publisher."""

from dataclasses import dataclass
from typing import Any

from registry.agreements import duty_table, questions_of_use
from registry.agreements.clauses import Facts
from registry.agreements.models import Document
from registry.catalog import facts as published
from registry.web import duty_words
from registry.web.fact_words import said

POLICY = "acceptable_use_policy"


@dataclass(frozen=True)
class History:
    """The differences to the one before: columns of the table of duties, and uses that a policy
    forbids. `said` is what the facts say of it in words."""

    before: Document
    changes: list[dict[str, Any]]
    added_uses: list[str]
    removed_uses: list[str]
    said: list[str]

    @property
    def is_same(self) -> bool:
        return not (self.changes or self.added_uses or self.removed_uses or self.said)


def before(document: Document) -> History | None:
    """Computed from the data of both; None where nothing came before it."""
    entry = dict(document.facts)
    if (earlier := _earlier(entry)) is None:
        return None
    found = Document.objects.select_related("policy").filter(
        slug=str(earlier["id"]).replace(".", "-")
    )
    if (last := found.first()) is None:
        return None
    return _between(last, document)


def of_families(licenses: list[Document]) -> dict[int, History]:
    """For licenses in their order, what changed from each to the next, by the later one's key."""
    pairs = zip(licenses, licenses[1:], strict=False)
    return {after.pk: _between(earlier, after) for earlier, after in pairs if earlier != after}


def _between(last: Document, document: Document) -> History:
    old, new = dict(last.facts), dict(document.facts)
    is_policy = new.get("kind") == POLICY
    changed = (
        []
        if is_policy
        else duty_table.changes(
            duty_table.row(old, duty_table.policy_of(last)),
            duty_table.row(new, duty_table.policy_of(document)),
        )
    )
    uses = (old, new) if is_policy else (duty_table.policy_of(last), duty_table.policy_of(document))
    added, removed = duty_table.category_changes(*uses)
    return History(
        before=last,
        changes=duty_words.changes(changed),
        added_uses=[said(questions_of_use.description_of(one)) for one in added],
        removed_uses=[said(questions_of_use.description_of(one)) for one in removed],
        said=[said(one) for one in new.get("changed_from_previous") or []],
    )


def _earlier(entry: Facts) -> Facts | None:
    """The entry of the same kind and publisher that took effect last before this one."""
    date = str(entry.get("effective_date") or "")
    same = [
        one
        for one in published.read()["licenses"]
        if one["kind"] == entry.get("kind")
        and _house(one) == _house(entry)
        and "" < str(one.get("effective_date") or "") < date
    ]
    return max(same, key=lambda one: str(one["effective_date"]), default=None)


def _house(entry: Facts) -> str:
    """A publisher without the branch that licenses some of its users."""
    return str(entry.get("publisher") or "").partition(" (")[0]
