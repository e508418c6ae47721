"""What an earlier run measured of the parent model, read with care: it comes from a program that is not trusted."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy
import torch

from registry.checks.smoke.behaviour.subject import Reading
from registry.checks.smoke.texts import PROBE

TOP = 32
FEWEST_TOKENS = 16

Kind = Literal["probe", "answers", "refusals"]


@dataclass(frozen=True)
class Parent:
    """`relation` is how the model comes from it; `is_declared` where the card itself says so."""

    repository: str
    record: Mapping[str, Any]
    relation: str = ""
    is_declared: bool = False

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """Its metrics, where they are of the same texts."""
        found = self.record.get("metrics")
        return found if isinstance(found, dict) and found.get("probe") == PROBE else {}

    def losses(self) -> dict[str, tuple[float, int]]:
        """By text: mean negative log-likelihood and number of tokens."""
        nll, tokens = self.figures.get("nll"), self.figures.get("probe_tokens")
        if not isinstance(nll, dict) or not isinstance(tokens, dict):
            return {}
        return {
            name: (float(loss), int(tokens[name]))
            for name, loss in nll.items()
            if _is_number(loss) and _is_number(tokens.get(name)) and tokens[name] > 1
        }

    def probe(self, reading: Reading) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Its most likely tokens and their log-probabilities at each position of the same tokens."""
        for data in self._records("probe"):
            if data.get("text") == reading.name and data.get("input") == reading.digest:
                return _decoded(data, len(reading.ids), reading.logits.shape[-1])
        return None

    def refusals(self) -> Mapping[str, Any] | None:
        return next(iter(self._records("refusals")), None)

    def _records(self, kind: Kind) -> list[Mapping[str, Any]]:
        found = self.record.get(kind)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def encoded(reading: Reading) -> dict[str, Any]:
    """The record of one reading, as `Parent.probe` takes it back."""
    likely = reading.logits.log_softmax(-1).topk(min(TOP, reading.logits.shape[-1]))
    return {
        "probe": PROBE,
        "text": reading.name,
        "input": reading.digest,
        "positions": len(reading.ids),
        "ids": _base64(likely.indices.cpu().numpy().astype("<i4")),
        "logprobs": _base64(likely.values.cpu().numpy().astype("<f4")),
    }


def _decoded(
    data: Mapping[str, Any], positions: int, rows: int
) -> tuple[torch.Tensor, torch.Tensor] | None:
    try:
        ids = numpy.frombuffer(base64.b64decode(data["ids"], validate=True), "<i4")
        likely = numpy.frombuffer(base64.b64decode(data["logprobs"], validate=True), "<f4")
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None
    width = len(ids) // positions
    if width < 1 or len(ids) != positions * width or len(likely) != len(ids):
        return None
    if not (numpy.isfinite(likely).all() and (likely <= 1e-3).all()):
        return None
    if ids.min() < 0 or ids.max() >= rows:
        return None
    shape = (positions, width)
    return (
        torch.from_numpy(ids.reshape(shape).astype("int64")),
        torch.from_numpy(likely.reshape(shape).astype("float64")),
    )


def _base64(values: numpy.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
