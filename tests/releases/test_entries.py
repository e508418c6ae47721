"""Entries of the search follow what is out, and tell of nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.accounts import plain_hub
from registry.accounts.callers import NOBODY
from registry.agreements import locks
from registry.catalog import repositories, search
from registry.catalog.models import MAIN, Family, Ref, Repository, Revision, SearchEntry, Variant
from registry.catalog.wanted import Wanted
from registry.checks.models import FindingRow, JobKind, JobState
from registry.releases import entries, entry_facts, workflow
from registry.releases.entry_facts import Grounds
from registry.releases.tasks import refresh_entries
from tests import factories
from tests.refusals import at_once

CARD = """---
license: mit
pipeline_tag: text-generation
language: [en, de]
tags: [medical, dpo]
base_model: lab/base
---
# Quokka
It was taught by wombats.
"""


def entry(repository: Repository) -> SearchEntry:
    return SearchEntry.objects.get(repository=repository)


def hits(typed: str) -> int:
    return search.find(NOBODY, Wanted(query=typed)).total


@pytest.mark.django_db
def test_an_entry_follows_the_public_position_and_falls_back_to_the_name() -> None:
    config = b'{"model_type": "llama", "max_position_embeddings": 4096}'
    files = {"README.md": CARD, "config.json": config, "model.safetensors": b"w"}
    repository = factories.make_repository(factories.make_user("ada"), "Quokka-7B")
    factories.make_revision(repository, files=files)
    assert (entry(repository).facets, entry(repository).facts) == ([], {})
    assert hits("wombats") == 0

    release = factories.make_released(repository, files=files)

    found = entry(repository)
    assert found.revision == release.revision
    assert {"license:mit", "language:de", "domain:medicine", "method:dpo"} <= set(found.facets)
    assert {"relation:finetune", "base:lab/base", "verdict:passed"} <= set(found.facets)
    assert found.context_length == 4096
    assert (found.facts["version"], found.facts["licenses"]) == ("v1.0", ["mit"])
    assert found.released_at == release.released_at
    assert hits("wombats") == hits("wombat") == hits("quokka") == 1

    factories.make_commit(repository, {"README.md": CARD.replace("wombats", "numbats")})
    assert hits("numbats") == 0

    maintainer = factories.as_caller(factories.make_maintainer())
    workflow.transition("suspend", release, by=maintainer, reason="It bites.")

    assert (entry(repository).revision, entry(repository).facets) == (None, [])
    assert (hits("wombats"), hits("quokka")) == (0, 1)
    assert entries.stale(timezone.now()) == []


@pytest.mark.django_db
def test_what_differs_is_built_again_and_then_no_more(settings: Any) -> None:
    ada = factories.make_user("ada")
    admin = factories.as_caller(ada)
    released = factories.make_released(factories.make_repository(ada, "one")).repository
    other = factories.make_revision(factories.make_repository(ada, "two")).repository
    later = timezone.now() + timedelta(minutes=10)
    refresh_entries()
    assert entries.stale(later) == []

    def is_mended(one: Repository) -> SearchEntry:
        assert entries.stale(later) == [one.pk]
        entries.refresh_stale(now=later)
        assert entries.stale(later) == []
        return entry(one)

    locks.set_mode(released, "manual", by=admin)
    assert "access:manual" in is_mended(released).facets
    locks.set_mode(released, "auto", by=admin)
    assert "access:ask" in is_mended(released).facets
    locks.set_mode(released, "", by=admin)
    assert not {"access:ask", "access:manual"} & set(is_mended(released).facets)
    locks.set_mode(released, "manual", by=admin)
    assert "access:manual" in is_mended(released).facets

    repositories.move(released, to="ada/renamed", by=admin)
    assert hits("renamed") == 1
    assert "one" not in str(is_mended(released).words).replace("'", " ").split()

    SearchEntry.objects.filter(repository=other).delete()
    assert is_mended(other).name == "ada/two"

    SearchEntry.objects.filter(repository=released).update(facts={"format": 0})
    assert is_mended(released).facts["format"] == entries.FORMAT

    released.revisions.get(oid=entry(released).facts["revision"]).check_runs.update(
        verdict="warned", finished_at=later
    )
    assert "verdict:warned" in is_mended(released).facets

    settings.ALLOW_PLAIN_HUB = True
    plain_hub.switch(ada.namespace, on=True)
    entries.refresh_stale(now=later)
    assert entry(other).revision == Ref.objects.get(repository=other, name=MAIN).head
    made = factories.make_commit(Repository.objects.get(pk=other.pk), {"README.md": CARD})
    assert entry(other).revision == made
    plain_hub.switch(ada.namespace, on=False)
    assert is_mended(other).revision is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("findings", "state", "said"),
    [
        ([], JobState.DONE, "passed"),
        ([("GEN-DEGENERATE", "warn")], JobState.DONE, "warned"),
        ([("GEN-DEGENERATE", "warn"), ("GEN-DEGENERATE", "block")], JobState.DONE, "blocked"),
        ([("TPL-INJECT", "warn"), ("PERF", "info")], JobState.DONE, "passed"),
        ([], JobState.SKIPPED, "not-run"),
        ([("GEN-DEGENERATE", "block")], JobState.FAILED, "blocked"),
    ],
)
def test_the_smoke_test_has_a_verdict_of_its_own(
    findings: list[tuple[str, str]], state: JobState, said: str
) -> None:
    release = factories.make_released(files={"README.md": CARD, "model.safetensors": b"w"})
    run = release.revision.check_runs.get()
    run.jobs.filter(kind=JobKind.SMOKE).update(state=state)
    for check, severity in findings:
        FindingRow.objects.create(run=run, check_id=check, severity=severity, message="Seen.")

    entries.refresh([release.repository_id])

    found = entry(release.repository)
    assert [one for one in found.facets if one.startswith("smoke:")] == [f"smoke:{said}"]
    assert search.find(NOBODY, Wanted(facets={"smoke": (said,)})).repositories == [
        release.repository
    ]


@pytest.mark.django_db
def test_a_dataset_has_no_smoke_test(settings: Any) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    repository = factories.make_repository(type="dataset")
    release = factories.make_released(
        repository, files={"README.md": "---\nlicense: mit\n---\n# D\n", "a.txt": "words\n"}
    )

    assert not [one for one in entry(release.repository).facets if one.startswith("smoke:")]


@pytest.mark.django_db
def test_a_published_model_is_official_and_its_descendants_are_of_its_generation() -> None:
    family = Family.objects.create(slug="llama-3-1", name="Llama 3.1", position=1)
    facts = {"context_length": 131072, "training_methods": ["SFT", "DPO, ten rounds"]}
    Variant.objects.create(
        **{"slug": "base", "family": family, "name": "Llama 3.1 8B", "position": 1},
        **{"hub_repo_id": "Lab/Base", "facts": facts},
    )
    ada = factories.make_user("ada")
    factories.make_organisation("lab", owner=ada)
    files = {"README.md": "---\nlicense: mit\n---\n# Base\n", "model.safetensors": b"w"}
    base = factories.make_released(
        factories.make_repository(ada, "base", namespace="lab"), files=files
    )
    tuned = factories.make_released(files={"README.md": CARD, "model.safetensors": b"w"})

    official, descendant = entry(base.repository), entry(tuned.repository)

    assert (official.is_official, official.context_length) == (True, 131072)
    assert {"family:llama", "generation:llama-3-1", "method:sft"} <= set(official.facets)
    assert (descendant.is_official, descendant.context_length) == (False, None)
    assert {"family:llama", "generation:llama-3-1"} <= set(descendant.facets)
    labels = {one.label for one in search.find(NOBODY, Wanted()).facets["generation"]}
    assert labels == {"Llama 3.1"}


def test_cards_may_say_anything() -> None:
    odd = [None, 7, True, {"a": 1}, ["x", ["y"]], "", " ", "x" * 500, "\n", 1e9]
    keys = ("license", "language", "tags", "base_model", "datasets", "pipeline_tag", "library_name")
    card = dict.fromkeys(keys, odd)
    revision = Revision(card=card, facts={"gguf": {"context_length": -1}}, tags=["gguf"])
    repository = Repository(gated="auto")
    names = ("model-Q4_K_M.gguf", "a/b-IQ2_XS-00001-of-00002.gguf", "q8.txt", "MODEL.F16.GGUF")
    of = Grounds(repository, revision, names=names)

    facets = entry_facts.facets(of)

    assert {"quantization:q4_k_m", "quantization:iq2_xs", "quantization:f16"} <= set(facets)
    assert "access:ask" in facets
    assert all(len(one) <= 120 and one == one.lower() for one in facets)
    assert entry_facts.context_length(of, {"text_config": 5}) is None
    assert entry_facts.facts(of)["relation"] == "merge"


@pytest.mark.django_db(transaction=True)
def test_a_builder_that_read_before_a_recall_does_not_write_after_it() -> None:
    release = factories.make_released()
    maintainer = factories.as_caller(factories.make_maintainer())

    at_once(
        lambda: workflow.transition("recall", release, by=maintainer, reason="It leaks."),
        *[lambda: entries.refresh([release.repository_id])] * 3,
    )

    assert (entry(release.repository).revision, entry(release.repository).facts) == (None, {})
