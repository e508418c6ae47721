"""A check report arranged for reading: the way so far, findings by what to do, what was measured."""

from collections.abc import Callable
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from registry.accounts.callers import Caller
from registry.checks import overrides, reports
from registry.checks.models import CheckRun
from registry.releases import evidence
from registry.releases.gate import Answer
from registry.web import finding_places, measured_lineage

STAGES = {
    "upload": gettext_lazy("while uploading"),
    "scan": gettext_lazy("scan of every file"),
    "inspect": gettext_lazy("look at the files"),
    "weights": gettext_lazy("every weight"),
    "text": gettext_lazy("tokenizer and templates"),
    "load": gettext_lazy("load"),
    "run": gettext_lazy("run"),
    "forward": gettext_lazy("run"),
    "generate": gettext_lazy("answer prompts"),
    "measure": gettext_lazy("measure speed"),
    "behave": gettext_lazy("compare refusals"),
    "lineage": gettext_lazy("where it comes from"),
}
# A stage that is over says whether it ran, never whether the model is good: that is the verdict
LOOKS = {
    "queued": ("is-unknown", "…", gettext_lazy("waits")),
    "running": ("is-running", "◔", gettext_lazy("running")),
    "done": ("is-unknown", "✓", gettext_lazy("done")),
    "skipped": ("is-unknown", "»", gettext_lazy("skipped")),
    "failed": ("is-blocked", "✗", gettext_lazy("ended early")),
}
MEASURES: list[tuple[str, Any, Callable[[Any], str]]] = [
    ("parameters", gettext_lazy("Parameters"), lambda value: str(intcomma(value))),
    ("dtype", gettext_lazy("Number format"), str),
    ("load_s", gettext_lazy("Load time"), lambda value: f"{value} s"),
    ("ttft_ms", gettext_lazy("Time to first token"), lambda value: f"{value} ms"),
    ("prefill_tok_s", gettext_lazy("Prompt tokens per second"), str),
    ("decode_tok_s", gettext_lazy("Tokens per second"), str),
    ("decode_tok_s_batch8", gettext_lazy("Tokens per second, 8 at once"), str),
    ("peak_rss_mb", gettext_lazy("Most memory"), lambda value: f"{intcomma(value)} MiB"),
    ("peak_gpu_mb", gettext_lazy("Most GPU memory"), lambda value: f"{intcomma(value)} MiB"),
    ("joules_per_1k_tok", gettext_lazy("Energy per 1,000 tokens"), lambda value: f"{value} J"),
    ("perplexity", gettext_lazy("Perplexity"), str),
    ("kl_cache_max", gettext_lazy("Cache divergence (KL)"), str),
    ("kl_parent", gettext_lazy("Divergence from the parent (KL)"), str),
    ("agreement_parent", gettext_lazy("Same first choice as the parent"), str),
    ("greedy_fingerprint", gettext_lazy("Greedy fingerprint"), lambda value: str(value)[:12]),
]


def report(run: CheckRun | None, answer: Answer, *, by: Caller) -> dict[str, Any]:
    """What the checks page shows this visitor of a run, where the gate gave this answer on its
    revision."""
    if run is None:
        return {"run": None}
    document = evidence.report_for(run, answer, by=by)
    progress = reports.progress_of(run, by=by)
    stages = [_stage(stage) for stage in document["stages"]]
    groups = _with_overrides(run)
    finding_places.tell(groups, run, is_open=answer.is_open, by=by)
    return {
        "run": run,
        "is_live": progress["is_live"],
        "jobs": [
            job | {"behind_until": parse_datetime(job["behind_until"] or "")}
            for job in progress["jobs"]
        ],
        "stages": stages,
        "not_run": [stage for stage in stages if stage["status"] == "skipped"],
        "groups": groups,
        "is_overridden": all(one.is_lifted for one in groups if one.severity == "block"),
        "measured": _measured(document.get("metrics") or {}),
        "lineage": measured_lineage.shown(document.get("lineage"), caller=by),
        "device": document.get("device") or {},
        "isolation": document.get("isolation") or {},
        "versions": document.get("versions") or {},
        "samples": document.get("samples") or [],
    }


def _with_overrides(run: CheckRun) -> list[reports.Group]:
    """The findings, each block with what maintainers wrote to lift it."""
    groups = reports.grouped(run)
    if any(group.severity == "block" for group in groups):
        written = list(overrides.of(run.revision))
        lifted = overrides.lifted(run.revision)
        for group in groups:
            if group.severity == "block":
                group.overrides = [one for one in written if one.check_id == group.check_id]
                group.is_lifted = group.check_id in lifted
    return groups


def summary(run: CheckRun | None) -> str:
    """The findings in one line: how many of each severity."""
    found = {"block": 0, "warn": 0, "info": 0}
    if run is None:
        return ""
    for row in run.findings.all():
        found[row.severity] = found.get(row.severity, 0) + 1
    return " · ".join(
        (
            ngettext("%d blocking", "%d blocking", found["block"]) % found["block"],
            ngettext("%d warning", "%d warnings", found["warn"]) % found["warn"],
            ngettext("%d note", "%d notes", found["info"]) % found["info"],
        )
    )


def _stage(stage: dict[str, Any]) -> dict[str, Any]:
    look, sign, word = LOOKS.get(stage["status"], LOOKS["queued"])
    return stage | {
        "title": STAGES.get(stage["name"], stage["name"]),
        "look": look,
        "sign": sign,
        "word": word,
    }


def _measured(metrics: dict[str, Any]) -> dict[str, Any]:
    """A table: a column for each model file that was tried, a row for each figure that is there."""
    targets = metrics.get("targets")
    columns = targets if isinstance(targets, dict) and targets else {"": metrics}
    rows = []
    for key, title, shown in MEASURES:
        values = [figures.get(key) for figures in columns.values()]
        for suffix, parts in _by_part(values):
            if any(part is not None for part in parts):
                rows.append(
                    (f"{title}{suffix}", ["–" if part is None else shown(part) for part in parts])
                )
    return {"columns": list(columns), "rows": rows}


def _by_part(values: list[Any]) -> list[tuple[str, list[Any]]]:
    """A figure that was taken for several languages has a row for each of them."""
    languages = dict.fromkeys(name for value in values if isinstance(value, dict) for name in value)
    if not languages:
        return [("", values)]
    return [
        (f", {name}", [value.get(name) if isinstance(value, dict) else None for value in values])
        for name in languages
    ]


def asked_for(version: str) -> str:
    """What a contributor is told after asking for a release."""
    return _("%(version)s is in review. This page says so when a maintainer has decided.") % {
        "version": version
    }
