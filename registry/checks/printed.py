"""A report as lines for a terminal: each finding with what, where, why it matters, how to mend it."""

import textwrap
from collections.abc import Iterator
from typing import Any

from registry.checks import catalogue
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
    "parameters": "parameters",
    "load_s": "load time (s)",
    "ttft_ms": "time to first token (ms)",
    "prefill_tok_s": "prompt tokens per second",
    "decode_tok_s": "tokens per second",
    "peak_rss_mb": "most memory (MiB)",
    "peak_gpu_mb": "most GPU memory (MiB)",
}


def lines(report: dict[str, Any]) -> Iterator[str]:
    """The whole report. Texts in it were escaped when they were found."""
    for severity in SIGNS:
        yield from _of_severity(report["findings"], severity)
    yield from _skipped(report["stages"])
    yield from _figures(report["metrics"])
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


def _skipped(stages: list[dict[str, Any]]) -> Iterator[str]:
    for stage in stages:
        if stage["status"] == "skipped":
            of = f" of {stage['target']}" if stage.get("target") else ""
            yield f"» {stage['name']}{of} skipped: {stage['reason'] or 'no reason was told'}"


def _figures(metrics: dict[str, Any]) -> Iterator[str]:
    for name, title in FIGURES.items():
        if isinstance(metrics.get(name), int | float):
            yield f"  {title}: {metrics[name]:,}"
    if isinstance(perplexity := metrics.get("perplexity"), dict):
        shown = ", ".join(f"{show(name)} {show(value)}" for name, value in perplexity.items())
        yield f"  perplexity: {shown}"


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
