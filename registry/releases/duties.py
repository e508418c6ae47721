"""Which duties a revision meets, which hold its release, and what a steward decided about them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.permissions import Permission
from registry.agreements.duties import engine
from registry.agreements.duties.engine import Result, Verdict
from registry.agreements.duties.situation import Situation
from registry.agreements.terms import Terms
from registry.audit import canonical, log
from registry.catalog import turns, versions
from registry.catalog.models import RepositoryType, Revision
from registry.errors import Invalid, NotAllowed, NotNow, SignInRequired
from registry.prepared import Prepared
from registry.releases import situations
from registry.releases.models import OPEN, DutyDecision, DutyVerdict, Release

WARNING = "DUTY-"
MAX_REASON = 1000
_ORDER = {
    Verdict.BLOCK: 0,
    Verdict.REVIEW: 1,
    Verdict.WARN: 2,
    Verdict.PASS: 3,
    Verdict.NOT_APPLICABLE: 4,
}


def situation_of(revision: Revision) -> Situation:
    return situations.of_revision(revision)


def of_revision(
    revision: Revision, now: datetime | None = None, *, terms: Terms | None = None
) -> list[Result]:
    """Every rule about the model, what stands in the way first. What a steward decided about
    exactly this is the verdict then. A repository of data has none."""
    if revision.repository.type != RepositoryType.MODEL:
        return []
    asked = situations.of_revision(revision, terms=terms)
    found = engine.evaluate(asked, engine.rules_of_models())
    decided = _decisions(revision, now or timezone.now())
    settled = [_settled(one, decided.get(one.rule), asked, found) for one in found]
    return sorted(settled, key=lambda one: _ORDER[one.verdict])


def told(results: Sequence[Result]) -> list[Result]:
    """Those that are about the model."""
    return [one for one in results if one.verdict != Verdict.NOT_APPLICABLE]


def asked_at_download(revision: Revision) -> list[Result]:
    """The rules that are asked of whoever downloads the revision: with each license that asks."""
    asked = replace(situation_of(revision), action="download")
    return [
        replace(one, verdict=Verdict.REVIEW, words="Asked of each person who downloads.")
        for rule in engine.rules_of_requesters()
        for root in engine.concerned(asked, rule)
        for one in [engine.described(rule, root)]
    ]


def holds(results: Iterable[Result], *, submitting: bool = False) -> list[str]:
    """What of its duties stands between a revision and its release, a sentence or two each. What a
    steward has to decide does not keep it from being submitted: they look at it in review."""
    found = [one for one in results if one.holds]
    if submitting:
        found = [one for one in found if one.verdict == Verdict.BLOCK]
    return [_sentence(one) for one in found]


def to_review(results: Iterable[Result]) -> list[Result]:
    """What a steward has to decide before the revision is released."""
    return [one for one in results if one.holds and one.verdict == Verdict.REVIEW]


def warnings(results: Iterable[Result]) -> dict[str, str]:
    """What a reviewer ticks off before approving: ids beside those of checks, with titles."""
    return {f"{WARNING}{one.rule}": one.title for one in results if one.warns}


@transaction.atomic
def decide(
    revision: Revision,
    rule: str,
    *,
    verdict: str,
    reason: str,
    by: Caller,
    shown: str = "",
    now: datetime | None = None,
) -> DutyDecision:
    """Settle what a rule leaves to a person, or raise. `shown` is the digest of what the steward
    saw: when it is another by now, nothing is decided."""
    turns.take(revision.repository)
    revision = Revision.objects.select_related("repository__namespace").get(pk=revision.pk)
    _require_steward(revision, by)
    _check_said(verdict, reason)
    open_rules = {
        one.rule
        for one in engine.evaluate(situation_of(revision), engine.rules_of_models())
        if one.holds and one.verdict == Verdict.REVIEW
    }
    if rule not in open_rules:
        raise NotNow(_("There is nothing to decide about this duty of this revision."))
    digest = facts_digest(revision, rule)
    if shown and shown != digest:
        raise NotNow(
            _("What the rule looks at has changed since. Nothing was decided; look again.")
        )
    assert by.user is not None  # noqa: S101 - the permission needs a person
    made = DutyDecision.objects.create(
        revision=revision,
        rule=rule,
        facts_digest=digest,
        verdict=verdict,
        reason=reason.strip(),
        by=by.user,
        at=now or timezone.now(),
    )
    log.record(
        "duty.decide",
        actor=by.public_id,
        subject=revision.repository,
        revision=revision.oid,
        rule=rule,
        verdict=verdict,
        facts=digest,
    )
    return made


def _check_said(verdict: str, reason: str) -> None:
    if verdict not in DutyVerdict.values:
        raise Invalid(_("Choose one of: %(values)s.") % {"values": ", ".join(DutyVerdict.values)})
    if not reason.strip():
        raise Invalid(_("Give a reason: it stays on record, and the contributor reads it."))
    if len(reason) > MAX_REASON:
        raise Invalid(_("The reason is longer than %(most)s characters.") % {"most": MAX_REASON})


def may_decide(revision: Revision, by: Caller) -> bool:
    """Whether this caller may settle what the rules leave open. Not of their own work."""
    if by.user is None or not permissions.may(by, Permission.GOVERN, revision.repository.namespace):
        return False
    return by.reaches(revision.repository.public_id) and not _is_own_work(revision, by)


def facts_digest(revision: Revision, rule: str) -> str:
    """What the rule looked at, as one hash: the lineage and its licenses, names, texts held, and
    what it said of them. Files and card are the revision's own and do not change."""
    asked = situation_of(revision)
    found = [one for one in engine.evaluate(asked, engine.rules_of_models()) if one.rule == rule]
    return _digest(asked, rule, found)


def _digest(asked: Situation, rule: str, found: Sequence[Result]) -> str:
    return canonical.digest(
        {
            "rule": rule,
            "name": f"{asked.owner}/{asked.repository_name}",
            "relation": asked.relation,
            "roots": sorted([root.license, root.version] for root in asked.roots or ()),
            "ancestors": sorted(asked.ancestor_licenses or ()),
            "declared": sorted(asked.declared_licenses or ()),
            "trained": sorted(asked.trained_on_outputs_of or ()),
            "results": [[one.license, one.license_version, one.words] for one in found],
        }
    )


def _decisions(revision: Revision, now: datetime) -> dict[str, DutyDecision]:
    return {one.rule: one for one in _DECIDED.rows(revision=revision.pk, now=now)}


_DECIDED = Prepared(
    lambda revision, now: DutyDecision.objects.filter(revision=revision, at__lte=now).order_by("pk")
)


def _settled(
    one: Result, decision: DutyDecision | None, asked: Situation, found: Sequence[Result]
) -> Result:
    if decision is None or one.verdict != Verdict.REVIEW:
        return one
    of_rule = [other for other in found if other.rule == one.rule]
    if decision.facts_digest != _digest(asked, one.rule, of_rule):
        return replace(
            one, words=f"{one.words} What a steward decided before was about other facts."
        )
    said = f"{decision.at:%Y-%m-%d}: {decision.reason}"
    if decision.verdict == DutyVerdict.ALLOW:
        return replace(
            one, verdict=Verdict.PASS, words=f"A steward allowed it on {said}", remedies=()
        )
    return replace(one, verdict=Verdict.BLOCK, words=f"A steward refused it on {said}")


def _sentence(one: Result) -> str:
    rest = f" {one.fix}" if one.fix else ""
    if one.verdict == Verdict.REVIEW:
        rest += " A steward has to decide about it."
    return f"{one.title}: {one.words}{rest}"


def _require_steward(revision: Revision, by: Caller) -> None:
    if by.user is None:
        raise SignInRequired(_("Sign in to decide about a duty."))
    repository = revision.repository
    if not permissions.may(by, Permission.GOVERN, repository.namespace):
        raise NotAllowed(
            _("Only a steward with a browser or a token of scope admin decides about a duty.")
        )
    if not by.reaches(repository.public_id):
        raise NotAllowed(_("This token does not cover the repository."))
    if _is_own_work(revision, by):
        raise NotAllowed(
            _(
                "You may not decide about your own work: you asked for its release or wrote a "
                "commit that it would publish. Another steward has to."
            )
        )


def _is_own_work(revision: Revision, by: Caller) -> bool:
    assert by.user is not None  # noqa: S101 - looked at by the callers
    asked_for = Release.objects.filter(revision=revision, status__in=OPEN, opened_by=by.user)
    return by.user.pk in versions.authors_since_release(revision) or asked_for.exists()
