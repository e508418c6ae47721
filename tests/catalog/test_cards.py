"""The model card: whatever is uploaded, it is read strictly or refused with a sentence."""

import json

import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st

from registry.audit import canonical
from registry.catalog import cards
from registry.errors import Invalid

KNOWN = ["apache-2.0", "llama3.1", "mit"]
RESULT = "{task: {type: t}, dataset: {type: d, name: D}, metrics: [{type: m, value: 0.5}]}"


def _flow(pairs: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"


def _card(front: str) -> dict:
    return cards.parse(f"---\n{front}\n---\n# A model\n")


@given(st.text())
def test_whatever_text_is_parsed_or_refused(text):
    for card in (text, f"---\n{text}\n---\n"):
        try:
            found = cards.parse(card)
        except Invalid:
            continue
        assert isinstance(found, dict)
        json.dumps(found, allow_nan=False)
        assert "\0" not in str(found)
        assert all(cards.problems(found, known_licenses=KNOWN))
        cards.tags(found, ["README.md"], {})
        cards.warnings(found)


YAMLISH = st.text(alphabet="abz0159 -:[]{}&*!|>'\"#%@?,.\n\t\\~/=<\u2028\x85eE_+")
TAGS = st.sampled_from(
    ["!", "!x", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!binary"]
    + ["!!omap", "!!pairs", "!!set", "!!seq", "!!map", "!!merge", "!!value", "!<tag:a,b:c>"]
)
ESCAPES = st.lists(
    st.sampled_from(
        [r"\0", r"\ud800", r"\udfff", r"\ud83d\ude00", r"\U00110000", r"\uffff", r"\x00", "a", "é"]
    ),
    max_size=5,
).map(lambda parts: '"' + "".join(parts) + '"')
DIGITS = st.integers(1, 6000)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.integers(2**53 - 2, 2**70).map(str),
    st.floats().map(lambda value: f"{value:.17e}"),
    DIGITS.map(lambda n: "9" * n),
    DIGITS.map(lambda n: "0x" + "f" * n),
    DIGITS.map(lambda n: "0b" + "1" * n),
    DIGITS.map(lambda n: "0" + "7" * n),
    DIGITS.map(lambda n: "1" + ":59" * n),
    DIGITS.map(lambda n: "1" + ":59" * n + ".5"),
    DIGITS.map(lambda n: "1." + "0" * n + "e+300"),
    st.sampled_from([".nan", ".inf", "-.inf", "0x_", "0b_", "1e999", "1.e+999", "~", "=", "<<"]),
    st.sampled_from(["1985-02-30", "2001-12-14t21:59:43.10-05:00", "yes", "no", "0o17", "1_000"]),
)
SCALARS = st.one_of(NUMBERS, ESCAPES, st.text(alphabet="ab \ud800\0é", max_size=4))
TAGGED = st.builds(lambda tag, value: f"{tag} {value}", TAGS, SCALARS | st.just('""'))
VALUES = st.recursive(
    SCALARS | SCALARS | TAGGED,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(SCALARS, inner, max_size=3).map(_flow)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["tags", "license", "language", "base_model", "datasets", "library_name"])


def _kept(value: object) -> object:
    """The value as the database gives it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb", [json.dumps(value, allow_nan=False)])
        return json.loads(cursor.fetchone()[0])


@given(YAMLISH)
def test_text_that_looks_like_yaml_is_parsed_or_refused(front):
    try:
        found = _card(front)
    except Invalid:
        return
    json.dumps(found, allow_nan=False)
    cards.problems(found, known_licenses=KNOWN)
    cards.tags(found, [], {"model_type": 5})


@pytest.mark.django_db
@given(st.dictionaries(KEYS | SCALARS | TAGGED, VALUES, max_size=4))
@example({"foo": "!!timestamp bar"})
@example({"foo": '!!int ""'})
@example({"foo": '!!float ""'})
@example({"foo": "!!bool x"})
@example({r'"a\0b"': "1"})
@example({"tags": r'["\ud800"]'})
@example({"foo": "0x" + "f" * 6000})
@example({"0x" + "f" * 6000: "1"})
@example({"foo": "1" + ":59" * 6000 + ".5"})
@example({"foo": "1.0e+300", "2.0e+300": "9007199254740993"})
def test_whatever_is_parsed_can_be_kept_and_digested(pairs):
    try:
        found = _card("\n".join(f"{key}: {value}" for key, value in pairs.items()))
    except Invalid as refusal:
        str(refusal).encode()
        return
    tags = cards.tags(found, ["README.md"], {})
    assert _kept(found) == found
    assert _kept(tags) == tags
    assert canonical.digest(_kept(found)) == canonical.digest(found)
    "".join([*cards.problems(found, known_licenses=KNOWN), *tags]).encode()


def test_halves_of_characters_are_put_together_or_replaced():
    assert _card(r'"a\0": "\ud83d\ude00 \ud800 \0"') == {"a": "\U0001f600 \ufffd "}


def test_numbers_that_readers_would_round_become_text():
    assert _card("a: 9007199254740991\nb: 9007199254740993\nc: 1.0e+300\nd: -1.5") == {
        "a": 2**53 - 1,
        "b": "9007199254740993",
        "c": "1e+300",
        "d": -1.5,
    }
    with pytest.raises(Invalid, match="too many digits"):
        _card("a: 0x" + "f" * 6000)


@pytest.mark.parametrize("tag", ["!!timestamp bar", '!!int ""', "!!str a", "! a", "!!map {}"])
def test_tags_are_refused_with_a_sentence(tag):
    with pytest.raises(Invalid, match=r"tags \(!name\) are not allowed"):
        _card(f"foo: {tag}")


def test_text_with_half_a_character_in_it_is_refused():
    with pytest.raises(Invalid):
        _card("a: \ud800")


def test_a_card_may_be_as_deep_as_the_checks_take_it():
    assert _card("a: " + "[" * 15 + "1" + "]" * 15)
    with pytest.raises(Invalid, match="deeper"):
        _card("a: " + "[" * 17 + "1" + "]" * 17)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"model_type": "a\\u0000b"}', {"model_type": "ab"}),
        (b'{"model_type": "a\\ud800b"}', {"model_type": "a\ufffdb"}),
        (b'{"model_type": 5, "architectures": ["A", 5]}', {}),
        (b'{"architectures": ["A\\u0000", "B"]}', {"architectures": ["A", "B"]}),
        (b'{"architectures": NaN}', {}),
        (b'{"model_type": "llama", "x": Infinity}', {}),
        (b'{"model_type": "llama", "x": 1e999}', {"model_type": "llama"}),
        (b'{"model_type": "llama", "x": ' + b"9" * 6000 + b"}", {}),
        (b"[" * 100_000, {}),
        (b'{"a":' * 100_000, {}),
        (b"\xff\xfe", {}),
        (b"[]", {}),
        (b"", {}),
        (
            b'{"quantization_config": {"quant_method": "a\\u0000wq", "x": [1]}}',
            {"quantization_config": {"quant_method": "awq"}},
        ),
        (b'{"quantization_config": {"quant_method": 5}}', {}),
        (b'{"quantization_config": "awq"}', {}),
    ],
)
def test_of_a_configuration_only_clean_text_is_taken(raw, found):
    assert cards.configuration(raw) == found


@pytest.mark.parametrize(
    "front",
    [
        "a: &x [1]\nb: *x",
        "a: &a [x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]",
        "a: !!python/object/apply:os.system [id]",
        "a: !!python/name:os.system",
        "a: !custom 1",
        "a: [",
        "a: b: c",
        "- a\n- b",
        "just text",
        "5",
        "\ta: 1",
        "a: !!binary 5",
        "a: !!int x",
        "? [1, 2]\n: x",
        "? {a: 1}\n: x",
        "[" * 5000,
        "{a: " * 5000,
        "a: " + "x" * (64 * 1024),
        "a: 1\x01",
        "a: 0x" + "f" * 20000 + "g\n" + "b: [",
    ],
)
def test_front_matter_that_no_card_has_is_refused(front):
    with pytest.raises(Invalid):
        _card(front)


def test_a_number_with_thousands_of_digits_is_refused_or_harmless():
    try:
        found = _card("a: " + "9" * 10_000)
    except Invalid:
        return
    json.dumps(found)


def test_merge_keys_do_not_unfold():
    with pytest.raises(Invalid):
        _card("a: &a {x: 1}\nb:\n  <<: *a")


def test_no_is_a_language_and_dates_are_text():
    card = _card("language: [en, no]\nreleased: 2024-07-23")

    assert card == {"language": ["en", "no"], "released": "2024-07-23"}
    assert _card("language: no")["language"] == "no"


@pytest.mark.parametrize(
    "text", ["", "# Only prose\n", "---\n", "--- a\n---\n", "text\n---\na: 1\n---\n"]
)
def test_a_card_without_front_matter_is_an_empty_one(text):
    assert cards.parse(text) == {}


def test_windows_line_ends_and_a_byte_order_mark_are_no_obstacle():
    text = "\ufeff---\r\nlicense: mit\r\n---\r\n# Prose\r\n"

    assert cards.parse(text) == {"license": "mit"}
    assert cards.split(text)[1] == "# Prose\r\n"


def test_values_that_json_does_not_know_become_text():
    assert _card("a: .nan\nb: .inf\nc: -.inf\n2: x\ntrue: y") == {
        "a": "nan",
        "b": "inf",
        "c": "-inf",
        "2": "x",
        "True": "y",
    }


@pytest.mark.parametrize(
    ("front", "words"),
    [
        ("license: gpl-17", '"license" must be one of'),
        ("license: [mit, 5]", '"license" must be one of'),
        ("license: {a: b}", '"license" must be one of'),
        ("license: other", '"license_name" is required'),
        ("base_model: ../../etc/passwd", '"base_model" must be the id of a model'),
        ("base_model: [ok/model, 5]", '"base_model" must be the id of a model'),
        ("base_model_relation: cousin", '"base_model_relation" must be one of'),
        ("tags: [a, {b: c}]", '"tags" must be a list of texts'),
        ("pipeline_tag: [a]", '"pipeline_tag" must be text'),
        ("model-index: 5", '"model-index" must be a list'),
        ("language: {a: b}", '"language" must be a language code'),
        ("language: [en, the queen's]", '"language" must be a language code'),
        ("model-index: [{name: a}]", '"model-index" must be a list of objects'),
        ("model-index: [{name: a, results: [5]}]", "each result have a"),
        ("model-index: [{name: a, results: [{task: {type: t}, metrics: []}]}]", "each result have"),
        (f"model-index: [{{name: a, results: [{RESULT.replace('value', 'v')}]}}]", "each result"),
        ("co2_eq_emissions: much", '"co2_eq_emissions" must be a number'),
        ("co2_eq_emissions: {emissions: [1]}", '"co2_eq_emissions" must be a number'),
        ("extra_gated_prompt: [5]", '"extra_gated_prompt" must be text'),
        ("extra_gated_eu_disallowed: maybe", '"extra_gated_eu_disallowed" must be true or false'),
    ],
)
def test_what_is_wrong_with_a_card_is_a_sentence(front, words):
    found = cards.problems(_card(front), known_licenses=[*KNOWN, "other"])

    assert any(words in sentence for sentence in found)


def test_a_mistake_made_a_thousand_times_is_named_once():
    names = ", ".join(f"gpl-{number}" for number in range(1000))
    card = _card(f"license: [{names}]\nbase_model: [{'.., ' * 1000}]")

    assert len(cards.problems(card, known_licenses=KNOWN)) == 2


def test_a_good_card_has_no_problems():
    card = _card(
        "license: llama3.1\nbase_model: meta-llama/Llama-3.1-8B\nbase_model_relation: finetune\n"
        "language: [en]\ntags: [chat]\npipeline_tag: text-generation\nlibrary_name: transformers\n"
        f"co2_eq_emissions: {{emissions: 1.5}}\nmodel-index: [{{name: a, results: [{RESULT}]}}]\n"
        "extra_gated_heading:\nextra_gated_eu_disallowed: true"
    )

    assert cards.problems(card, known_licenses=KNOWN) == []
    assert cards.warnings(card) == []


def test_tags_follow_from_card_files_and_configuration():
    card = _card("license: mit\nlanguage: en\nbase_model: a/b\ntags: [chat]\ndatasets: [d/e]")

    tags = cards.tags(card, ["model.safetensors", "q.gguf"], {"model_type": "llama"})

    assert tags == sorted(
        [
            "chat",
            "en",
            "license:mit",
            "dataset:d/e",
            "base_model:a/b",
            "base_model:quantized:a/b",
            "safetensors",
            "gguf",
            "llama",
        ]
    )


def test_a_card_cannot_make_endless_tags():
    many = cards.tags({"tags": [f"t{n}" for n in range(5000)] + ["x" * 5000]}, [], {})

    assert len(many) <= cards.MAX_TAGS
    assert all(len(tag) <= 200 for tag in many)


@pytest.mark.parametrize(
    ("card", "paths", "config", "relation"),
    [
        ({"base_model": ["a/b", "c/d"]}, [], {}, "merge"),
        ({"base_model": "a/b"}, ["adapter_config.json"], {}, "adapter"),
        ({"base_model": "a/b"}, ["x.gguf"], {}, "quantized"),
        ({"base_model": "a/b"}, ["quantize_config.json"], {}, "quantized"),
        ({"base_model": "a/b"}, [], {"quantization_config": {"quant_method": "awq"}}, "quantized"),
        ({"base_model": "a/b"}, [], {}, "finetune"),
        ({"base_model": "a/b", "base_model_relation": "merge"}, ["x.gguf"], {}, "merge"),
    ],
)
def test_the_relation_to_the_base_is_declared_or_follows_from_the_files(
    card, paths, config, relation
):
    assert cards.relation(card, paths, config) == relation


@pytest.mark.parametrize(
    ("text", "papers"),
    [
        (
            "See https://arxiv.org/abs/2407.21783v3 and arXiv:2307.09288.",
            ["2407.21783", "2307.09288"],
        ),
        (
            "[a](http://arxiv.org/pdf/2407.21783) [again](https://arxiv.org/abs/2407.21783)",
            ["2407.21783"],
        ),
        ("arxiv: 2407.21783", ["2407.21783"]),
        ("notarxiv:2407.21783 arxiv:24072.1783 arxiv:2407.217834 arxiv.org/abs/x 2407.21783", []),
    ],
)
def test_papers_are_named_by_their_number(text, papers):
    assert cards.papers(text) == [f"arxiv:{number}" for number in papers]


def test_a_text_cannot_name_endless_papers():
    text = " ".join(f"arxiv:{number:04}.00001" for number in range(1000, 3000))

    assert len(cards.papers(text)) == cards.MAX_PAPERS
