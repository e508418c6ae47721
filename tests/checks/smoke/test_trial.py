"""Whole trials in the real sandbox: a sound model passes, and a crash is blamed on whoever it is of."""

import os
from pathlib import Path
from typing import Any

import pytest

from registry.checks.findings import ModelFile
from registry.checks.smoke import isolation, launcher
from tests.checks import models
from tests.checks.smoke.trials import blocks, kill_the_program, tried

pytestmark = pytest.mark.slow


def test_a_sound_model_and_its_gguf_on_another_disk_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def no_link_of_the_gguf(source: Path, place: Path) -> None:
        if place.suffix == ".gguf":
            raise OSError("another disk")
        link(source, place)

    monkeypatch.setattr("os.link", no_link_of_the_gguf)
    events: list[dict[str, Any]] = []

    files = models.llama() | {"tiny.gguf": models.gguf()}
    result = tried(tmp_path, files, on_event=events.append)

    assert blocks(result) == {}, result.log_tail
    assert {stage["target"] for stage in result.stages} == {"safetensors", "tiny.gguf"}
    assert [stage["name"] for stage in result.stages][:5] == [
        "inspect",
        "weights",
        "text",
        "load",
        "forward",
    ]
    assert result.metrics["kl_cache_max"] <= 1e-4
    assert result.metrics["targets"]["tiny.gguf"]["native"]["kl"] < 1e-3
    assert result.metrics["files"]["config.json"] == models.put(tmp_path, files)[1].sha256
    assert result.device["kind"] in ("cpu", "cuda")
    assert result.versions["transformers"]
    assert result.isolation["level"] >= 2
    assert result.samples == []
    assert {event["event"] for event in events} >= {"stage", "progress"}
    assert list((tmp_path / "scratch").iterdir()) == []


def test_shards_pass_without_namespaces_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "bwraps", lambda: [])
    isolation.self_test.cache_clear()
    try:
        if isolation.self_test().level < 2:
            pytest.skip("this kernel has no Landlock")
        result = tried(tmp_path, models.sharded())
    finally:
        isolation.self_test.cache_clear()

    assert blocks(result) == {}, result.log_tail
    assert result.isolation["level"] == 2
    assert result.isolation["seccomp"] is True


def test_a_crash_is_the_models_where_a_model_that_is_known_to_be_good_gets_through(
    tmp_path: Path,
) -> None:
    def at_the_load(event: dict[str, Any]) -> None:
        if event["event"] == "stage":
            kill_the_program(event)

    result = tried(tmp_path, models.llama(), on_event=at_the_load)

    assert blocks(result) == {
        "RUN-CRASH": "The test was stopped: the program was ended by SIGKILL during load."
    }


@pytest.mark.gpu
def test_a_gpu_is_used_and_named_where_there_is_one(tmp_path: Path) -> None:
    if not isolation.gpu_nodes():
        pytest.skip("there is no GPU here")

    result = tried(tmp_path, models.llama())

    assert blocks(result) == {}, result.log_tail
    assert result.device["kind"] == "cuda"
    assert result.metrics["dtype"] == "bfloat16"


def test_a_chat_model_is_one_by_name_or_card() -> None:
    from registry.checks.scanners.folder import Folder

    assert launcher.is_chat(Folder([], repository="lab/tiny-Instruct"))
    assert launcher.is_chat(Folder([], repository="lab/tiny-it"))
    assert not launcher.is_chat(Folder([], repository="lab/tiny-base"))


def test_a_card_names_a_chat_model(tmp_path: Path) -> None:
    from registry.checks.scanners.folder import Folder

    card = tmp_path / "card"
    card.write_bytes(b"---\ntags:\n- conversational\n---\n")
    file = ModelFile("README.md", card.stat().st_size, "", card)

    assert launcher.is_chat(Folder([file], repository="lab/tiny"))
