"""What the pages of reviews share."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def at(found: dict[str, Any], key: str) -> Any:
    """What is kept under a key that the page works out; nothing where there is none."""
    return found.get(key) or []
