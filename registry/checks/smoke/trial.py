"""One model, stage by stage: a fault that blocks ends the trial, and the stages after it are skipped."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import numpy
import tokenizers
import torch
import transformers

from registry.checks.findings import Finding, Severity, block, show, warn
from registry.checks.smoke import loading, speed, text, weights
from registry.checks.smoke.behaviour import answers, cache, chance, finite, long, padding, repeats
from registry.checks.smoke.behaviour.subject import Subject, subject_of
from registry.checks.smoke.child import Reporter
from registry.checks.smoke.texts import PROBE

SEED = 0
STAGES = ("inspect", "weights", "text", "load", "forward", "generate", "measure", "behave")
GPU_SHARE = 0.95
# Figures of speed are not worth being stopped for.
LAST_START_OF_MEASURE = 0.75


def run(spec: dict[str, Any], reporter: Reporter) -> None:
    started = monotonic()
    torch.set_grad_enabled(False)
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Threads that wait for each other at every layer crawl as soon as anything else wants a core.
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    if torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(GPU_SHARE)
    reporter.send("facts", device=speed.device_facts(), versions=_versions())
    trial = Trial(spec, reporter)
    blocked = False
    for stage in STAGES:
        late = monotonic() - started > LAST_START_OF_MEASURE * spec["seconds"]
        if reason := _reason_to_skip(stage, spec["profile"], blocked=blocked, late=late):
            reporter.send("stage", stage=stage, status="skipped", reason=reason)
            continue
        blocked = trial.take(stage)
    reporter.send("metrics", metrics=trial.metrics)
    reporter.send("done")


def _reason_to_skip(stage: str, profile: str, *, blocked: bool, late: bool) -> str | None:
    if blocked:
        return "a fault came before"
    if stage in ("generate", "measure", "behave") and profile != "full":
        return "not part of this profile"
    return "too little time was left" if stage in ("measure", "behave") and late else None


class Trial:
    """What one stage leaves for the next."""

    def __init__(self, spec: dict[str, Any], reporter: Reporter) -> None:
        self.spec = spec
        self.reporter = reporter
        self.target = loading.Target(
            spec["kind"], Path(spec["folder"]), spec["file"], spec["parameters"]
        )
        self.file: str = spec["file"] or "config.json"
        self.metrics: dict[str, Any] = {"probe": PROBE, "seed": SEED}
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
        except loading.TooLarge as problem:
            yield warn("RUN-SKIPPED", f"The model was not run: {problem}.", file=self.file)
        except BaseException as error:
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
        loading.fits(self.target, memory_mib=self.spec["memory_mib"])
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
        yield from text.check(self.target, self.spec, send=self._record)
        self.tokenizer = text.load(self.target)

    def _load(self) -> Iterator[Finding]:
        self.model, findings, seconds = loading.load(self.target)
        self.metrics |= {"load_s": seconds, "dtype": str(self.model.dtype).removeprefix("torch.")}
        yield from findings
        if not any(name.endswith(".safetensors") for name in self.spec["weights"]):
            yield from loading.broken_parameters(self.model, self.file)
        self.subject = subject_of(
            self.model, self.tokenizer, file=self.file, is_chat=self.spec["chat"]
        )

    def _forward(self) -> Iterator[Finding]:
        self.metrics["tokens_tried"] = self.subject.context
        checks = [finite.check, repeats.check, cache.check, padding.check, long.check]
        if self.spec["profile"] == "full":
            checks.insert(1, chance.check)
        for check in checks:
            found = list(check(self.subject))
            yield from found
            if any(finding.severity is Severity.BLOCK for finding in found):
                break
        self.metrics |= self.subject.metrics

    def _generate(self) -> Iterator[Finding]:
        samples: list[dict[str, str]] = []
        yield from answers.check(self.subject, samples, send=self._record)
        for sample in samples:
            self.reporter.send("sample", **sample)

    def _measure(self) -> Iterator[Finding]:
        self.metrics |= speed.measure(self.subject)
        yield from ()

    def _behave(self) -> Iterator[Finding]:
        yield from ()


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
    }
