"""Tries the loaded model on fixed texts: finite, repeatable, the same with the cache, better than chance."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import PreTrainedModel

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke import templates
from registry.checks.smoke.texts import PROMPTS, PROSE

LONGEST = 512
CACHE_TOKENS = 48
REPEAT_TOKENS = 16
ANSWER_TOKENS = 64
CHANCE = 0.95
CACHE_BOUNDS = {torch.float32: 1e-4, torch.bfloat16: 0.05, torch.float16: 0.05}


@dataclass
class Subject:
    """The model under test, with what the tests share."""

    model: PreTrainedModel
    tokenizer: Any
    file: str
    is_chat: bool
    context: int
    stops: frozenset[int]
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the embedding: the number of tokens that the model knows."""
        embedding: Any = self.model.get_input_embeddings()
        return int(embedding.weight.shape[0])

    def ids(self, text: str, *, most: int = LONGEST, special: bool = True) -> torch.Tensor:
        found = self.tokenizer(text, add_special_tokens=special)["input_ids"][
            : min(most, self.context)
        ]
        return torch.tensor([found or [0]], device=self.model.device)

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=ids, use_cache=False).logits.float()


def subject_of(model: PreTrainedModel, tokenizer: Any, *, file: str, is_chat: bool) -> Subject:
    config = model.config.get_text_config()
    context = min(LONGEST, getattr(config, "max_position_embeddings", None) or LONGEST)
    ends = model.generation_config.eos_token_id if model.generation_config else None
    stops = {*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id}
    return Subject(
        model, tokenizer, file, is_chat, context, frozenset(end for end in stops if end is not None)
    )


def check_forward(subject: Subject, *, with_quality: bool) -> Iterator[Finding]:
    losses: dict[str, float] = {}
    for name, text in PROSE.items():
        ids = subject.ids(text)
        logits = subject.logits(ids)
        if not torch.isfinite(logits).all():
            yield block(
                "RUN-FINITE",
                "The model outputs values that are not numbers.",
                file=subject.file,
                where=name,
            )
            return
        if ids.shape[1] > 1:
            losses[name] = _loss(logits, ids)
    subject.metrics["nll"] = {name: round(loss, 4) for name, loss in losses.items()}
    subject.metrics["perplexity"] = {
        name: round(math.exp(min(loss, 50)), 3) for name, loss in losses.items()
    }
    if with_quality:
        yield from _quality(subject, losses["en"])


def check_repeats(subject: Subject) -> Iterator[Finding]:
    """Twice the same, and the same with the cache."""
    prompt = subject.ids(PROSE["en"], most=CACHE_TOKENS)
    first, second = (answer(subject, prompt, REPEAT_TOKENS) for _ in range(2))
    if first != second:
        yield block(
            "RUN-DETERMINISM",
            "The same prompt gave two different outputs.",
            file=subject.file,
            evidence={"first": first, "second": second},
        )
    divergence = _cache_divergence(subject, prompt)
    bound = CACHE_BOUNDS[subject.model.dtype]
    subject.metrics["kl_cache_max"] = round(divergence, 9)
    # Written so that a value that is no number fails as well.
    if not divergence <= bound:
        yield block(
            "RUN-KVCACHE",
            "Output changes when the cache is used.",
            file=subject.file,
            value=divergence,
            threshold=bound,
        )


def check_answers(subject: Subject, samples: list[dict[str, str]]) -> Iterator[Finding]:
    outputs: list[list[int]] = []
    for prompt in PROMPTS:
        ids = _prompt_ids(subject, prompt)
        outputs.append(answer(subject, ids, ANSWER_TOKENS))
        text = subject.tokenizer.decode(outputs[-1], skip_special_tokens=True)
        samples.append({"prompt": prompt, "output": text})
    looping = [number for number, ids in enumerate(outputs) if _repeats(ids)]
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


def answer(subject: Subject, ids: torch.Tensor, most: int) -> list[int]:
    """Greedy tokens by a loop of our own: what the repository says about generation plays no part."""
    found: list[int] = []
    cache, step = None, ids
    room = max(1, (subject.context if subject.context < LONGEST else 2 * LONGEST) - ids.shape[1])
    for _ in range(min(most, room)):
        output = subject.model(input_ids=step, past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        token = int(output.logits[0, -1].argmax())
        if token in subject.stops:
            break
        found.append(token)
        step = torch.tensor([[token]], device=ids.device)
    return found


def _prompt_ids(subject: Subject, prompt: str) -> torch.Tensor:
    if subject.is_chat and getattr(subject.tokenizer, "chat_template", None):
        text = templates.rendered(subject.tokenizer, [{"role": "user", "content": prompt}])
        return subject.ids(text, special=False)
    return subject.ids(prompt)


def _quality(subject: Subject, loss: float) -> Iterator[Finding]:
    chance = math.log(subject.rows)
    subject.metrics["nll_of_chance"] = round(chance, 4)
    if loss >= CHANCE * chance:
        yield block(
            "QUAL-UNIFORM",
            "The model predicts no better than chance.",
            file=subject.file,
            value=round(loss, 4),
            threshold=round(CHANCE * chance, 4),
        )


def _loss(logits: torch.Tensor, ids: torch.Tensor) -> float:
    return float(torch.nn.functional.cross_entropy(logits[0, :-1], ids[0, 1:]))


def _cache_divergence(subject: Subject, ids: torch.Tensor) -> float:
    """The largest KL divergence at any position between a full pass and token by token."""
    whole = subject.logits(ids)[0].double().log_softmax(-1)
    cache, steps = None, []
    for place in range(ids.shape[1]):
        output = subject.model(
            input_ids=ids[:, place : place + 1], past_key_values=cache, use_cache=True
        )
        cache = output.past_key_values
        steps.append(output.logits[0, -1].double().log_softmax(-1))
    stepped = torch.stack(steps)
    return float((whole.exp() * (whole - stepped)).sum(-1).max())


def _repeats(ids: list[int]) -> bool:
    if len(ids) < 16:
        return False  # a short answer that ended by itself
    fours = [tuple(ids[at : at + 4]) for at in range(len(ids) - 3)]
    return len(set(fours)) < 0.3 * len(fours) or len(set(ids)) <= 2
