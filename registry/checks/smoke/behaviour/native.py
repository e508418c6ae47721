"""RUN-BACKEND for GGUF: llama.cpp, which opens the file as it is, says what the model says here."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke import aside, control_gguf
from registry.checks.smoke.behaviour.parent import FEWEST_TOKENS
from registry.checks.smoke.behaviour.quantized import FAITHFUL, NEAR, Compared, compared
from registry.checks.smoke.behaviour.subject import Reading, Subject
from registry.checks.smoke.native import engine

FIRST, LAST = 8, 47
TOP = 64
DECODED = 32
# By the clock, for what is asked of it; the helper is ended after so much processor time.
SECONDS, PROCESSOR_SECONDS = 60, 240
# What it may take beside the file: of addresses, more than of memory.
MEMORY_MIB = 4096
MIB = 1024 * 1024

_Said = dict[str, Any]


def check(subject: Subject, path: Path, *, with_speed: bool) -> Iterator[Finding]:
    """Nothing where the engine is not installed, or does not work on this machine."""
    name, reading = engine(), next(iter(subject.readings), None)
    if name is None or reading is None or len(reading.ids) < FIRST + FEWEST_TOKENS:
        return
    try:
        said = _ask(path, reading.ids[:LAST].tolist(), decoded=DECODED if with_speed else 0)
        found = _compared(reading, said)
    except aside.NoAnswer as problem:
        if why := _why_never():
            subject.metrics["native"] = {"engine": name, "unusable": show(why)}
            return
        subject.metrics["native"] = {"engine": name}
        yield _refused(name, problem, subject.file)
        return
    subject.metrics["native"] = _figures(name, said, found)
    divergence = float(found.divergence.mean())
    if not divergence <= FAITHFUL or found.apart:  # what is no number is no agreement
        yield warn(
            "RUN-BACKEND",
            f"{name} says something else than the same weights as numbers: KL {divergence:.3f}, and "
            f"{found.apart} of {len(found.same)} choices are not among the other's first {NEAR}.",
            file=subject.file,
            value=round(divergence, 5),
            threshold=FAITHFUL,
        )


def _ask(path: Path, ids: list[int], *, decoded: int) -> _Said:
    said: _Said = aside.call(
        "follow",
        seconds=PROCESSOR_SECONDS,
        memory_mib=MEMORY_MIB + 2 * path.stat().st_size // MIB,
        path=str(path),
        ids=ids,
        first=FIRST,
        top=TOP,
        decoded=decoded,
        most_seconds=SECONDS,
    )
    return said


def _compared(reading: Reading, said: _Said) -> Compared:
    """Raises aside.Late where it has not come far enough."""
    places = len(said["ids"])
    if places < FEWEST_TOKENS:
        raise aside.Late(f"after {SECONDS} seconds it has read {places} words")
    ids = torch.tensor(said["ids"], dtype=torch.long)
    likely = torch.tensor(said["logprobs"], dtype=torch.double)
    ours = reading.logits[FIRST - 1 : FIRST - 1 + places]
    if int(ids.max()) >= ours.shape[-1]:
        raise aside.Failed(f"it knows the token {int(ids.max())} of {ours.shape[-1]}")
    return compared(ids, likely, ours)


def _figures(name: str, said: _Said, found: Compared) -> dict[str, Any]:
    figures = {
        "engine": name,
        "positions": len(found.same),
        "kl": round(float(found.divergence.mean()), 5),
        "agreement": round(float(found.same.float().mean()), 4),
        "load_s": said["load_s"],
    }
    if "decode_tok_s" in said:
        figures["decode_tok_s"] = round(said["decode_tok_s"], 2)
    return figures


def _why_never() -> str | None:
    """Why it runs not even a file that is known to be good, else None."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "control.gguf")
        path.write_bytes(control_gguf.made())
        try:
            _ask(path, list(range(FIRST + FEWEST_TOKENS)), decoded=0)
        except aside.NoAnswer as problem:
            return str(problem)
    return None


def _refused(name: str, problem: aside.NoAnswer, file: str) -> Finding:
    if isinstance(problem, aside.Gone) and not isinstance(problem, aside.Late):
        return block("RUN-CRASH", f"{name} crashes over this file.", file=file)
    return warn("RUN-BACKEND", f"The file was not run by {name}: {show(str(problem))}.", file=file)
