"""Texts that act on their readers: patterns, templates, secrets."""

import json
import random
import string
from collections.abc import Callable
from typing import Any

from tests.checks import models
from tests.checks.corpus.case import Case, Files, beside, hostile

CHANCE = random.Random(5)  # noqa: S311 - repeatable, not secret
LETTERS = string.ascii_letters
MIXED = LETTERS + string.digits

# Each takes exponential time on some text, refers back, or cannot be judged.
PATTERNS = (
    (
        "(a+)+$ (a*)*b (a|a)*c (a|aa)+$ (\\w|\\d)+x (.*)*= ([a-z]+)*1 (x+x+)+y (\\s*\\w+)*$ (a{1,3})*b "
        "(a?a?)*b (?:a?){60}b (?=(a+)+$)a (?i:(a+)+) ((a+)) (.*)\\1 (?<n>a)\\k<n> (?P<n>a)(?P=n) \\g<0> "
        "(?R) (?(1)a|b) (*FAIL) ( [a a** \\p{ (?~a)"
    )
    .replace("((a+)) ", "((a+))+ ")
    .split()
)
TEMPLATES = {
    "class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "item": "{{ messages['__class__'] }}",
    "joined_item": "{{ messages['__cl' ~ 'ass__'] }}",
    "attr": "{{ messages | attr('x') }}",
    "mapped_attr": "{{ messages | map('attr', 'x') | list }}",
    "mapped_attribute": "{{ messages | map(attribute='__class__.x') | list }}",
    "globals": "{{ raise_exception.__globals__ }}",
    "self": "{{ self._TemplateReference__context }}",
    "lipsum": "{{ lipsum(n=100000) }}",
    "cycler": "{{ cycler('a').next() }}",
    "joiner": "{{ joiner() }}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'a' as a %}",
    "from": "{% from 'a' import b %}",
    "extends": "{% extends 'a' %}",
    "range": "{% for i in range(100000000) %}x{% endfor %}",
    "times": "{{ 'x' * 1000000000 }}",
    "times_computed": "{{ 10000 * 10000 * 'x' }}",
    "list_times": "{{ [0] * 1000000000 }}",
    "power": "{{ 10 ** 100000000 }}",
    "width": "{{ '%1000000000d' % 1 }}",
    "format_width": "{{ '{:>1000000000}'.format(1) }}",
    "center": "{{ 'x' | center(1000000000) }}",
    "large": "x" * (64 * 1024 + 1),
    "deep": "{{ " + "(" * 30_000 + "1" + ")" * 30_000 + " }}",
    "broken": "{% if %}",
}


def random_text(count: int, alphabet: str = MIXED) -> str:
    return "".join(CHANCE.choice(alphabet) for _ in range(count))


def secrets() -> dict[str, str]:
    """Of every kind one, made up here: none was ever valid."""
    key = random_text(64)
    return {
        "hub": "hf" + "_" + random_text(34, LETTERS),
        "own_hub": "hf" + "_" + random_text(40) + "-aB",
        "organisation": "api" + "_org_" + random_text(34),
        "code_host": "gh" + "p_" + random_text(36),
        "code_host_fine": "github" + "_pat_" + random_text(82),
        "second_code_host": "gl" + "pat-" + random_text(20),
        "cloud": "AK" + "IA" + random_text(16, string.ascii_uppercase + "234567"),
        "second_cloud": "AI" + "za" + random_text(35),
        "third_cloud": "Account" + "Key=" + random_text(86) + "==",
        "language_model": "s" + "k-proj-" + random_text(60),
        "second_language_model": "s" + "k-ant-api03-" + random_text(93) + "AA",
        "chat": "xo" + "xb-" + random_text(40),
        "payments": "s" + "k_live_" + random_text(24),
        "tracking": "WANDB_" + "API_KEY=" + random_text(40, "0123456789abcdef"),
        "private": "-----BEGIN " + "RSA PRIVATE KEY-----\n" + key + "\n",
        "address": "https://ada:" + "k7Zq2pXv9LmT" + "@host.example/a",
    }


def cases() -> list[Case]:
    found: list[Case] = []
    for pattern in PATTERNS:
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
        found += hostile(
            "pattern",
            "SEC-REGEX",
            **{f"{pattern} in a tokenizer": lambda s=split: tokenizer(pre_tokenizer=s)},
        )
    found += hostile(
        "pattern",
        "SEC-REGEX",
        long=lambda: tokenizer(normalizer={"pattern": {"Regex": "a" * 2001}}),
        deep=lambda: tokenizer(decoder={"decoders": [{"pattern": {"Regex": "(a+)+"}}]}),
        of_modules=lambda: adapter(target_modules="(.*)*proj"),
        in_a_row=lambda: tokenizer(normalizer={"pattern": {"Regex": "a+" * 8 + "b"}}),
        repeated_row=lambda: tokenizer(normalizer={"pattern": {"Regex": "(a+){10}b"}}),
        apart_row=lambda: tokenizer(normalizer={"pattern": {"Regex": ".*a" * 8}}),
        one_more_repeat=lambda: tokenizer(normalizer={"pattern": {"Regex": "a{1,100}+b"}}),
        folded=lambda: tokenizer(normalizer={"pattern": {"Regex": "(?i)(?:\u00df|ss)+b"}}),
        too_many=lambda: adapter(rank_pattern={f"{n}|" + "b|" * 900: 8 for n in range(40)}),
        of_saved=lambda: adapter(modules_to_save=["lm_head", "(a+)+"]),
        of_unconverted=lambda: models.llama(
            config=models.config(quantization_config={"modules_to_not_convert": ["(.*)*head"]})
        ),
        of_ranks=lambda: adapter(rank_pattern={"(a+)+": 8}),
        of_quantized=lambda: models.llama(
            config=models.config(quantization_config={"ignore": ["re:(.*)*head"]})
        ),
    )
    for name, template in TEMPLATES.items():
        found += hostile(
            "template",
            "SEC-TEMPLATE",
            **{
                f"{name} in a file": lambda t=template: beside(chat_template__jinja=t.encode()),
                f"{name} in a setting": lambda t=template: setting(t),
            },
        )
    found += hostile(
        "template",
        "SEC-TEMPLATE",
        one_of_several=lambda: setting([{"name": "a", "template": TEMPLATES["self"]}]),
        by_name=lambda: setting({"a": TEMPLATES["self"]}),
        in_gguf=lambda: {
            "README.md": models.CARD,
            "m.gguf": models.gguf(**{"tokenizer.chat_template": " " * 2000 + TEMPLATES["self"]}),
        },
        beside=lambda: beside(additional_chat_templates___a__jinja=b"{{ self }}"),
        processor=lambda: beside(chat_template__json=b'{"chat_template": "{{ self }}"}'),
    )
    for name, secret in secrets().items():
        found += hostile(
            "secret",
            "SEC-SECRET",
            **{f"{name} in {place}": files for place, files in _places(secret).items()},
        )
    return found


def tokenizer(**parts: Any) -> Files:
    return models.llama(tokenizer=json.dumps(json.loads(models.tokenizer()) | parts).encode())


def adapter(**parts: Any) -> Files:
    return beside(adapter_config__json=json.dumps({"peft_type": "LORA", **parts}).encode())


def setting(template: Any) -> Files:
    value = {"chat_template": template, "bos_token": "<s>", "eos_token": "</s>"}
    return models.llama(tokenizer_config=json.dumps(value).encode())


def _places(secret: str) -> dict[str, Callable[[], Files]]:
    header = {"__metadata__": {"note": secret}}
    escaped = "".join(f"\\u{ord(one):04x}" for one in secret)
    return {
        "a card": lambda: models.llama(readme=models.CARD + f"Log in:\n\n{secret}\n".encode()),
        "a value": lambda: beside(notes__json=json.dumps({"a": [{"b": secret}]}).encode()),
        "an escaped value": lambda: beside(notes__json=f'{{"a": "{escaped}"}}'.encode()),
        "a log": lambda: beside(log__txt=b"x\n" * 700_000 + secret.encode() + b"\n"),
        "a script": lambda: beside(train__sh=f"export A='{secret}'\n".encode()),
        "safetensors": lambda: beside(
            extra__safetensors=models.with_header(json.dumps(header).encode())
        ),
        "GGUF": lambda: {"README.md": models.CARD, "m.gguf": models.gguf(**{"general.n": secret})},
    }
