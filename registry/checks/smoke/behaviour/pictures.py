"""MM-IMAGE: a model that takes pictures sees a difference between a red one and a blue one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoProcessor

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.behaviour.subject import Subject, divergence

# The pictures are made here, of one colour each: no file of a picture is ever opened.
RED, BLUE = (230, 13, 13), (13, 13, 230)
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
        given = [_given(subject, folder, colour) for colour in (RED, BLUE)]
    except Unusable as problem:
        yield block(
            "MM-IMAGE", f"The picture processor cannot be used: {problem}.", file=PROCESSORS[0]
        )
        return
    answers = [subject.logits(**each)[0, -1] for each in given]
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


def _given(subject: Subject, folder: Path, colour: tuple[int, int, int]) -> dict[str, torch.Tensor]:
    """What the model gets of a picture of this colour, with a question about it."""
    model = subject.model
    mean, deviation = _normalisation(folder, model.config.vision_config)
    if model.config.model_type == "mllama":
        return _processed(subject, folder, colour)
    shade = (torch.tensor(colour) / 255 - torch.tensor(mean)) / torch.tensor(deviation)
    return _llama4(model, _tokens(subject), shade)


def _processed(
    subject: Subject, folder: Path, colour: tuple[int, int, int]
) -> dict[str, torch.Tensor]:
    """As the repository's own processor makes it."""
    from PIL import Image

    _tokens(subject)
    model, vision = subject.model, subject.model.config.vision_config
    picture = Image.new("RGB", (vision.image_size, vision.image_size), colour)
    try:
        processor = AutoProcessor.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        text = f"{processor.image_token}{QUESTION}"
        made = dict(processor(images=picture, text=text, return_tensors="pt"))
        ids, pixels = made.pop("input_ids"), made["pixel_values"]
    # The library raises anything over settings that it cannot use.
    except Exception as error:
        raise Unusable(show(f"{type(error).__name__}: {error}")) from error
    tiles = [vision.max_num_tiles, vision.num_channels, vision.image_size, vision.image_size]
    if list(pixels.shape[2:]) != tiles:
        raise Unusable(f"it makes pictures of {list(pixels.shape[2:])}, the model takes {tiles}")
    count = int((ids == model.config.image_token_id).sum())
    if count != 1:
        raise Unusable(f"it puts {count} tokens for a picture into a text, the model takes 1")
    moved = {name: value.to(model.device) for name, value in made.items()}
    return moved | {
        "ids": ids.to(model.device),
        "pixel_values": pixels.to(model.device, model.dtype),
    }


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
    if config.model_type == "mllama":
        return [token], []
    vision = config.vision_config
    patches = (vision.image_size // vision.patch_size) ** 2
    count = round(patches * vision.pixel_shuffle_ratio**2)
    return [token] * count, subject.ids(QUESTION)[0].tolist()


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
