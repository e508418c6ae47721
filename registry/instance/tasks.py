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
from registry.errors import NotNow
from registry.outbox import messages
from registry.releases import collection
from registry.storage import blobs, uploads
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
    uploads.clear_abandoned(before=timezone.now() - timedelta(hours=settings.UPLOAD_KEEP_HOURS))
    spaces.clear(keep=timedelta(hours=settings.XET_KEEP_HOURS), now=timezone.now())
    clear_scratch(now=time.time())
    messages.forget_old()


@shared_task(ignore_result=True, soft_time_limit=6 * 3600, time_limit=6 * 3600 + 60)
def collect_garbage() -> None:
    """Remove bytes that nothing has needed for the length of the grace, where the site wants it."""
    if settings.COLLECT_AUTOMATICALLY:
        # One that runs already does all that this would
        with suppress(NotNow):
            collection.collect(grace=timedelta(hours=settings.COLLECT_GRACE_HOURS))


def clear_scratch(*, now: float) -> int:
    """Remove the folders of smoke tests whose worker was killed. Returns how many."""
    removed = 0
    for folder in work.scratch_folder().iterdir():
        with suppress(FileNotFoundError):
            if now - folder.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(folder)
                removed += 1
    return removed
