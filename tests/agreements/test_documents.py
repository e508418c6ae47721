"""Documents, and finding the one that a card means."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from registry.agreements import documents, facts, licenses
from registry.agreements.models import Document, DocumentKind, DocumentVersion
from registry.audit.models import Entry
from registry.errors import Conflict, Invalid
from tests import factories
from tests.refusals import refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known_licenses():
    factories.make_facts()


def _license(slug: str = "llama3-1") -> Document:
    return Document.objects.get(slug=slug)


def _add(text: bytes = b"A text in our own words.", **rest) -> DocumentVersion:
    return documents.add_text(**{"slug": "llama3-1", "version": "3.1", "text": text} | rest)


@pytest.mark.parametrize(
    ("card", "slugs"),
    [
        ({"license": "llama3.1"}, ["llama3-1"]),
        ({"license": "apache-2.0"}, ["apache-2-0"]),
        ({"license": ["llama3.1", "apache-2.0"]}, ["llama3-1", "apache-2-0"]),
        ({"license": ["llama3.1", "apache-2.0"] * 1000}, ["llama3-1", "apache-2-0"]),
        ({"license": "other", "license_name": "No-Such"}, ["no-such"]),
        ({"license": "other"}, ["other"]),
        ({"license": "made-up"}, ["made-up"]),
        ({}, []),
        ({"license": None}, []),
    ],
)
def test_the_document_that_a_card_means_or_its_unknown_name(card, slugs):
    found = licenses.named_in(card)

    assert [one if isinstance(one, str) else one.slug for one in found] == slugs


def test_the_facts_are_loaded_twice_without_change():
    before = (Document.objects.count(), DocumentVersion.objects.count(), Entry.objects.count())

    facts.load()

    after = (Document.objects.count(), DocumentVersion.objects.count(), Entry.objects.count())
    assert after == before


def test_no_text_but_the_sites_own_is_shipped():
    with_text = DocumentVersion.objects.exclude(text=None)

    assert [version.document.slug for version in with_text] == ["site-policy"]


def test_a_text_takes_the_place_of_the_summary():
    assert not documents.current(_license()).has_text

    made = _add()

    assert documents.current(_license()) == made
    assert made.words == "A text in our own words."


def test_a_newer_text_takes_the_place_of_an_older_one():
    _add()
    newer = _add(b"A newer text.", version="3.2")

    assert documents.current(_license()) == newer


def test_a_text_is_in_force_from_its_date_on():
    summary = documents.current(_license())
    today = timezone.now().date()
    _add(b"From tomorrow on.", effective_date=today + timedelta(days=1))
    assert documents.current(_license()) == summary

    made = _add(b"From today on.", version="3.1.1", effective_date=today)

    assert documents.current(_license()) == made


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "no-such"},
        {"text": b""},
        {"text": b" \n"},
        {"text": b"\xff\xfe"},
        {"text": b"x" * (1024 * 1024 + 1)},
        {"version": " "},
        {"version": "v" * 65},
    ],
)
def test_a_text_that_cannot_be_right_is_refused(wrong):
    with pytest.raises(Invalid):
        _add(**wrong)

    assert not documents.current(_license()).has_text


def test_the_same_text_is_refused_a_second_time():
    _add()

    with pytest.raises(Conflict):
        _add(version="3.1-again")


def test_a_document_version_is_never_changed_or_deleted():
    version = _add()

    with refused_as_evidence():
        DocumentVersion.objects.filter(pk=version.pk).update(text=b"Other words.")
    with refused_as_evidence():
        version.delete()
    with refused_as_evidence(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM agreements_documentversion")


def test_the_database_holds_a_text_once_in_a_document():
    version = _add()

    with refused_by("text_once_in_a_document"):
        DocumentVersion.objects.create(
            document=version.document, version="other", sha256=version.sha256
        )


def test_the_database_names_versions_by_hash():
    with refused_by("document_version_is_named_by_sha256"):
        DocumentVersion.objects.create(document=_license(), version="1", sha256="no hash")


def test_the_site_has_one_policy():
    with refused_by("one_policy_of_the_site"):
        Document.objects.create(
            slug="second",
            kind=DocumentKind.POLICY,
            title="Second",
            needs_acceptance=True,
            is_site_policy=True,
        )


def test_the_policy_of_the_site_is_a_policy():
    Document.objects.filter(is_site_policy=True).update(is_site_policy=False)

    with refused_by("site_policy_is_a_policy"):
        Document.objects.filter(slug="llama3-1").update(is_site_policy=True)
