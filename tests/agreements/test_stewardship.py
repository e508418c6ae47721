"""What stewards do with documents: adding them, loading texts, saying what needs an acceptance."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.accounts.callers import NOBODY, Caller
from registry.agreements import documents, facts, licenses
from registry.agreements.models import Document, DocumentKind, DocumentVersion
from registry.audit.models import Entry
from registry.catalog import facts as published
from registry.errors import Conflict, Invalid, NotAllowed, NotNow
from tests import factories
from tests.refusals import at_once

pytestmark = pytest.mark.django_db
LAMA = "ll\u0430ma3.1"  # a Cyrillic letter


@pytest.fixture(autouse=True)
def known_licenses():
    factories.make_facts()


def _steward() -> Caller:
    return factories.as_caller(factories.make_user(site_role="steward"))


def _license(slug: str = "llama3-1") -> Document:
    return Document.objects.get(slug=slug)


def _create(**rest: Any) -> Document:
    wanted = {"slug": "lab-1", "title": "Lab License 1", "kind": "license", "hub_tags": ["lab-1"]}
    return documents.create(**(wanted | rest))


def _change_facts(monkeypatch: pytest.MonkeyPatch, entry_id: str, **changes: Any) -> None:
    said = published.read()
    licenses = [one | (changes if one["id"] == entry_id else {}) for one in said["licenses"]]
    monkeypatch.setattr(facts.facts, "read", lambda: said | {"licenses": licenses})


def test_every_entry_of_the_facts_is_a_document_of_its_kind():
    kinds = {
        "license": DocumentKind.LICENSE,
        "license_reference": DocumentKind.LICENSE,
        "acceptable_use_policy": DocumentKind.POLICY,
    }
    entries = published.read()["licenses"]
    seeded = {one.facts["id"]: one for one in Document.objects.filter(is_site_policy=False)}

    assert len(entries) == 26
    assert {one["id"]: kinds[one["kind"]] for one in entries} == {
        entry_id: one.kind for entry_id, one in seeded.items()
    }
    for entry in entries:
        if license_id := entry.get("part_of_license"):
            assert seeded[license_id].policy == seeded[entry["id"]]


def test_open_source_licenses_ask_for_nothing_and_all_others_do():
    free = Document.objects.filter(kind=DocumentKind.LICENSE, needs_acceptance=False)

    assert {one.slug for one in free} == {"apache-2-0", "mit", "gpl-3-0"}


def test_a_license_that_refers_to_another_stands_for_it():
    assert _license("code-llama").stands_for == _license("llama2")
    assert licenses.named_in({"license": "llama2"}) == [_license("llama2")]
    named = {"license": "other", "license_name": "code-llama"}
    assert licenses.named_in(named) == [_license("code-llama")]
    with pytest.raises(Invalid, match="no text of its own"):
        documents.add_text(slug="code-llama", version="2", text=b"Words.")


def test_one_that_refers_to_several_licenses_is_meant_by_no_card():
    guard = _license("llama-guard")

    assert (guard.stands_for, guard.hub_tags, guard.license_names) == (None, [], [])
    assert guard.facts["by_model"]
    named = {"license": "other", "license_name": "llama-guard"}
    assert licenses.named_in(named) == ["llama-guard"]


def test_changed_facts_make_a_new_summary_and_the_old_one_stays(monkeypatch):
    before = documents.current(_license("mit"))
    _change_facts(monkeypatch, "mit", title="MIT License, said otherwise")

    facts.load()

    now = documents.current(_license("mit"))
    assert now != before
    assert now.summary["title"] == "MIT License, said otherwise"
    assert DocumentVersion.objects.filter(pk=before.pk).exists()

    monkeypatch.undo()
    facts.load()
    assert documents.current(_license("mit")) == before


def test_what_a_steward_decided_outlives_the_facts():
    documents.set_needs_acceptance(_license("mit"), True, reason="Asked by counsel.")

    facts.load()

    assert _license("mit").needs_acceptance


def test_a_name_that_a_steward_gave_away_is_not_taken_by_the_facts(monkeypatch):
    made = _create()
    _change_facts(monkeypatch, "mit", hub_tag="lab-1")

    facts.load()

    assert licenses.named_in({"license": "lab-1"}) == [made]
    assert _license("mit").hub_tags == []


@pytest.mark.parametrize(
    "name",
    [LAMA, "l1ama3.1", "llama-3.1", "\uff4clama3.1", "llama\u200b3.1", "ll\u00e0ma3.1", "IIama3.1"],
)
def test_a_name_that_looks_like_a_license_is_not_it(name):
    card = {"license": "other", "license_name": name}

    (found,) = licenses.named_in(card)

    assert isinstance(found, str)
    assert documents.lookalike(found) == _license()
    assert "It looks like 'llama3.1'" in documents.why_unknown(found)


@pytest.mark.parametrize("name", ["llama3.1", "Llama3.1 ", "llama9", "", "\u200b", "quite other"])
def test_a_name_that_is_known_or_like_none_is_no_lookalike(name):
    assert documents.lookalike(name) is None


def test_letters_that_become_latin_in_lower_case_are_not_latin():
    _create(hub_tags=[], license_names=["k-license"])

    (found,) = licenses.named_in({"license": "other", "license_name": "\u212a-license"})

    assert found == "\u212a-license"


def test_a_license_that_was_unknown_is_known_once_a_steward_added_it():
    card = {"license": "other", "license_name": "Lab-1"}
    assert licenses.named_in(card) == ["lab-1"]
    assert "ask a steward" in documents.why_unknown("lab-1")

    made = _create(hub_tags=[], license_names=["Lab-1"], by=(steward := _steward()))

    assert licenses.named_in(card) == [made]
    assert not documents.current(made).has_text
    entry = Entry.objects.get(event="document.create")
    assert (entry.actor, entry.details["license_names"]) == (steward.public_id, ["lab-1"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "with space"},
        {"slug": "s" * 101},
        {"title": " "},
        {"title": "t" * 301},
        {"title": "Lab\u202e"},
        {"kind": "contract"},
        {"official_url": "javascript:alert(1)"},
        {"official_url": "ftp://example.org/x"},
        {"hub_tags": []},
        {"hub_tags": ["other"]},
        {"hub_tags": ["two words"]},
        {"hub_tags": [], "license_names": ["n" * 101]},
        {"hub_tags": [], "license_names": [LAMA]},
        {"kind": "policy"},
    ],
)
def test_a_document_that_cannot_be_right_is_refused(wrong):
    with pytest.raises(Invalid):
        _create(**wrong)

    assert not Document.objects.filter(facts={}, is_site_policy=False).exists()


@pytest.mark.parametrize(
    "taken", [{"slug": "mit"}, {"hub_tags": ["mit"]}, {"license_names": ["mit"]}]
)
def test_a_name_that_is_taken_is_refused(taken):
    with pytest.raises(Conflict):
        _create(**taken)


@pytest.mark.parametrize("who", ["nobody", "maintainer", "read token", "write token"])
def test_only_stewards_govern_documents(who):
    steward = factories.make_user(site_role="steward")
    by = {
        "nobody": NOBODY,
        "maintainer": factories.as_caller(factories.make_maintainer()),
        "read token": Caller(user=steward, scope="read"),
        "write token": Caller(user=steward, scope="write"),
    }[who]
    acts: list[Callable[[], Any]] = [
        lambda: _create(by=by),
        lambda: documents.add_text(slug="mit", version="1", text=b"Words.", by=by),
        lambda: documents.set_needs_acceptance(_license(), False, reason="Because.", by=by),
    ]

    for act in acts:
        with pytest.raises(NotAllowed):
            act()

    assert _license().needs_acceptance
    assert not DocumentVersion.objects.filter(text=b"Words.").exists()


def test_what_needs_an_acceptance_is_set_with_a_reason_on_record():
    documents.set_needs_acceptance(_license(), False, reason="It asks nothing.", by=_steward())

    assert not _license().needs_acceptance
    entry = Entry.objects.get(event="document.set-needs-acceptance")
    assert entry.details == {"needs_acceptance": False, "reason": "It asks nothing."}
    with pytest.raises(NotNow):
        documents.set_needs_acceptance(_license(), False, reason="Again.")
    with pytest.raises(NotNow):
        documents.set_needs_acceptance(_license("code-llama"), False, reason="Another.")
    for reason in (" ", "r" * 501):
        with pytest.raises(Invalid):
            documents.set_needs_acceptance(_license(), True, reason=reason)


def test_an_older_text_that_is_loaded_later_does_not_take_the_place():
    newer = documents.add_text(
        slug="llama3-1", version="3.2", text=b"Newer.", effective_date=date(2024, 9, 25)
    )
    documents.add_text(
        slug="llama3-1", version="3.1", text=b"Old.", effective_date=date(2024, 7, 23)
    )

    assert documents.current(_license()) == newer


def test_a_text_takes_effect_at_midnight_utc_of_its_day():
    summary = documents.current(_license())
    day = timezone.now().date() + timedelta(days=30)
    made = documents.add_text(slug="llama3-1", version="4", text=b"Coming.", effective_date=day)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    before = midnight - timedelta(microseconds=1)

    assert documents.current(_license(), now=before) == summary
    assert list(documents.coming(_license(), now=before)) == [made]
    assert documents.current(_license(), now=midnight) == made
    assert not documents.coming(_license(), now=midnight).exists()


@pytest.mark.parametrize("text", ["2024-02-30", "2024-13-01", "23.07.2024", "2024-W30-2", "20240723",
    "\u0662\u0660\u0662\u0664-\u0660\u0667-\u0662\u0663", "R6-07-23", "", "2024-7-23"])  # fmt: skip
def test_a_date_that_is_none_is_refused(text):
    with pytest.raises(Invalid):
        documents.date_in(text)


@pytest.mark.parametrize("year", [113, 1403, 1446, 1946, 2567, 5784, 9999])
def test_a_year_of_another_calendar_is_refused(year):
    with pytest.raises(Invalid, match="Gregorian"):
        documents.add_text(
            slug="mit", version="1", text=b"Words.", effective_date=date(year, 7, 23)
        )


@pytest.mark.django_db(transaction=True)
def test_a_text_that_two_stewards_load_at_once_is_there_once():
    factories.make_facts()
    stewards = [_steward() for _ in range(3)]

    outcomes = at_once(
        *(
            lambda by=by: documents.add_text(slug="mit", version="1", text=b"Words.", by=by)
            for by in stewards
        )
    )

    made = DocumentVersion.objects.get(text=b"Words.")
    assert sorted(type(one).__name__ for one in outcomes) == [
        "Conflict",
        "Conflict",
        "DocumentVersion",
    ]
    assert made.loaded_by in {by.public_id for by in stewards}


@pytest.mark.django_db(transaction=True)
def test_a_name_that_two_stewards_give_away_at_once_is_given_once():
    factories.make_facts()

    outcomes = at_once(lambda: _create(slug="one"), lambda: _create(slug="two"))

    assert sorted(type(one).__name__ for one in outcomes) == ["Conflict", "Document"]
