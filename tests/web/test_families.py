"""Families, variants and compared models: the facts, what is here of them, and what visitors see."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.accounts.callers import NOBODY
from registry.catalog import facts
from registry.catalog.models import Family, Variant
from registry.checks import runs
from registry.checks.models import CheckRun, JobKind
from registry.releases import entries
from registry.web import compared_models, family_story
from registry.web.templatetags.catalog import told_day
from tests import factories
from tests.web.test_license_finder import listed, said

pytestmark = pytest.mark.django_db

BASE = "meta-llama/Llama-3.1-8B-Instruct"
OTHER = "meta-llama/Llama-3.2-3B-Instruct"


@pytest.fixture(autouse=True)
def loaded() -> None:
    facts.load()


def test_every_generation_and_every_variant_has_its_page(client: Client) -> None:
    page = said(client, "/families")
    assert page.count('class="dot') == Family.objects.count()
    for family in Family.objects.all():
        assert family.name in page
        assert family.name in said(client, f"/families/{family.slug}")

    for slug in ("llama-1-7b", "llama-3-1-405b-instruct", "llama-guard-3-8b", "llama-4-scout"):
        variant = Variant.objects.select_related("family").get(slug=slug)
        own = said(client, f"/families/{variant.family.slug}/{slug}")
        assert variant.facts["source"].split(";")[0] in own
    assert client.get("/families/llama-2/llama-3-1-8b").status_code == 404
    assert "Its publisher never put it on a public hub" in said(
        client, "/families/llama-1/llama-1-7b"
    )


def test_a_variant_shows_scores_with_shots_rivals_as_reported_and_disputes(client: Client) -> None:
    page = said(client, "/families/llama-3-1/llama-3-1-405b-instruct")

    assert "reported, not measured here" in page
    assert "GPT-4o" in page
    assert "<td>5</td>" in page
    family = said(client, "/families/llama-3-1")
    assert "Sources disagree: GPQA of Llama 3.1 8B and 405B" in family
    assert "Llama 3.2 release date" not in family
    assert "Sources disagree: MMLU of Llama 2 70B" not in said(client, "/families/llama-3")


def test_what_is_here_is_linked_and_what_is_not_has_the_lines_that_bring_it(client: Client) -> None:
    address = "/families/llama-3-1/llama-3-1-8b-instruct"
    lines = said(client, address)
    assert f"hf download {BASE} --local-dir Llama-3.1-8B-Instruct" in lines
    assert "hf upload you/Llama-3.1-8B-Instruct" in lines

    factories.make_organisation("meta-llama", owner=(owner := factories.make_user("ada")))
    hosted = listed_in("meta-llama", owner, "Llama-3.1-8B-Instruct")
    listed(owner, "tuned", f"base:{BASE.lower()}")
    hidden = listed(owner, "tuned-too", f"base:{BASE.lower()}")
    type(hidden).objects.filter(pk=hidden.pk).update(visibility="private")

    page = said(client, address)
    assert f'href="/{hosted}"' in page
    assert "hf download" not in page
    assert "ada/tuned<" in page
    assert "tuned-too" not in page
    (generation,) = family_story.generations(
        Family.objects.filter(slug="llama-3-1"), caller=client.get("/families").wsgi_request.caller
    )
    assert (generation.hosted, generation.derived) == (1, 1)


def listed_in(namespace: str, owner: Any, name: str) -> Any:
    repository = factories.make_repository(owner, name, namespace=namespace)
    ref = repository.refs.get()
    repository.revisions.filter(pk=ref.head_id).update(state="released")
    repository.refs.update(public=ref.head_id)
    return repository


def test_pages_of_families_ask_no_more_for_more_of_them(client: Client) -> None:
    client.get("/families")
    with CaptureQueriesContext(connection) as all_of_them:
        client.get("/families")
    Family.objects.exclude(slug__in=["llama-1", "llama-2"]).delete()
    with CaptureQueriesContext(connection) as two:
        client.get("/families")
    assert len(two) == len(all_of_them)


def test_compared_models_fold_what_is_the_same_and_say_what_is_not_known(client: Client) -> None:
    answer = client.get(f"/compare?m={BASE}&m={OTHER}&m=nobody/nothing&m={BASE}")
    page = " ".join(answer.content.decode().split())

    assert [one.title for one, _without in answer.context["chosen"]] == [
        "Llama 3.1 8B Instruct",
        "Llama 3.2 3B Instruct",
        "nobody/nothing",
    ]
    assert "Not known here: nobody/nothing" in page
    assert "8,030,261,248" in page
    two = answer.context
    assert "Vocabulary" in [row.title for row in two["facts"].same]
    assert "Parameters" in [row.title for row in two["facts"].differing]
    assert "Regions left out" in [row.title for row in two["licensing"].differing]
    assert not any(row.is_ranked for row, _cells in two["scores"].rows)  # two documents
    assert "No machine has run two of these models" in page


def test_models_that_ran_on_one_machine_stand_beside_each_other_and_equal_rows_are_folded(
    client: Client,
) -> None:
    ada = factories.make_user("ada")
    for name, speed, on in (("one", 20.0, "H100"), ("two", 10.0, "H100"), ("three", 99.0, "CPU")):
        _measured(factories.make_repository(ada, name), on, decode_tok_s=speed, load_s=2.5)
    client.force_login(ada)

    answer = client.get("/compare?m=ada/one&m=ada/two&m=ada/three")
    (table,) = answer.context["machines"]

    assert (table.name, answer.context["alone"]) == ("H100", ["ada/three"])
    (same,) = (row for row in answer.context["files"].same if row.title == "Format of weights")
    assert same.cells == ["safetensors"] * 3
    load, speed = table.differing
    assert (speed.best, load.cells) == ((0,), ["2.50", "2.50", "–"])
    assert not any(cell[3] for cell in load.shown)
    odd = compared_models.Row("Layers", ["32", "28", "32", "–"], ["", "", "", ""])
    assert [cell[3] for cell in odd.shown] == [False] * 4
    assert [cell[3] for cell in replace(odd, cells=["32", "28", "32", "32"]).shown][1]
    (both,) = client.get("/compare?m=ada/one&m=ada/two").context["machines"]
    assert [row.title for row in both.same] == [load.title]
    context = next(row for row in answer.context["facts"].same if row.title == "Context")
    assert context.cells[0] == "4,096"


def test_claims_of_two_cards_stand_beside_each_other_and_are_not_ranked(client: Client) -> None:
    ada = factories.make_user("ada")
    for name, value in (("one", 60), ("two", 70)):
        card = (
            "---\nlicense: mit\nmodel-index:\n- name: x\n  results:\n  - task: {type: text-generation}\n"
            "    dataset: {name: MMLU, type: mmlu}\n"
            f"    metrics: [{{type: acc, value: {value}}}]\n---\n# M\n"
        )
        files = {"README.md": card, "model.safetensors": b"w"}
        factories.make_revision(factories.make_repository(ada, name), files=files)
    client.force_login(ada)

    scores = client.get("/compare?m=ada/one&m=ada/two").context["scores"]

    ((row, cells),) = scores.rows
    assert (row.is_ranked, [number for _score, _best, number in cells]) == (False, [1, 2])
    assert scores.alone == []
    assert len(scores.sources) == 2


def _measured(repository: Any, machine: str, **metrics: float) -> None:
    revision = factories.make_revision(
        repository,
        files=factories.MODEL
        | {"config.json": '{"model_type": "llama", "max_position_embeddings": 4096}'},
    )
    run = CheckRun.objects.get(revision=revision)
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    device = {"kind": "cuda", "name": machine}
    told = {"stages": [], "metrics": metrics, "device": device}
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome([], told))
    repository.revisions.update(state="released")
    repository.refs.update(public=revision)
    entries.refresh([repository.pk])


def test_the_community_is_judged_as_its_words_say(client: Client) -> None:
    page = said(client, "/families/llama-3-1")
    assert "llama3.1, gemma" in page
    assert "[&#x27;" not in page
    assert "23 July 2024" in page

    told = family_story.community_of(Variant.objects.all(), caller=NOBODY)
    assert len(told) == len(facts.read()["community"])
    for one in told:
        odd = "does not begin" in str(one["says_of_name"])
        assert one["verdict"] == "warned" or not odd, one["name"]
    assert "not checked yet" not in said(client, "/families/llama-1")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-07-23", "23 July 2024"),
        ("2023-03", "March 2023"),
        ("2023-13", "2023-13"),
        ("2023-02-31", "2023-02-31"),
        ("not stated", "not stated"),
    ],
)
def test_dates_of_facts_read_as_people_write_them(written: str, read: str) -> None:
    assert told_day(written) == read


def test_the_picker_finds_adds_and_stops_at_five(client: Client) -> None:
    listed(factories.make_user("ada"), "Llama-mine")
    found = client.get(f"/compare?m={BASE}&q=3.2").context["found"]
    assert found
    assert all(f"m={BASE}" in address for _name, _title, address in found)

    names = list(Variant.objects.exclude(hub_repo_id="").values_list("hub_repo_id", flat=True)[:7])
    full = client.get("/compare?" + "&".join(f"m={name}" for name in names))
    assert len(full.context["models"]) == 5
    assert "the most that fit" in full.content.decode()
    assert "Nothing to compare yet" in said(client, "/compare")


def test_a_comparison_tells_nothing_of_models_that_a_visitor_may_not_know(client: Client) -> None:
    ada = factories.make_user("ada")
    hidden = factories.make_revision(factories.make_repository(ada, "unseen")).repository

    page = said(client, f"/compare?m={hidden}&m={BASE}")
    assert page.replace("unseen", "missing") == said(client, f"/compare?m=ada/missing&m={BASE}")
    client.force_login(ada)
    assert "Not known here" not in said(client, f"/compare?m={hidden}&m={BASE}")
