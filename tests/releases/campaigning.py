"""Stewards, texts and campaigns, for tests that change terms."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements import documents
from registry.agreements.models import DocumentVersion
from registry.releases import campaigns
from registry.releases.models import Campaign, CampaignKind
from tests import factories

LICENSE = "llama3-1"
POLICY = "aup-llama3-1"
GRACE = timedelta(days=7)


def make_steward(name: str = "") -> Caller:
    return factories.as_caller(factories.make_user(name, site_role="steward"))


def load(version: str, *, slug: str = LICENSE, **rest: Any) -> DocumentVersion:
    """An invented text of a license, under this label."""
    factories.make_facts()
    text = f"The terms of the model, as of {version}.\nKeep this notice.\n"
    return documents.add_text(slug=slug, version=version, text=text.encode(), **rest)


def propose(
    version: DocumentVersion,
    *,
    kind: str = CampaignKind.MATERIAL,
    at: datetime | None = None,
    by: Caller | None = None,
    **rest: Any,
) -> Campaign:
    now = rest.get("now") or timezone.now()
    return campaigns.propose(
        version,
        kind=kind,
        effective_at=at or now + GRACE,
        note="Section 2 has another threshold.",
        by=by or make_steward(),
        **rest,
    )


def make_campaign(version: DocumentVersion, **rest: Any) -> Campaign:
    """A campaign that a second steward confirmed."""
    made = propose(version, **rest)
    campaigns.confirm(made, by=make_steward(), now=rest.get("now"))
    made.refresh_from_db()
    return made
