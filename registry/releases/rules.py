"""The rules by which bytes may leave, as one table: the gate's answer and its explanation are read from it."""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from registry.agreements import grants as grants_of
from registry.agreements.models import Acceptance, Ending, Grant, RequestState
from registry.catalog.models import Gated, Repository
from registry.releases.models import Release, Status


class Reason(enum.StrEnum):
    """Why the gate answers as it does."""

    OWN = "own"  # may write the repository, or is a site maintainer
    ACCEPTED = "accepted"  # accepted the terms of the release, or an organisation did for them
    GRANTED = "granted"  # let in by the publisher, with terms accepted where they ask
    NO_TERMS = "no-terms"  # the terms ask nothing
    PLAIN_HUB = "plain-hub"  # never released, in a namespace that publishes on commit
    OPEN_FILE = "open-file"  # license texts, policy and card are always readable
    PROPOSED = "proposed"  # in a pull request of theirs: brought by them, or open in its base
    NOT_THEIRS = "not-theirs"  # in a pull request of theirs: neither of the two
    NO_REPOSITORY = "no-repository"  # for this caller it does not exist
    UNKNOWN = "unknown"  # in quarantine: for this caller it does not exist
    NO_RELEASE = "no-release"
    SUSPENDED = "suspended"
    RECALLED = "recalled"
    SIGN_IN = "sign-in"
    TERMS = "terms"
    LICENSE_ENDED = "license-ended"  # accepted, and the license ended since
    ASK = "ask"  # the publisher lets in only those who ask
    PENDING = "pending"  # asked, and waits for a person
    RETURNED = "returned"  # asked, and the publisher asked something back
    REJECTED = "rejected"
    GRANT_ENDED = "grant-ended"
    PARTIAL = "partial"  # let in to other files than this, or not to all
    OUT_OF_SCOPE = "out-of-scope"  # let in to other releases
    USED_UP = "used-up"  # let in for a number of downloads, which were made


@dataclass(frozen=True)
class Answer:
    """Allow, or why not and what to do next: a form that a page and a header can both show."""

    is_open: bool
    reason: Reason
    message: str = ""
    next_url: str = ""
    release: Release | None = None
    acceptance: Acceptance | None = None
    grant: Grant | None = None


class Outcome(enum.StrEnum):
    """What one rule says."""

    OPENS = "opens"  # whatever the rules after it say
    MET = "met"
    CLOSES = "closes"
    NOT_ASKED = "not-asked"  # it has nothing to say here


@dataclass(frozen=True)
class Verdict:
    """What one rule says of these facts, why, and what can be done about it."""

    outcome: Outcome
    words: str
    reason: Reason | None = None
    next_url: str = ""


class Facts(Protocol):
    """What the rules look at, as it stands at one moment. Each is looked up when it is asked for."""

    @property
    def repository(self) -> Repository: ...
    @property
    def path(self) -> str: ...
    @property
    def is_known(self) -> bool: ...
    @property
    def sees_all(self) -> bool: ...
    @property
    def revision_id(self) -> str: ...
    @property
    def is_quarantined(self) -> bool: ...
    @property
    def is_plain(self) -> bool: ...
    @property
    def proposed(self) -> Answer | None: ...
    @property
    def release(self) -> Release | None: ...
    @property
    def status(self) -> str: ...
    @property
    def status_reason(self) -> str: ...
    @property
    def is_open_file(self) -> bool: ...
    @property
    def asks(self) -> bool: ...
    @property
    def gated(self) -> str: ...
    @property
    def is_signed_in(self) -> bool: ...
    @property
    def acceptance(self) -> Acceptance | None: ...
    @property
    def ending(self) -> Ending | None: ...
    @property
    def grants(self) -> Sequence[Grant]: ...
    def covers_release(self, grant: Grant) -> bool: ...
    def is_used_up(self, grant: Grant) -> bool: ...
    @property
    def request_state(self) -> str: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def has_questions(self) -> bool: ...
    @property
    def terms_page(self) -> str: ...


@dataclass(frozen=True)
class Rule:
    """One question, under a name that stays, and who answers it."""

    id: str
    title: str
    judge: Callable[[Facts], Verdict]


def decide(facts: Facts) -> Answer:
    """The answer: that of the first rule that opens or closes, else yes."""
    for rule in RULES:
        verdict = rule.judge(facts)
        if verdict.outcome in {Outcome.OPENS, Outcome.CLOSES}:
            return _answer(facts, verdict)
    return _let_through(facts)


def explain(facts: Facts) -> tuple[Answer, list[tuple[Rule, Verdict]]]:
    """The same answer, and what each rule says: up to one that opens, or where one closes also
    those after it, so that all that is left to do is said at once."""
    said: list[tuple[Rule, Verdict]] = []
    decisive: Verdict | None = None
    for rule in RULES:
        verdict = rule.judge(facts)
        said.append((rule, verdict))
        if decisive is None and verdict.outcome in {Outcome.OPENS, Outcome.CLOSES}:
            decisive = verdict
        if verdict.outcome is Outcome.OPENS or verdict.reason in FINAL:
            break
    return (_answer(facts, decisive) if decisive else _let_through(facts)), said


def _answer(facts: Facts, verdict: Verdict) -> Answer:
    assert verdict.reason is not None  # noqa: S101 - a rule that decides says why
    is_open = verdict.outcome is Outcome.OPENS
    if facts.is_quarantined and not facts.is_plain and not facts.sees_all and facts.proposed:
        return facts.proposed
    no_such = verdict.reason in {Reason.UNKNOWN, Reason.NO_RELEASE, Reason.NO_REPOSITORY}
    return Answer(
        is_open,
        verdict.reason,
        "" if is_open else verdict.words,
        next_url=verdict.next_url,
        release=None if no_such else facts.release,
    )


def _let_through(facts: Facts) -> Answer:
    grant = usable(facts) if facts.gated else None
    reason = Reason.GRANTED if grant is not None else Reason.ACCEPTED
    acceptance = facts.acceptance if facts.asks else None
    return Answer(True, reason, release=facts.release, acceptance=acceptance, grant=grant)


def usable(facts: Facts) -> Grant | None:
    """A grant that opens the publisher's lock on what is asked for, the widest first."""
    fit = [
        grant
        for grant in facts.grants
        if facts.covers_release(grant)
        and grants_of.covers_path(grant, facts.path)
        and not facts.is_used_up(grant)
    ]
    return min(fit, key=lambda grant: (bool(grant.patterns), -grant.pk), default=None)


def _knows(facts: Facts) -> Verdict:
    if facts.is_known:
        return Verdict(Outcome.MET, _("The repository may be known."))
    return Verdict(
        Outcome.CLOSES,
        _(
            "There is no such repository for this person: it is private, or nothing of it "
            "is released."
        ),
        Reason.NO_REPOSITORY,
    )


def _own(facts: Facts) -> Verdict:
    if facts.sees_all:
        return Verdict(
            Outcome.OPENS, _("Whoever writes the repository, and maintainers, see all."), Reason.OWN
        )
    return Verdict(Outcome.NOT_ASKED, _("Neither a writer of the repository nor a maintainer."))


def _quarantine(facts: Facts) -> Verdict:
    if not facts.is_quarantined or facts.is_plain:
        return Verdict(Outcome.MET, _("The revision is out."))
    proposed = facts.proposed
    if proposed is None:
        return Verdict(Outcome.CLOSES, f"Invalid rev id: {facts.revision_id}", Reason.UNKNOWN)
    outcome = Outcome.OPENS if proposed.is_open else Outcome.CLOSES
    words = proposed.message or _("It is in a pull request of theirs.")
    return Verdict(outcome, words, proposed.reason, proposed.next_url)


def _released(facts: Facts) -> Verdict:
    if facts.is_plain:
        return Verdict(Outcome.MET, _("This namespace publishes on commit: it needs no release."))
    if facts.release is None:
        return Verdict(Outcome.CLOSES, _("This revision has no release."), Reason.NO_RELEASE)
    return Verdict(
        Outcome.MET, _("It is release %(version)s.") % {"version": facts.release.version}
    )


def _open_file(facts: Facts) -> Verdict:
    if facts.is_open_file:
        return Verdict(
            Outcome.OPENS,
            _("License texts, policy and card are always readable."),
            Reason.OPEN_FILE,
        )
    return Verdict(Outcome.NOT_ASKED, _("It is no license text, policy or card."))


def _withdrawn(facts: Facts) -> Verdict:
    release = facts.release
    if release is None or facts.status == Status.RELEASED:
        return Verdict(Outcome.MET, _("It was not withdrawn."))
    reason = Reason.SUSPENDED if facts.status == Status.SUSPENDED else Reason.RECALLED
    words = _("Release %(version)s is %(status)s.") % {
        "version": release.version,
        "status": pgettext("state", Status(facts.status).label),
    }
    why = _("Reason: %(reason)s") % {"reason": facts.status_reason}
    return Verdict(
        Outcome.CLOSES,
        f"{words} {why}" if facts.status_reason else words,
        reason,
        f"{facts.repository.get_absolute_url()}/releases",
    )


def _nothing_asked(facts: Facts) -> Verdict:
    if facts.asks or facts.gated:
        return Verdict(Outcome.NOT_ASKED, _("Its terms or its publisher ask something."))
    reason = Reason.PLAIN_HUB if facts.release is None else Reason.NO_TERMS
    return Verdict(Outcome.OPENS, _("Neither terms nor publisher ask anything."), reason)


def _sign_in(facts: Facts) -> Verdict:
    if facts.is_signed_in:
        return Verdict(Outcome.MET, _("Signed in."))
    return Verdict(
        Outcome.CLOSES,
        _(
            "Access to %(what)s is restricted. You must have access to it and be "
            "authenticated to access it. Please log in."
        )
        % {"what": _what(facts)},
        Reason.SIGN_IN,
        facts.terms_page if facts.asks else "",
    )


def _publisher(facts: Facts) -> Verdict:
    if not facts.gated:
        return Verdict(Outcome.NOT_ASKED, _("Its publisher has no lock on it."))
    if not facts.is_signed_in:
        return Verdict(Outcome.CLOSES, _("Nobody is signed in."), Reason.SIGN_IN)
    if (grant := usable(facts)) is not None:
        days = {"start": _day(grant.starts_at), "end": _day(grant.ends_at)}
        words = _("Let in by the publisher on %(start)s.")
        if grant.ends_at:
            words = _("Let in by the publisher on %(start)s, until %(end)s.")
        return Verdict(Outcome.MET, words % days)
    reason = _why_not_let_in(facts)
    if reason is None:
        return Verdict(Outcome.MET, _("The publisher lets in whoever accepts the terms."))
    refusals = {
        Reason.ASK: _("Access to %(what)s is restricted and you are not in the authorized list.")
        % {"what": _what(facts)},
        Reason.PENDING: _(
            "Your request to access %(what)s is awaiting a review from the repo authors."
        )
        % {"what": _what(facts)},
        Reason.RETURNED: _(
            "The repo authors asked you something about your request to access %(what)s. "
            "Answer it to have it reviewed."
        )
        % {"what": _what(facts)},
        Reason.REJECTED: _(
            "Your request to access %(what)s has been rejected by the repo's authors."
        )
        % {"what": _what(facts)},
        Reason.GRANT_ENDED: _(
            "Your access to %(what)s ended on %(ended_at)s. Ask again to have it renewed."
        )
        % {"what": _what(facts), "ended_at": _day(facts.ended_at)},
        Reason.PARTIAL: _(
            "Access to %(what)s is restricted and you were let in to some of its files "
            "only: %(patterns)s."
        )
        % {"what": _what(facts), "patterns": ", ".join(_patterns(facts))},
        Reason.OUT_OF_SCOPE: _(
            "Access to %(what)s is restricted and you were let in to other releases of it "
            "than this one."
        )
        % {"what": _what(facts)},
        Reason.USED_UP: _("The downloads of %(what)s that you were granted are used up.")
        % {"what": _what(facts)},
    }
    return Verdict(Outcome.CLOSES, refusals[reason], reason, _next_to_get_in(facts, reason))


def _why_not_let_in(facts: Facts) -> Reason | None:
    """Why the publisher's lock is closed. None where accepting the terms opens it: the publisher
    lets in whoever asks, and has no questions of their own."""
    if facts.grants:
        return _why_no_grant_fits(facts)
    state = facts.request_state
    asked: dict[str, Reason] = {
        RequestState.PENDING: Reason.PENDING,
        RequestState.RETURNED: Reason.RETURNED,
        RequestState.REJECTED: Reason.REJECTED,
    }
    if state in asked:
        return asked[state]
    if facts.ended_at is not None:
        return Reason.GRANT_ENDED
    if state == RequestState.ACCEPTED:
        return Reason.PENDING
    if facts.asks and facts.gated == Gated.AUTO and not facts.has_questions:
        return None
    return Reason.ASK


def _why_no_grant_fits(facts: Facts) -> Reason:
    of_release = [grant for grant in facts.grants if facts.covers_release(grant)]
    if not of_release:
        return Reason.OUT_OF_SCOPE
    if any(not grants_of.covers_path(grant, facts.path) for grant in of_release):
        return Reason.PARTIAL
    return Reason.USED_UP


def _next_to_get_in(facts: Facts, reason: Reason) -> str:
    page = facts.repository.get_absolute_url()
    if reason == Reason.ASK:
        return page
    if reason == Reason.PENDING and facts.asks and facts.acceptance is None:
        return facts.terms_page
    if reason in {Reason.PENDING, Reason.REJECTED}:
        return ""
    return f"{page}/access"


def _terms(facts: Facts) -> Verdict:
    if not facts.asks:
        return Verdict(Outcome.NOT_ASKED, _("Its terms ask for no acceptance."))
    if (acceptance := facts.acceptance) is not None:
        if acceptance.organisation_id:
            return Verdict(Outcome.MET, _("Its terms were accepted for an organisation."))
        return Verdict(Outcome.MET, _("Its terms were accepted."))
    if (ending := facts.ending) is not None:
        return Verdict(
            Outcome.CLOSES,
            _("Your license to %(what)s ended on %(at)s: %(event)s. Ask a steward of this site.")
            % {"what": _what(facts), "at": _day(ending.at), "event": _(ending.get_event_display())},
            Reason.LICENSE_ENDED,
            "/settings/agreements",
        )
    return Verdict(
        Outcome.CLOSES,
        _("Access to %(what)s is restricted and you have not accepted its terms yet.")
        % {"what": _what(facts)},
        Reason.TERMS,
        facts.terms_page,
    )


# In this order. A rule's id is part of what the API says, and stays.
RULES: tuple[Rule, ...] = (
    Rule("repository", gettext_noop("The repository may be known"), _knows),
    Rule("own", gettext_noop("Own work, and maintainers"), _own),
    Rule("quarantine", gettext_noop("The revision is out of quarantine"), _quarantine),
    Rule("release", gettext_noop("The revision has a release"), _released),
    Rule("open-file", gettext_noop("License texts, policy and card are open"), _open_file),
    Rule("withdrawn", gettext_noop("The release was not withdrawn"), _withdrawn),
    Rule("nothing-asked", gettext_noop("Something is asked at all"), _nothing_asked),
    Rule("sign-in", gettext_noop("Somebody is signed in"), _sign_in),
    Rule("publisher", gettext_noop("The publisher let them in"), _publisher),
    Rule("terms", gettext_noop("The terms are accepted"), _terms),
)
# After these nothing else is said: what follows would tell of what does not exist for the caller
FINAL = frozenset(
    {
        Reason.NO_REPOSITORY,
        Reason.UNKNOWN,
        Reason.NO_RELEASE,
        Reason.NOT_THEIRS,
        Reason.SUSPENDED,
        Reason.RECALLED,
    }
)


def terms_page(repository: Repository, release: Release | None, *, is_offered: bool) -> str:
    """The page that shows this release's terms; it shows those of what `main` offers by itself."""
    page = f"{repository.get_absolute_url()}/terms"
    if release is None or is_offered:
        return page
    return f"{page}?{urlencode({'version': release.version})}"


def _patterns(facts: Facts) -> list[str]:
    return sorted({pattern for grant in facts.grants for pattern in grant.patterns})


def _what(facts: Facts) -> str:
    return f"{facts.repository.type} {facts.repository.full_name}"


def _day(at: Any) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d}" if at else ""
