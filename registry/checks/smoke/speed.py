"""PERF: how fast the model is, and what memory and energy that takes."""

from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import NamedTuple

import torch

from registry.checks.findings import Finding, info
from registry.checks.smoke.behaviour.subject import Subject
from registry.checks.smoke.devices import Device

PROMPT_TOKENS = 512
# A processor is warm after a moment.
WARM_TOKENS, WARM_DECODED = 32, 2
ROUNDS = 3
BATCH = 8


class Round(NamedTuple):
    """Seconds to the first token, tokens per second after it, and the energy of those, if known."""

    first: float
    speed: float
    millijoules: int | None


def measure(subject: Subject, device: Device) -> Iterator[Finding]:
    """One round to warm up, then the median of three."""
    length = max(1, min(PROMPT_TOKENS, subject.context - device.decoded))
    if device.kind == "cuda":
        _round(subject, device, length, device.decoded, batch=1)
    else:
        _round(subject, device, min(length, WARM_TOKENS), WARM_DECODED, batch=1)
    rounds = [_round(subject, device, length, device.decoded, batch=1) for _ in range(ROUNDS)]
    eight = _round(subject, device, min(length, 64), device.decoded, batch=BATCH)
    first, speed = median(each.first for each in rounds), median(each.speed for each in rounds)
    subject.metrics |= {
        "ttft_ms": round(first * 1000, 1),
        "ttft_tokens": length,
        "prefill_tok_s": round(length / first, 1),
        "decode_tok_s": round(speed, 2),
        "decode_tok_s_batch8": round(eight.speed, 2),
    }
    if (peak := device.peak_mib()) is not None:
        subject.metrics["peak_gpu_mb"] = peak
    energies = [each.millijoules for each in rounds if each.millijoules]
    if energies:
        subject.metrics["joules_per_1k_tok"] = round(median(energies) / device.decoded, 2)
    yield info(
        "PERF",
        f"First token after {first * 1000:.0f} ms at {length} tokens, then {speed:.1f} tokens "
        f"per second, {eight.speed:.1f} in a batch of {BATCH}.",
        file=subject.file,
        value=round(speed, 2),
    )


def _round(subject: Subject, device: Device, length: int, decoded: int, *, batch: int) -> Round:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(subject.rows, (batch, length), generator=generator).to(subject.model.device)
    device.wait()
    started = perf_counter()
    output = subject.model(input_ids=ids, use_cache=True, logits_to_keep=1)
    step = output.logits[:, -1:].argmax(-1)
    device.wait()
    first, before = perf_counter(), device.millijoules()
    for _ in range(decoded):
        output = subject.model(
            input_ids=step, past_key_values=output.past_key_values, use_cache=True
        )
        step = output.logits[:, -1:].argmax(-1)
    device.wait()
    seconds, after = perf_counter() - first, device.millijoules()
    energy = after - before if before is not None and after is not None else None
    return Round(first - started, batch * decoded / seconds, energy)
