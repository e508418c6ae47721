"""The bounds of checks lie where they are promised: what is at one passes, and the next does not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.checks.findings import ModelFile
from registry.checks.scanners import (
    amounts,
    card,
    families,
    gguf,
    limits,
    pickles,
    secrets,
    strict_json,
    templates,
)
from registry.checks.scanners.config import Model
from registry.checks.scanners.folder import Folder
from registry.checks.scanners.parameters import parameters_of
from registry.checks.scanners.safetensors import Tensor
from registry.checks.scanners.stored import Stored
from tests.checks import models

WIDE = {"num_attention_heads": 1, "num_key_value_heads": 1}


@pytest.mark.parametrize(
    ("key", "most", "besides"),
    [
        ("num_hidden_layers", 512, {}),
        ("hidden_size", 65_536, WIDE),
        ("num_attention_heads", 1024, {"hidden_size": 1024 * 1025, "num_key_value_heads": 1}),
        ("vocab_size", 2_000_000, {}),
        ("max_position_embeddings", 2**25, {}),
        ("num_local_experts", 1024, {}),
    ],
)
def test_sizes_of_configurations(key: str, most: int, besides: dict[str, int]) -> None:
    def said(value: int) -> list[str]:
        settings = {**models.CONFIG, **besides, key: value}
        return [where for where, _ in limits.problems_of(settings) if where == key]

    assert said(most) == []
    assert said(most + 1) == [key]
    assert said(0) == [key]


def test_the_same_of_llama_4() -> None:
    settings = {"model_type": "llama4_text", "architectures": ["Llama4ForCausalLM"]}

    assert families.is_known(settings)
    assert limits.problems_of({**settings, "num_local_experts": 1024}) == []
    assert limits.problems_of({**settings, "num_local_experts": 1025}) != []


def test_parameters_may_differ_by_one_in_a_hundred() -> None:
    settings = dict(models.CONFIG)
    said = parameters_of(settings)

    def found(held: int) -> int:
        tensor = Tensor("F32", (held,), 0, 4 * held)
        stored = Stored("safetensors", ("m",), {"all": ("m", tensor)})
        return limits.parameter_finding(Model("", settings, stored)) is not None

    near = said // 100
    assert [found(said + by) for by in (0, near, -near)] == [False] * 3
    assert [found(said + by) for by in (near + 1, -near - 1)] == [True] * 2


def test_depth_of_a_state() -> None:
    def nested(depth: int) -> pickles.Mapping:
        value: Any = 1
        for _ in range(depth):
            value = pickles.Mapping(plain=True, pairs=[("a", value)])
        assert isinstance(value, pickles.Mapping)
        return value

    assert pickles.state_problem(nested(8)) is None
    assert pickles.state_problem(nested(9)) == "it is nested deeper than 8"


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda depth: b"[" * depth + b"]" * depth, 64),
        (lambda digits: b"1" * digits, 20),
        (lambda size: b'"' + b"a" * (size - 2) + b'"', 1024 * 1024),
    ],
    ids=["depth", "digits", "bytes"],
)
def test_json(make: Callable[[int], bytes], most: int) -> None:
    strict_json.parse(make(most))

    with pytest.raises(strict_json.JsonProblem):
        strict_json.parse(make(most + 1))


def test_front_matter() -> None:
    def of(size: int) -> bytes:
        return b"---\na: " + b"b" * (size - 4) + b"\n---\n"

    assert card.front_matter(of(64 * 1024))
    with pytest.raises(card.CardProblem):
        card.front_matter(of(64 * 1024 + 1))


@pytest.mark.parametrize(
    ("sound", "refused"),
    [
        ("{{ range(10000) }}", "{{ range(10002) }}"),
        ("{{ 'a' * 1000 }}", "{{ 'a' * 1001 }}"),
    ],
)
def test_templates(sound: str, refused: str) -> None:
    assert list(templates.used_by(sound)) == []
    assert list(templates.used_by(refused)) != []


def test_length_of_a_template() -> None:
    assert list(templates.used_by("a" * 64 * 1024)) == []
    with pytest.raises(templates.TemplateProblem):
        list(templates.used_by("a" * (64 * 1024 + 1)))


def test_sizes_and_numbers_of_files(tmp_path: Path) -> None:
    place = tmp_path / "empty"
    place.touch()

    def said(*sizes: int) -> list[Any]:
        files = [ModelFile(f"{at}.txt", size, "", place) for at, size in enumerate(sizes)]
        found = amounts.check_sizes(Folder(files, repository="lab/tiny"))
        return [one.threshold for one in found if "limit" in one.message]

    assert said(50 * 10**9) == []
    assert said(50 * 10**9 + 1) == [50 * 10**9]
    assert said(*[0] * 10_000) == []
    assert said(*[0] * 10_001) == [10_000]


def test_what_is_too_regular_is_no_secret() -> None:
    def found(text: bytes) -> bool:
        return any(secrets.secrets_in(b"hf_" + text))

    assert not found(b"qWzRtYk" * 5)
    assert found(b"qWzRtYkLm" * 4)


def test_rows_of_an_embedding_without_a_token(tmp_path: Path) -> None:
    said = {rows: models.llama(config=models.config(vocab_size=rows)) for rows in (322, 323)}
    found = {
        rows: [
            one.threshold
            for one in models.findings_of(tmp_path / str(rows), files | {"model.safetensors": b""})
            if one.check == "TOK-VOCAB"
        ]
        for rows, files in said.items()
    }

    assert found == {322: [], 323: [258]}


@pytest.mark.parametrize(("alignment", "is_taken"), [(4, False), (8, True), (65_536, True)])
def test_alignment_of_gguf(alignment: int, is_taken: bool) -> None:
    header = gguf.Header(3, values={"general.alignment": alignment})

    if is_taken:
        assert gguf.alignment_of(header) == alignment
    else:
        with pytest.raises(gguf.HeaderProblem):
            gguf.alignment_of(header)
