"""The operators' page, looked at as the other pages are."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from registry.checks import hosts, runs
from registry.checks.models import Host, Job, JobKind, Queue
from registry.checks.slots import Slot
from tests import factories
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def _gpu(number: int, *, healthy: bool = True) -> dict[str, object]:
    return {
        "id": f"cuda:{number}",
        "uuid": f"GPU-{number}",
        "kind": "cuda",
        "name": "NVIDIA H100 80GB HBM3",
        "memory_mb": 81559,
        "driver": "580.95",
        "healthy": healthy,
        "note": "" if healthy else "The driver does not answer.",
    }


@pytest.mark.looks_at("operations")
def test_operations(page: Page, picture_folder: Path | None) -> None:
    sign_in(page.context, factories.make_maintainer("reviewer"))
    factories.make_revision(factories.make_repository(factories.make_user("ada"), "waits"))
    Job.objects.filter(kind=JobKind.SCAN).update(due_at=timezone.now() - timedelta(minutes=7))
    look(page, "operations-none", "/operations", picture_folder)

    both = [_gpu(0), _gpu(1, healthy=False)]
    hosts.beat("gpu-one", services={Queue.SCAN: 2, Queue.SMOKE_GPU: 2}, devices=both)
    hosts.beat("cpu-one", services={Queue.SMOKE_CPU: 1})
    Host.objects.filter(name="cpu-one").update(is_draining=True)
    old = hosts.beat("left-behind", services={Queue.SCAN: 1})
    Host.objects.filter(pk=old.pk).update(seen_at=timezone.now() - timedelta(days=2))
    runs.claim_next(Queue.SCAN, worker="test", slot=Slot("gpu-one", "cuda:0"))
    factories.finish_checks(factories.make_revision(), "error")

    look(page, "operations", "/operations", picture_folder)
