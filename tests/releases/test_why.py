"""Each rule of the gate says its piece, to the person themselves and to a steward about the past."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from registry.accounts import people
from registry.accounts.callers import NOBODY
from registry.accounts.models import Role
from registry.agreements import grants, organisations, requests
from registry.agreements.models import Grant
from registry.agreements.scopes import Scope
from registry.audit import log
from registry.catalog import repositories
from registry.errors import AccessRequired, EntryMissing, Invalid, NotAllowed, TermsRequired
from registry.releases import gate, past, rules, why, workflow
from registry.releases.rules import Outcome, Reason
from tests import factories
from tests.agreements.access import ask, make_gated, owner_of
from tests.agreements.organisations import end, make_signing, sign
from tests.factories import as_caller

pytestmark = pytest.mark.django_db


def _said(explanation: why.Explanation) -> dict[str, Outcome]:
    return {rule.id: rule.outcome for rule in explanation.rules}


def _explain(release, user=None, path=""):
    release.revision.refresh_from_db()
    caller = as_caller(user) if user else NOBODY
    return why.explain(release.repository, release.revision, caller=caller, path=path)


def test_everything_that_is_left_to_do_is_said_at_once():
    release, bob = make_gated(card=factories.CARD), factories.make_user()

    told = _explain(release, bob)

    closed = [rule for rule in told.rules if rule.outcome is Outcome.CLOSES]
    assert [rule.id for rule in closed] == ["publisher", "terms"]
    assert [rule.decides for rule in closed] == [True, False]
    assert all(rule.next_url and rule.words for rule in closed)
    assert told.answer.reason == Reason.ASK


def test_nothing_is_said_after_a_rule_that_ends_the_matter():
    release = make_gated(card=factories.CARD)
    by = as_caller(factories.make_maintainer())
    workflow.transition("suspend", release, by=by, reason="It was wrong.")

    told = _explain(release, factories.make_user())

    assert told.rules[-1].id == "withdrawn"
    assert (told.answer.reason, told.rules[-1].decides) == (Reason.SUSPENDED, True)


def test_who_may_download_is_told_by_which_acceptance():
    release, bob = factories.make_released(), factories.make_user()
    factories.accept_terms(release, bob)

    told = _explain(release, bob)

    assert told.answer.is_open
    assert _said(told)["terms"] is Outcome.MET
    assert not any(rule.decides for rule in told.rules)


def test_a_card_is_open_and_says_so_though_the_rest_is_not():
    release = factories.make_released()

    told = _explain(release, path="README.md")

    assert told.answer.reason == Reason.OPEN_FILE
    assert [rule.id for rule in told.rules if rule.decides] == ["open-file"]
    with pytest.raises(EntryMissing):
        _explain(release, path="LICENSE-of-another")


def test_a_grant_of_some_files_opens_these_and_their_hashes_alone():
    release, bob = make_gated(), factories.make_user()
    revision = factories.make_commit(release.repository, {"config.json": "{}"})
    factories.finish_checks(revision)
    second = workflow.open_release(revision, version="v2", by=owner_of(release.repository))
    second = workflow.transition("approve", second, by=as_caller(factories.make_maintainer()))
    requests.grant(
        release.repository,
        user=bob.username,
        by=owner_of(release.repository),
        scope=Scope(patterns=["*.json"]),
    )
    factories.accept_terms(second, bob)
    second.revision.refresh_from_db()
    here, caller = (release.repository, second.revision), as_caller(bob)

    whole = gate.decide(*here, caller=caller)

    assert (whole.is_open, whole.reason) == (False, Reason.PARTIAL)
    assert "*.json" in whole.message
    assert gate.decide_file(*here, "config.json", caller=caller).reason == Reason.GRANTED
    closed = gate.decide_file(*here, "model.safetensors", caller=caller)
    assert (closed.is_open, closed.reason) == (False, Reason.PARTIAL)
    with pytest.raises(AccessRequired):
        gate.require(closed, release.repository)
    (shown,) = gate.hashes_shown(*here, whole, caller=caller)
    assert shown == gate.files.find(second.revision, "config.json").sha256


def test_a_grant_of_some_files_waits_for_the_terms_too():
    release, bob = make_gated(card=factories.CARD), factories.make_user()
    requests.grant(
        release.repository,
        user=bob.username,
        by=owner_of(release.repository),
        scope=Scope(patterns=["*.safetensors"]),
    )
    release.revision.refresh_from_db()
    here, caller = (release.repository, release.revision), as_caller(bob)

    whole = gate.decide(*here, caller=caller)

    assert gate.decide_file(*here, "model.safetensors", caller=caller).reason == Reason.TERMS
    assert gate.hashes_shown(*here, whole, caller=caller) == set()


def test_a_grant_of_other_releases_opens_not_this_one():
    release, bob = make_gated(), factories.make_user()
    revision = factories.make_commit(release.repository, {"config.json": "{}"})
    factories.finish_checks(revision)
    second = workflow.open_release(revision, version="v2", by=owner_of(release.repository))
    second = workflow.transition("approve", second, by=as_caller(factories.make_maintainer()))
    requests.grant(
        release.repository,
        user=bob.username,
        by=owner_of(release.repository),
        scope=Scope(first_release=second.public_id),
    )
    factories.accept_terms(second, bob)

    assert _explain(release, bob).answer.reason == Reason.OUT_OF_SCOPE
    assert _explain(second, bob).answer.reason == Reason.GRANTED


def test_a_grant_ends_at_its_very_moment_and_says_when_it_did():
    release, bob = make_gated(), factories.make_user()
    start = timezone.now()
    until = start + timedelta(days=3)
    by = owner_of(release.repository)
    requests.grant(
        release.repository, user=bob.username, by=by, scope=Scope(ends_at=until), now=start
    )
    release.revision.refresh_from_db()
    here = (release.repository, release.revision)

    def at(moment):
        return gate.decide(*here, caller=as_caller(bob), now=moment)

    before = at(until - timedelta(microseconds=1))
    after = at(until)

    assert at(start - timedelta(microseconds=1)).reason != Reason.GRANTED
    assert at(start).reason == Reason.GRANTED
    assert before.reason == Reason.GRANTED
    assert (after.reason, after.next_url) == (
        Reason.GRANT_ENDED,
        f"{release.repository.get_absolute_url()}/access",
    )
    assert f"{until:%Y-%m-%d}" in after.message


def test_who_was_asked_something_back_is_sent_to_answer_it():
    release, bob = make_gated(), factories.make_user()
    asked = ask(release.repository, bob)
    requests.ask_back(
        release.repository,
        request_id=asked.public_id,
        question="What for?",
        by=owner_of(release.repository),
    )

    answer = _explain(release, bob).answer

    assert (answer.reason, answer.next_url) == (
        Reason.RETURNED,
        f"{release.repository.get_absolute_url()}/access",
    )
    with pytest.raises(AccessRequired):
        gate.require(answer, release.repository)


def test_an_ended_license_closes_and_is_no_invitation_to_accept_again():
    release, bob = factories.make_released(), factories.make_user()
    end(factories.accept_terms(release, bob))

    answer = _explain(release, bob).answer

    assert answer.reason == Reason.LICENSE_ENDED
    with pytest.raises(TermsRequired):
        gate.require(answer, release.repository)


def test_only_a_steward_with_the_whole_of_their_rights_may_ask_about_others():
    release, steward = factories.make_released(), factories.make_user(site_role="steward")
    now = timezone.now()

    for person in (factories.make_user(), factories.make_maintainer(), release.opened_by):
        with pytest.raises(NotAllowed):
            why.at(None, release.repository, now, by=as_caller(person))
    with pytest.raises(NotAllowed):
        why.at(None, release.repository, now, by=NOBODY)
    assert why.at(None, release.repository, now, by=as_caller(steward)).answer.reason == "sign-in"


def test_nobody_is_told_of_the_future():
    release, steward = factories.make_released(), factories.make_user(site_role="steward")

    with pytest.raises(Invalid):
        why.at(
            None,
            release.repository,
            timezone.now() + timedelta(minutes=1),
            by=as_caller(steward),
        )


def test_the_past_is_told_before_and_after_each_step():
    steward = as_caller(factories.make_user(site_role="steward"))
    bob, repository = factories.make_user(), factories.make_repository()
    made = timezone.now()
    release = factories.make_released(repository)
    out = timezone.now()
    factories.accept_terms(release, bob)
    accepted = timezone.now()
    repositories.set_visibility(repository, "private", by=owner_of(repository))
    hidden = timezone.now()
    repositories.set_visibility(repository, "public", by=owner_of(repository))
    by = as_caller(factories.make_maintainer())
    workflow.transition("recall", release, by=by, reason="It was wrong.")
    recalled = timezone.now()

    def told(at):
        return why.at(bob, repository, at, by=steward).answer.reason

    assert [told(at) for at in (made, out, accepted, hidden, recalled)] == [
        Reason.NO_RELEASE,
        Reason.TERMS,
        Reason.ACCEPTED,
        Reason.NO_REPOSITORY,
        Reason.RECALLED,
    ]


def test_roles_of_the_past_are_those_that_were_held_then():
    steward = as_caller(factories.make_user(site_role="steward"))
    lab = factories.make_organisation()
    owner = lab.memberships.get().user
    release = factories.make_released(factories.make_repository(owner, namespace=lab.name))
    bob = factories.make_user()
    before = timezone.now()
    people.set_role(namespace=lab, user=bob, role=Role.WRITE, by="")
    during = timezone.now()
    people.remove_member(namespace=lab, user=bob, by="")
    after = timezone.now()

    told = [
        why.at(bob, release.repository, at, by=steward).answer.reason
        for at in (before, during, after)
    ]

    assert told == [Reason.TERMS, Reason.OWN, Reason.TERMS]


def test_what_was_closed_for_lack_of_an_account_stays_so():
    steward = as_caller(factories.make_user(site_role="steward"))
    release = factories.make_released()
    before = timezone.now()
    bob = factories.make_user()
    factories.accept_terms(release, bob)
    during = timezone.now()
    log.record("person.close", actor="", subject=bob)

    def told(at):
        return why.at(bob, release.repository, at, by=steward).answer.reason

    assert [told(at) for at in (before, during, timezone.now())] == [
        Reason.SIGN_IN,
        Reason.ACCEPTED,
        Reason.SIGN_IN,
    ]


def test_the_newest_commit_that_was_out_is_what_main_meant():
    release = factories.make_released()
    first = timezone.now()
    revision = factories.make_commit(release.repository, {"config.json": "{}"})
    factories.finish_checks(revision)
    owner = owner_of(release.repository)
    second = workflow.open_release(revision, version="v2", by=owner)
    by = as_caller(factories.make_maintainer())
    workflow.transition("approve", second, by=by)
    both = timezone.now()
    workflow.transition("suspend", second, by=by, reason="It was wrong.")
    one = timezone.now()

    offered = [past.offered(release.repository, at) for at in (first, both, one)]

    assert offered == [release.revision, revision, release.revision]


def test_every_rule_has_a_name_of_its_own():
    assert len({rule.id for rule in rules.RULES}) == len(rules.RULES)


def test_a_revoked_grant_was_in_force_until_it_was_revoked():
    steward = as_caller(factories.make_user(site_role="steward"))
    release, bob = make_gated(), factories.make_user()
    by = owner_of(release.repository)
    requests.grant(release.repository, user=bob.username, by=by)
    during = timezone.now()
    grants.revoke(Grant.objects.get(user=bob), by=by)

    told = [
        why.at(bob, release.repository, at, by=steward).answer.reason
        for at in (during, timezone.now())
    ]

    assert told == [Reason.GRANTED, Reason.REJECTED]


def test_the_documentation_names_every_rule_and_every_reason():
    page = (settings.BASE_DIR / "docs" / "gate.md").read_text()

    missing = [rule.id for rule in rules.RULES if f"| `{rule.id}` |" not in page]
    missing += [reason for reason in Reason if f"`{reason}`" not in page]

    assert missing == []


def test_the_past_knows_who_left_an_organisation_and_came_back_without_joining_again():
    steward = as_caller(factories.make_user(site_role="steward"))
    release = factories.make_released()
    lab, signatory = make_signing()
    bob = factories.make_member(lab, Role.READ)
    signed = sign(release, lab, signatory)

    def step(act, *args, **rest):
        act(*args, **rest)
        return timezone.now()

    moments = [
        step(organisations.adhere, signed, as_caller(bob)),
        step(people.remove_member, namespace=lab, user=bob, by=""),
        step(people.set_role, namespace=lab, user=bob, role=Role.READ, by=""),
    ]
    present = gate.decide(release.repository, release.revision, caller=as_caller(bob)).reason

    told = [why.at(bob, release.repository, at, by=steward).answer.reason for at in moments]

    assert told == [Reason.ACCEPTED, Reason.TERMS, Reason.TERMS]
    assert present == told[-1]
