"""The device at its edge: a card that is lost, taken, too small or metered, without a card."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from registry.checks.smoke import devices, speed, trial  # noqa: E402
from registry.checks.smoke.devices import MIB, Cuda, Lost, TooLarge, is_lost  # noqa: E402
from tests.checks import models  # noqa: E402
from tests.checks.smoke import subjects  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


class Card(Cuda):
    """Stands in for the driver; the arithmetic happens on the processor."""

    decoded = 4

    def __init__(self, *, free: int = 80_000, total: int = 81_000) -> None:
        self.torch = torch.device("cpu")
        self.free, self.total = free * MIB, total * MIB
        self.is_limited = False
        self.fails = ""
        self.energy = 0

    def limit(self) -> None:
        self.is_limited = True

    def memory(self) -> tuple[int, int]:
        return self.free, self.total

    def wait(self) -> None:
        if self.fails:
            raise RuntimeError(self.fails)

    def peak_mib(self) -> int | None:
        return 1234

    def millijoules(self) -> int | None:
        self.energy += 800
        return self.energy

    def name(self) -> str:
        return "A card"


class Reporter:
    """Keeps what the program says."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def send(self, event: str, **rest: Any) -> None:
        self.events.append({"event": event, **json.loads(json.dumps(rest))})


def spec_of(folder: Path, **changes: Any) -> dict[str, Any]:
    for name, data in models.llama().items():
        (folder / name).write_bytes(data)
    found = {"kind": "transformers", "folder": str(folder), "file": "", "format": "safetensors"}
    found |= {"weights": ["model.safetensors"], "parameters": 1000, "profile": "structural"}
    found |= {"chat": False, "memory_mib": 4096, "seconds": 100, "static": "", "has_text": True}
    return {**found, "bits": 32, "parent": None, "base": None, **changes}


@pytest.mark.parametrize(
    ("message", "lost"),
    [
        ("CUDA error: unspecified launch failure", True),
        ("CUDA error: uncorrectable ECC error encountered", True),
        ("CUDA error: an illegal memory access was encountered", True),
        ("CUDA error: device-side assert triggered", False),
        ("CUDA-capable device(s) is/are busy or unavailable", True),
        ("No CUDA GPUs: the driver fell asleep", False),
        ("The model uses unknown hardware", False),
    ],
)
def test_a_lost_device_is_known_by_what_the_driver_says(message: str, lost: bool) -> None:
    assert is_lost(RuntimeError(message)) is lost


def test_a_card_that_somebody_else_uses_is_our_fault(tmp_path: Path) -> None:
    reporter = Reporter()

    trial.run(spec_of(tmp_path), reporter, lambda: Card(free=9_000))  # type: ignore[arg-type]

    [lost] = reporter.events
    assert lost["event"] == "lost"
    assert "another program uses the device: 9000 of 81000 MiB are free" in lost["reason"]


def test_a_card_that_fails_in_the_middle_is_no_verdict(tmp_path: Path) -> None:
    card, reporter = Card(), Reporter()
    card.prepare()
    test = trial.Trial(spec_of(tmp_path), reporter, card)  # type: ignore[arg-type]
    test.tokenizer = subjects.tokenizer()
    card.fails = "CUDA error: unspecified launch failure"

    with pytest.raises(RuntimeError) as error:
        test.take("load")

    assert is_lost(error.value)
    assert card.is_limited
    assert not [event for event in reporter.events if event["event"] == "finding"]


def test_a_fault_of_the_model_on_the_card_is_a_verdict(tmp_path: Path) -> None:
    card, reporter = Card(), Reporter()
    test = trial.Trial(spec_of(tmp_path), reporter, card)  # type: ignore[arg-type]
    test.tokenizer = subjects.tokenizer()
    card.fails = "CUDA error: device-side assert triggered"

    assert test.take("load")
    [finding] = [each["finding"] for each in reporter.events if each["event"] == "finding"]
    assert finding["id"] == "RUN-LOAD"


def test_memory_that_the_model_wants_beyond_the_card_is_a_verdict(tmp_path: Path) -> None:
    class Full(Card):
        def wait(self) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    reporter = Reporter()
    test = trial.Trial(spec_of(tmp_path), reporter, Full())  # type: ignore[arg-type]
    test.tokenizer = subjects.tokenizer()

    assert test.take("load")
    assert reporter.events[-2]["finding"]["id"] == "RUN-OOM"


def test_the_card_takes_what_fits_and_leaves_the_rest_to_a_maintainer() -> None:
    card = Card(total=16_000)

    card.fits("transformers", 6_000_000_000, memory_mib=0)
    with pytest.raises(TooLarge, match=r"it needs about \d+ MiB, and this GPU gives 15200"):
        card.fits("transformers", 8_000_000_000, memory_mib=0)
    with pytest.raises(TooLarge, match="at most 3 billion are run"):
        devices.Cpu().fits("transformers", 8_000_000_000, memory_mib=10**9)


def test_models_run_in_half_precision_on_a_card_and_are_measured(tmp_path: Path) -> None:
    card, reporter = Card(), Reporter()
    test = trial.Trial(spec_of(tmp_path), reporter, card)  # type: ignore[arg-type]
    test.tokenizer = subjects.tokenizer()

    assert not test.take("load"), reporter.events
    assert not test.take("forward"), reporter.events
    [finding] = speed.measure(test.subject, card)

    assert test.metrics["dtype"] == "bfloat16"
    assert test.metrics["peak_gpu_mb"] == 1234
    # Two readings of the meter, 0.8 J apart, around four tokens.
    assert test.metrics["joules_per_1k_tok"] == 200
    assert (finding.check, finding.severity.value) == ("PERF", "info")
    assert {"ttft_ms", "decode_tok_s", "decode_tok_s_batch8", "prefill_tok_s"} <= {*test.metrics}
    assert card.facts()["memory_mb"] == 81_000


def test_a_lost_card_is_told_apart_from_other_errors() -> None:
    assert is_lost(Lost("another program uses the device"))
    assert not is_lost(ValueError("unknown error"))
