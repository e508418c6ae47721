"""The picture of a model in previews of links: what everybody may know, for whatever names there are."""

import io
import re
from dataclasses import replace

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from registry.catalog import repositories
from registry.catalog.models import Repository
from registry.releases import entries, workflow
from registry.releases.models import Release
from registry.web import share_picture
from registry.web.share_picture import SIZE, WIDTH, Shown
from tests import factories
from tests.factories import MODEL, as_caller, make_released, make_repository, make_user

CARD = """---
license: llama3.1
pipeline_tag: text-generation
base_model: meta-llama/Llama-3.1-8B-Instruct
---
Built with Llama
"""
PLAIN = Shown("Model Registry", "lab /", "model", "", "", "is-passed", "checks passed", "v1.0")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Shown]:
    """What pictures were asked to show."""
    asked: list[Shown] = []
    draw = share_picture.draw
    monkeypatch.setattr(share_picture, "draw", lambda one: (asked.append(one), draw(one))[1])
    return asked


def released(**more: str) -> Release:
    repository = make_repository(make_user("ada"), "Llama-tiny", **more)
    release = make_released(repository, files=MODEL | {"README.md": CARD})
    entries.refresh([repository.pk])
    return release


@pytest.mark.django_db
def test_a_link_to_a_model_shows_its_row_of_the_catalog(client: Client, drawn: list[Shown]) -> None:
    released()

    page = client.get("/ada/Llama-tiny").text
    found = re.search(r'property="og:image" content="http://testserver(/[^"]+)"', page)
    assert found
    answer = client.get(found[1], headers={"Accept-Language": "fr"})

    assert found[1] == "/ada/Llama-tiny/share.png"
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "public, max-age=3600"
    assert Image.open(io.BytesIO(answer.content)).size == SIZE
    (shown,) = drawn
    assert (shown.owner, shown.name, shown.state) == ("ada /", "Llama-tiny", "checks passed")
    assert shown.base == "fine-tune of meta-llama/Llama-3.1-8B-Instruct"
    assert shown.facts.endswith("llama3.1 · text-generation")
    assert shown.rest == "v1.0 · terms to accept"


@pytest.mark.django_db
def test_it_tells_of_a_recall_and_who_may_ask(client: Client, drawn: list[Shown]) -> None:
    release = released()
    Repository.objects.update(gated="manual")
    maintainer = as_caller(make_user("zoe", site_role="maintainer"))
    workflow.transition("recall", release, by=maintainer, reason="It leaks what it was trained on.")

    client.get("/ada/Llama-tiny/share.png")

    assert (drawn[0].look, drawn[0].state) == ("is-blocked", "recalled")
    assert drawn[0].rest == "v1.0 · on request"


@pytest.mark.django_db
def test_there_is_none_of_what_only_some_may_know(client: Client) -> None:
    secret = released(visibility="private").repository
    waiting = factories.make_revision(make_repository(secret.created_by, "waiting")).repository
    client.force_login(secret.created_by)

    for one in (secret, waiting):
        assert client.get(f"/{one}/share.png").status_code == 404
        page = client.get(f"/{one}")
        assert page.status_code == 200
        assert "share.png" not in page.text
        assert re.search(r'og:image" content="[^"]+/img/card[^"]*\.png"', page.text)


@pytest.mark.django_db
def test_a_former_name_leads_to_the_picture(client: Client) -> None:
    repository = released().repository
    repositories.move(repository, to="ada/Llama-small", by=as_caller(repository.created_by))

    answer = client.get("/ada/Llama-tiny/share.png")

    assert answer["Location"] == "/ada/Llama-small/share.png"
    assert client.get(answer["Location"])["Content-Type"] == "image/png"


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}", fullmatch=True))
def test_every_name_stands_on_it_whole(name: str) -> None:
    size, lines = share_picture._set(name)

    assert "".join(lines) == name
    font = share_picture._font(size)
    assert all(font.getlength(line) <= WIDTH for line in lines)


@given(st.text(max_size=300))
def test_any_words_are_drawn_as_far_as_there_is_room(words: str) -> None:
    line = share_picture._fitting(words, 36)

    assert share_picture._font(36).getlength(line) <= WIDTH


def test_words_that_the_font_lacks_lose_their_accents_alone() -> None:
    odd = replace(PLAIN, site="Modèles\nd\u2019\u00e9t\u00e9", facts="\ud800 模型")

    assert share_picture._fitting(odd.site, 34) == "Modeles dete"
    assert Image.open(io.BytesIO(share_picture.draw(odd))).size == SIZE
