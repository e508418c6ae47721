"""Telling people of campaigns and of advisories, closing reports that are over, and counting for lists."""

from celery import shared_task
from django.utils import timezone

from registry.releases import campaign_notices, cases, entries, open_duties, recipients


@shared_task(ignore_result=True, soft_time_limit=600, time_limit=660)
def tell_of_campaigns() -> None:
    """Queue the mails that campaigns want written, by batches. Broken off or run twice, nobody is
    told twice; whatever one run leaves, the next one takes."""
    now = timezone.now()
    for campaign, kind in campaign_notices.due(now):
        campaign_notices.tell(campaign, kind, now=now)


@shared_task(ignore_result=True, soft_time_limit=600, time_limit=660)
def tell_of_advisories() -> None:
    """Tell whom advisories concern, by batches. Broken off or run twice, nobody is told twice."""
    now = timezone.now()
    for advisory in recipients.due(now):
        recipients.tell(advisory, now=now)
    cases.close_settled(now)


@shared_task(ignore_result=True, soft_time_limit=600, time_limit=660)
def count_duties() -> None:
    """Count the open duties of releases that the queue shows."""
    open_duties.recount(timezone.now())


# For one run: the next one goes on
MOST_BATCHES = 20


@shared_task(ignore_result=True, soft_time_limit=600, time_limit=660)
def refresh_entries() -> None:
    """Build what the catalog is searched by again where it differs from what it repeats."""
    for _ in range(MOST_BATCHES):
        if entries.refresh_stale() < entries.BATCH:
            break
