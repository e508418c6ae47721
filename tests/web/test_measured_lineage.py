"""The checks page shows where the weights come from, in words, figures and a plot with its table."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from registry.checks import runs
from registry.checks.lineage import judge
from registry.checks.models import CheckRun, JobKind
from tests import factories
from tests.checks import prints

pytestmark = pytest.mark.django_db

WEIGHTS = prints.weights()


def _checked(records: prints.Records, card: str, name: str) -> CheckRun:
    files = {"README.md": f"---\nlicense: apache-2.0\n{card}---\n# A model\n"}
    revision = factories.make_revision(factories.make_repository(name=name), files=files)
    run = CheckRun.objects.get(revision=revision)
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    judged = judge.judge(run, {"safetensors": records}, metrics={}, now=timezone.now())
    result = {"stages": [judged.stage], "lineage": judged.report}
    job = factories.claim_job(run, JobKind.SMOKE)
    runs.finish(job, runs.Outcome(judged.findings, result, judged.rows))
    return run


def _page(run: CheckRun) -> str:
    client = Client()
    client.force_login(run.revision.repository.created_by)
    answer = client.get(f"/{run.revision.repository.full_name}/checks")
    assert answer.status_code == 200
    return answer.content.decode()


def _words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_a_declared_base_stands_beside_what_was_measured():
    base = factories.make_released()
    kept = CheckRun.objects.get(revision=base.revision)
    records = {"safetensors": prints.records(WEIGHTS)}
    for row in judge.judge(kept, records, metrics={}, now=timezone.now()).rows:
        row.save()
    name = base.repository.full_name

    tuned = _checked(prints.records(prints.tuned(WEIGHTS)), f"base_model: {name}\n", "tuned")
    other = _checked(prints.records(prints.weights(5)), f"base_model: {name}\n", "other")
    nothing = _checked(prints.records(prints.weights(6)), "base_model: far/away\n", "nothing")

    page, words = _page(tuned), _words(_page(tuned))
    assert "supported The weights come from the base that the card names." in words
    assert f"{name} ✓ supported full fine-tune" in words
    assert f'<a href="/{name}">{name}</a></th>' in page
    assert "far/away</a>" not in _page(nothing)
    assert f'aria-label="Likeness to {name}, layer by layer; the table below' in page
    assert page.count("<title>attention – ") == prints.LAYERS
    assert page.count("<title>all else – ") == prints.LAYERS + 2
    assert "contradicted The weights do not come from the base" in _words(_page(other))
    assert "unverified Nothing says" in _words(_page(nothing))
    assert "<svg viewBox=" not in _page(nothing)


def test_a_run_that_measured_nothing_shows_nothing_of_it():
    assert "Where the weights come from" not in _page(_checked({}, "", "empty"))


def test_a_like_model_that_became_private_is_named_to_those_alone_who_may_know_it():
    base = factories.make_released()
    kept = CheckRun.objects.get(revision=base.revision)
    records = {"safetensors": prints.records(WEIGHTS)}
    for row in judge.judge(kept, records, metrics={}, now=timezone.now()).rows:
        row.save()
    name = base.repository.full_name
    copy = _checked(prints.records(prints.tuned(WEIGHTS)), "", "copy")
    owner = copy.revision.repository.created_by
    address = f"/{copy.revision.repository.full_name}/checks/{copy.revision.oid}"
    path = f"/api/v1/models/{copy.revision.repository.full_name}/checks/{copy.revision.oid}"
    token = {"Authorization": f"Bearer {factories.make_token(owner)}"}
    assert f'<a href="/{name}">{name}</a>' in _page(copy)
    assert name in copy.findings.get(check_id="LIN-UNDECLARED").message

    base.repository.visibility = "private"
    base.repository.save()

    client = Client()
    client.force_login(owner)
    for told in (
        client.get(address).text,
        client.get(f"{address}/report.json").text,
        client.get(f"{address}?run={copy.public_id}").text,
        Client().get(path, headers=token).text,
        client.get(f"/{copy.revision.repository.full_name}/blob/main/model.safetensors").text,
    ):
        assert name not in told
    assert "Looks derived from another model" in _words(_page(copy))
    assert Client().get(path, headers=token).status_code == 200
    client.force_login(factories.make_maintainer())
    assert f'<a href="/{name}">{name}</a>' in client.get(address).text
