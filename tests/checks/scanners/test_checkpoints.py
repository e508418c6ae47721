"""The tensors of a checkpoint are listed as torch would load them, without opening the pickle."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from registry.checks.findings import ModelFile
from registry.checks.scanners import checkpoints, container
from registry.checks.scanners.folder import Problem
from tests.checks import models

BIG = torch.arange(24, dtype=torch.float32).reshape(4, 6)
STATE: dict[str, Any] = {
    "whole": BIG,
    "turned": BIG.t(),
    "part": BIG[1:3, 2:],
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "scalar": torch.tensor(7, dtype=torch.int64),
    "empty": torch.zeros(0, 3),
    "inner": {"deep": torch.tensor([True, False])},
    "epoch": 3,
}


def saved(path: Path, state: object, *, zipped: bool) -> ModelFile:
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    return ModelFile("pytorch_model.bin", path.stat().st_size, "", path)


@pytest.mark.parametrize("zipped", [True, False])
def test_every_tensor_is_listed_with_the_place_of_its_numbers(tmp_path: Path, zipped: bool) -> None:
    file = saved(tmp_path / "m.bin", STATE, zipped=zipped)

    found = checkpoints.tensors_of(file)

    assert found.keys() == {"whole", "turned", "part", "half", "scalar", "empty", "inner/deep"}
    with file.local.open("rb") as stream:
        for name, tensor in found.items():
            wanted = STATE["inner"]["deep"] if name == "inner/deep" else STATE[name]
            assert tensor.shape == tuple(wanted.shape)
            assert tensor.is_contiguous == wanted.is_contiguous()
            if tensor.is_contiguous:
                stream.seek(tensor.begin)
                plain = wanted.view(torch.int16) if tensor.dtype == "BF16" else wanted
                assert stream.read(tensor.bytes) == plain.contiguous().numpy().tobytes()
    assert (found["half"].dtype, found["scalar"].dtype) == ("BF16", "I64")
    assert found["turned"].stride == (1, 6)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "m.bin", {"a1": BIG, "a2": BIG}, zipped=False)
    raw = file.local.read_bytes()
    assert raw.count(b"a2") == 1
    file.local.write_bytes(raw.replace(b"a2", b"a1"))

    found = container.finding_of(file)

    assert found is not None
    assert "the key a1 appears twice" in found.message


def test_a_mapping_that_stands_in_very_many_places_is_refused(tmp_path: Path) -> None:
    level: dict[str, Any] = {"t": BIG}
    for _ in range(6):
        level = {str(number): level for number in range(50)}
    file = saved(tmp_path / "m.bin", level, zipped=True)

    with pytest.raises(Problem, match="a mapping stands in two places"):
        checkpoints.tensors_of(file)


def test_a_tensor_of_more_numbers_than_its_storage_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "m.bin", {"t": torch.ones(1).expand(2**20, 2**20)}, zipped=True)

    with pytest.raises(Problem, match="more numbers than its storage"):
        checkpoints.tensors_of(file)


def in_torch(path: Path, tensors: models.Tensors) -> bytes:
    torch.save({name: torch.from_numpy(tensor) for name, tensor in tensors.items()}, path)
    return path.read_bytes()


def sharded(tmp_path: Path) -> dict[str, bytes]:
    """The same Llama in two shards of torch with their index."""
    files = models.llama(model=None)
    tensors = models.tensors_of()
    names = list(tensors)
    weight_map: dict[str, str] = {}
    for number, half in enumerate((names[:9], names[9:]), 1):
        shard = f"pytorch_model-0000{number}-of-00002.bin"
        files[shard] = in_torch(tmp_path / "m.bin", {name: tensors[name] for name in half})
        weight_map |= dict.fromkeys(half, shard)
    total = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    return files | {"pytorch_model.bin.index.json": json.dumps(index).encode()}


def test_a_sound_model_in_torch_passes(tmp_path: Path) -> None:
    whole = models.llama(model=None)
    whole["pytorch_model.bin"] = in_torch(tmp_path / "m.bin", models.tensors_of())

    assert models.blocks_of(tmp_path / "whole", whole) == set()
    assert models.blocks_of(tmp_path / "shards", sharded(tmp_path)) == set()


def test_an_index_is_followed_into_shards_of_torch(tmp_path: Path) -> None:
    files = sharded(tmp_path)
    index = json.loads(files["pytorch_model.bin.index.json"])
    index["weight_map"]["lm_head.weight"] = "pytorch_model-00001-of-00002.bin"
    wrong = files | {"pytorch_model.bin.index.json": json.dumps(index).encode()}
    without = dict(files)
    del without["pytorch_model.bin.index.json"]

    found = models.findings_of(tmp_path / "wrong", wrong)
    assert "which does not hold it" in models.message_of(found, "ST-INDEX")
    found = models.findings_of(tmp_path / "without", without)
    assert "No index names the shard" in models.message_of(found, "ST-INDEX")


def test_names_and_shapes_in_torch_are_held_against_the_configuration(tmp_path: Path) -> None:
    files = sharded(tmp_path) | {"config.json": models.config(num_hidden_layers=3)}
    found = models.findings_of(tmp_path / "layers", files)
    assert "9 tensors are missing" in models.message_of(found, "KEY-MISSING")

    files |= {"config.json": models.config(intermediate_size=96, num_hidden_layers=1)}
    found = models.findings_of(tmp_path / "shapes", files)
    assert "config needs [32, 96]" in models.message_of(found, "CFG-SHAPE")
    assert "model.layers.1." in models.message_of(found, "KEY-UNEXPECTED")
