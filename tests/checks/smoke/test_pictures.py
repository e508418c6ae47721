"""A tiny model for pictures, through the whole sandbox: with its own processor, and broken ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save

from registry.checks.smoke import launcher
from registry.checks.smoke.limits import Limits, SmokeResult
from tests.checks import models
from tests.checks.smoke import subjects

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("warm")]

PICTURE = 258
PROCESSOR: dict[str, Any] = {
    "image_processor_type": "MllamaImageProcessor",
    "processor_class": "MllamaProcessor",
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
    "max_image_tiles": 4,
    "size": {"height": 28, "width": 28},
}


@pytest.fixture(scope="session")
def sound() -> dict[str, bytes]:
    model = subjects.mllama(image_token_index=PICTURE)
    # Random gates would be closed, as in a model whose pictures were never trained.
    for name, parameter in model.named_parameters():
        if "gate" in name and parameter.numel() == 1:
            parameter.data.fill_(1.0)
    tokenizer = json.loads(models.tokenizer())
    tokenizer["added_tokens"].append(
        {**tokenizer["added_tokens"][0], "id": PICTURE, "content": "<|image|>"}
    )
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    llama = models.llama()
    return {
        **{name: llama[name] for name in ("README.md", "tokenizer_config.json")},
        "config.json": json.dumps(
            {**model.config.to_dict(), "architectures": [type(model).__name__], "dtype": "float32"}
        ).encode(),
        "model.safetensors": save(state, metadata={"format": "pt"}),
        "tokenizer.json": json.dumps(tokenizer).encode(),
        "preprocessor_config.json": json.dumps(PROCESSOR).encode(),
    }


def tried(folder: Path, files: dict[str, bytes]) -> SmokeResult:
    return launcher.run(
        models.put(folder / "blobs", files),
        repository="lab/tiny",
        scratch=folder / "scratch",
        profile="structural",
        limits=Limits(seconds=240, memory_mib=4096, min_isolation=2),
    )


def of_pictures(result: SmokeResult) -> list[tuple[str, str]]:
    assert {f.check for f in result.findings if f.severity == "block"} <= {"MM-IMAGE"}, result
    return [(f.severity.value, f.message) for f in result.findings if f.check == "MM-IMAGE"]


def test_a_model_sees_pictures_by_its_own_processor(
    tmp_path: Path, sound: dict[str, bytes]
) -> None:
    result = tried(tmp_path, sound)

    assert of_pictures(result) == []
    assert result.metrics["kl_picture"] > 1e-3


def test_a_model_on_which_pictures_have_no_effect_is_warned_of(
    tmp_path: Path, sound: dict[str, bytes]
) -> None:
    """The processor multiplies them away, and nothing about the weights is wrong."""
    blind = {**PROCESSOR, "do_rescale": True, "rescale_factor": 0.0}
    files = {**sound, "preprocessor_config.json": json.dumps(blind).encode()}

    assert of_pictures(tried(tmp_path, files)) == [("warn", "The picture has no effect.")]
