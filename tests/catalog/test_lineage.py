"""The models that a model comes from: what its card declares, followed upwards."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.accounts import plain_hub
from registry.catalog import facts, lineage, repositories
from registry.catalog.models import Visibility
from registry.releases import workflow
from tests import factories

pytestmark = pytest.mark.django_db

GUESSED = "meta-llama/Llama-3.1-8B"


@pytest.fixture(autouse=True)
def published() -> None:
    facts.load()


def _card(*bases: str, rest: str = "license: llama3.1\nbase_model_relation: finetune") -> str:
    return f"---\n{rest}\nbase_model: [{', '.join(bases)}]\n---\n"


def _released(name: str, *bases: str, owner: Any = None, **rest: Any) -> Any:
    repository = factories.make_repository(owner, name, **rest)
    files = {"README.md": _card(*bases), "model.safetensors": f"weights of {name}"}
    return factories.make_released(repository, files=files)


def _names(found: lineage.Ancestry) -> list[str]:
    return [one.name for one in found.ancestors]


def _of(*bases: str, below: Any = None) -> lineage.Ancestry:
    repository = below or factories.make_repository()
    return lineage.of(repository, {"base_model": list(bases)})


def test_a_model_without_a_base_asks_the_database_nothing() -> None:
    repository = factories.make_repository()

    with CaptureQueriesContext(connection) as captured:
        assert lineage.of(repository, {"license": "mit"}) == lineage.Ancestry()

    assert len(captured) == 0


def test_three_generations_end_at_the_published_model_in_any_case() -> None:
    ada = factories.make_user("ada")
    _released("Llama-3-first", GUESSED.upper(), owner=ada)
    second = _released("Llama-3-second", "ada/Llama-3-first", owner=ada)

    found = _of("ada/Llama-3-second")

    assert _names(found) == ["ada/Llama-3-second", "ada/Llama-3-first", GUESSED.upper()]
    assert [one.depth for one in found.ancestors] == [1, 2, 3]
    assert [one.is_root for one in found.ancestors] == [False, False, True]
    assert found.parents == found.ancestors[:1]
    assert found.parents[0].revision == second.revision
    assert found.ancestors[2].variant.hub_repo_id == GUESSED
    assert (found.unknown, found.is_cut, found.has_circle) == ((), False, False)


def test_each_generation_costs_a_fixed_number_of_queries() -> None:
    ada = factories.make_user("ada")
    for number in range(6):
        _released(f"Llama-3-m{number}", GUESSED, owner=ada)
    repository = factories.make_repository()
    names = [f"ada/Llama-3-m{number}" for number in range(6)]

    with CaptureQueriesContext(connection) as captured:
        assert len(lineage.of(repository, {"base_model": names}).ancestors) == 7

    assert len(captured) == 5


def test_a_diamond_has_each_model_once_and_is_no_circle() -> None:
    ada = factories.make_user("ada")
    _released("Llama-3-root", owner=ada)
    _released("Llama-3-left", "ada/Llama-3-root", owner=ada)
    _released("Llama-3-right", "ada/Llama-3-root", owner=ada)

    found = _of("ada/Llama-3-left", "ada/Llama-3-right", "ada/Llama-3-left")

    assert _names(found) == ["ada/Llama-3-left", "ada/Llama-3-right", "ada/Llama-3-root"]
    assert len(found.parents) == 2
    assert {one.relation for one in found.parents} == {"merge"}
    assert found.ancestors[2].relation == "finetune"
    assert not found.has_circle


def test_a_model_that_names_itself_and_a_circle_further_up_end_and_are_said() -> None:
    ada = factories.make_user("ada")
    own = _released("Llama-3-own", "ada/Llama-3-own", owner=ada)
    _released("Llama-3-one", "ada/Llama-3-two", owner=ada)
    _released("Llama-3-two", "ada/Llama-3-one", owner=ada)

    itself = lineage.of_revision(own.revision)
    other = _of("ada/Llama-3-one")

    assert (itself.ancestors, itself.parents, itself.has_circle) == ((), (), True)
    assert _names(other) == ["ada/Llama-3-one", "ada/Llama-3-two"]
    assert other.has_circle


def test_a_former_name_leads_to_the_repository() -> None:
    ada = factories.make_user("ada")
    parent = _released("Llama-3-old", GUESSED, owner=ada)
    repositories.move(parent.repository, to="ada/new", by=factories.as_caller(ada))

    found = _of("ada/Llama-3-old", "ada/new")

    assert [one.repository for one in found.parents] == [parent.repository]
    assert _names(found) == ["ada/Llama-3-old", GUESSED]


def test_a_private_repository_elsewhere_is_as_if_it_were_not_there() -> None:
    ada, bob = factories.make_user("ada"), factories.make_user("bob")
    parent = _released("Llama-3-hidden", GUESSED, owner=ada)
    bobs = factories.make_repository(bob)
    repositories.set_visibility(parent.repository, Visibility.PRIVATE, by=factories.as_caller(ada))

    hidden, absent = _of("ada/Llama-3-hidden", below=bobs), _of("ada/absent", below=bobs)

    assert hidden == lineage.Ancestry(
        unknown=("ada/Llama-3-hidden",), own_unknown=("ada/Llama-3-hidden",)
    )
    assert absent == lineage.Ancestry(unknown=("ada/absent",), own_unknown=("ada/absent",))


def test_what_comes_through_a_private_repository_is_said_by_that_ones_name() -> None:
    ada = factories.make_user("ada")
    _released("Llama-3-deep", GUESSED, owner=ada)
    middle = _released("Llama-3-middle", "ada/Llama-3-deep", "some/where", owner=ada)
    repositories.set_visibility(middle.repository, Visibility.PRIVATE, by=factories.as_caller(ada))

    found = _of("ada/Llama-3-middle", below=factories.make_repository(ada))

    assert _names(found) == ["ada/Llama-3-middle", "ada/Llama-3-deep", GUESSED]
    assert {one.shown for one in found.ancestors} == {"ada/Llama-3-middle"}
    assert {one.public_id for one in found.ancestors} == {""}
    assert found.unknown == ("ada/Llama-3-middle",)


def test_a_repository_of_which_nothing_is_released_is_as_if_it_were_not_there() -> None:
    revision = factories.make_revision()

    assert _of(revision.repository.full_name).ancestors == ()


def test_in_a_plain_hub_the_head_counts(settings: Any) -> None:
    settings.ALLOW_PLAIN_HUB = True
    revision = factories.make_revision()
    plain_hub.switch(revision.repository.namespace, on=True)

    assert _of(revision.repository.full_name).parents[0].revision == revision


def test_a_recall_ends_no_descent() -> None:
    release = _released("Llama-3-gone", GUESSED)
    workflow.transition(
        "recall", release, by=factories.as_caller(factories.make_maintainer()), reason="A leak."
    )

    found = _of(release.repository.full_name)

    assert found.parents[0].revision == release.revision
    assert found.parents[0].revision.state == "recalled"


def test_a_repository_with_the_name_of_a_published_model_is_both() -> None:
    owner = factories.make_organisation("meta-llama")
    admin = owner.memberships.get().user
    _released("Llama-3.1-8B", owner=admin, namespace="meta-llama")

    (found,) = _of(GUESSED).ancestors

    assert found.repository is not None
    assert found.variant is not None
    assert found.is_root


@pytest.mark.parametrize(
    "hostile", [{"a": 1}, 7, None, "", [[]], [{"x": "y"}, 3.5, True], "no-slash"]
)
def test_a_hostile_card_leads_nowhere(hostile: Any) -> None:
    found = lineage.of(factories.make_repository(), {"base_model": hostile})

    assert found.ancestors == ()
    assert found.unknown == (("no-slash",) if hostile == "no-slash" else ())


def test_ten_thousand_names_are_cut_and_cost_four_queries() -> None:
    repository = factories.make_repository()
    names = [f"x/y{number}" for number in range(10_000)]

    with CaptureQueriesContext(connection) as captured:
        found = lineage.of(repository, {"base_model": names})

    assert found.is_cut
    assert len(found.unknown) == lineage.MAX_BASES
    assert len(captured) <= 4


def test_a_long_line_of_descent_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = factories.make_user("ada")
    _released("Llama-3-m0", owner=ada)
    for number in range(1, 4):
        _released(f"Llama-3-m{number}", f"ada/Llama-3-m{number - 1}", owner=ada)
    monkeypatch.setattr(lineage, "MAX_DEPTH", 2)

    found = _of("ada/Llama-3-m3")

    assert _names(found) == ["ada/Llama-3-m3", "ada/Llama-3-m2"]
    assert found.is_cut


def test_the_relation_is_the_declared_one_or_what_the_files_say() -> None:
    repository = factories.make_repository()
    card = {"base_model": GUESSED}

    def how(**rest: Any) -> str:
        return lineage.of(repository, card, **rest).parents[0].relation

    assert how() == "finetune"
    assert how(paths=["adapter_config.json"]) == "adapter"
    assert how(config={"quantization_config": {}}) == "quantized"
    card["base_model_relation"] = "merge"
    assert how(paths=["adapter_config.json"]) == "merge"


def test_models_whose_output_was_trained_on_are_followed_by_themselves() -> None:
    repository = factories.make_repository()
    card = {"trained_on_outputs_of": [GUESSED, "llama3"], "base_model": "x/y"}

    found = lineage.of_outputs(repository, card)

    assert _names(found) == [GUESSED]
    assert found.own_unknown == ("llama3",)
    assert lineage.of(repository, card).unknown == ("x/y",)
