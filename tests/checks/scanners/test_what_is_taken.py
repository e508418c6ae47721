"""What people upload along with a model is taken, or refused with what to do instead."""

import io
from pathlib import Path

import pytest
import torch

from registry.checks.scanners import targets
from registry.checks.scanners.folder import Folder
from tests.checks import models


def _saved(state: object) -> bytes:
    target = io.BytesIO()
    torch.save(state, target)
    return target.getvalue()


ORIGINAL = _saved({"tok_embeddings.weight": torch.ones(4, 4)})
TRAINING = "Training state files are not accepted here. They are not needed to run the model"
UNNUMBERED = "is accepted as original/consolidated.00.pth"


def test_the_layouts_of_the_largest_models_pass_with_pictures_of_either_ending(
    tmp_path: Path,
) -> None:
    originals = [
        f"original/{place}consolidated.{number}.pth"
        for place in ("", "mp8/", "mp16/")
        for number in ("00", "01")
    ]
    files = models.llama() | dict.fromkeys(originals, ORIGINAL)
    files |= dict.fromkeys(("a.jpg", "b.jpeg"), b"\xff\xd8\xff\xe0" + bytes(64))
    here = models.put(tmp_path, files)

    assert models.findings_of(tmp_path / "scanned", files) == []
    found = targets.targets_of(Folder(here, repository="lab/tiny"))
    places = [one.name for one in found if one.kind == targets.ORIGINAL]
    assert places == ["original", "original/mp16", "original/mp8"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("optimizer.pt", TRAINING),
        ("scheduler.pt", TRAINING),
        ("checkpoint-5/rng_state_1.pth", TRAINING),
        ("training_args.bin", TRAINING),
        ("original/consolidated.pth", UNNUMBERED),
        ("consolidated.00.pth", UNNUMBERED),
        ("original/mp8/mp8/consolidated.00.pth", UNNUMBERED),
        ("original/mpx/consolidated.00.pth", UNNUMBERED),
        ("imatrix.dat", "Importance matrix files are not accepted here."),
        ("model.imatrix", "Importance matrix files are not accepted here."),
        ("model.pt", "Other checkpoint files are not accepted here. Convert weights to"),
    ],
)
def test_what_is_not_taken_is_named_for_what_it_is(tmp_path: Path, path: str, said: str) -> None:
    state = (
        {"state": {}, "param_groups": [{"lr": 0.1}]} if said == TRAINING else {"w": torch.ones(1)}
    )
    content = b"\x01\0\0\0rows" if "imatrix" in path else _saved(state)
    found = models.findings_of(tmp_path, models.llama() | {path: content})

    assert said in models.message_of(found, "UPL-TYPE")
    assert {one.check for one in found} <= {"UPL-TYPE", "SEC-PICKLE-PARSE"}
    for one in found:
        for word in ("archive", "damaged", "confuse"):
            assert word not in one.message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"general.type": "mmproj"}, "upload the whole model as safetensors"),
        ({"general.architecture": "clip"}, "upload the whole model as safetensors"),
        ({"general.type": "adapter"}, "accepted as adapter_model.safetensors"),
        ({"general.type": "imatrix"}, "not needed to run the model: delete it"),
        ({"general.type": "vocab"}, "accepted are whole models of llama, llama4"),
    ],
)
def test_a_gguf_of_another_kind_says_what_is_accepted(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    found = models.findings_of(tmp_path, {"mmproj-model.gguf": models.gguf(**changes)})

    assert said in models.message_of(found, "GG-META")
