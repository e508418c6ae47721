"""One loaded model, many breaks: each check finds its own, and nothing in a sound model."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from registry.checks.findings import Finding, Severity  # noqa: E402
from registry.checks.smoke.behaviour import (  # noqa: E402
    adapted,
    answers,
    baseline,
    cache,
    chance,
    finite,
    long,
    padding,
    pictures,
    quantized,
    refusals,
    repeats,
)
from registry.checks.smoke.behaviour.parent import Parent, encoded  # noqa: E402
from registry.checks.smoke.behaviour.subject import Subject  # noqa: E402
from registry.checks.smoke.refusal_probes import CATEGORIES  # noqa: E402
from tests.checks.smoke import subjects  # noqa: E402
from tests.checks.smoke.subjects import Says, Twist, Twisted  # noqa: E402

pytestmark = pytest.mark.slow

FORWARD = (finite.check, repeats.check, cache.check, padding.check, long.check)


@pytest.fixture(scope="module", autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def model() -> Any:
    return subjects.llama()


@pytest.fixture(scope="module")
def sound(model: Any) -> Subject:
    """The sound model, with the fixed texts read."""
    found = subjects.subject(model)
    assert said(finite.check(found)) == []
    return found


def said(found: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(finding.check, finding.severity.value) for finding in found]


def twisted(model: Any, twist: Twist, *, is_chat: bool = False) -> Subject:
    return subjects.subject(Twisted(model, twist), is_chat=is_chat)


def kept(_: str, __: dict[str, Any]) -> None:
    """Where a record is of no interest."""


def record_of(subject: Subject) -> dict[str, Any]:
    metrics = {"probe": "probe-v1", **subject.metrics}
    return {"metrics": metrics, "probe": [encoded(each) for each in subject.readings]}


def parent_of(subject: Subject, **rest: Any) -> Parent:
    return Parent("lab/parent", record_of(subject), "quantized", **rest)


@pytest.mark.parametrize("family", [subjects.llama, subjects.mllama, subjects.llama4])
def test_sound_models_of_every_family_show_no_fault(family: Callable[[], Any]) -> None:
    subject = subjects.subject(family())

    for check in FORWARD:
        assert said(check(subject)) == [], check.__module__
    assert subject.metrics["kl_cache_max"] <= 1e-4
    assert subject.metrics["kl_padding_max"] <= 1e-4
    assert subject.metrics["tokens_tried"] == 512
    assert said(answers.check(subject, [], send=kept)) == []


def no_number(_: dict[str, Any], output: Any) -> None:
    output.logits[..., 7] = float("nan")


def never_the_last(_: dict[str, Any], output: Any) -> None:
    output.logits[..., -1] = float("-inf")


def other_with_cache(given: dict[str, Any], output: Any) -> None:
    if given.get("past_key_values") is not None:
        output.logits = output.logits.roll(1, -1)


def other_when_padded(given: dict[str, Any], output: Any) -> None:
    if "attention_mask" in given and not given["attention_mask"].all():
        output.logits = output.logits.roll(1, -1)


def lost_at_the_end(given: dict[str, Any], output: Any) -> None:
    length = given["input_ids"].shape[1]
    output.logits[:, length * 3 // 4 :] *= 20


class Moody:
    """Says something else every time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _: dict[str, Any], output: Any) -> None:
        self.calls += 1
        output.logits = output.logits.roll(self.calls, -1)


@pytest.mark.parametrize(
    ("twist", "check", "finding"),
    [
        (no_number, finite.check, ("RUN-FINITE", "block")),
        (Moody(), repeats.check, ("RUN-DETERMINISM", "block")),
        (other_with_cache, cache.check, ("RUN-KVCACHE", "block")),
        (no_number, cache.check, ("RUN-KVCACHE", "block")),
        (other_when_padded, padding.check, ("RUN-PADDING", "warn")),
        (lost_at_the_end, long.check, ("RUN-LONG", "warn")),
        (no_number, long.check, ("RUN-LONG", "block")),
        (never_the_last, long.check, ("RUN-LONG", "block")),
    ],
    ids=["nan", "moody", "cache", "cache-nan", "padding", "long", "long-nan", "long-infinity"],
)
def test_a_break_is_found_by_its_check(
    model: Any, twist: Twist, check: Any, finding: tuple[str, str]
) -> None:
    assert said(check(twisted(model, twist))) == [finding]


def test_answers_are_given_one_by_one_where_batches_are_read_wrongly(model: Any) -> None:
    alone, together = subjects.subject(model), twisted(model, other_when_padded)
    list(padding.check(together))

    list(answers.check(alone, expected := [], send=kept))
    list(answers.check(together, given := [], send=kept))

    assert given == expected
    assert alone.metrics["greedy_fingerprint"] == together.metrics["greedy_fingerprint"]


def test_random_weights_are_no_better_than_chance(model: Any, sound: Subject) -> None:
    sure = twisted(model, lambda _, output: output.logits.mul_(0))
    list(finite.check(sure))

    assert said(chance.check(sure)) == [("QUAL-UNIFORM", "block")]


@pytest.mark.parametrize(
    ("better", "severity"), [(0.2, None), (1.0, "warn"), (3.0, "block")], ids=str
)
def test_perplexity_is_compared_with_the_base(
    sound: Subject, better: float, severity: str | None
) -> None:
    record = record_of(sound)
    nll = {name: loss - better for name, loss in record["metrics"]["nll"].items()}
    base = Parent("lab/base", {"metrics": {**record["metrics"], "nll": nll}})

    found = list(baseline.check(sound, base))

    wanted = [("QUAL-BASE", severity)] if severity else []
    assert [(each.check, each.severity.value) for each in found] == wanted
    assert all(each.message.startswith("Perplexity ") for each in found)


@pytest.mark.parametrize("broken", [{}, {"metrics": 3}, {"metrics": {"probe": "probe-v0"}}])
def test_a_base_of_which_nothing_fits_is_not_compared_with(
    sound: Subject, broken: dict[str, Any]
) -> None:
    parent = Parent("lab/base", {**broken, "probe": [{"text": "en", "ids": "!"}]})

    assert said(baseline.check(sound, parent)) == []
    assert said(quantized.check(sound, parent, bits=4)) == []


def test_a_record_that_lies_about_its_size_is_not_used(sound: Subject) -> None:
    record = record_of(sound)
    for data in record["probe"]:
        data["ids"] = data["ids"][:-8]

    assert said(quantized.check(sound, Parent("lab/base", record), bits=4)) == []


@pytest.mark.parametrize(
    ("noise", "sharper", "bits", "finding"),
    [
        (0.0, 1.0, 8, []),
        (0.12, 1.0, 4, []),
        (0.0, 1.2, 8, [("RUN-BACKEND", "warn")]),
        (0.8, 1.0, 4, [("QUANT-DRIFT", "warn")]),
        (6.0, 1.0, 4, [("QUANT-DRIFT", "block")]),
    ],
)
def test_what_quantization_lost_is_measured(
    model: Any,
    sound: Subject,
    noise: float,
    sharper: float,
    bits: float,
    finding: list[tuple[str, str]],
) -> None:
    generator = torch.Generator().manual_seed(5)

    def noisy(_: dict[str, Any], output: Any) -> None:
        output.logits *= sharper
        output.logits += noise * torch.randn(output.logits.shape, generator=generator)

    packed = twisted(model, noisy)
    list(finite.check(packed))

    found = quantized.check(packed, parent_of(sound, is_declared=True), bits=bits)
    assert said(found) == finding, packed.metrics
    guessed = list(quantized.check(packed, parent_of(sound), bits=bits))
    assert all(each.severity is Severity.WARN for each in guessed)


def test_loops_and_deaf_models_are_found(model: Any) -> None:
    deaf = twisted(model, Says(lambda _: "na " * 99))
    samples: list[dict[str, str]] = []

    found = said(answers.check(deaf, samples, send=kept))

    assert found == [("GEN-DEGENERATE", "warn"), ("GEN-PROMPT", "block")]
    assert samples[0]["output"].startswith("na na na ")


def test_short_answers_that_end_are_no_loops(model: Any) -> None:
    brief = twisted(model, Says(lambda row: f"Yes {sum(row) % 97}."), is_chat=True)

    assert said(answers.check(brief, [], send=kept)) == []
    assert brief.metrics["answers_without_end"] == 0


def test_a_chat_model_that_never_ends_is_found(model: Any) -> None:
    endless = twisted(
        model, Says(lambda row: "".join(str(sum(row) * n) for n in range(99))), is_chat=True
    )

    assert said(answers.check(endless, [], send=kept)) == [("GEN-STOP", "warn")]
    assert endless.metrics["answers_without_end"] == 4


def test_pictures_are_looked_at(tmp_path: Path) -> None:
    """By a Llama 4; the other family goes through the sandbox with its processor."""
    model = subjects.llama4()
    folder = subjects.put_processor(tmp_path)
    subject = subjects.subject(model)

    assert pictures.takes_pictures(model)
    assert said(pictures.check(subject, folder)) == []
    assert subject.metrics["kl_picture"] > 1e-3

    for parameter in model.get_submodule(
        "model.multi_modal_projector" if hasattr(model, "model") else "multi_modal_projector"
    ).parameters():
        parameter.zero_()
    assert said(pictures.check(subject, folder)) == [("MM-IMAGE", "warn")]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": {"height": 56, "width": 56}}, "the model takes 28"),
        ({"image_std": [0, 1, 1]}, "image_std is [0.0, 1.0, 1.0]"),
        ({"image_mean": "grey"}, "image_mean is grey"),
        (None, "preprocessor_config.json is missing"),
    ],
)
def test_a_processor_that_does_not_fit_is_blocked(
    changes: dict[str, Any] | None, why: str, tmp_path: Path
) -> None:
    if changes is not None:
        subjects.put_processor(tmp_path, **changes)

    [finding] = pictures.check(subjects.subject(subjects.llama4()), tmp_path)

    assert (finding.check, finding.severity.value) == ("MM-IMAGE", "block")
    assert why in finding.message


def test_a_processor_that_the_library_cannot_use_is_blocked(tmp_path: Path) -> None:
    """This kind needs a library that no worker has, and fits no such model."""
    (tmp_path / "config.json").write_text('{"model_type": "mllama"}')
    subjects.put_processor(tmp_path, image_processor_type="Llama4ImageProcessor")

    [finding] = pictures.check(subjects.subject(subjects.mllama()), tmp_path)

    assert (finding.check, finding.severity.value) == ("MM-IMAGE", "block")
    assert finding.message.startswith("The picture processor cannot be used: ")


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of one library about the other
def test_an_adapter_has_an_effect_or_is_found_to_have_none() -> None:
    import peft

    settings = peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    subject = subjects.subject(peft.get_peft_model(subjects.llama(), settings))
    list(finite.check(subject))

    assert said(adapted.check(subject)) == []
    assert subject.metrics["kl_adapter"] > 1e-6

    for name, parameter in subject.model.named_parameters():
        if "lora_B" in name:
            parameter.zero_()
    subject.readings.clear()
    list(finite.check(subject))
    assert said(adapted.check(subject)) == [("LORA-EFFECT", "warn")]


def test_refusals_are_counted_and_compared_and_no_answer_is_kept(model: Any) -> None:
    records: list[tuple[str, dict[str, Any]]] = []
    strict = twisted(model, Says(lambda _: "I cannot help"), is_chat=True)
    found = list(refusals.check(strict, None, send=lambda *said: records.append(said)))

    assert [each.message for each in found] == [
        f"Refuses {3 * len(CATEGORIES)} of {3 * len(CATEGORIES)}.",
        f"Refuses {len(CATEGORIES)} of {len(CATEGORIES)} harmless questions.",
    ]
    assert {(each.check, each.severity.value) for each in found} == {
        ("SAFE-PROBE", "info"),
        ("SAFE-PROBE", "warn"),
    }
    [(kind, counts)] = records
    assert kind == "refusals"
    assert all(isinstance(value, int) for name, value in counts.items() if name != "probes")

    willing = twisted(model, Says(lambda _: "Sure, here"), is_chat=True)
    base = Parent("lab/base", {"refusals": [counts]})
    assert said(refusals.check(willing, base, send=kept)) == [
        ("SAFE-PROBE", "info"),
        ("SAFE-PROBE", "warn"),
    ]
    assert said(refusals.check(willing, None, send=kept)) == [("SAFE-PROBE", "info")]


@pytest.mark.parametrize(
    ("text", "is_refusal"),
    [
        ("I’m sorry, but no.", True),
        ("  I cannot do that.", True),
        ("I can do that.", False),
        ("Sorry to hear that.", False),
        ("As an AI language model", True),
    ],
)
def test_a_refusal_is_known_by_how_it_begins(text: str, is_refusal: bool) -> None:
    assert refusals.is_refusal(text) is is_refusal
    assert refusals.may_become_refusal(text[:3])


def test_the_requests_are_published() -> None:
    page = (Path(__file__).parents[3] / "docs" / "smoke.md").read_text()

    for category in CATEGORIES:
        assert all(text in page for text in (*category.requests, category.twin))
