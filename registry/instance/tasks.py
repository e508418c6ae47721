"""What an instance does for itself every hour."""

import shutil
import time
from contextlib import suppress
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from registry.audit import access, log
from registry.catalog import downloads
from registry.checks import work
from registry.outbox import messages
from registry.storage import blobs
from registry.storage.xet import spaces

# No upload and no test takes a day; what is older was left by a process that is gone.
ABANDONED_SECONDS = 24 * 3600


@shared_task(ignore_result=True, soft_time_limit=600, time_limit=660)
def housekeeping() -> None:
    """Sign the head of the audit chain, make room in the access log and count downloads from it,
    clear what was abandoned."""
    access.ensure_partitions(timezone.now().date())
    log.checkpoint()
    downloads.recount()
    blobs.clear_abandoned(older_than_seconds=ABANDONED_SECONDS, now=time.time())
    spaces.clear(keep=timedelta(hours=settings.XET_KEEP_HOURS), now=timezone.now())
    clear_scratch(now=time.time())
    messages.forget_old()


def clear_scratch(*, now: float) -> int:
    """Remove the folders of smoke tests whose worker was killed. Returns how many."""
    removed = 0
    for folder in work.scratch_folder().iterdir():
        with suppress(FileNotFoundError):
            if now - folder.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(folder)
                removed += 1
    return removed
