"""Two locks: the terms, and the publisher's own. Neither opens the other, and both say why."""

import pytest

from registry.accounts.callers import NOBODY
from registry.agreements import requests
from registry.audit.models import Access
from registry.catalog.models import Gated
from registry.errors import AccessRequired, Conflict, Invalid, NotGated, TermsRequired
from registry.releases import access, gate, offers
from registry.releases.gate import Reason
from registry.releases.models import Release
from tests import factories
from tests.agreements.access import (
    ANSWERS,
    ASKING_CARD,
    OPEN_CARD,
    ask,
    make_gated,
    owner_of,
    set_mode,
)

pytestmark = pytest.mark.django_db

WEIGHTS = "model.safetensors"


def _answer(release: Release, user=None) -> gate.Answer:
    release.revision.refresh_from_db()
    caller = factories.as_caller(user) if user else NOBODY
    return gate.decide(release.repository, release.revision, caller=caller)


def _let_in(release: Release, user) -> None:
    requests.grant(release.repository, user=user.username, by=owner_of(release.repository))


@pytest.mark.parametrize("mode", [Gated.AUTO, Gated.MANUAL])
def test_the_publishers_lock_alone_asks_to_sign_in_and_then_to_ask(mode):
    release, bob = make_gated(mode), factories.make_user()

    assert _answer(release).reason == Reason.SIGN_IN
    answer = _answer(release, bob)

    assert (answer.is_open, answer.reason) == (False, Reason.ASK)
    assert answer.next_url == f"/{release.repository}"
    with pytest.raises(AccessRequired):
        gate.require(answer, release.repository)


def test_a_person_waits_is_let_in_and_turned_out():
    release, bob = make_gated(), factories.make_user()
    repository, owner = release.repository, owner_of(release.repository)

    ask(repository, bob)
    waiting = _answer(release, bob)
    requests.handle(repository, status="accepted", user=bob.username, by=owner)
    let_in = _answer(release, bob)
    requests.handle(repository, status="rejected", user=bob.username, by=owner)
    turned_out = _answer(release, bob)

    assert (waiting.reason, let_in.reason, turned_out.reason) == (
        Reason.PENDING,
        Reason.GRANTED,
        Reason.REJECTED,
    )
    assert let_in.grant is not None
    assert turned_out.next_url == ""


def test_a_grant_never_replaces_an_acceptance_and_neither_does_the_reverse():
    release, bob = make_gated(card=factories.CARD), factories.make_user()

    _let_in(release, bob)
    assert _answer(release, bob).reason == Reason.TERMS
    carol = factories.make_user()
    factories.accept_terms(release, carol)
    assert _answer(release, carol).reason == Reason.ASK
    factories.accept_terms(release, bob)

    both = _answer(release, bob)
    assert both.reason == Reason.GRANTED
    assert both.acceptance is not None
    assert both.grant is not None


def test_who_waits_and_has_not_accepted_is_shown_the_terms():
    release, bob = make_gated(card=factories.CARD), factories.make_user()
    ask(release.repository, bob)

    answer = _answer(release, bob)

    assert (answer.reason, answer.next_url) == (Reason.PENDING, f"/{release.repository}/terms")
    with pytest.raises(TermsRequired):
        gate.require(answer, release.repository)


def test_accepting_the_terms_opens_a_lock_for_whoever_asks_by_itself():
    release, bob = make_gated(Gated.AUTO, card=factories.CARD), factories.make_user()
    assert _answer(release, bob).reason == Reason.TERMS

    offers.accept(
        release.repository,
        shown_hash=release.terms_hash,
        typed_name="Bob",
        by=factories.as_caller(bob),
    )

    assert _answer(release, bob).reason == Reason.GRANTED
    assert requests.newest(release.repository, bob).state == "accepted"


def test_an_acceptance_from_before_the_lock_opens_one_for_whoever_asks():
    release, bob = make_gated(Gated.NO, card=factories.CARD), factories.make_user()
    factories.accept_terms(release, bob)

    set_mode(release.repository, Gated.AUTO)
    assert _answer(release, bob).reason == Reason.ACCEPTED
    set_mode(release.repository, Gated.MANUAL)
    assert _answer(release, bob).reason == Reason.ASK


def test_where_the_card_has_questions_they_are_answered_with_the_terms_and_once():
    card = ASKING_CARD.replace("apache-2.0", "llama3.1")
    release, bob = make_gated(Gated.AUTO, card=card), factories.make_user()
    said = {
        "shown_hash": release.terms_hash,
        "typed_name": "Bob",
        "by": factories.as_caller(bob),
    }
    with pytest.raises(Invalid, match="Affiliation"):
        offers.accept(release.repository, **said)
    with pytest.raises(Invalid, match="Affiliation"):
        access.ask(release.repository, by=said["by"], answers={})
    assert _answer(release, bob).reason == Reason.ASK

    offers.accept(release.repository, **said, answers=ANSWERS)

    assert _answer(release, bob).reason == Reason.GRANTED
    asked = requests.newest(release.repository, bob)
    assert requests.answers_of(asked)["Affiliation"] == "ACME"


def test_asking_with_the_hash_that_was_shown_accepts_the_terms_too():
    release, bob = make_gated(Gated.AUTO, card=factories.CARD), factories.make_user()
    caller = factories.as_caller(bob)

    with pytest.raises(Conflict):
        access.ask(release.repository, by=caller, answers={}, terms_hash="0" * 64)
    assert requests.newest(release.repository, bob) is None
    without = access.ask(release.repository, by=caller, answers={})
    assert without.state == "pending"
    assert access.terms_to_accept(release.repository, caller) == release

    done = access.ask(release.repository, by=caller, answers={}, terms_hash=release.terms_hash)

    assert done.state == "accepted"
    assert done.terms_hash == release.terms_hash
    assert _answer(release, bob).is_open
    assert access.terms_to_accept(release.repository, caller) is None


def test_without_a_lock_asking_accepts_the_terms_and_makes_no_request():
    release, bob = make_gated(Gated.NO, card=factories.CARD), factories.make_user()
    caller = factories.as_caller(bob)

    assert (
        access.ask(release.repository, by=caller, answers={}, terms_hash=release.terms_hash) is None
    )

    assert _answer(release, bob).reason == Reason.ACCEPTED
    with pytest.raises(NotGated):
        _let_in(release, bob)


def test_taking_the_lock_off_opens_the_files_as_far_as_the_terms_do_and_keeps_the_list():
    release, bob = make_gated(card=OPEN_CARD), factories.make_user()
    ask(release.repository, bob)

    set_mode(release.repository, Gated.NO)

    assert _answer(release).reason == Reason.NO_TERMS
    assert requests.listed(release.repository).count() == 1


@pytest.mark.parametrize(
    ("mode", "card", "gated"),
    [
        (Gated.NO, OPEN_CARD, False),
        (Gated.NO, factories.CARD, "auto"),
        (Gated.AUTO, OPEN_CARD, "auto"),
        (Gated.AUTO, factories.CARD, "auto"),
        (Gated.MANUAL, OPEN_CARD, "manual"),
        (Gated.MANUAL, factories.CARD, "manual"),
    ],
)
def test_what_the_wire_calls_gated(mode, card, gated):
    release = make_gated(mode, card=card)

    asks = gate.asks_acceptance(release.revision, release)

    assert gate.gated(release.repository, asks=asks) == gated


def test_the_access_log_names_the_grant():
    release, bob = make_gated(), factories.make_user()
    _let_in(release, bob)
    caller = factories.as_caller(bob)
    file, answer = gate.open_file(release.repository, release.revision, WEIGHTS, caller=caller)

    gate.note_access(
        file,
        answer,
        repository=release.repository,
        revision=release.revision,
        caller=caller,
        first_byte=0,
        last_byte=3,
    )

    row = Access.objects.get()
    assert (row.reason, row.grant) == ("granted", bob.access_grants.get().public_id)
