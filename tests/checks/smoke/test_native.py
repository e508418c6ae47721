"""A GGUF file is read by llama.cpp as well: it agrees, differs, refuses or crashes, and each says so."""

import faulthandler
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from registry.checks.findings import Finding
from registry.checks.smoke import aside, control_gguf, loading
from registry.checks.smoke.behaviour import finite, native
from registry.checks.smoke.behaviour.subject import Subject, subject_of
from registry.checks.smoke.devices import Cpu
from registry.checks.smoke.native import engine
from tests.checks import models

DEATHS = 1


@pytest.fixture(scope="module", autouse=True)
def _helpers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """As many as the tests kill, and two more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "_helpers", [])
        faulthandler.disable()  # one of them is meant to crash
        aside.prepare(None, count=DEATHS + 2)
        faulthandler.enable(sys.__stderr__)
        yield
        for helper in aside._helpers:
            helper.requests.close()


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """The file, and the model and tokenizer that the stock library makes of it."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    path.write_bytes(models.gguf())
    target = loading.Target("gguf", path.parent, path.name, 0)
    with torch.no_grad():
        model, _, _ = loading.load(target, Cpu())
    return path, model, loading.tokenizer_of(target)


@pytest.fixture
def subject(packed: tuple[Path, Any, Any]) -> Subject:
    _, model, tokenizer = packed
    made = subject_of(model, tokenizer, file="tiny.gguf", is_chat=False)
    with torch.no_grad():
        list(finite.check(made))
    return made


def said(found: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(finding.check, finding.severity.value) for finding in found]


def broken(folder: Path, **keys: Any) -> Path:
    path = folder / "broken.gguf"
    path.write_bytes(models.gguf(**keys))
    return path


def test_a_sound_file_says_the_same_in_both(
    packed: tuple[Path, Any, Any], subject: Subject
) -> None:
    assert said(native.check(subject, packed[0], with_speed=True)) == []

    figures = subject.metrics["native"]
    assert figures["engine"] == engine() == "xllamacpp 2026.10.11549"
    assert (figures["positions"], figures["agreement"]) == (40, 1.0)
    assert figures["kl"] < 1e-3
    assert figures["decode_tok_s"] > 0


def test_a_file_that_llama_cpp_reads_otherwise_is_found(
    packed: tuple[Path, Any, Any], subject: Subject
) -> None:
    subject.readings[0].logits.mul_(-9)

    [finding] = native.check(subject, packed[0], with_speed=False)

    assert (finding.check, finding.severity.value) == ("RUN-BACKEND", "warn")
    assert finding.message.startswith("xllamacpp 2026.10.11549 says something else than the same")
    assert "40 of 40 choices" in finding.message
    assert "decode_tok_s" not in subject.metrics["native"]

    subject.readings[0].logits.fill_(float("nan"))
    assert said(native.check(subject, packed[0], with_speed=False)) == [("RUN-BACKEND", "warn")]


def test_a_file_that_llama_cpp_refuses_is_left_to_a_maintainer(
    subject: Subject, tmp_path: Path
) -> None:
    path = broken(tmp_path, **{"llama.attention.head_count_kv": 3})

    [finding] = native.check(subject, path, with_speed=False)

    assert (finding.check, finding.severity.value) == ("RUN-BACKEND", "warn")
    assert "was not run by xllamacpp" in finding.message


def test_a_file_that_ends_llama_cpp_is_blocked(subject: Subject, tmp_path: Path) -> None:
    """It insists on a positive number there, by ending the program."""
    path = broken(tmp_path, **{"llama.attention.layer_norm_rms_epsilon": -1.0})

    assert said(native.check(subject, path, with_speed=False)) == [("RUN-CRASH", "block")]


def test_nobody_is_blamed_where_the_engine_never_works(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside, "_helpers", [])

    assert said(native.check(subject, broken(tmp_path), with_speed=False)) == []
    assert "unusable" in subject.metrics["native"]


def test_the_file_that_is_known_to_be_good_passes_the_scan(tmp_path: Path) -> None:
    assert models.blocks_of(tmp_path, {"control.gguf": control_gguf.made()}) == set()
