"""Walks parsed JSON, which strict_json has bounded in depth and size."""

from collections.abc import Iterator
from typing import Any


def keys_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key at any depth, with its value."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield from item.items()
            stack += [child for child in item.values() if isinstance(child, dict | list)]
        elif isinstance(item, list):
            stack += [child for child in item if isinstance(child, dict | list)]


def texts_of(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text at any depth, with the key it stands under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from texts_of(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item, key)
