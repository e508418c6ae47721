"""Tiny models of every family for the checks of behaviour, and ways to break one that is loaded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from registry.checks.smoke.behaviour.subject import Subject, subject_of
from tests.checks import models

Twist = Callable[[dict[str, Any], Any], None]


class Twisted:
    """A model whose output is changed on the way; all else is the model's own."""

    def __init__(self, model: Any, twist: Twist) -> None:
        self._model = model
        self._twist = twist

    def __call__(self, **given: Any) -> Any:
        output = self._model(**given)
        self._twist(given, output)
        return output

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class Says:
    """Answers every prompt with this text, byte by byte, and then with the end token."""

    def __init__(self, answer: Callable[[list[int]], str], *, stop: int = 257) -> None:
        self._answer = answer
        self._stop = stop
        self._texts: list[bytes] = []
        self._place = 0

    def __call__(self, given: dict[str, Any], output: Any) -> None:
        if given.get("past_key_values") is None:
            self._texts = [self._answer(row.tolist()).encode() for row in given["input_ids"]]
            self._place = 0
        letters = {byte: token for token, byte in enumerate(_bytes_by_token())}
        for row, text in enumerate(self._texts):
            done = self._place >= len(text)
            output.logits[row, -1] = 0
            output.logits[row, -1, self._stop if done else letters[text[self._place]]] = 9
        self._place += 1


def subject(model: Any, *, is_chat: bool = False) -> Subject:
    return subject_of(model, tokenizer(), file="config.json", is_chat=is_chat)


def tokenizer() -> Any:
    from tokenizers import Tokenizer

    made = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(models.tokenizer().decode()),
        bos_token="<s>",
        eos_token="</s>",
    )
    made.chat_template = models.TEMPLATE
    return made


def llama(**changes: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return _seeded(LlamaForCausalLM, LlamaConfig(**{**_TEXT, **changes}))


def mllama(*, image_token_index: int = 200) -> Any:
    from transformers import MllamaConfig, MllamaForConditionalGeneration
    from transformers.models.mllama.configuration_mllama import (
        MllamaTextConfig,
        MllamaVisionConfig,
    )

    text = MllamaTextConfig(**_TEXT, pad_token_id=0, cross_attention_layers=[1])
    vision = MllamaVisionConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_global_layers=1,
        attention_heads=2,
        vision_output_dim=32,
        image_size=28,
        patch_size=14,
        max_num_tiles=4,
        intermediate_layers_indices=[0],
    )
    config = MllamaConfig(
        vision_config=vision, text_config=text, image_token_index=image_token_index
    )
    return _seeded(MllamaForConditionalGeneration, config)


def llama4() -> Any:
    from transformers import Llama4Config, Llama4ForConditionalGeneration

    text = {
        **_TEXT,
        "intermediate_size_mlp": 64,
        "num_local_experts": 2,
        "num_experts_per_tok": 1,
        "head_dim": 8,
        "attention_chunk_size": 128,
        "pad_token_id": 0,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 7,
        "pixel_shuffle_ratio": 0.5,
        "projector_input_dim": 32,
        "projector_output_dim": 32,
        "vision_output_dim": 32,
    }
    config = Llama4Config(vision_config=vision, text_config=text, image_token_index=200)
    return _seeded(Llama4ForConditionalGeneration, config)


def put_processor(folder: Path, **changes: Any) -> Path:
    settings = {"image_processor_type": "ImageProcessor", "image_mean": [0.5] * 3}
    size = {"height": 28, "width": 28}
    found = {**settings, "image_std": [0.5] * 3, "size": size, **changes}
    (folder / "preprocessor_config.json").write_text(json.dumps(found))
    return folder


_TEXT: dict[str, Any] = {
    "vocab_size": 258,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": 256,
    "eos_token_id": 257,
}


def _seeded(kind: Any, config: Any) -> Any:
    torch.manual_seed(3)
    # As weights of a trained model are: large enough that each prompt has its own answer.
    model = kind(config).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.3)
            elif "gate" in name:
                parameter.fill_(1.0)
    return model


def _bytes_by_token() -> list[int]:
    """The byte that each token of the tests' tokenizer stands for."""
    found = tokenizer()
    return [found.decode([token]).encode("latin-1", "replace")[0] for token in range(128)]
