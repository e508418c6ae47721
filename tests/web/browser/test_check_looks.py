"""What checks found and measured, overrides and rescans, looked at as the other pages are."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from registry.catalog.models import Repository, Revision
from registry.checks import overrides, rescans, runs
from registry.checks.findings import Finding, block, info, warn
from registry.checks.lineage import judge
from registry.checks.models import CheckRun, Fingerprint, JobKind
from registry.releases import workflow
from tests import factories
from tests.checks import prints
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

WEIGHTS = prints.weights()
MACHINES = [
    ("Xeon, 16 cores", 21.5, 11.2),
    ("NVIDIA H100 80GB HBM3", 184.0, 10.9),
    ("Xeon, 16 cores", 20.5, 10.4),
]
WHY = "The tensor is a buffer that no layer reads; measured by hand."
FOUND = [
    block("W-FINITE", "`layers.1.mlp` holds 3 NaNs.", file="model.safetensors", where="layers.1"),
    warn("TOK-VOCAB", "Only 71 % of the embedding's rows have a token."),
    info("PERF", "24.1 tokens per second on the CPU, 1,912 MiB at most."),
]
ANSWERS = [
    ("What is the capital of France?", "The capital of France is Paris, on the Seine."),
    ("How many days are there in a leap year?", "There are 366 days in a leap year."),
    ("List three things one needs to bake bread.", "Flour, water and salt.\nA little time."),
    ("Explain in simple words why the sky is blue.", "Air scatters blue light more than red."),
]


def _figures(speed: float, perplexity: float, memory: int) -> dict[str, Any]:
    """All that a smoke test takes."""
    texts = {"en": perplexity, "science": perplexity * 0.8, "code": 3.1, "de": 21.0, "es": 19.5}
    return {
        "perplexity": texts,
        "load_s": 2.4,
        "ttft_ms": 9000 / speed,
        "prefill_tok_s": speed * 9,
        "decode_tok_s": speed,
        "decode_tok_s_batch8": speed * 5,
        "peak_rss_mb": memory,
        "joules_per_1k_tok": 310.5,
        "greedy_fingerprint": f"{int(speed * 10):08x}" * 8,
        "kl_cache_max": 0.00031,
        "parameters": 134_515_008,
        "dtype": "float32",
    }


def _finish(run: CheckRun, *found: Finding, device: str = "cpu", **metrics: Any) -> None:
    """A run over both jobs, with figures, and with its weights compared where a base is named."""
    refused = [one for one in found if one.check == "UPL-TYPE"]
    runs.finish(factories.claim_job(run), runs.Outcome(refused))
    records = prints.records(prints.tuned(WEIGHTS))
    judged = judge.judge(run, {"safetensors": records}, metrics={}, now=timezone.now())
    smoke = {
        "stages": [judged.stage],
        "lineage": judged.report,
        "metrics": metrics,
        "samples": [{"prompt": prompt, "output": f"{said} ({device})"} for prompt, said in ANSWERS],
        "device": {"kind": "cpu", "name": device, "threads": 8},
    }
    rest = [one for one in found if one not in refused]
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome(rest, smoke, judged.rows))


def _revision(repository: Repository, base: str, **more: str) -> Revision:
    card = f"---\nlicense: apache-2.0\nbase_model: {base}\n---\n# A model\n"
    files = factories.MODEL | {"README.md": card} | more
    return factories.make_revision(repository, files=factories.with_copies(files, repository))


def _build() -> Revision:
    """A head that is blocked, after two releases that were measured on unlike machines."""
    above = factories.make_repository(name="base")
    base = factories.make_revision(above, files=factories.with_copies(factories.MODEL, above))
    run = CheckRun.objects.get(revision=base)
    _finish(run, device=MACHINES[0][0], **_figures(20.9, 10.2, 1893))
    factories.approve(
        workflow.open_release(
            base, version="v1", by=factories.as_caller(base.repository.created_by)
        )
    )
    records = {"safetensors": prints.records(WEIGHTS)}
    for row in judge.judge(run, records, metrics={}, now=timezone.now()).rows:
        Fingerprint.objects.filter(run=run).update(tensors=row.tensors)
    name = above.full_name
    repository = factories.make_repository(factories.make_user("ada"), "Llama-measured")
    owner = factories.as_caller(repository.created_by)
    for number, (device, speed, perplexity) in enumerate(MACHINES, start=1):
        revision = _revision(repository, name, **{"notes.txt": device})
        figures = _figures(speed, perplexity, 1912)
        _finish(CheckRun.objects.get(revision=revision), device=device, **figures)
        factories.approve(workflow.open_release(revision, version=f"v{number}", by=owner))
    files = {"notes.txt": "new", "train.py": "import os\n", "scripts/run.sh": "ls\n"}
    head = _revision(repository, name, **files)
    refused = [
        block("UPL-TYPE", f"`{path}`: script files are not accepted here.", file=path)
        for path in ("train.py", "scripts/run.sh")
    ]
    run = CheckRun.objects.get(revision=head)
    _finish(run, *refused, *FOUND, device=MACHINES[0][0], **_figures(18.2, 9.4, 2010))
    return head


@pytest.mark.looks_at("repository-checks-revision")
def test_what_was_found_and_measured(page: Page, picture_folder: Path | None) -> None:
    head = _build()
    address = f"{head.repository.get_absolute_url()}/checks"
    sign_in(page.context, head.author)
    look(page, "checks-found", address, picture_folder, unfolded=True)

    address = f"{address}/{head.oid}"
    sign_in(page.context, factories.make_maintainer("bob"))
    look(page, "checks-override", address, picture_folder, unfolded=True)
    run = CheckRun.objects.get(revision=head)
    for login in ("carol", "dan"):
        by = factories.as_caller(factories.make_maintainer(login))
        overrides.override(run, "W-FINITE", reason=WHY, by=by)
    look(page, "checks-overridden", address, picture_folder, unfolded=True)


@pytest.mark.looks_at("rescan", "rescans")
def test_rescans(page: Page, picture_folder: Path | None) -> None:
    for _ in range(2):
        factories.make_released()
    bob = factories.make_maintainer("bob")
    sign_in(page.context, bob)
    look(page, "rescans-none", "/review/rescans", picture_folder)

    rescan = rescans.start(reason="Scales of FP8 are judged now", by=factories.as_caller(bob))
    address = f"/review/rescans/{rescan.public_id}"
    look(page, "rescan-running", address, picture_folder)
    for run, found in zip(rescan.runs.order_by("revision_id"), (FOUND, []), strict=True):
        _finish(run, *found)
    look(page, "rescan-ready", address, picture_folder)
    look(page, "rescans", "/review/rescans", picture_folder)
