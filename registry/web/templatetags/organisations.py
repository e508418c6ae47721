"""What a member could join, wherever a page says that terms have to be accepted."""

from typing import Any

from django import template

from registry.agreements import organisations
from registry.releases import in_force
from registry.releases.models import Release

register = template.Library()


@register.inclusion_tag("organisations/adhere.html", takes_context=True)
def offers_to_join(context: template.Context, release: Release) -> dict[str, Any]:
    """What organisations of the visitor signed for this release and they have not joined."""
    caller = context["caller"]
    hashes = in_force.of(release).counts
    signed = organisations.offers_to(caller.user, release.repository, hashes)
    return {"signed": signed, "csrf_token": context.get("csrf_token")}
