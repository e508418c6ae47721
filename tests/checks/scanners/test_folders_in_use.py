"""Folders as publishers and packers of Llamas lay them out: what is honest there is not blocked."""

import json
from pathlib import Path
from typing import Any

import pytest

from registry.checks.findings import Severity
from registry.checks.scanners import folder
from tests.checks import models

LIST_OF_RANKS = b"IQ== 0\nIg== 1\nIw== 2\nJA== 3\n"
CARD = b"""---
license: llama3.1
language:
- en
- 'no'
tags: [facebook, meta, llama-3]
base_model: meta-llama/Llama-3.1-8B
extra_gated_prompt: >-
  ### Terms

  "Agreement" means: the terms # and more
extra_gated_fields:
  First Name: text
  Job title:
    type: select
    options: [Student, Other]
  By clicking Submit below I accept the terms: checkbox
widget:
- messages:
  - role: user
    content: "Hey! How are you?"
inference:
  parameters:
    stop: [<|end_of_text|>]
quantized_by: somebody
---
# Model
```python
login(token="hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
client = OpenAI(base_url="http://localhost:8000/v1", api_key="EMPTY")
```
```bash
#!/bin/bash
curl https://user:$TOKEN@example.com
```
"""


def as_json(**values: Any) -> bytes:
    return json.dumps(values).encode()


def of_publisher() -> dict[str, bytes]:
    token = {"content": "<|eot_id|>", "lstrip": False, "normalized": False, "special": True}
    template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    return models.llama() | {
        "README.md": CARD,
        "LICENSE.txt": b"TERMS OF THE LAB\n",
        "USE_POLICY.md": b"# Use\n",
        ".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n",
        "original/params.json": as_json(dim=4096, ffn_dim_multiplier=1.3, norm_eps=1e-05),
        "original/tokenizer.model": LIST_OF_RANKS,
        "generation_config.json": as_json(eos_token_id=[1, 2], stop_strings=["/end"], top_p=0.9),
        "special_tokens_map.json": as_json(bos_token="<|begin_of_text|>", eos_token=token),
        "preprocessor_config.json": as_json(image_mean=[0.48145466], max_image_tiles=4),
        "chat_template.json": as_json(chat_template=template),
        "tokenizer_config.json": as_json(
            added_tokens_decoder={"128009": token},
            additional_special_tokens=["</s>", "/think"],
            extra_special_tokens=["/no_think"],
            model_max_length=1000000000000000019884624838656,
            tokenizer_file=None,
        ),
    }


def of_packer() -> dict[str, bytes]:
    """Some write down the family, since pages of hubs count such folders by it."""
    return {
        "README.md": CARD,
        "Notice": b"of the lab\n",
        "config.json": as_json(model_type="llama"),
        "tiny.Q4_K_M.gguf": models.gguf(),
        "tiny.Q8_0.gguf": models.gguf(),
    }


@pytest.mark.parametrize("make", [of_publisher, of_packer])
def test_a_folder_as_they_are_in_use_is_not_blocked(tmp_path: Path, make: Any) -> None:
    found = models.findings_of(tmp_path, make())

    assert [one.message for one in found if one.severity is Severity.BLOCK] == []


def test_a_family_alone_is_too_little_for_weights(tmp_path: Path) -> None:
    files = models.llama(config=as_json(model_type="llama"))

    assert {"CFG-ARCH", "CFG-LIMITS"} <= models.blocks_of(tmp_path, files)


def test_beside_gguf_the_family_must_be_known_too(tmp_path: Path) -> None:
    files = of_packer() | {"config.json": as_json(model_type="mamba")}

    assert "CFG-ARCH" in models.blocks_of(tmp_path, files)


def test_leftovers_of_training_are_to_be_deleted_and_not_called_archives(tmp_path: Path) -> None:
    left = ["optimizer.pt", "rng_state.pth", "scheduler.pt", "training_args.bin"]
    found = models.findings_of(tmp_path, models.llama() | dict.fromkeys(left, b"PK\x03\x04zip"))

    (delete,) = (one.evidence["delete"] for one in found if one.evidence.get("delete"))
    assert delete == left
    assert "SEC-ARCHIVE" not in {one.check for one in found}


def test_of_many_vocabularies_those_used_last_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders of training leave one in each of theirs, and parsed they take ten times the room."""
    names = [f"checkpoint-{number}/tokenizer.json" for number in range(4)]
    files = models.put(tmp_path, {name: as_json(name=name) for name in names})
    monkeypatch.setattr(folder, "KEPT_JSON", 2 * max(file.size for file in files))
    seen = folder.Folder(files, repository="lab/tiny")

    values = [seen.json(name) for name in names]

    assert values == [{"name": name} for name in names]
    assert seen.json(names[2]) is values[2]
    assert seen.json(names[3]) is values[3]
    assert seen.json(names[0]) is not values[0]
    assert seen.json(names[3]) is values[3]


def test_a_secret_at_the_end_of_long_metadata_is_found(tmp_path: Path) -> None:
    key = "hf_" + "qT7wZk3LxPv9RmB2nYc5JdH8sGf4aUe6Wo"
    long = "".join(chr(97 + at % 23) for at in range(999)) * 18_000
    metadata = {"__metadata__": {"notes": long, "key": key}}
    tensor = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    raw = json.dumps(metadata | tensor).encode()
    files = {"a.safetensors": models.with_header(raw, b"\0" * 4)}

    assert len(raw) > 17 * 10**6
    assert "SEC-SECRET" in models.blocks_of(tmp_path, files)
