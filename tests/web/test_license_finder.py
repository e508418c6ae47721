"""Licenses beside each other: counts of models, duties with clauses, differences, and the finder."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.agreements import documents
from registry.agreements.models import Document
from registry.catalog.models import SearchEntry
from registry.web import terms_changes
from tests import factories

pytestmark = pytest.mark.django_db


def listed(owner: Any, name: str, *found: str, card: dict[str, Any] | None = None) -> Any:
    """A model of which this is out, without the long way to a release."""
    repository = factories.make_repository(owner, name)
    ref = repository.refs.get()
    repository.revisions.filter(pk=ref.head_id).update(state="released", card=card or {})
    repository.refs.update(public=ref.head_id)
    SearchEntry.objects.filter(pk=repository.pk).update(revision=ref.head_id, facets=[*found])
    return repository


def said(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    page = answer.content.decode()
    return " ".join(page[page.index("<main") : page.index("</main>")].split())


def test_the_list_counts_the_models_that_a_visitor_may_know_of(client: Client) -> None:
    ada = factories.make_user("ada")
    for name in ("one", "two"):
        listed(ada, name, "license:gemma")
    hidden = listed(ada, "three", "license:gemma")
    type(hidden).objects.filter(pk=hidden.pk).update(visibility="private")

    rows = {one.slug: count for one, count in client.get("/licenses").context["rows"]}
    assert rows["gemma"] == 2
    page = said(client, "/licenses/gemma")
    assert "ada/two" in page
    assert "ada/three" not in page
    assert "2 models here name it" in page

    with CaptureQueriesContext(connection) as few:
        client.get("/licenses?q=gemma")
    with CaptureQueriesContext(connection) as many:
        client.get("/licenses")
    assert len(few) == len(many)


def test_a_license_says_its_duties_with_the_clause_and_what_changed(client: Client) -> None:
    page = said(client, "/licenses/llama3-1")

    assert "§ 1.b.iii" in page
    assert "What changed since the Meta Llama 3 Community License Agreement" in page
    assert "700,000,000" in page
    assert "Safeguard" not in page
    assert "What changed since" not in said(client, "/licenses/mit")
    assert "safeguard circumvention added".capitalize() in said(client, "/licenses/aup-llama3-2")


def test_two_versions_of_a_text_are_compared_word_by_word(client: Client) -> None:
    for version, text in (("1", b"You may copy it."), ("2", b"You may copy and sell it.")):
        documents.add_text(slug="cc", version=version, text=text)
    first, second = Document.objects.get(slug="cc").versions.exclude(text=None)

    page = said(client, f"/licenses/cc?sha256={second.sha256}&against={first.sha256}")
    assert "<ins>and sell" in page
    answer = client.get(f"/licenses/cc?sha256={second.sha256}&against={'0' * 64}")
    assert answer.status_code == 404
    other = Document.objects.get(slug="mit").versions.get()
    assert client.get(f"/licenses/cc?against={other.sha256}").status_code == 404


def test_a_text_that_is_written_anew_is_said_to_be_instead_of_marked_throughout(
    client: Client,
) -> None:
    other = " ".join(f"other{place}" for place in range(60)).encode()
    for version, text in (("1", b"You may copy it."), ("2", other)):
        documents.add_text(slug="cc", version=version, text=text)
    first, second = Document.objects.get(slug="cc").versions.exclude(text=None)

    page = said(client, f"/licenses/cc?sha256={second.sha256}&against={first.sha256}")

    assert "Written anew" in page
    assert "other0 other1" in page
    assert "<ins>" not in page
    assert "<del>" not in page


def test_what_was_not_there_before_is_new_and_not_marked() -> None:
    words = " ".join(f"word{place}" for place in range(60))

    assert [one.kind for one in terms_changes.of_words("", words)] == ["new"]
    assert [one.kind for one in terms_changes.of_words("", "a few words")] == ["inserted"]


def test_a_publisher_is_listed_without_its_brackets_and_named_in_full_on_hover(
    client: Client,
) -> None:
    page = said(client, "/licenses")

    assert ">Meta Platforms, Inc.</td>" in page
    assert 'title="Meta Platforms, Inc. (' in page


def test_the_table_says_what_the_data_do_not_say_and_can_be_taken_along(client: Client) -> None:
    Document.objects.create(
        kind="license", slug="house", title="=House terms", needs_acceptance=True, facts={}
    )
    page = said(client, "/licenses/matrix")
    assert "not in the data" in page
    assert "Built with Llama" in page

    rows = list(csv.reader(io.StringIO(client.get("/licenses/matrix?format=csv").content.decode())))
    by_title = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert by_title["Llama 4 Community License Agreement"]["Beginning of names: clause"] == "1.b.i"
    assert set(by_title["'=House terms"].values()) <= {"'=House terms", "not in the data", ""}


def test_the_finder_answers_with_clause_confidence_and_source(client: Client) -> None:
    page = said(client, "/licenses/finder?q=outputs&license=llama3")

    assert "This is not legal advice" in page
    assert "Section 1.b.v" in page
    assert "confidence high" in page
    assert "models/llama3/LICENSE section 1.b.v" in page
    beside = said(client, "/licenses/finder?q=outputs")
    assert "the data do not say" in beside
    assert "Choose above" in said(client, "/licenses/finder?q=use")
    assert client.get("/licenses/finder?q=anything").status_code == 400
    assert "No license is known" in said(client, "/licenses/finder?q=eu&license=nothing")


def test_of_a_model_the_strictest_of_its_licenses_counts(client: Client) -> None:
    ada = factories.make_user("ada")
    listed(ada, "both", card={"license": ["mit", "llama3"]})
    listed(ada, "odd", card={"license": ["mit", "house-terms"]})

    answer = client.get("/licenses/finder?q=name&model=ada/both")
    assert answer.context["together"]["sign"] == "✗"
    odd = client.get("/licenses/finder?q=commercial&model=ada/odd")
    assert odd.context["together"]["sign"] == "?"
    assert "house-terms" in odd.content.decode()


def test_the_finder_does_not_tell_of_models_that_a_visitor_may_not_know(client: Client) -> None:
    ada = factories.make_user("ada")
    quarantined = factories.make_revision(factories.make_repository(ada, "unseen")).repository

    hidden = said(client, f"/licenses/finder?q=eu&model={quarantined}")
    missing = said(client, "/licenses/finder?q=eu&model=ada/missing")
    assert "is known here" in hidden
    assert hidden.replace("unseen", "missing") == missing
    client.force_login(ada)
    assert "is known here" not in said(client, f"/licenses/finder?q=eu&model={quarantined}")
