"""GEN-DEGENERATE and GEN-PROMPT: answers to the fixed prompts that neither loop nor are all the same."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.behaviour import stops
from registry.checks.smoke.behaviour.greedy import answers
from registry.checks.smoke.behaviour.subject import Subject
from registry.checks.smoke.texts import PROMPTS, SHORT_QUESTIONS

TOKENS = 64
DISTINCT = 0.3
# A shorter answer that ended by itself says nothing about loops.
LEAST = 16

Send = Callable[[str, dict[str, Any]], None]


def check(subject: Subject, samples: list[dict[str, str]], *, send: Send) -> Iterator[Finding]:
    outputs = answers(subject, [subject.prompt(prompt) for prompt in PROMPTS], TOKENS)
    for prompt, ids in zip(PROMPTS, outputs, strict=True):
        text = subject.tokenizer.decode(ids, skip_special_tokens=True)
        samples.append({"prompt": prompt, "output": text})
        send("answers", {"prompt": prompt, "ids": ids})
    subject.metrics["greedy_fingerprint"] = hashlib.sha256(repr(outputs).encode()).hexdigest()
    looping = [number for number, ids in enumerate(outputs) if repeats(ids)]
    if 2 * len(looping) >= len(outputs):
        yield warn(
            "GEN-DEGENERATE",
            f"The model repeats itself: «{show(samples[looping[0]]['output'])}».",
            file=subject.file,
            value=len(looping),
            threshold=len(outputs) // 2,
        )
    if len({tuple(ids) for ids in outputs}) == 1:
        yield block(
            "GEN-PROMPT",
            f"The model answers every prompt alike: «{show(samples[0]['output'])}».",
            file=subject.file,
        )
    ended = dict(zip(PROMPTS, (len(ids) < TOKENS for ids in outputs), strict=True))
    yield from stops.check(subject, [ended[question] for question in SHORT_QUESTIONS])


def repeats(ids: list[int]) -> bool:
    if len(ids) < LEAST:
        return False
    fours = [tuple(ids[at : at + 4]) for at in range(len(ids) - 3)]
    return len(set(fours)) < DISTINCT * len(fours) or len(set(ids)) <= 2
