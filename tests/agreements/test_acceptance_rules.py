"""What an acceptance asks besides a name: answers, countries, thresholds, and a signatory."""

from typing import Any

import pytest

from registry.accounts import people
from registry.accounts.models import Role
from registry.agreements import acceptances, organisations, receipts
from registry.agreements.models import Acceptance, Ending, EndingEvent, Receipt
from registry.agreements.receipts import TYPE
from registry.audit import canonical, keys
from registry.audit.models import Entry
from registry.catalog import questions
from registry.catalog.models import Repository
from registry.errors import Conflict, Invalid, NotAllowed, NotNow
from registry.releases import alike, offers
from registry.releases.models import Release
from tests import factories
from tests.agreements.organisations import make_signing
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db

CARD: dict[str, Any] = {
    "extra_gated_prompt": "We ask because the data is sensitive.",
    "extra_gated_fields": {
        "Affiliation": "text",
        "Country": "country",
        "Born": "date_picker",
        "Use": {"type": "select", "options": ["research", {"label": "Else", "value": "other"}]},
        "I agree": "checkbox",
    },
}
ANSWERS: dict[str, Any] = {
    "Affiliation": "ACME \U0001f999",
    "Country": "FR",
    "Born": "1990-02-03",
    "Use": "other",
    "I agree": True,
}
REGION = {
    "id": "eu_multimodal",
    "kind": "region",
    "license": "llama3-2",
    "version_sha256": "0" * 64,
    "countries": ["AT", "FR"],
    "clause": "The license gives no rights to people who live in the European Union.",
}
USERS = {
    "id": "monthly_users:llama3-1",
    "kind": "users",
    "license": "llama3-1",
    "version_sha256": "0" * 64,
    "limit": 700_000_000,
    "measured_at": "2024-07-23",
    "clause": "Above 700 million monthly users the publisher gives no rights by this license.",
}


@pytest.fixture
def repository() -> Repository:
    return factories.make_repository()


def _terms(repository: Repository, **rest: Any) -> dict[str, Any]:
    return {
        "schema": 2,
        "repository": repository.public_id,
        "needs_acceptance": True,
        "documents": [],
        "prompt": None,
        "attestations": [],
    } | rest


def _accept(repository: Repository, terms: dict[str, Any], by: Any = None, **rest: Any):
    return acceptances.accept(
        repository,
        terms=terms,
        **{
            "shown_hash": canonical.digest(terms),
            "typed_name": "Ada Example",
            "by": by or factories.as_caller(factories.make_user()),
        }
        | rest,
    )


# The publisher's questions


@pytest.fixture
def asking(repository):
    return _terms(repository, prompt=questions.of_card(CARD).as_json())


def test_answers_are_kept_and_the_receipt_has_their_digest(repository, asking):
    made = _accept(repository, asking, answers=ANSWERS | {"not asked": "x"})

    assert made.words.answers == ANSWERS | {"I agree": "true"}
    file = receipts.for_holder(made.receipt)
    assert file["disclosed"]["answers"] == made.words.answers
    assert "ACME" not in canonical.encode(file["receipt"]).decode()
    assert receipts.verify(receipts.file_of(made.receipt), receipts.public_keys())


@pytest.mark.parametrize(
    ("label", "answer"),
    [
        ("Affiliation", ""),
        ("Affiliation", "x" * 1_000_000),
        ("Affiliation", "a\0b"),
        ("Affiliation", "\ud800"),
        ("Affiliation", {"a": "b"}),
        ("Country", None),
        ("Country", "Atlantis"),
        ("Born", "03.02.1990"),
        ("Born", "1369-11-30 AP"),
        ("Born", "٢٠٢٦-٠١-٠١"),
        ("Born", "2026-02-30"),
        ("Use", "nothing"),
        ("I agree", False),
        ("I agree", "no"),
    ],
)
def test_an_answer_that_cannot_be_taken_stores_nothing(repository, asking, label, answer):
    with pytest.raises(Invalid, match="not every answer can be taken") as refused:
        _accept(repository, asking, answers=ANSWERS | {label: answer})

    assert repr(label) in str(refused.value)
    assert len(str(refused.value)) < 1000
    assert not Acceptance.objects.exists()


# Statements


@pytest.mark.parametrize("code", ["CA", "ca", " JP "])
def test_a_country_that_is_not_listed_is_stated_without_naming_it(repository, code):
    made = _accept(repository, _terms(repository, attestations=[REGION]), country=code)

    assert made.words.country == code.strip().upper()
    assert list(made.attested) == ["eu_multimodal"]
    assert made.receipt.body["attested"] == made.attested
    assert code.strip().upper() not in made.attested["eu_multimodal"].split()


def test_an_excluded_country_is_refused_with_the_clause_and_what_to_do(repository):
    with pytest.raises(NotAllowed) as refused:
        _accept(repository, _terms(repository, attestations=[REGION]), country="FR")

    for words in (
        REGION["clause"],
        "You named France.",
        "Ask the publisher",
        "nothing was recorded",
    ):
        assert words in str(refused.value)
    assert not Acceptance.objects.exists()
    assert not Entry.objects.filter(event="terms.accept").exists()


@pytest.mark.parametrize("code", ["", "XX", "France", "F"])
def test_a_country_is_named_by_its_code(repository, code):
    with pytest.raises(Invalid, match="two letters"):
        _accept(repository, _terms(repository, attestations=[REGION]), country=code)


def test_a_person_is_not_asked_for_numbers_of_users(repository):
    assert _accept(repository, _terms(repository, attestations=[USERS])).attested == {}


# Organisations


def test_a_signatory_accepts_for_the_organisation_and_its_receipt_names_it(repository):
    lab, ada = make_signing("lab")
    stated = {USERS["id"]: True, organisations.AUTHORITY: True}

    made = _accept(
        repository,
        _terms(repository, attestations=[USERS, REGION]),
        factories.as_caller(ada),
        organisation=lab,
        country="CH",
        attested=stated,
    )

    body = made.receipt.body
    assert (made.organisation, made.capacity) == (lab, "organisation")
    assert body["party"] == {"kind": "organisation", "id": lab.public_id, "name": "lab"}
    assert body["signatory"]["id"] == ada.public_id
    assert set(made.attested) == {USERS["id"], organisations.AUTHORITY, REGION["id"]}
    assert receipts.verify(receipts.file_of(made.receipt), receipts.public_keys()).words
    assert Entry.objects.get(event="terms.accept").details["organisation"] == lab.public_id


def test_above_the_number_of_users_a_separate_license_is_needed(repository):
    lab, ada = make_signing()
    terms = _terms(repository, attestations=[USERS])

    for stated in ({}, {USERS["id"]: False}, {USERS["id"]: "no"}, {USERS["id"]: 1}):
        with pytest.raises(NotAllowed, match="separate license is needed"):
            _accept(
                repository,
                terms,
                factories.as_caller(ada),
                organisation=lab,
                attested=stated | {organisations.AUTHORITY: True},
            )

    assert not Acceptance.objects.exists()


def test_who_does_not_sign_for_the_organisation_cannot_accept_for_it(repository):
    lab, ada = make_signing()
    stated = {organisations.AUTHORITY: True}
    member = factories.make_member(lab)

    for person in (member, factories.make_user()):
        with pytest.raises(NotAllowed):
            _accept(
                repository,
                _terms(repository),
                factories.as_caller(person),
                organisation=lab,
                attested=stated,
            )
    with pytest.raises(Invalid, match="may sign"):
        _accept(repository, _terms(repository), factories.as_caller(ada), organisation=lab)
    with pytest.raises(Invalid, match="which organisation"):
        _accept(repository, _terms(repository), capacity="organisation")
    assert not Acceptance.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_signatories_at_once_are_one_signature():
    factories.make_facts()
    keys.ensure_key()
    repository = factories.make_repository()
    lab, ada = make_signing()
    bob = factories.make_member(lab, Role.ADMIN)
    from tests.agreements.organisations import verify

    verify(bob, f"{bob.username}@lab.example")
    wanted = {"organisation": lab, "attested": {organisations.AUTHORITY: True}}
    terms = _terms(repository)

    made = at_once(
        lambda: _accept(repository, terms, factories.as_caller(ada), **wanted),
        lambda: _accept(repository, terms, factories.as_caller(bob), **wanted),
    )

    assert made[0] == made[1] == Acceptance.objects.get()
    assert Receipt.objects.count() == 1
    assert Entry.objects.filter(event="terms.accept").count() == 1


def test_a_signatory_who_lost_the_role_signs_no_more(repository):
    lab, ada = make_signing()
    bob = factories.make_member(lab, Role.ADMIN)
    people.set_role(namespace=lab, user=ada, role=Role.WRITE, by=bob.public_id)

    with pytest.raises(NotAllowed):
        _accept(
            repository,
            _terms(repository),
            factories.as_caller(ada),
            organisation=lab,
            attested={organisations.AUTHORITY: True},
        )


# Once, and no more


@pytest.mark.django_db(transaction=True)
def test_the_first_receipts_of_a_site_are_signed_with_one_key():
    factories.make_facts()
    repository = factories.make_repository()
    terms = _terms(repository)
    ada, bob = (factories.as_caller(factories.make_user()) for _ in range(2))

    made = at_once(
        lambda: _accept(repository, terms, ada),
        lambda: _accept(repository, terms, ada),
        lambda: _accept(repository, terms, bob),
    )

    assert made[0] == made[1] != made[2]
    assert Receipt.objects.count() == 2
    assert Receipt.objects.values("key_id").distinct().count() == 1
    assert Entry.objects.filter(event="terms.accept").count() == 2


def test_an_acceptance_whose_license_ended_cannot_be_repeated(repository):
    by = factories.as_caller(factories.make_user())
    terms = _terms(repository)
    made = _accept(repository, terms, by)
    Ending.objects.create(acceptance=made, event=EndingEvent.LICENSEE, at=made.accepted_at)

    with pytest.raises(NotNow, match="ended on"):
        _accept(repository, terms, by)


def test_a_failed_signature_leaves_nothing_behind(repository, settings, tmp_path):
    keys.ensure_key()
    settings.KEY_DIR = tmp_path

    with pytest.raises(NotNow, match="Restore the folder"):
        _accept(repository, _terms(repository))

    assert not Acceptance.objects.exists()
    assert not Entry.objects.filter(event="terms.accept").exists()


def test_the_database_knows_one_acceptance_by_an_organisation_and_its_capacity(repository):
    lab, ada = make_signing()
    made = _accept(
        repository,
        _terms(repository),
        factories.as_caller(ada),
        organisation=lab,
        attested={organisations.AUTHORITY: True},
    )
    same = {
        "user": factories.make_user(),
        "repository": repository,
        "terms": made.terms,
        "terms_hash": made.terms_hash,
        "words_digest": "0" * 64,
        "accepted_at": made.accepted_at,
        "organisation": lab,
    }

    with refused_by("terms_accepted_once_by_an_organisation"):
        Acceptance.objects.create(**same, capacity="organisation")
    with refused_by("signatory_accepts_for_an_organisation"):
        Acceptance.objects.create(**same | {"terms_hash": "1" * 64}, capacity="self")
    assert made.receipt.body["type"] == TYPE


# Several models in one act


def test_one_act_covers_the_models_whose_terms_differ_in_nothing_else():
    first, second, third = (factories.make_released() for _ in range(3))
    other = factories.make_released(files={"README.md": "---\nlicense: mit\n---\n", "w.bin": b"w"})
    private = factories.make_released(factories.make_repository(visibility="private"))
    reader = factories.as_caller(factories.make_user())
    said = {"typed_name": "Ada"}
    found = alike.others(first.repository, first.terms, caller=reader)

    made = offers.accept(first.repository, shown_hash=first.terms_hash, by=reader, **said)
    ids = [one.repository.public_id for one in (second, other, private)]
    more = alike.accept_also(made, ids, by=reader, said=said)

    assert found == [second, third]
    assert [one.repository for one in more] == [second.repository]
    assert {one.receipt.body["terms_hash"] for one in [made, *more]} == {
        first.terms_hash,
        second.terms_hash,
    }
    assert alike.others(first.repository, first.terms, caller=reader) == [third]
    assert not Acceptance.objects.filter(repository=private.repository).exists()


def test_a_release_that_is_out_no_more_is_not_offered_along():
    first, second = factories.make_released(), factories.make_released()
    reader = factories.as_caller(factories.make_user())
    Release.objects.filter(pk=second.pk).update(status="suspended")

    assert alike.others(first.repository, first.terms, caller=reader) == []


@pytest.mark.django_db(transaction=True)
def test_an_acceptance_while_the_terms_change_is_of_the_shown_set_or_refused():
    factories.make_facts()
    keys.ensure_key()
    first = factories.make_released()
    second = factories.make_release(first.repository, version="v2.0", files={"n.txt": "x"})
    newer = second.terms | {"note": "another text"}
    digest = canonical.digest(newer)
    reader = factories.as_caller(factories.make_user())

    def change() -> None:
        Release.objects.filter(pk=first.pk).update(terms=newer, terms_hash=digest)

    made, _ = at_once(
        lambda: offers.accept(
            first.repository, shown_hash=first.terms_hash, typed_name="Ada", by=reader
        ),
        change,
    )

    stored = list(Acceptance.objects.all())
    assert isinstance(made, Conflict) == (stored == [])
    assert all(one.terms_hash == first.terms_hash for one in stored)
    assert Receipt.objects.count() == len(stored)
