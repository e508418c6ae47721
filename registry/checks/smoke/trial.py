"""One model, stage by stage: a fault that blocks ends the trial, and the stages after it are skipped."""

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import numpy
import tokenizers
import torch
import transformers

from registry.checks.findings import Finding, Severity, block, show, warn
from registry.checks.smoke import devices, loading, speed, text, weights
from registry.checks.smoke.behaviour import (
    adapted,
    answers,
    baseline,
    cache,
    chance,
    finite,
    long,
    native,
    padding,
    pictures,
    quantized,
    refusals,
    repeats,
)
from registry.checks.smoke.behaviour.parent import Parent, encoded
from registry.checks.smoke.behaviour.subject import Subject, subject_of
from registry.checks.smoke.child import Reporter
from registry.checks.smoke.native import engine
from registry.checks.smoke.refusal_probes import REFUSALS
from registry.checks.smoke.texts import PROBE

SEED = 0
STAGES = ("inspect", "weights", "text", "load", "forward", "generate", "measure", "behave")
ONLY_FULL = ("generate", "measure", "behave")
# Figures of speed and counts of refusals are not worth being stopped for.
CAN_WAIT = ("measure", "behave")
LAST_START = 0.75


def run(
    spec: dict[str, Any],
    reporter: Reporter,
    pick: Callable[[], devices.Device] = devices.pick,
) -> None:
    started = monotonic()
    torch.set_grad_enabled(False)
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        device = pick()
        device.prepare()
        reporter.send("facts", device=device.facts(), versions=_versions())
        trial = Trial(spec, reporter, device)
        blocked = False
        for stage in STAGES:
            late = monotonic() - started > LAST_START * spec["seconds"]
            if reason := _reason_to_skip(stage, spec, blocked=blocked, late=late):
                reporter.send("stage", stage=stage, status="skipped", reason=reason)
                continue
            blocked = trial.take(stage)
    # Whatever the driver raises, when the card is gone the model is not to blame.
    except Exception as error:
        if not devices.is_lost(error):
            raise
        reporter.send("lost", reason=show(f"{type(error).__name__}: {error}"))
        return
    reporter.send("metrics", metrics=trial.metrics)
    reporter.send("done")


def _reason_to_skip(stage: str, spec: dict[str, Any], *, blocked: bool, late: bool) -> str | None:
    if blocked:
        return "a fault came before"
    if stage in ONLY_FULL and spec["profile"] != "full":
        return "not part of this profile"
    if stage == "text" and not spec["has_text"]:
        return "nothing here opens its tokenizer"
    if stage == "behave" and not spec["chat"]:
        return "not a chat model"
    return "too little time was left" if stage in CAN_WAIT and late else None


class Trial:
    """What one stage leaves for the next."""

    def __init__(self, spec: dict[str, Any], reporter: Reporter, device: devices.Device) -> None:
        self.spec = spec
        self.reporter = reporter
        self.device = device
        base = spec["base"] or {}
        folder = base.get("folder") if spec["kind"] == "adapter" else None
        self.target = loading.Target(
            spec["kind"],
            Path(spec["folder"]),
            spec["file"],
            spec["parameters"],
            Path(folder) if folder else None,
        )
        self.parent = Parent(**spec["parent"]) if spec["parent"] else None
        own = "adapter_config.json" if spec["kind"] == "adapter" else "config.json"
        self.file: str = spec["file"] or own
        self.metrics: dict[str, Any] = {"probe": PROBE, "seed": SEED, "chat": bool(spec["chat"])}
        self.model: Any = None
        self.tokenizer: Any = None
        self.subject: Subject

    def take(self, stage: str) -> bool:
        """Run one stage; True if it found something that blocks."""
        started = monotonic()
        self.reporter.send("stage", stage=stage, status="started")
        blocked = False
        for finding in self._guarded(stage):
            blocked |= finding.severity is Severity.BLOCK or finding.check == "RUN-SKIPPED"
            self.reporter.send("finding", finding=_as_sent(finding))
        status = "failed" if blocked else "done"
        seconds = round(monotonic() - started, 3)
        self.reporter.send("stage", stage=stage, status=status, seconds=seconds)
        return blocked

    def _guarded(self, stage: str) -> Iterator[Finding]:
        """Libraries raise what they like over a broken model, panics of the tokenizer included."""
        work: Callable[[], Iterator[Finding]] = getattr(self, f"_{stage}")
        try:
            yield from work()
        except (MemoryError, torch.OutOfMemoryError):
            yield self._out_of_memory(stage)
        except devices.TooLarge as problem:
            yield warn("RUN-SKIPPED", f"The model was not run: {problem}.", file=self.file)
        except BaseException as error:
            if devices.is_lost(error):
                raise
            if "can't allocate memory" in str(error):
                yield self._out_of_memory(stage)
            elif stage == "text":
                why = show(f"{type(error).__name__}: {error}")
                yield block("TOK-LOAD", f"The tokenizer cannot be loaded: {why}", file=self.file)
            else:
                why = show(f"{type(error).__name__}: {error}")
                what = "Loading" if stage == "load" else f"The stage {stage}"
                yield block("RUN-LOAD", f"{what} fails: {why}", file=self.file, where=stage)

    def _out_of_memory(self, stage: str) -> Finding:
        memory = self.spec["memory_mib"]
        return block(
            "RUN-OOM",
            f"The test was stopped: more than {memory} MiB of memory were wanted during {stage}.",
            file=self.file,
            threshold=memory,
            where=stage,
        )

    def _record(self, kind: str, data: dict[str, Any]) -> None:
        self.reporter.send("record", kind=kind, data=data)

    def _inspect(self) -> Iterator[Finding]:
        self.metrics["parameters"] = self.target.parameters
        yield from ()

    def _weights(self) -> Iterator[Finding]:
        last = [0.0]

        def progress(done: float) -> None:
            if done - last[0] >= 0.05:
                last[0] = done
                self.reporter.send("progress", stage="weights", done=round(done, 3))

        yield from weights.check(
            self.target.folder, self.spec, send=self._record, progress=progress
        )

    def _text(self) -> Iterator[Finding]:
        yield from text.check(self.target, self.spec, send=self.reporter.send)
        self.tokenizer = text.load(self.target)

    def _load(self) -> Iterator[Finding]:
        if why := self.spec["static"] or (not self.tokenizer and "it has no tokenizer"):
            raise devices.TooLarge(why)
        wanted = self.spec["parameters"]
        self.device.fits(self.target.kind, wanted, memory_mib=self.spec["memory_mib"])
        self.model, findings, seconds = loading.load(self.target, self.device)
        dtype = str(self.model.dtype).removeprefix("torch.")
        self.metrics |= {"load_s": seconds, "dtype": dtype}
        yield from findings
        if self.spec["format"] != "safetensors":
            yield from loading.broken_parameters(self.model, self.file)
        self.subject = subject_of(
            self.model,
            self.tokenizer,
            file=self.file,
            is_chat=self.spec["chat"],
            window=self.device.window,
        )
        self.subject.metrics = self.metrics

    def _forward(self) -> Iterator[Finding]:
        self.metrics["tokens_tried"] = self.subject.context
        blocks = False
        for check in self._forward_checks():
            found = list(check(self.subject))
            yield from found
            blocks |= any(finding.severity is Severity.BLOCK for finding in found)
            # The author sees every fault at once; only without numbers there is nothing to look at.
            if blocks and check is finite.check:
                return
        if blocks:
            return
        for reading in self.subject.readings:
            self._record("probe", encoded(reading))

    def _forward_checks(self) -> Iterator[Callable[[Subject], Iterator[Finding]]]:
        """The cheap ones and those that the others build upon first."""
        full, parent = self.spec["profile"] == "full", self.parent
        yield finite.check
        if full:
            yield chance.check
        yield repeats.check
        yield cache.check
        yield padding.check
        yield long.check
        if self.target.kind == "adapter":
            yield adapted.check
        if self.target.kind == "gguf":
            path = self.target.folder / self.target.file
            yield lambda subject: native.check(subject, path, with_speed=full)
        if full and parent and parent.relation == "quantized":
            yield lambda subject: quantized.check(subject, parent, bits=self.spec["bits"])
        elif full and parent:
            yield lambda subject: baseline.check(subject, parent)
        if pictures.takes_pictures(self.model):
            yield lambda subject: pictures.check(subject, self.target.folder)

    def _generate(self) -> Iterator[Finding]:
        samples: list[dict[str, str]] = []
        yield from answers.check(self.subject, samples, send=self._record)
        for sample in samples:
            self.reporter.send("sample", **sample)

    def _measure(self) -> Iterator[Finding]:
        yield from speed.measure(self.subject, self.device)

    def _behave(self) -> Iterator[Finding]:
        yield from refusals.check(self.subject, self.parent, send=self._record)


def _as_sent(finding: Finding) -> dict[str, Any]:
    sent = finding.as_json()
    return {key: value for key, value in sent.items() if key != "help"}


def _versions() -> dict[str, str]:
    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "numpy": numpy.__version__,
        "probe": PROBE,
        "refusals": REFUSALS,
        "gguf_engine": engine() or "none",
    }
