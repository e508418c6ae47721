"""What a revision holds to be loaded, and why some of it is only looked at."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from registry.checks.scanners import targets
from registry.checks.scanners.folder import Folder
from registry.checks.smoke import launcher
from tests.checks import models


def found_in(tmp_path: Path, files: dict[str, bytes], **rest: Any) -> list[targets.Target]:
    return targets.targets_of(Folder(models.put(tmp_path, files), repository="lab/tiny", **rest))


def under(folder: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in files.items()}


def saved(path: Path) -> bytes:
    state = {name: torch.from_numpy(data) for name, data in models.tensors_of().items()}
    torch.save(state, path)
    return path.read_bytes()


PARAMETERS = sum(tensor.size for tensor in models.tensors_of().values())


def test_folders_are_loaded_as_loaders_do(tmp_path: Path) -> None:
    raw = saved(tmp_path / "m.bin")
    files = models.llama() | {"pytorch_model.bin": raw, "notes.txt": b"text"}
    files |= under("bin", models.llama(model=None) | {"pytorch_model.bin": raw})
    files |= under("shards", models.sharded()) | under("bare", models.llama(model=None))

    found = {target.name: target for target in found_in(tmp_path, files)}

    assert found.keys() == {"safetensors", "bin", "shards"}
    assert {target.format for target in found.values()} == {"safetensors", "bin"}
    assert {target.parameters for target in found.values()} == {PARAMETERS}
    assert found["safetensors"].weights == ("model.safetensors",)
    assert found["bin"].weights == ("pytorch_model.bin",)
    assert len(found["shards"].weights) == 2
    assert "notes.txt" not in {file.path for file in found["safetensors"].files}
    assert not any(target.static or target.needs for target in found.values())


def test_a_split_gguf_is_one_target_that_is_not_run(tmp_path: Path) -> None:
    files = {f"m-0000{n}-of-00002.gguf": models.gguf(**{"split.count": 2}) for n in (1, 2)}

    first, second = found_in(tmp_path, files | {"whole.gguf": models.gguf()})

    assert (first.file, len(first.files)) == ("m-00001-of-00002.gguf", 2)
    assert "split GGUF" in first.static
    assert (second.file, second.static) == ("whole.gguf", "")


def test_adapters_and_originals_are_named_with_what_they_need(tmp_path: Path) -> None:
    adapter = {"base_model_name_or_path": "lab/base", "peft_type": "LORA"}
    files = {
        "adapter_config.json": json.dumps(adapter).encode(),
        "adapter_model.safetensors": models.safetensors({"a": models.numpy.ones((2, 2))}),
        "original/consolidated.00.pth": saved(tmp_path / "m.bin"),
    }

    lora, original = found_in(tmp_path, files)

    assert (lora.kind, lora.base, lora.parameters) == ("adapter", "lab/base", 4)
    assert (original.kind, original.parameters) == ("original", PARAMETERS)
    assert original.static


@pytest.mark.parametrize(
    ("said", "method", "needs", "static"),
    [
        ({"quant_method": "awq"}, "awq", ("gptqmodel",), False),
        ({"load_in_4bit": True}, "bitsandbytes", ("bitsandbytes", "accelerate"), False),
        ({"quant_method": "own"}, "own", (), True),
        (None, "", (), False),
    ],
)
def test_quantized_weights_name_the_packages_that_open_them(
    tmp_path: Path, said: Any, method: str, needs: tuple[str, ...], static: bool
) -> None:
    files = models.llama(config=models.config(quantization_config=said))

    (target,) = found_in(tmp_path, files)

    assert (target.quantization, target.needs, bool(target.static)) == (method, needs, static)
    assert target.parameters == PARAMETERS


def test_a_dataset_holds_nothing_to_load(tmp_path: Path) -> None:
    assert found_in(tmp_path, models.llama(), is_dataset=True) == []


def test_what_cannot_be_read_is_left_to_the_scan(tmp_path: Path) -> None:
    files = {"a.gguf": b"GGUF", "adapter_config.json": b"{", "adapter_model.bin": b""}
    files |= {"original/consolidated.00.pth": b"PK", "config.json": b"[]"}

    assert found_in(tmp_path, files) == []


def test_weights_that_no_loader_reads_are_left_to_a_maintainer(tmp_path: Path) -> None:
    files = models.llama()
    other = dict.fromkeys(("part.safetensors", "a/b.safetensors"), files["model.safetensors"])
    beside = other | {"pytorch_model.bin": saved(tmp_path / "m.bin")}

    def said(files: dict[str, bytes]) -> list[tuple[str, str, str]]:
        folder = Folder(models.put(tmp_path, files), repository="lab/tiny")
        found = launcher.targets_of(folder)[1]
        return [(one.check, one.severity, one.message) for one in found]

    assert said(files | {"tiny.gguf": models.gguf()}) == []
    assert said(files | beside) == [
        (
            "RUN-SKIPPED",
            "warn",
            "a/b.safetensors and 2 more were not run: "
            "no loader of the models here reads these weights.",
        )
    ]
