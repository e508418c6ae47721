"""What campaigns are to a page: states as sign and word, and what comes for a model."""

from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from registry.agreements import coverage
from registry.releases import campaigns, in_force
from registry.releases.models import CampaignKind, Release

register = template.Library()

_STATES: dict[str, tuple[str, str, Any]] = {
    "proposed": ("is-warned", "…", pgettext_lazy("campaign", "proposed")),
    "grace": ("is-running", "◔", pgettext_lazy("campaign", "in its grace")),
    "in_force": ("is-passed", "✓", pgettext_lazy("campaign", "in force")),
    "cancelled": ("is-unknown", "−", pgettext_lazy("campaign", "cancelled")),
}


@register.inclusion_tag("components/verdict.html")
def campaign_state(state: str) -> dict[str, Any]:
    look, sign, word = _STATES[state]
    return {"look": look, "sign": sign, "word": word}


@register.simple_tag(takes_context=True)
def coming_terms(context: template.Context, release: Release | None) -> dict[str, Any] | None:
    """What the release comes under next, and whether this visitor agreed to that already."""
    now = timezone.now()
    change = campaigns.coming(release, now) if release is not None else None
    if change is None or release is None:
        return None
    caller = context["caller"]
    agreed = caller.is_signed_in and coverage.of(
        user=caller.user.pk, repository=release.repository_id, hashes=change.counts, now=now
    )
    return {
        "change": change,
        "document": change.campaign.document,
        "is_material": change.campaign.kind == CampaignKind.MATERIAL,
        "is_agreed": bool(agreed and agreed.exists()),
        "asks": in_force.of(release, now).needs_acceptance,
    }


@register.simple_tag(takes_context=True)
def coming_to_me(context: template.Context) -> list[Any]:
    """What comes for models whose terms this visitor accepted, as far as they have not agreed."""
    return list(campaigns.coming_to(context["caller"])[:50])
