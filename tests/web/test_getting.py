"""The lines that fetch and run a model: on the tab of releases each is pinned to its own release."""

import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.catalog.models import Repository
from registry.releases import workflow
from registry.releases.models import Release
from tests import factories
from tests.factories import as_caller

pytestmark = pytest.mark.django_db
ADAPTER = """---
license: mit
base_model: meta-llama/Llama-3.1-8B
base_model_relation: adapter
library_name: peft
pipeline_tag: text-generation
---
# An adapter
"""
OPEN = "---\nlicense: mit\npipeline_tag: text-generation\n---\n# A model\n"


def later(repository: Repository, version: str, **files: Any) -> Release:
    """One more release of the repository."""
    made: dict[str, Any] = {"README.md": OPEN, "model.safetensors": version.encode()} | files
    return factories.make_released(repository, version=version, files=made)


def released_twice(**files: Any) -> tuple[Release, Release]:
    repository = factories.make_repository()
    return later(repository, "v1.0", **files), later(repository, "v2.0", **files)


def article(page: str, release: Release) -> str:
    found = re.search(
        rf'<article[^>]+id="{release.version.replace(".", "")}".*?</article>', page, re.S
    )
    assert found
    return html.unescape(found[0])


def tab(client: Client, release: Release) -> str:
    return client.get(f"/{release.repository.full_name}/releases").text


def test_every_release_has_the_lines_that_get_exactly_it(client: Client) -> None:
    old, new = released_twice()
    name = old.repository.full_name

    page = tab(client, new)

    for release in (old, new):
        said = article(page, release)
        pin = release.version
        assert f"hf download {name} --revision {pin}<" in said
        assert f'AutoModelForCausalLM.from_pretrained("{name}", revision="{pin}")' in said
        assert f"vllm serve {name} --revision {pin}<" in said
        assert re.search(rf"curl -fL .*-O http://testserver/{name}/resolve/{pin}/\S+<", said)
    ids = re.findall(r'id="(copy-[^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_lines_of_the_newest_are_unfolded_and_those_of_older_ones_are_not(
    client: Client,
) -> None:
    old, new = released_twice()

    page = tab(client, new)

    assert "<details open>" in article(page, new)
    assert "<details open>" not in article(page, old)


def test_an_adapter_is_got_by_its_own_library(client: Client) -> None:
    files = {"README.md": ADAPTER, "adapter_config.json": '{"peft_type": "LORA"}'}
    old, _ = released_twice(**files)

    said = article(tab(client, old), old)

    assert f'from_pretrained("{old.repository.full_name}", revision="v1.0")' in said
    assert "AutoPeftModelForCausalLM" in said
    assert "vllm serve" not in said


def test_a_release_that_is_out_no_more_has_no_lines(client: Client) -> None:
    old, new = released_twice()
    workflow.transition(
        "suspend", old, by=as_caller(factories.make_maintainer()), reason="A question is open."
    )

    page = tab(client, new)

    assert "--revision" not in article(page, old)
    assert "--revision v2.0" in article(page, new)


def test_files_that_are_closed_to_a_visitor_are_not_named_in_the_lines(client: Client) -> None:
    closed = {"README.md": factories.CARD, "secret-plan.gguf": b"w", "secret-plan.bin": b"w"}
    repository = factories.make_repository()
    old = factories.make_released(repository, files=closed)
    factories.make_released(repository, version="v2.0", files=closed | {"more.txt": "x"})

    page = tab(client, old)

    assert "secret-plan" not in page
    assert "/resolve/v1.0/README.md" in page
    assert "$HF_TOKEN" in article(page, old)


def test_more_releases_ask_no_more_of_the_database(client: Client) -> None:
    old, new = released_twice()
    tab(client, new)

    with CaptureQueriesContext(connection) as of_two:
        tab(client, new)
    later(old.repository, "v3.0")
    later(old.repository, "v4.0")
    with CaptureQueriesContext(connection) as of_four:
        tab(client, new)

    assert len(of_four) == len(of_two)
