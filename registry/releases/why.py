"""Why the gate answers as it does, for every rule: now for the caller, and for stewards for anybody then."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.catalog import files
from registry.catalog.models import Repository, Revision
from registry.errors import Invalid, NotAllowed
from registry.releases import gate, past, present, rules
from registry.releases.past import Past
from registry.releases.present import Present
from registry.releases.rules import Answer, Outcome, Reason


@dataclass(frozen=True)
class Explained:
    """One rule with what it says. `decides` marks the one that made the answer."""

    id: str
    title: str
    outcome: Outcome
    words: str
    next_url: str
    decides: bool


@dataclass(frozen=True)
class Explanation:
    """The gate's answer and each rule that was asked, in order. `revision` is None where nothing
    could be asked for."""

    answer: Answer
    rules: tuple[Explained, ...]
    at: datetime
    revision: Revision | None


def explain(
    repository: Repository,
    revision: Revision,
    *,
    caller: Caller,
    path: str = "",
    now: datetime | None = None,
) -> Explanation:
    """Why the caller, who may know of the repository, can have this revision (or one file of it)
    or cannot."""
    now = now or timezone.now()
    facts = Present(repository, revision, caller, path=path, now=now)
    if path:
        answer = gate.decide_file(repository, revision, path, caller=caller, now=now)
        if answer.reason is Reason.OPEN_FILE:
            facts.size = files.find(revision, path).size
    return _explanation(facts, now, revision)


def at(
    user: User | None,
    repository: Repository,
    when: datetime,
    *,
    by: Caller,
    revision: Revision | None = None,
    path: str = "",
) -> Explanation:
    """Why a person, or nobody (None), could have a revision at a moment: the one given, else what
    `main` meant then. For stewards alone."""
    if not (by.is_steward and by.can_administer):
        raise NotAllowed(_("Only a steward may ask what somebody else could fetch."))
    if when > timezone.now():
        raise Invalid(_("Nobody knows that yet: choose a moment that has passed."))
    found = revision or past.offered(repository, when)
    if found is None:
        nothing = Answer(False, Reason.NO_RELEASE, "Nothing of this repository was released then.")
        return Explanation(nothing, (), when, None)
    facts = Past(repository, found, user, when, path=path)
    if path and present.is_open_name(path) and not rules.decide(facts).is_open:
        facts.size = files.find(found, path).size
    return _explanation(facts, when, found)


def _explanation(facts: Past | Present, at: datetime, revision: Revision) -> Explanation:
    answer, said = rules.explain(facts)
    deciding = next(
        (rule.id for rule, verdict in said if verdict.outcome in {Outcome.OPENS, Outcome.CLOSES}),
        "",
    )
    return Explanation(
        answer,
        tuple(
            Explained(
                rule.id,
                rule.title,
                verdict.outcome,
                verdict.words,
                verdict.next_url,
                rule.id == deciding,
            )
            for rule, verdict in said
        ),
        at,
        revision,
    )
