"""Accepting terms: what is stored is what was shown, and it stays."""

import pytest

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Scope
from registry.accounts.people import create_service_account
from registry.agreements import acceptances, documents, terms
from registry.agreements.models import Acceptance, AcceptanceWords
from registry.audit import canonical
from registry.audit.models import Entry
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, RevisionMissing, SignInRequired
from registry.releases import offers
from tests import factories
from tests.refusals import at_once, refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    return factories.make_released()


@pytest.fixture
def reader():
    return factories.make_user()


def _accept(release, by: Caller, **rest) -> Acceptance:
    return acceptances.accept(
        release.repository,
        **{
            "terms": release.terms,
            "shown_hash": release.terms_hash,
            "typed_name": "Ada Example",
            "by": by,
        }
        | rest,
    )


def test_an_acceptance_keeps_the_set_its_hash_and_a_digest_of_the_words(release, reader):
    made = _accept(release, factories.as_caller(reader), typed_name="  Ada \t Example ")

    assert made.terms == release.terms
    assert made.terms_hash == canonical.digest(release.terms) == terms.hash_of(made.terms)
    words = made.words
    assert words.typed_name == "Ada Example"
    assert made.words_digest == canonical.digest(
        {
            "salt": words.salt,
            "typed_name": "Ada Example",
            "name": reader.username,
            "address": reader.email,
            "country": "",
            "answers": {},
        }
    )


def test_the_entry_of_an_acceptance_names_nobody_but_by_id(release, reader):
    made = _accept(release, factories.as_caller(reader))

    entry = Entry.objects.get(event="terms.accept")
    assert entry.actor == reader.public_id
    assert entry.details == {
        "terms": made.terms_hash,
        "acceptance": made.public_id,
        "receipt": made.receipt.public_id,
    }


def test_the_words_can_be_erased_and_the_acceptance_stays(release, reader):
    made = _accept(release, factories.as_caller(reader))

    AcceptanceWords.objects.filter(acceptance=made).update(typed_name="", salt="")

    assert acceptances.find(
        release.repository, terms_hash=made.terms_hash, caller=factories.as_caller(reader)
    )


def test_a_token_that_was_used_is_noted(release, reader):
    by = Caller(user=reader, scope=Scope.WRITE, token="t" * 24)

    assert _accept(release, by).token == "t" * 24


def test_a_second_time_gives_the_first_acceptance(release, reader):
    by = factories.as_caller(reader)

    assert _accept(release, by) == _accept(release, by, typed_name="Another")
    assert Entry.objects.filter(event="terms.accept").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_acceptance():
    factories.make_facts()
    release, by = factories.make_released(), factories.as_caller(factories.make_user())

    first, second = at_once(lambda: _accept(release, by), lambda: _accept(release, by))

    assert first == second == Acceptance.objects.get()
    assert AcceptanceWords.objects.count() == 1
    assert Entry.objects.filter(event="terms.accept").count() == 1


@pytest.mark.parametrize("shown_hash", ["", "0" * 64])
def test_another_hash_than_that_of_the_set_stores_nothing(release, reader, shown_hash):
    with pytest.raises(Conflict, match="read them again"):
        _accept(release, factories.as_caller(reader), shown_hash=shown_hash)

    assert not Acceptance.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"typed_name": ""},
        {"typed_name": " \t"},
        {"typed_name": "x" * 201},
        {"typed_name": "a\0b"},
        {"typed_name": "a\u202eb"},
        {"capacity": "king"},
    ],
)
def test_words_that_cannot_be_right_store_nothing(release, reader, wrong):
    with pytest.raises(Invalid):
        _accept(release, factories.as_caller(reader), **wrong)

    assert not Acceptance.objects.exists()


def test_those_who_cannot_agree_do_not(release, reader):
    with pytest.raises(SignInRequired):
        _accept(release, NOBODY)
    with pytest.raises(NotAllowed):
        _accept(release, Caller(user=reader, scope=Scope.READ))
    with pytest.raises(NotAllowed):
        _accept(release, factories.as_caller(create_service_account(username="ci-job")))

    assert not Acceptance.objects.exists()


def test_an_acceptance_is_of_one_person_one_repository_and_one_set(release, reader):
    made = _accept(release, factories.as_caller(reader))
    other = factories.make_released()

    def find(repository, terms_hash, user):
        return acceptances.find(repository, terms_hash=terms_hash, caller=factories.as_caller(user))

    assert find(release.repository, release.terms_hash, reader) == made
    assert find(release.repository, release.terms_hash, factories.make_user()) is None
    assert find(other.repository, release.terms_hash, reader) is None
    assert find(release.repository, "0" * 64, reader) is None
    assert acceptances.find(release.repository, terms_hash=made.terms_hash, caller=NOBODY) is None


def test_what_is_offered_now_is_what_is_accepted(release, reader):
    by = factories.as_caller(reader)
    wanted = {"shown_hash": release.terms_hash, "typed_name": "Ada", "by": by}

    with pytest.raises(RevisionMissing):
        offers.accept(release.repository, version="v9", **wanted)
    with pytest.raises(NotNow):
        offers.accept(factories.make_repository(), **wanted)
    assert offers.accept(release.repository, **wanted) == offers.accept(
        release.repository, version="v1.0", **wanted
    )


def test_an_acceptance_is_never_changed_or_deleted(release, reader):
    made = _accept(release, factories.as_caller(reader))

    with refused_as_evidence():
        Acceptance.objects.update(terms_hash="0" * 64)
    with refused_as_evidence():
        Acceptance.objects.filter(pk=made.pk)._raw_delete("default")


def test_the_database_holds_one_acceptance_of_a_set_by_a_person(release, reader):
    made = _accept(release, factories.as_caller(reader))

    with refused_by("terms_accepted_once_by_a_person"):
        Acceptance.objects.create(
            user=reader,
            repository=release.repository,
            terms=made.terms,
            terms_hash=made.terms_hash,
            words_digest="0" * 64,
            accepted_at=made.accepted_at,
        )


# The set


def test_the_set_is_the_sites_policy_the_license_and_what_it_brings_along(release):
    items = release.terms["documents"]

    assert [item["slug"] for item in items][:2] == ["site-policy", "llama3-1"]
    assert len(items) == 3
    assert release.terms["repository"] == release.repository.public_id
    assert [version.document.slug for version in terms.versions_in(release.terms)] == [
        item["slug"] for item in items
    ]


def test_a_permissive_license_asks_for_the_sites_policy_alone():
    revision = factories.make_revision(files={"README.md": "---\nlicense: apache-2.0\n---\n"})

    found = terms.of_revision(revision.repository, revision)

    asked = [
        item.version.document.slug for item in found.items if item.version.document.needs_acceptance
    ]
    assert asked == ["site-policy"]
    assert found.needs_acceptance


def test_the_hash_moves_with_a_text_and_with_the_repository():
    first, second = factories.make_revision(), factories.make_revision()
    before = terms.of_revision(first.repository, first).hash

    assert terms.of_revision(second.repository, second).hash != before
    documents.add_text(slug="llama3-1", version="3.1", text=b"A text in our own words.")
    assert terms.of_revision(first.repository, first).hash != before
