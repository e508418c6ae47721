"""What stands beside a card, the lines that fetch a model, and the evidence of its releases."""

from typing import Any

import pytest
from django.test import Client

from registry.catalog import markdown
from registry.checks.models import CheckRun
from registry.releases import workflow
from tests import factories
from tests.factories import as_caller

pytestmark = pytest.mark.django_db
CARD = """---
license: llama3.1
pipeline_tag: text-generation
tags: [medical]
own_key: {deep: <b>value</b>}
model-index:
- name: m
  results:
  - task: {type: text-generation}
    dataset: {type: x, name: MedQA}
    metrics: [{type: accuracy, value: 0.641}]
    source: {name: Elsewhere, url: "javascript:alert(1)"}
---
# Card

## Use `it` <b>now</b>

### Details

## Limits
"""


def test_a_card_has_contents_metadata_and_results(client: Client) -> None:
    release = factories.make_released(
        files={"README.md": CARD, "config.json": "{}", "model.safetensors": b"w"}
    )
    name = release.repository.full_name
    report = {"lineage": {"bases": [{"model": "x/y", "verdict": "supported"}]}}
    CheckRun.objects.filter(revision=release.revision).update(report=report)

    page = client.get(f"/{name}").text

    assert 'href="#card-limits"' in page
    assert 'id="card-limits"' in page
    assert "<code>own_key</code>" in page
    assert "deep: &lt;b&gt;value&lt;/b&gt;" in page
    assert "0.641" in page
    assert "javascript:" not in page
    # Pinned, and without the name of a file that nobody may know before the terms
    assert f"hf download {name} --revision v1.0" in page
    assert f"vllm serve {name} --revision v1.0" in page
    assert "/resolve/v1.0/README.md" in page
    assert "model.safetensors" not in page
    factories.accept_terms(release, carol := factories.make_user())
    client.force_login(carol)
    assert "/resolve/v1.0/model.safetensors" in client.get(f"/{name}").text


def test_headings_lead_to_ids_that_the_text_has() -> None:
    text = "# One\n\n## Two *words*\n\n## Two words\n\n> ## quoted\n\n<h2>raw</h2>\n"

    html, headings = markdown.with_headings(text)

    assert [(one.level, one.title) for one in headings] == [
        (2, "One"),
        (3, "Two words"),
        (3, "Two words"),
    ]
    assert len({one.id for one in headings}) == 3
    assert all(f'id="{one.id}"' in html for one in headings)


def test_releases_show_evidence_and_open_reviews_do_not_tell_who_approved(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    first = factories.make_released(by=(bob := factories.make_maintainer("bob")))
    repository = first.repository
    files = {"README.md": factories.CARD + "\nMore.\n", "model.safetensors": b"v2"}
    revision = factories.make_commit(repository, factories.with_copies(files, repository))
    factories.finish_checks(revision)
    second = workflow.open_release(revision, version="v2.0", by=as_caller(repository.created_by))
    there = f"/{repository.full_name}/releases"
    client.force_login(repository.created_by)
    before = client.get(there).text
    factories.approve(second, by=bob)

    with django_assert_max_num_queries(45):
        page = client.get(there).text

    assert before.count('href="/bob"') == 1
    assert page.count('href="/bob"') == 2
    assert "compare?from=v1.0&amp;to=v2.0" in page
    assert second.digest in page
    assert first.manifest_digest in page
