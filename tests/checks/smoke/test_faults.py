"""Whole trials of tiny models that have one fault each, which the trial names."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from registry.checks.findings import Severity
from registry.checks.smoke import control, launcher
from registry.checks.smoke.limits import Base, Limits, SmokeError
from tests.checks import models
from tests.checks.smoke.trials import LIMITS, blocks, kill_the_program, tried

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("warm")]


def test_random_weights_are_no_better_than_chance_in_the_full_profile(tmp_path: Path) -> None:
    result = tried(tmp_path, models.llama(), profile="full")

    assert "QUAL-UNIFORM" in blocks(result)
    assert {"kl_cache_max", "kl_padding_max", "nll_long"} <= result.metrics.keys()
    assert result.stages[-1]["status"] == "skipped"


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf], ids=["nan", "inf"])
def test_values_that_are_no_numbers_are_found_where_they_are(tmp_path: Path, value: float) -> None:
    tensors = models.tensors_of()
    tensors["model.layers.1.mlp.up_proj.weight"][3, 5] = value

    result = tried(tmp_path, models.llama(model=models.safetensors(tensors)))

    [finding] = [f for f in result.findings if f.check == "W-FINITE"]
    assert finding.message == "model.layers.1.mlp.up_proj.weight has 1 values that are not numbers."
    assert finding.evidence == {"first_index": [3, 5]}
    assert {s["name"]: s["status"] for s in result.stages}["load"] == "skipped"


def test_a_gguf_with_values_that_are_no_numbers_is_blocked(tmp_path: Path) -> None:
    tensors = models.gguf_tensors()
    tensors["blk.0.ffn_up.weight"][0, 0] = numpy.nan

    assert "W-FINITE" in blocks(tried(tmp_path, {"tiny.gguf": models.gguf(tensors=tensors)}))


def test_missing_tensors_are_not_filled_in_silently(tmp_path: Path) -> None:
    tensors = models.tensors_of()
    del tensors["model.layers.0.mlp.up_proj.weight"]

    result = tried(tmp_path, models.llama(model=models.safetensors(tensors)))

    assert blocks(result)["RUN-LOAD"] == (
        "Loading fails: 1 tensors are missing, e.g. model.layers.0.mlp.up_proj.weight."
    )


def test_shapes_that_contradict_the_config_are_blocked(tmp_path: Path) -> None:
    result = tried(tmp_path, models.llama(config=models.config(intermediate_size=96)))

    said = [f.message for f in result.findings if f.check == "CFG-SHAPE"]
    assert "model.layers.0.mlp.down_proj.weight: file [32, 64], config needs [32, 96]." in said


def test_a_broken_tokenizer_is_blocked(tmp_path: Path) -> None:
    result = tried(tmp_path, models.llama(tokenizer=b'{"version": "1.0", "model": {}}'))

    assert blocks(result)["TOK-LOAD"].startswith("The tokenizer cannot be loaded: ")


def test_token_ids_beyond_the_embedding_are_blocked(tmp_path: Path) -> None:
    result = tried(tmp_path, models.llama(tokenizer=models.tokenizer(extra={"beyond": 300})))

    assert blocks(result)["TOK-VOCAB"] == "Token id 300, but the embedding has 258 rows."


def test_a_template_that_hangs_is_blocked(tmp_path: Path) -> None:
    loops = b"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"

    result = tried(tmp_path, models.llama(chat_template=loops))

    assert blocks(result)["TPL-RENDER"] == (
        "The template fails on one user message: it takes longer than 1 seconds."
    )


def test_code_of_the_repository_never_runs(tmp_path: Path) -> None:
    """The scan blocks such a model; should one get here all the same, nothing of it is imported."""
    config = json.loads(models.config(auto_map={"AutoModelForCausalLM": "own.Own"}))
    own = b"open('/tmp/ran', 'w').write('x')\nraise SystemExit('ran')\n"
    files = models.llama(config=json.dumps(config).encode()) | {"own.py": own}

    result = tried(tmp_path, files)

    assert "ran" not in result.log_tail.split()
    assert blocks(result) == {}


def test_a_model_too_large_for_this_machine_is_left_to_a_maintainer(tmp_path: Path) -> None:
    result = tried(tmp_path, models.llama(), limits=Limits(240, 760, 2))

    assert blocks(result) == {}
    [finding] = result.findings
    assert (finding.check, finding.severity) == ("RUN-SKIPPED", Severity.WARN)


def test_a_revision_without_weights_is_left_to_a_maintainer(tmp_path: Path) -> None:
    result = tried(tmp_path, {"README.md": models.CARD})

    assert [(f.check, f.severity) for f in result.findings] == [("RUN-SKIPPED", Severity.WARN)]


def test_the_figures_of_the_base_stand_beside_those_of_the_model(tmp_path: Path) -> None:
    measured = Base("lab/base", "a" * 40, record={"perplexity": {"en": 16.9}, "probe": []})

    beside = tried(tmp_path, {"README.md": models.CARD}, base=measured)
    alone = tried(tmp_path / "alone", {"README.md": models.CARD}, base=Base("lab/base", "a" * 40))

    assert beside.metrics["base"] == {
        "repo": "lab/base",
        "revision": "a" * 40,
        "perplexity": {"en": 16.9},
    }
    assert "base" not in alone.metrics


def test_a_crash_is_ours_where_a_model_that_is_known_to_be_good_has_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.checks.smoke.watch.PULSE_SECONDS", 0.2)

    def kill_all_after_the_load(event: dict[str, Any]) -> None:
        seen.append(event.get("stage"))
        if "load" in seen:
            kill_the_program(event)

    seen: list[str | None] = []
    with pytest.raises(SmokeError):
        tried(tmp_path, models.llama(), on_event=kill_all_after_the_load)


def test_the_model_that_is_known_to_be_good_passes(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"

    files = control.files_in(tmp_path / "control")
    result = launcher.run(
        files, repository="lab/tiny", profile="structural", limits=LIMITS, scratch=scratch
    )

    assert [f for f in result.findings if f.severity is not Severity.INFO] == []
    assert {stage["name"]: stage["status"] for stage in result.stages}["forward"] == "done"


def test_plain_checkpoints_are_loaded_by_weights_alone(tmp_path: Path) -> None:
    import torch

    tensors = {name: torch.from_numpy(t) for name, t in models.tensors_of().items()}
    torch.save(tensors, tmp_path / "saved")
    files = models.llama(model=None) | {"pytorch_model.bin": (tmp_path / "saved").read_bytes()}

    assert models.blocks_of(tmp_path / "scan", files) == set()
    assert blocks(tried(tmp_path, files)) == {}
