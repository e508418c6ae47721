"""The page of a model's lineage: who is told of whom, and what is measured."""

from typing import Any

import pytest
from django.test import Client

from registry.catalog.models import Repository
from registry.checks.models import CheckRun
from registry.releases.models import Release
from tests import factories

pytestmark = pytest.mark.django_db


def _released(name: str, *bases: str, by: Any) -> Release:
    listed = ", ".join(bases)
    card = f"---\nlicense: mit\nbase_model: [{listed}]\n---\n# {name}\n"
    files = {"README.md": card, "model.safetensors": name.encode()}
    repository = factories.make_repository(by, name)
    maintainer = factories.make_maintainer()
    return factories.make_released(repository, by=maintainer, files=files)


def test_the_graph_tells_of_what_the_visitor_may_know_of(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    ada = factories.make_user("ada")
    base = factories.make_released(
        factories.make_repository(ada, "base"),
        files={"README.md": "---\nlicense: mit\n---\n# B\n", "model.safetensors": b"b"},
    )
    child = _released("child", "ada/base", by=ada)
    _released("grandchild", "ada/child", by=ada)
    secret = _released("hidden-child", "ada/base", by=ada)
    Repository.objects.filter(pk=secret.repository_id).update(visibility="private")
    factories.make_commit(
        factories.make_repository(ada, "quarantined"),
        {"README.md": "---\nbase_model: ada/base\n---\n"},
    )
    twin = _released("twin", by=ada)
    near = [{"model": name} for name in ("ada/hidden-child", "ada/base", "ada/twin")]
    bases = [{"model": "ada/base", "verdict": "contradicted"}]
    report = {"lineage": {"bases": bases, "nearest": near}}
    CheckRun.objects.filter(revision=child.revision).update(report=report)

    with django_assert_max_num_queries(40):
        page = client.get("/ada/base/lineage").text

    assert 'href="/ada/child"' in page
    assert 'href="/ada/grandchild"' in page
    assert "line line-contradicted" in page
    assert "line-alike" not in page
    assert "hidden-child" not in page
    assert "quarantined" not in page
    beside = client.get("/ada/child/lineage").text
    assert "line line-alike" in beside
    assert f'href="/{twin.repository.full_name}"' in beside
    assert "hidden-child" not in beside
    up = client.get("/ada/grandchild/lineage").text
    assert 'href="/ada/base"' in up
    assert "MIT" in up
    client.force_login(ada)
    mine = client.get("/ada/base/lineage").text
    assert "hidden-child" in mine
    assert "quarantined" in mine
    assert base.repository.full_name in mine


def test_a_page_without_lineage_says_how_it_is_declared(client: Client) -> None:
    release = factories.make_released(
        files={"README.md": "---\nlicense: mit\n---\n# M\n", "model.safetensors": b"w"}
    )

    page = client.get(f"/{release.repository.full_name}/lineage").text

    assert f"base_model: {release.repository.full_name}" in page


def test_lineage_of_what_one_may_not_know_of_is_missing(client: Client) -> None:
    hidden = factories.make_revision().repository

    assert client.get(f"/{hidden.full_name}/lineage").status_code == 404


def test_a_license_of_an_ancestor_comes_down_with_its_duties(client: Client) -> None:
    factories.make_facts()
    ada = factories.make_user("ada")
    factories.make_released(
        factories.make_repository(ada, "base"),
        files={"README.md": "---\nlicense: llama3.1\n---\n# B\n", "model.safetensors": b"b"},
    )
    card = "---\nlicense: llama3.1\nbase_model: ada/base\n---\n"
    factories.make_commit(factories.make_repository(ada, "child"), {"README.md": card})
    _released("apart", by=ada)
    client.force_login(ada)

    below = client.get("/ada/child/lineage").text
    _, _, flowing = below.partition('<div class="flowing">')
    llama = next(one for one in flowing.split("</article>") if "Llama 3.1" in one)

    assert "brought by ada/base" in llama
    assert "Begin the name of a model made from it with the given word." in llama
    assert "Llama 3.1" not in client.get("/ada/apart/lineage").text
