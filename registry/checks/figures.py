"""Figures of smoke tests that people compare: which there are, and when two of them may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LANGUAGE = "en"
# Over another text than English prose; the names are those of the fixed texts
OF_TEXTS = {f"perplexity_{name}": name for name in ("science", "code", "de", "es")}
# Say nothing about two models on unlike machines
OF_THE_MACHINE = (
    "load_s",
    "ttft_ms",
    "prefill_tok_s",
    "decode_tok_s",
    "decode_tok_s_batch8",
    "peak_rss_mb",
    "peak_gpu_mb",
    "joules_per_1k_tok",
)
FIGURES = ("perplexity", *OF_TEXTS, *OF_THE_MACHINE)
MORE_IS_BETTER = ("prefill_tok_s", "decode_tok_s", "decode_tok_s_batch8")
# From which change on people should look at it
NOTABLE = 0.1


@dataclass(frozen=True)
class Machine:
    """What a model was run on. `threads` is None on a card."""

    kind: str = ""
    name: str = ""
    threads: int | None = None

    def __str__(self) -> str:
        return self.name or self.kind

    @property
    def is_known(self) -> bool:
        return bool(self.kind and self.name)


@dataclass(frozen=True)
class Difference:
    """How much more a figure is than another; `share` is None where the other is nothing."""

    amount: float
    share: float | None

    @property
    def is_notable(self) -> bool:
        return self.share is not None and abs(self.share) >= NOTABLE


def figures_in(metrics: Any) -> dict[str, float]:
    """The figures in a report that can be compared: numbers, and nothing else that a model told."""
    if not isinstance(metrics, dict):
        return {}
    told = dict(metrics)
    by_text = told.pop("perplexity", None)
    if isinstance(by_text, dict):
        told["perplexity"] = by_text.get(LANGUAGE)
        told |= {name: by_text.get(text) for name, text in OF_TEXTS.items()}
    return {name: float(told[name]) for name in FIGURES if _is_number(told.get(name))}


def about(report: Mapping[str, Any]) -> dict[str, Any]:
    """What of a report others are compared with."""
    metrics = report.get("metrics")
    return {
        "repo": str(report.get("repo") or ""),
        "revision": report.get("revision"),
        "device": report.get("device"),
        "figures": figures_in(metrics),
        "greedy_fingerprint": fingerprint_of(metrics),
        "chat": metrics.get("chat") if isinstance(metrics, dict) else None,
    }


def machine_of(device: Any) -> Machine:
    """Of the part of a report that names the device."""
    if not isinstance(device, dict):
        return Machine()
    threads = device.get("threads")
    return Machine(
        str(device.get("kind") or ""),
        str(device.get("name") or ""),
        threads if isinstance(threads, int) and not isinstance(threads, bool) else None,
    )


def may_compare(name: str, one: Machine, other: Machine) -> bool:
    return name not in OF_THE_MACHINE or (one.is_known and one == other)


def difference(
    name: str, ours: float | None, theirs: float | None, one: Machine, other: Machine
) -> Difference | None:
    """None where a figure is missing, or says nothing beside the other."""
    if ours is None or theirs is None or not may_compare(name, one, other):
        return None
    return Difference(ours - theirs, ours / theirs - 1 if theirs else None)


def fingerprint_of(metrics: Any) -> str:
    """Of what the model answers to the fixed prompts: the same for the same answers."""
    found = metrics.get("greedy_fingerprint") if isinstance(metrics, dict) else None
    return found if isinstance(found, str) else ""


def were_asked_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Chat models are asked through their template, others are not. Older reports do not tell."""
    told = (one.get("chat"), other.get("chat"))
    return None in told or told[0] == told[1]


def outputs_in(samples: Any) -> dict[str, str]:
    """What was answered to each fixed prompt, by the first of several models."""
    found: dict[str, str] = {}
    for sample in samples if isinstance(samples, list) else ():
        if isinstance(sample, Mapping) and isinstance(sample.get("prompt"), str):
            found.setdefault(sample["prompt"], str(sample.get("output") or ""))
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
