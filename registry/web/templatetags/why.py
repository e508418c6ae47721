"""The gate's rules with what each says of the visitor, wherever a page says no."""

from typing import Any

from django import template

from registry.releases import why
from registry.web.standing import Standing

register = template.Library()


@register.inclusion_tag("components/rules.html", takes_context=True)
def rules_for(context: template.Context, here: Standing) -> dict[str, Any]:
    """Each rule about what the page shows, for whoever looks at it."""
    found = why.explain(here.repository, here.shown, caller=context["caller"])
    return {"rules": found.rules}
