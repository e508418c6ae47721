"""What a licensee still has to confirm, wherever a page shows their agreements."""

from typing import Any

from django import template

from registry.agreements import endings

register = template.Library()


@register.inclusion_tag("settings/endings.html", takes_context=True)
def deletions_to_confirm(context: template.Context) -> dict[str, Any]:
    """The ended licenses of the visitor whose files nobody has said to be deleted."""
    found = endings.of_caller(context["caller"]).filter(endings.are_open())
    return {
        "endings": [(one, endings.name_of(one.acceptance)) for one in found],
        "csrf_token": context.get("csrf_token"),
    }
