"""The model under test, with what the checks of its behaviour share."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from registry.checks.smoke.alarms import within
from registry.checks.smoke.texts import PROSE

# On a processor every check stays below this many tokens; graphics cards go on to the long context.
LONGEST = 512
TEMPLATE_SECONDS = 5
# The largest KL divergence that rounding explains.
BOUNDS = {torch.float32: 1e-4, torch.bfloat16: 0.05, torch.float16: 0.05}


@dataclass(frozen=True)
class Reading:
    """One fixed text as the model read it. `is_whole` where the context did not cut it off."""

    name: str
    ids: torch.Tensor
    logits: torch.Tensor
    is_whole: bool

    @cached_property
    def loss(self) -> float | None:
        """Mean negative log-likelihood of the text, where it has more than one token."""
        if len(self.ids) < 2:
            return None
        return float(torch.nn.functional.cross_entropy(self.logits[:-1], self.ids[1:]))

    @cached_property
    def digest(self) -> str:
        """Two readings are of the same tokens where this is the same."""
        return hashlib.sha256(self.ids.cpu().numpy().astype("<i8").tobytes()).hexdigest()


@dataclass
class Subject:
    """`stops` end an answer. `readings` are there once the model has read the fixed texts."""

    model: Any
    tokenizer: Any
    file: str
    is_chat: bool
    context: int
    window: int
    stops: frozenset[int]
    metrics: dict[str, Any] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    pads_well: bool = True

    @property
    def rows(self) -> int:
        """Rows of the embedding: the number of tokens that the model knows."""
        return int(self.model.get_input_embeddings().weight.shape[0])

    @property
    def bound(self) -> float:
        return BOUNDS[self.model.dtype]

    def ids(self, text: str, *, most: int = LONGEST, special: bool = True) -> torch.Tensor:
        """One row of tokens."""
        found = self._tokens(text, special=special)[: min(most, self.context)]
        return torch.tensor([found or [0]], device=self.model.device)

    def logits(self, ids: torch.Tensor, **rest: Any) -> torch.Tensor:
        return self.model(input_ids=ids, use_cache=False, **rest).logits.float()

    def read(self) -> Iterator[Reading]:
        """The fixed texts, one after the other; kept for the checks that come later."""
        for name, text in PROSE.items():
            tokens = self._tokens(text, special=True)
            cut = tokens[: self.context] or [0]
            ids = torch.tensor([cut], device=self.model.device)
            reading = Reading(name, ids[0], self.logits(ids)[0], len(cut) == len(tokens))
            self.readings.append(reading)
            yield reading

    def prompt(self, text: str) -> list[int]:
        """The question as this model is asked: a chat model through its template."""
        if self.is_chat and getattr(self.tokenizer, "chat_template", None):
            found = self._tokens(self._rendered(text), special=False)
        else:
            found = self._tokens(text, special=True)
        return found[: self.context] or [0]

    def _rendered(self, text: str) -> str:
        """The text stage has tried this template on such a conversation, in a helper that may die."""
        with within(TEMPLATE_SECONDS):
            return str(
                self.tokenizer.apply_chat_template(
                    [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
                )
            )

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=special)["input_ids"])


def subject_of(
    model: Any, tokenizer: Any, *, file: str, is_chat: bool, window: int = LONGEST
) -> Subject:
    """`window` is the longest text that this device should be asked to read at once."""
    config = model.config.get_text_config()
    context = getattr(config, "max_position_embeddings", None) or LONGEST
    generation = getattr(model, "generation_config", None)
    ends = generation.eos_token_id if generation else None
    stops = {*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id}
    return Subject(
        model,
        tokenizer,
        file,
        is_chat,
        min(LONGEST, context),
        min(window, context),
        frozenset(end for end in stops if end is not None),
    )


def padded(subject: Subject, prompts: Sequence[Sequence[int]]) -> dict[str, torch.Tensor]:
    """Prompts in one batch: filled up on the left, with the mask and positions that say so."""
    width = max(map(len, prompts))
    ids = torch.zeros((len(prompts), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(list(prompt))
        mask[row, width - len(prompt) :] = 1
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    found = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
    return {name: value.to(subject.model.device) for name, value in found.items()}


def divergence(whole: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """KL divergence at each position, in double precision."""
    first, second = (logits.double().log_softmax(-1) for logits in (whole, other))
    return (first.exp() * (first - second)).sum(-1)
