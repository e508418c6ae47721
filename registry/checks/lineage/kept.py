"""What is kept of a model besides its weights, so that its descendants are compared with it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from registry.checks.document import plain

MOST_FACTS = 4 * 1024 * 1024
KINDS = ("tokenizer", "template", "refusals", "answers", "probe")
# What the fixed texts cost the model, by which its descendants are judged
FIGURES = ("probe", "nll", "probe_tokens", "perplexity")
# What a record has of a model
RECORDED = ("perplexity", "metrics", "probe", "answers", "refusals", "tokenizer", "template")


def facts(
    said: Mapping[str, Sequence[Mapping[str, Any]]], figures: Mapping[str, Any]
) -> dict[str, Any]:
    """Of what the program said and measured, as far as there is room."""
    found: dict[str, Any] = {}
    if isinstance(figures.get("perplexity"), dict):
        found["perplexity"] = plain(figures["perplexity"])
    if isinstance(figures.get("nll"), dict):
        found["metrics"] = plain({k: figures[k] for k in FIGURES if k in figures})
    room = MOST_FACTS
    for kind in KINDS:
        kept = [plain(dict(one)) for one in said.get(kind, ())]
        room -= len(json.dumps(kept))
        if kept and room > 0:
            found[kind] = kept
    return found


def record(of_targets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a run may read of a base, by what was kept of each of its models. That of the first
    stands at the top, each of them under `targets`."""
    by_target = {
        target: {key: facts[key] for key in RECORDED if key in facts}
        for target, facts in of_targets.items()
    }
    first = next(iter(by_target.values()), {})
    return {**first, "targets": by_target} if by_target else {}
