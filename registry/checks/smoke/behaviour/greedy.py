"""The most likely continuation, by a loop of our own: what the repository says about generation plays no part."""

from collections.abc import Iterator, Sequence

import torch

from registry.checks.smoke.behaviour.subject import LONGEST, Subject, padded


def answer(subject: Subject, ids: torch.Tensor, most: int) -> list[int]:
    """One prompt, alone."""
    return _last(steps(subject, [ids[0].tolist()], most))[0]


def answers(subject: Subject, prompts: Sequence[Sequence[int]], most: int) -> list[list[int]]:
    """All prompts; in one batch, unless this model reads batches wrongly."""
    if subject.pads_well:
        return _last(steps(subject, prompts, most))
    return [_last(steps(subject, [prompt], most))[0] for prompt in prompts]


def steps(
    subject: Subject, prompts: Sequence[Sequence[int]], most: int
) -> Iterator[list[list[int]]]:
    """The answers so far, after each token. A row ends at a stop token, all at `most` or the context."""
    found: list[list[int]] = [[] for _ in prompts]
    ended = [False] * len(prompts)
    given = padded(subject, prompts)
    if len(prompts) == 1:
        given = {"input_ids": given["input_ids"]}
    width = given["input_ids"].shape[1]
    room = max(1, (subject.context if subject.context < LONGEST else 2 * LONGEST) - width)
    cache = None
    for _ in range(min(most, room)):
        output = subject.model(**given, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache = output.past_key_values
        tokens = output.logits[:, -1].argmax(-1).tolist()
        for row, token in enumerate(tokens):
            ended[row] = ended[row] or token in subject.stops
            if not ended[row]:
                found[row].append(token)
        yield found
        if all(ended):
            return
        given = _next(given, tokens)


def _next(given: dict[str, torch.Tensor], tokens: list[int]) -> dict[str, torch.Tensor]:
    ids = torch.tensor(tokens, device=given["input_ids"].device)[:, None]
    if "attention_mask" not in given:
        return {"input_ids": ids}
    mask = given["attention_mask"]
    return {
        "input_ids": ids,
        "attention_mask": torch.cat([mask, mask.new_ones(len(tokens), 1)], dim=-1),
        "position_ids": given["position_ids"][:, -1:] + 1,
    }


def _last(found: Iterator[list[list[int]]]) -> list[list[int]]:
    return list(found)[-1]
