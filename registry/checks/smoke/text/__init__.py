"""Tokenizer and template, tried without the weights."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from registry.checks.findings import Finding
from registry.checks.smoke import loading, templates


def check(
    target: loading.Target, spec: Mapping[str, Any], *, send: Callable[..., None]
) -> Iterator[Finding]:
    """`send` takes records."""
    tokenizer = load(target)
    rows = loading.rows_of(target)
    yield from templates.check(tokenizer, rows=rows, file=spec["file"] or "tokenizer.json")


def load(target: loading.Target) -> Any:
    """The tokenizer of the model, for this stage and those after it."""
    return loading.tokenizer_of(target)
