"""What an instance does for itself every hour."""

import io
import os
import time
from datetime import UTC, datetime

import pytest
from django.conf import settings as site
from django.db import connection

from registry.audit import log
from registry.audit.models import Checkpoint
from registry.checks import work
from registry.instance import tasks
from registry.storage import blobs
from tests import factories

pytestmark = pytest.mark.django_db


def test_housekeeping_signs_the_chain_and_makes_room_in_the_access_log():
    factories.make_user()

    tasks.housekeeping()

    assert Checkpoint.objects.count() == 1
    assert log.verify().problems == []
    name = f"audit_access_{datetime.now(UTC):%Y_%m}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        assert cursor.fetchone() == (True,)


def test_only_folders_of_tests_that_are_long_gone_are_removed():
    old, new = work.scratch_folder() / "old", work.scratch_folder() / "new"
    for folder in (old, new):
        (folder / "model").mkdir(parents=True)
    past = time.time() - tasks.ABANDONED_SECONDS - 1
    os.utime(old, (past, past))

    assert tasks.clear_scratch(now=time.time()) == 1

    assert (old.exists(), new.exists()) == (False, True)


def test_housekeeping_and_the_sweep_are_on_the_schedule():
    planned = {entry["task"] for entry in site.CELERY_BEAT_SCHEDULE.values()}

    assert planned == {
        "registry.checks.tasks.sweep",
        "registry.checks.tasks.rescan_on_upgrade",
        "registry.outbox.tasks.send_due",
        "registry.agreements.tasks.sweep_access",
        "registry.agreements.tasks.forget_words",
        "registry.releases.tasks.tell_of_advisories",
        "registry.releases.tasks.tell_of_campaigns",
        "registry.releases.tasks.count_duties",
        "registry.releases.tasks.refresh_entries",
        "registry.instance.tasks.housekeeping",
        "registry.instance.tasks.collect_garbage",
    }


@pytest.mark.parametrize(("wanted", "is_left"), [(True, False), (False, True)])
def test_bytes_that_nothing_needs_go_by_themselves_unless_that_is_off(settings, wanted, is_left):
    settings.COLLECT_AUTOMATICALLY = wanted
    settings.COLLECT_GRACE_HOURS = 0
    blob = blobs.store(io.BytesIO(b"nobody needs this"), size=17)

    tasks.collect_garbage()

    assert blobs.exists(blob.sha256) == is_left
