"""Tokenizers: sound ones pass, and each fault has its own sentence."""

import json
from time import monotonic
from typing import Any

import pytest

from tests.checks import models
from tests.checks.smoke.text.conftest import Ask

pytestmark = pytest.mark.slow

# Each took ages on one short text in some program or other.
EXPLODING = (
    r"(a+)+b",
    r"(\w+\s?)*$",
    r"(x+x+)+y",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"\w+\s+\w+\s+zzz|a+b",
)


def changed(**parts: Any) -> bytes:
    """The sound tokenizer with other parts; those of the model are merged."""
    value = json.loads(models.tokenizer())
    model = parts.pop("model", {})
    value |= parts
    value["model"] |= model
    return json.dumps(value).encode()


def test_sound_models_raise_no_finding(ask: Ask) -> None:
    assert set(ask(chat=False)) == {"records"}
    [record, _] = ask(chat=False)["records"]
    assert record["kind"] == "tokenizer"
    assert record["data"]["size"] == 258
    assert set(ask({"tiny.gguf": models.gguf()}, file="tiny.gguf", chat=False)) == {"records"}


@pytest.mark.parametrize(
    "broken",
    [
        b'{"version": "1.0", "model": {}}',
        b"[]",
        changed(added_tokens=[], model={"vocab": {}}),
        b"{",
        None,
    ],
    ids=["no model", "no object", "no tokens", "no JSON", "no file"],
)
def test_a_tokenizer_that_does_not_open_is_blocked(ask: Ask, broken: bytes | None) -> None:
    [finding] = ask(tokenizer=broken)["TOK-LOAD"]

    assert finding["severity"] == "block"
    assert finding["message"].startswith("The tokenizer cannot be loaded: ")


@pytest.mark.parametrize("pattern", EXPLODING)
def test_patterns_that_explode_end_in_bounded_time(ask: Ask, pattern: str) -> None:
    splitter = {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }
    level = json.loads(models.tokenizer())["pre_tokenizer"]
    started = monotonic()

    found = ask(
        tokenizer=changed(
            pre_tokenizer={
                "type": "Sequence",
                "pretokenizers": [splitter, {**level, "use_regex": False}],
            }
        )
    )

    assert found["TOK-TIME"][0]["severity"] == "block", found
    assert monotonic() - started < 60


def test_ids_beyond_the_embedding_are_blocked(ask: Ask) -> None:
    [finding] = ask(tokenizer=models.tokenizer(extra={"beyond": 300}))["TOK-VOCAB"]

    assert finding["message"] == "Token id 300, but the embedding has 258 rows."


def test_special_tokens_out_of_range_are_blocked(ask: Ask) -> None:
    found = ask(config=models.config(bos_token_id=900, pad_token_id=-1))["TOK-SPECIAL"]

    assert [(finding["severity"], finding["message"]) for finding in found] == [
        ("block", "The start token of config is 900; the embedding has 258 rows."),
        ("warn", "The padding token of config is -1; the embedding has 258 rows."),
    ]


def test_end_tokens_that_disagree_are_a_warning(ask: Ask) -> None:
    generation = b'{"eos_token_id": [3, 4]}'

    [finding] = ask(generation_config=generation)["TOK-SPECIAL"]

    assert (
        finding["message"] == "End token: config [257], generation_config [3, 4], tokenizer [257]."
    )
    assert set(ask(generation_config=b'{"eos_token_id": [3, 257]}')) == set(ask())


def test_a_chat_model_that_can_never_stop_is_blocked(ask: Ask) -> None:
    files = {
        "config": models.config(eos_token_id=None),
        "generation_config": b"{}",
        "tokenizer_config": b'{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>"}',
    }

    [finding] = ask(**files)["TOK-SPECIAL"]

    assert finding["severity"] == "block"
    assert set(ask(**files, chat=False)) == {"records"}


def test_text_that_does_not_come_back_is_found(ask: Ask) -> None:
    lower = changed(normalizer={"type": "Lowercase"})
    plain = changed(normalizer={"type": "Replace", "pattern": {"Regex": "[^ -~]"}, "content": "?"})

    [some] = ask(tokenizer=lower)["TOK-ROUNDTRIP"]
    [most] = ask(tokenizer=plain)["TOK-ROUNDTRIP"]

    assert some["severity"] == "warn"
    assert "of 20 texts change: «The quick boat" in some["message"]
    assert most["severity"] == "block"


def test_a_large_vocabulary_without_merges_is_found(ask: Ask) -> None:
    many = {f"token {number}": number for number in range(258, 1100)}
    config = models.config(vocab_size=1100)

    [finding] = ask(tokenizer=models.tokenizer(extra=many), config=config, model=None, chat=False)[
        "TOK-FERTILITY"
    ]

    assert finding["message"] == "1.00 bytes per token on English: the merges are lost."


def test_two_swapped_tokens_are_named(ask: Ask) -> None:
    vocabulary = json.loads(models.tokenizer())["model"]["vocab"]
    vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]
    swapped = changed(model={"vocab": vocabulary})

    [finding] = ask(tokenizer=swapped, base=models.llama())["TOK-DRIFT"]

    assert finding["message"] == "2 tokens differ from lab/base: a, b."
    assert "TOK-DRIFT" not in ask(base=models.llama())


def test_merges_that_differ_are_found_where_no_token_does(ask: Ask) -> None:
    first, second = (
        changed(
            model={
                "vocab": {**json.loads(models.tokenizer())["model"]["vocab"], "th": 2, "he": 3},
                "merges": merges,
            }
        )
        for merges in (["t h", "h e"], ["h e", "t h"])
    )

    [finding] = ask(tokenizer=first, base=models.llama(tokenizer=second))["TOK-DRIFT"]

    assert finding["message"] == "Merges differ from lab/base."
