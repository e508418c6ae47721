"""Figures of a run beside those of its parent and the last release, and drawn over releases."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from registry.accounts.callers import Caller
from registry.catalog.models import Repository
from registry.checks.models import CheckRun
from registry.releases import measured
from registry.releases.measured import Measured
from registry.web import plots
from registry.web.plots import Plot, Series

TITLES = {
    "perplexity": _("Perplexity, English"),
    "decode_tok_s": _("Tokens per second"),
    "ttft_ms": _("Time to first token, ms"),
    "load_s": _("Load time, s"),
    "peak_rss_mb": _("Most memory, MiB"),
    "peak_gpu_mb": _("Most GPU memory, MiB"),
}
PLOTTED = ("perplexity", "decode_tok_s", "peak_rss_mb", "peak_gpu_mb")
# Speed says nothing about two models on unlike machines
OF_THE_MACHINE = {"decode_tok_s", "ttft_ms", "load_s", "peak_rss_mb", "peak_gpu_mb"}


def page(run: CheckRun, repository: Repository, *, caller: Caller) -> dict[str, Any]:
    """What the checks page shows of a finished run beside others."""
    beside = measured.beside(run, caller=caller)
    history = measured.over_releases(repository, caller=caller, run=run)
    return {
        "comparison": _table(beside),
        "plots": [drawn for name in PLOTTED if (drawn := _plot(name, history, beside.parent))],
    }


def _table(beside: measured.Beside) -> dict[str, Any]:
    """A row for each figure that this run has and another has as well."""
    this, others = beside.this, [one for one in (beside.last, beside.parent) if one]
    if this is None or not others:
        return {}
    rows = []
    for name, title in TITLES.items():
        value = this.figures.get(name)
        if value is None or not any(name in other.figures for other in others):
            continue
        cells = [_cell(name, this, other) for other in others]
        rows.append({"title": title, "value": plots.number(value), "cells": cells})
    return {"this": this, "others": others, "rows": rows} if rows else {}


def _cell(name: str, this: Measured, other: Measured) -> dict[str, str]:
    value = other.figures.get(name)
    shown = {"value": plots.number(value), "change": ""}
    is_comparable = name not in OF_THE_MACHINE or this.device == other.device
    if value and is_comparable:
        shown["change"] = f"{(this.figures[name] / value - 1) * 100:+.1f} %"
    return shown


def _plot(name: str, history: list[Measured], parent: Measured | None) -> Plot | None:
    """The figure over releases, a line for each device; None where there is nothing to compare."""
    of_name = [one for one in history if name in one.figures]
    labels = list(dict.fromkeys(one.label for one in of_name))
    devices = list(dict.fromkeys(one.device for one in of_name))
    if len(labels) < 2 and len(devices) < 2:
        return None
    values = {(one.label, one.device): one.figures[name] for one in of_name}
    series = [
        Series(device or "–", [values.get((label, device)) for label in labels])
        for device in devices
    ]
    level = parent.figures.get(name) if parent and name == "perplexity" else None
    return plots.plot(
        str(TITLES[name]),
        labels,
        series,
        level=level,
        level_name=parent.label if parent and level is not None else "",
    )
