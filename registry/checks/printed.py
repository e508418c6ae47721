"""A report as lines for a terminal: each finding with what, where, why it matters, how to mend it."""

import textwrap
from collections.abc import Iterator
from typing import Any

from registry.checks import catalogue, figures
from registry.checks.figures import Machine
from registry.checks.findings import show

WIDTH = 96
ROWS_OF_A_CHECK = 10
SIGNS = {"block": "✗ blocks", "warn": "! warns", "info": "· notes"}
VERDICTS = {
    "passed": "✓ passed",
    "warned": "! passed, with warnings",
    "blocked": "✗ blocked",
    "error": "↯ the checks could not be completed",
}
FIGURES = {
    "load_s": "load time (s)",
    "ttft_ms": "time to first token (ms)",
    "prefill_tok_s": "prompt tokens per second",
    "decode_tok_s": "tokens per second",
    "decode_tok_s_batch8": "tokens per second, 8 at once",
    "peak_rss_mb": "most memory (MiB)",
    "peak_gpu_mb": "most GPU memory (MiB)",
    "joules_per_1k_tok": "energy per 1,000 tokens (J)",
    "perplexity": "perplexity, English",
    **{name: f"perplexity, {text}" for name, text in figures.OF_TEXTS.items()},
}
BESIDE = {"base": "the base", "last": "the last release"}
OUTPUTS = {
    "perplexity_ratio": "perplexity over the base's, on the base's tokens",
    "kl_parent": "mean KL from the parent",
    "agreement_parent": "same first choice as the parent",
    "kl_adapter": "mean KL from the base without the adapter",
    "kl_cache_max": "most KL between cache and full pass",
}
SAMPLES, SAMPLE = 3, 84


def lines(report: dict[str, Any]) -> Iterator[str]:
    """The whole report. Texts in it were escaped when they were found."""
    for severity in SIGNS:
        yield from _of_severity(report["findings"], severity)
    yield from _told(report["stages"])
    yield from _figures(report)
    yield from _samples(report["samples"])
    yield from _origin(report["lineage"])
    if report["reason"]:
        yield from _wrapped("", report["reason"])
    yield _summary(report)


def progress(event: dict[str, Any]) -> str:
    """One line about a stage that began or ended, or nothing."""
    if event.get("event") != "stage":
        return ""
    took = f" ({event['seconds']:.1f} s)" if event.get("seconds") is not None else ""
    target = f" {show(event['target'])}" if event.get("target") else ""
    return f"… {event['stage']}{target}: {event['status']}{took}"


def _of_severity(findings: list[dict[str, Any]], severity: str) -> Iterator[str]:
    of_check: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        if finding["severity"] == severity:
            of_check.setdefault(finding["id"], []).append(finding)
    for check_id, rows in of_check.items():
        yield from _of_check(check_id, severity, rows)


def _of_check(check_id: str, severity: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    check = catalogue.CHECKS.get(check_id)
    yield f"{SIGNS[severity]}  {check_id}{f' · {check.title}' if check else ''}"
    for row in rows[:ROWS_OF_A_CHECK]:
        yield from _wrapped("    ", row["message"])
        if where := " · ".join(filter(None, (row["file"], row["where"]))):
            yield f"      in {where}"
    if len(rows) > ROWS_OF_A_CHECK:
        yield f"    … and {len(rows) - ROWS_OF_A_CHECK} more; --json has them all"
    if check and severity != "info":
        if check.matters:
            yield from _wrapped("    why:  ", check.matters)
        yield from _wrapped("    mend: ", check.remedy)
    yield ""


def _told(stages: list[dict[str, Any]]) -> Iterator[str]:
    """What was left out and why, and what else a stage has to say."""
    for stage in stages:
        of = f" of {show(stage['target'])}" if stage.get("target") else ""
        if stage["status"] == "skipped":
            yield f"» {stage['name']}{of} skipped: {stage['reason'] or 'no reason was told'}"
        elif stage["name"] == "base":
            took = f" ({stage['seconds']:.1f} s)" if stage["seconds"] is not None else ""
            yield f"» base {show(stage['target'])}{took}: {stage['reason']}"


def _origin(lineage: dict[str, Any] | None) -> Iterator[str]:
    if lineage and lineage.get("declared"):
        kind = f", {lineage['kind']}" if lineage.get("kind") else ""
        yield f"  comes from {show(lineage['declared'])}: {lineage['verdict']}{kind}"
        yield from _wrapped("    ", lineage["reason"] or "")


def _figures(report: dict[str, Any]) -> Iterator[str]:
    """Each figure, and how it differs from the base's and the last release's."""
    metrics = report["metrics"]
    this, machine = figures.figures_in(metrics), figures.machine_of(report["device"])
    beside = {name: metrics[name] for name in BESIDE if isinstance(metrics.get(name), dict)}
    if isinstance(metrics.get("parameters"), int):
        yield f"  parameters: {metrics['parameters']:,}"
    for name, title in FIGURES.items():
        if name in this:
            found = [_against(name, this[name], machine, beside[one], one) for one in beside]
            yield f"  {title}: {_number(this[name])}{''.join(found)}"
    if own := figures.fingerprint_of(metrics):
        asked = {k: said for k, said in beside.items() if figures.were_asked_alike(metrics, said)}
        found = [_same(own, said, machine, one) for one, said in asked.items()]
        yield f"  greedy fingerprint: {own[:12]}{''.join(found)}"
    yield from _drift(metrics)
    for one, said in beside.items():
        if figures.machine_of(said.get("device")) != machine:
            where = show(
                str(figures.machine_of(said.get("device"))) or "a machine that is not known"
            )
            yield f"  {BESIDE[one]} was measured on {where}: speed and memory are not compared"


def _against(name: str, ours: float, machine: Machine, said: dict[str, Any], one: str) -> str:
    theirs = said["figures"].get(name) if isinstance(said.get("figures"), dict) else None
    if not isinstance(theirs, int | float):
        return ""
    other = figures.machine_of(said.get("device"))
    found = figures.difference(name, ours, float(theirs), machine, other)
    if found is None:
        return f"; {BESIDE[one]} {_number(theirs)}"
    share = "" if found.share is None else f", {found.share:+.1%}"
    return f"; {BESIDE[one]} {_number(theirs)} ({_signed(found.amount)}{share})"


def _same(own: str, said: dict[str, Any], machine: Machine, one: str) -> str:
    """Other machines round otherwise, so that near ties fall otherwise."""
    theirs = str(said.get("greedy_fingerprint") or "")
    if not theirs:
        return ""
    if theirs == own:
        return f"; the same as {BESIDE[one]}"
    is_same_machine = figures.machine_of(said.get("device")) == machine
    return f"; {BESIDE[one]} answers otherwise" if is_same_machine else ""


def _drift(metrics: dict[str, Any]) -> Iterator[str]:
    """What was measured of the outputs against the parent, and by another engine."""
    for name, title in OUTPUTS.items():
        if isinstance(metrics.get(name), int | float):
            yield f"  {title}: {_number(metrics[name])}"
    if isinstance(native := metrics.get("native"), dict):
        told = ", ".join(f"{show(name)} {show(value)}" for name, value in native.items())
        yield f"  native engine: {told}"


def _samples(samples: list[dict[str, Any]]) -> Iterator[str]:
    """The answers, beside those of the base where it was asked the same."""
    for sample in samples[:SAMPLES]:
        yield f"  » {_short(sample['prompt'])}"
        if "base" in sample:
            yield f"      base: {_short(sample['base'])}"
        yield f"      {'this: ' if 'base' in sample else ''}{_short(sample['output'])}"


def _short(text: str) -> str:
    return textwrap.shorten(show(" ".join(text.split())), SAMPLE, placeholder=" …") or "(nothing)"


def _number(value: float) -> str:
    """With as many places as tell something."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{_number(abs(value))}"


def _summary(report: dict[str, Any]) -> str:
    found = [finding["severity"] for finding in report["findings"]]
    warned = found.count("warn")
    counts = f"{found.count('block')} blocking, {warned} warning{'' if warned == 1 else 's'}"
    device = (report["device"] or {}).get("kind", "")
    on = f" on {device}" if device else ""
    took = f"{report['seconds']:.1f} s"
    return f"{VERDICTS[report['verdict']]}: {counts} ({took}{on}, catalogue {report['catalogue']})"


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start)) or [
        start
    ]
