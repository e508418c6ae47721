"""The license tab and the API: each document with why it is there, and what else the terms hold."""

import pytest
from django.test import Client

from registry.agreements import terms
from registry.catalog import facts, repositories
from registry.catalog.models import Visibility
from registry.releases.models import Release
from tests import factories
from tests.agreements.sets import BASE, SEEING, released, revision_of
from tests.api.calls import As

pytestmark = pytest.mark.django_db
TUNED = "base_model_relation: finetune\n"


@pytest.fixture(autouse=True)
def published() -> None:
    factories.make_facts()
    facts.load()


def _page(client: Client, release: Release) -> str:
    return client.get(f"/{release.repository.full_name}/license").text


def test_an_inherited_document_says_from_which_model_with_a_link(client: Client) -> None:
    ada = factories.make_user("ada")
    released("license: gemma", ada, "base")
    release = released(f"license: mit\n{TUNED}base_model: [ada/base, {BASE}]", ada, "Llama-merge")

    page = _page(client, release)

    assert "Inherited from ada/base, which this model comes from." in page
    assert '<a href="/ada/base">ada/base</a>' in page
    assert f"Inherited from {BASE}" in page
    assert 'href="/licenses/finder?model=ada%2FLlama-merge"' in page
    assert 'href="/compare?m=ada%2FLlama-merge"' in page
    assert f'href="/{BASE}"' not in page
    assert "unverified" not in page


def test_a_private_base_is_named_and_not_linked(client: Client) -> None:
    ada = factories.make_user("ada")
    base = released("license: gemma", ada, "base")
    release = released("license: mit\nbase_model: ada/base", ada, "derived")
    repositories.set_visibility(base.repository, Visibility.PRIVATE, by=factories.as_caller(ada))

    assert 'href="/ada/base"' in _page(client, release)  # pinned while it was public
    later = factories.make_released(release.repository, version="v2", files={"new.txt": "x"})
    page = _page(client, later)
    assert 'href="/ada/base"' not in page
    assert base.repository.public_id not in page


def test_what_only_a_tag_says_is_marked_with_a_sign_and_words(client: Client) -> None:
    release = released("license: llama3.1\nbase_model: some/where", None, "Llama-derived")

    page = _page(client, release)

    assert '<span class="sign" aria-hidden="true">?</span>unverified' in page
    assert "some/where" in page


def test_statements_and_the_publishers_words_are_shown(client: Client) -> None:
    card = f"license: llama3.2\nbase_model: {SEEING}\nextra_gated_prompt: Be <kind>.\n"
    release = released(card + "extra_gated_fields: {Company: text}", None, "Llama-seeing")

    page = _page(client, release)

    assert "If you live or work in the European Union" in page
    assert "Austria, Belgium" in page
    assert "If you accept for an organisation" in page
    assert "Be &lt;kind&gt;." in page
    assert "Company" in page
    assert "not legal advice" in page


def test_a_circle_and_a_cut_are_said(client: Client) -> None:
    ada = factories.make_user("ada")
    release = released("license: mit\nbase_model: ada/own", ada, "own")
    names = ", ".join(f"x/y{number}" for number in range(60))
    revision = revision_of(f"license: mit\nbase_model: [{names}]", ada, "wide")
    client.force_login(ada)

    circle = _page(client, release)
    cut = client.get(f"/{revision.repository.full_name}/license").text

    assert "in a circle" in circle
    assert "More bases are named than are followed here" in cut
    assert "not all terms can be known" in cut


def test_a_link_to_the_license_is_shown_and_followed_only_over_https(client: Client) -> None:
    ada = factories.make_user("ada")
    good = released("license: mit\nlicense_link: https://example.org/l", ada, "good")
    bad = released('license: mit\nlicense_link: "javascript:alert(1)"', ada, "bad")

    assert '<a href="https://example.org/l" rel="nofollow' in _page(client, good)
    assert "<code>javascript:alert(1)</code>" in _page(client, bad)


def test_a_set_of_the_first_schema_is_shown_as_before(client: Client) -> None:
    release = factories.make_released()
    old = dict(release.terms) | {"schema": 1}
    del old["prompt"], old["attestations"]
    old["documents"] = [
        {key: one[key] for key in one if key not in {"inherited_from", "unverified"}}
        for one in old["documents"]
    ]
    Release.objects.filter(pk=release.pk).update(terms=old, terms_hash=terms.hash_of(old))

    page = _page(client, release)
    given = As().get(f"/models/{release.repository.full_name}/terms").json()

    assert "Llama 3.1 Community License Agreement" in page
    assert given["attestations"] == []
    assert given["prompt"] is None
    assert given["hash"] == terms.hash_of(old)


def test_the_api_gives_the_whole_set_and_the_lineage(client: Client) -> None:
    ada = factories.make_user("ada")
    base = released(f"license: llama3.1\nbase_model: {BASE}", ada, "Llama-base")
    card = (
        "license: llama3.1\nbase_model: [ada/Llama-base, some/where]\nlicense_link: LICENSE\n"
        + TUNED
    )
    release = released(card + "extra_gated_fields: {Company: text}", ada, "Llama-derived")

    given = As().get(f"/models/{release.repository.full_name}/terms").json()

    assert terms.hash_of(given["terms"]) == given["hash"] == release.terms_hash
    assert [one["id"] for one in given["attestations"]] == ["monthly_users:llama3-1"]
    assert given["attestations"][0]["limit"] == 700_000_000
    assert given["prompt"]["questions"][0]["label"] == "Company"
    parent = {"repository": base.repository.public_id, "name": "ada/Llama-base"}
    assert given["lineage"] == {
        "parents": [parent],
        "ancestors": [parent, {"repository": "", "name": BASE}],
        "unknown": ["some/where"],
        "has_circle": False,
        "is_cut": False,
    }
    item = next(one for one in given["documents"] if one["kind"] == "license")
    assert item["inherited_from"] == given["lineage"]["ancestors"]
    assert item["unverified"] is False
    assert given["license_link"] == "LICENSE"
