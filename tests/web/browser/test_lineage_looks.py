"""The pages of a model with a past and a progeny, and of whose it is, looked at as the others are."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.accounts.models import Role, User
from registry.catalog import facts, likes
from registry.checks.models import CheckRun
from registry.releases.models import Release
from tests import factories
from tests.factories import as_caller
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
BASE = "meta-llama/Llama-3.1-8B-Instruct"
LONG = "Llama-a-medical-model-with-a-very-long-name-that-no-box-holds-8b"


@pytest.mark.looks_at("repository-lineage", "repository-settings")
def test_lineage_settings_and_whose_it_is(page: Page, picture_folder: Path | None) -> None:
    factories.make_facts()
    facts.load()
    ada, bob = factories.make_user("ada"), factories.make_maintainer("bob")
    lab = factories.make_organisation("institute-for-patient-models", owner=ada)
    factories.people.set_role(namespace=lab, user=ada, role=Role.ADMIN, by="")
    model = _family(ada, bob, lab.name)
    there = f"/{model.repository.full_name}"
    sign_in(page.context, ada)
    for name, path in {
        "lineage": f"{there}/lineage",
        "lineage-of-a-child": f"/{lab.name}/Llama-merged/lineage",
        "lineage-empty": f"/{lab.name}/alone/lineage",
        "settings": f"{there}/settings",
        "namespace-activity": f"/{lab.name}?tab=activity",
        "namespace-members": f"/{lab.name}?tab=members",
        "namespace-likes": "/bob?tab=likes",
    }.items():
        look(page, f"kin-{name}", path, picture_folder)


def _family(owner: User, maintainer: User, place: str) -> Release:
    """A fine-tune of a published base with an adapter, a quantized copy and what came of those."""

    def made(name: str, bases: list[str], relation: str, terms: str = "llama3.1") -> Release:
        named = f"base_model: [{', '.join(bases)}]\nbase_model_relation: {relation}\n"
        card = f"---\nlicense: {terms}\n{named if bases else ''}---\n# {name}\n\nWords.\n"
        repository = factories.make_repository(owner, name, namespace=place)
        files = {"README.md": card, "config.json": "{}", "model.safetensors": name.encode()}
        return factories.make_released(
            repository, by=maintainer, files=factories.with_copies(files, repository)
        )

    model = made(LONG, [BASE], "finetune")
    name = model.repository.full_name
    adapter = made("Llama-nurse-adapter", [name], "adapter")
    copy = made("Llama-model-Q4_K_M", [name], "quantized")
    twin = made("apart", [], "", "mit")
    made("alone", [], "", "mit")
    merged = made("Llama-merged", [name, f"{place}/apart"], "merge")
    made("Llama-merged-again", [f"{place}/Llama-merged"], "finetune")
    for release, verdicts, nearest in (
        (model, {BASE: "supported"}, []),
        (copy, {name: "contradicted"}, []),
        (adapter, {name: "unverified"}, []),
        (merged, {name: "supported", f"{place}/apart": "not supported"}, ["Llama-model-Q4_K_M"]),
    ):
        bases = [{"model": one, "verdict": verdict} for one, verdict in verdicts.items()]
        near = [{"model": f"{place}/{one}", "cosine": 0.993} for one in nearest]
        CheckRun.objects.filter(revision=release.revision).update(
            report={"lineage": {"bases": bases, "nearest": near}}
        )
    likes.like(twin.repository, by=as_caller(maintainer))
    return model
