"""Measures how fast the model is and how much memory it takes (PERF)."""

import platform
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

from registry.checks.smoke.behaviour.subject import Subject

PROMPT_TOKENS = 512
DECODED = 16
ROUNDS = 3
BATCH = 8


def measure(subject: Subject) -> dict[str, Any]:
    """One round to warm up, then the median of three."""
    length = max(1, min(PROMPT_TOKENS, subject.context - DECODED))
    rounds = [_round(subject, length, batch=1) for _ in range(ROUNDS + 1)][1:]
    _, eight = _round(subject, min(length, 64), batch=BATCH)
    found: dict[str, Any] = {
        "ttft_ms": round(median(first for first, _ in rounds) * 1000, 1),
        "ttft_tokens": length,
        "decode_tok_s": round(median(speed for _, speed in rounds), 2),
        "decode_tok_s_batch8": round(eight, 2),
    }
    if subject.model.device.type == "cuda":
        found["peak_gpu_mb"] = torch.cuda.max_memory_allocated() // 1024**2
    return found


def device_facts() -> dict[str, Any]:
    if torch.cuda.is_available():
        return {
            "kind": "cuda",
            "name": torch.cuda.get_device_name(0),
            "driver": _driver(),
            "cuda": torch.version.cuda or "",
            "memory_mb": torch.cuda.get_device_properties(0).total_memory // 1024**2,
        }
    return {"kind": "cpu", "name": _processor(), "driver": "", "threads": torch.get_num_threads()}


def _round(subject: Subject, length: int, *, batch: int) -> tuple[float, float]:
    """Seconds to the first token, and tokens per second after it."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(subject.rows, (batch, length), generator=generator).to(subject.model.device)
    _wait(subject)
    started = perf_counter()
    output = subject.model(input_ids=ids, use_cache=True, logits_to_keep=1)
    step = output.logits[:, -1:].argmax(-1)
    _wait(subject)
    first = perf_counter()
    for _ in range(DECODED):
        output = subject.model(
            input_ids=step, past_key_values=output.past_key_values, use_cache=True
        )
        step = output.logits[:, -1:].argmax(-1)
    _wait(subject)
    return first - started, batch * DECODED / (perf_counter() - first)


def _wait(subject: Subject) -> None:
    if subject.model.device.type == "cuda":
        torch.cuda.synchronize()


def _driver() -> str:
    try:
        line = Path("/proc/driver/nvidia/version").read_text().splitlines()[0]
    except OSError:
        return "unknown"
    words = line.split()
    return next((word for word in words if word[0].isdigit() and "." in word), "unknown")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
