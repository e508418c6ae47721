"""MM-IMAGE: a model that takes pictures sees a difference between a red one and a blue one."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.behaviour.subject import Subject, divergence

# The pictures are made here, of one colour each: no library for pictures is needed or opened.
RED, BLUE = (0.9, 0.05, 0.05), (0.05, 0.05, 0.9)
QUESTION = "Which colour has this picture?"
LEAST = 1e-3
PROCESSORS = ("preprocessor_config.json", "processor_config.json")
PICTURE_MODELS = ("mllama", "llama4")
LARGEST_CONFIG = 1024 * 1024


class Unusable(Exception):
    """Why pictures cannot be given to this model."""


def takes_pictures(model: Any) -> bool:
    config = model.config
    return (
        config.model_type in PICTURE_MODELS and getattr(config, "vision_config", None) is not None
    )


def check(subject: Subject, folder: Path) -> Iterator[Finding]:
    try:
        mean, deviation = _normalisation(folder, subject.model.config.vision_config)
        tokens = _tokens(subject)
    except Unusable as problem:
        yield block(
            "MM-IMAGE", f"The picture processor cannot be used: {problem}.", file=PROCESSORS[0]
        )
        return
    made: Callable[..., dict[str, torch.Tensor]] = {"mllama": _mllama, "llama4": _llama4}[
        subject.model.config.model_type
    ]
    answers: list[torch.Tensor] = []
    for colour in (RED, BLUE):
        shade = (torch.tensor(colour) - torch.tensor(mean)) / torch.tensor(deviation)
        given = made(subject.model, tokens, shade)
        answers.append(subject.logits(**given)[0, -1])
    if not all(torch.isfinite(answer).all() for answer in answers):
        yield block(
            "MM-IMAGE",
            "With a picture the model outputs values that are not numbers.",
            file=subject.file,
        )
        return
    effect = float(divergence(answers[0], answers[1]))
    subject.metrics["kl_picture"] = round(effect, 6)
    if not effect > LEAST:
        yield warn(
            "MM-IMAGE",
            "The picture has no effect.",
            file=subject.file,
            value=effect,
            threshold=LEAST,
        )


def _normalisation(folder: Path, vision: Any) -> tuple[list[float], list[float]]:
    """Mean and deviation of each colour, from a processor that fits the model."""
    found = _processor(folder)
    size = found.get("size")
    sides = [size.get(side) for side in ("height", "width")] if isinstance(size, dict) else []
    if sides and sides != [vision.image_size] * 2:
        raise Unusable(f"it makes pictures of {show(sides)}, the model takes {vision.image_size}")
    values: list[list[float]] = []
    for key, default in (("image_mean", 0.5), ("image_std", 0.5)):
        given = found.get(key, [default] * 3)
        is_list = isinstance(given, list) and len(given) == 3
        if not is_list or not all(isinstance(value, float | int) for value in given):
            raise Unusable(f"{key} is {show(given)}")
        values.append([float(value) for value in given])
    if not all(0 < value < 100 for value in values[1]):
        raise Unusable(f"image_std is {show(values[1])}")
    return values[0], values[1]


def _processor(folder: Path) -> dict[str, Any]:
    for name in PROCESSORS:
        try:
            found = json.loads((folder / name).read_bytes()[:LARGEST_CONFIG])
        except FileNotFoundError:
            continue
        except ValueError:
            raise Unusable(f"{name} is not JSON") from None
        settings = found.get("image_processor", found) if isinstance(found, dict) else None
        if isinstance(settings, dict):
            return settings
    raise Unusable(f"{PROCESSORS[0]} is missing")


def _tokens(subject: Subject) -> tuple[list[int], list[int]]:
    """The tokens that stand for one picture, as many as the configuration says, and the question."""
    config = subject.model.config
    token = config.image_token_id
    if not 0 <= token < subject.rows:
        raise Unusable(f"the picture's token is {token}, and the embedding has {subject.rows} rows")
    if subject.tokenizer.convert_ids_to_tokens(token) is None:
        raise Unusable(f"the tokenizer has no token {token}, which stands for the picture")
    count = 1
    if config.model_type == "llama4":
        vision = config.vision_config
        patches = (vision.image_size // vision.patch_size) ** 2
        count = round(patches * vision.pixel_shuffle_ratio**2)
    return [token] * count, subject.ids(QUESTION)[0].tolist()


def _mllama(
    model: Any, tokens: tuple[list[int], list[int]], shade: torch.Tensor
) -> dict[str, torch.Tensor]:
    vision = model.config.vision_config
    picture, question = tokens
    ids = torch.tensor([picture + question])
    pixels = torch.zeros(1, 1, vision.max_num_tiles, 3, vision.image_size, vision.image_size)
    pixels[0, 0, 0] = shade[:, None, None]
    one = torch.zeros(1, 1, vision.max_num_tiles, dtype=torch.long)
    one[0, 0, 0] = 1
    ratios = [list(each) for each in vision.supported_aspect_ratios]
    ratio = ratios.index([1, 1]) + 1 if [1, 1] in ratios else 1
    return {
        "ids": ids.to(model.device),
        "pixel_values": pixels.to(model.device, model.dtype),
        "aspect_ratio_ids": torch.tensor([[ratio]], device=model.device),
        "aspect_ratio_mask": one.to(model.device),
        "cross_attention_mask": one[:, None].expand(1, ids.shape[1], 1, -1).to(model.device),
    }


def _llama4(
    model: Any, tokens: tuple[list[int], list[int]], shade: torch.Tensor
) -> dict[str, torch.Tensor]:
    side = model.config.vision_config.image_size
    picture, question = tokens
    pixels = shade[None, :, None, None].expand(1, 3, side, side)
    return {
        "ids": torch.tensor([picture + question], device=model.device),
        "pixel_values": pixels.to(model.device, model.dtype),
    }
