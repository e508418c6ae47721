"""Figures and answers of a run beside those of its parent and the last release, and over releases."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from registry.accounts.callers import Caller
from registry.catalog.models import Repository
from registry.checks import figures
from registry.checks.figures import Machine
from registry.checks.models import CheckRun
from registry.releases import measured
from registry.releases.measured import Measured
from registry.web import plots
from registry.web.plots import Plot, Series

TITLES = {
    "perplexity": gettext_lazy("Perplexity, English"),
    "perplexity_science": gettext_lazy("Perplexity, science"),
    "perplexity_code": gettext_lazy("Perplexity, code"),
    "perplexity_de": gettext_lazy("Perplexity, German"),
    "perplexity_es": gettext_lazy("Perplexity, Spanish"),
    "load_s": gettext_lazy("Load time, s"),
    "ttft_ms": gettext_lazy("Time to first token, ms"),
    "prefill_tok_s": gettext_lazy("Prompt tokens per second"),
    "decode_tok_s": gettext_lazy("Tokens per second"),
    "decode_tok_s_batch8": gettext_lazy("Tokens per second, 8 at once"),
    "peak_rss_mb": gettext_lazy("Most memory, MiB"),
    "peak_gpu_mb": gettext_lazy("Most GPU memory, MiB"),
    "joules_per_1k_tok": gettext_lazy("Energy per 1,000 tokens, J"),
}
# Those that are the same for all of them, or say already what they compare
FACTS = {
    "kl_parent": gettext_lazy("Divergence from the parent (KL)"),
    "agreement_parent": gettext_lazy("Same first choice as the parent"),
    "perplexity_ratio": gettext_lazy("Perplexity over the base's, on the base's tokens"),
    "kl_adapter": gettext_lazy("Divergence that the adapter makes (KL)"),
    "kl_cache_max": gettext_lazy("Cache divergence (KL)"),
    "parameters": gettext_lazy("Parameters"),
    "dtype": gettext_lazy("Number format"),
}
OF_NATIVE = {
    "kl": gettext_lazy("Native engine: divergence (KL)"),
    "agreement": gettext_lazy("Native engine: same first choice"),
    "decode_tok_s": gettext_lazy("Native engine: tokens per second"),
    "load_s": gettext_lazy("Native engine: load time, s"),
}
PLOTTED = ("perplexity", "decode_tok_s", "prefill_tok_s", "peak_gpu_mb", "peak_rss_mb")
# What processors make of the same work differs by so much from run to run
ABOUT, ABOUT_PERPLEXITY = 0.05, 0.005


def page(run: CheckRun, repository: Repository, *, caller: Caller) -> dict[str, Any]:
    """What the checks page shows of a finished run beside others."""
    beside = measured.beside(run, caller=caller)
    if beside.this is None:
        return {}
    others = [one for one in (beside.last, beside.parent) if one]
    history = measured.over_releases(repository, caller=caller, run=run)
    drawn = {name: _plot(name, history, beside.parent) for name in TITLES}
    return {
        "comparison": {
            "this": _column(beside.this),
            "others": [_column(one, beside.this) for one in others],
            "rows": _rows(beside.this, others),
            "sentences": [_sentence(beside.this, one) for one in others],
        },
        "answers": _answers(run, [one for one in others if _is_alike(beside.this, one)]),
        "plots": [drawn[name] for name in PLOTTED if drawn[name]],
        "more_plots": [one for name, one in drawn.items() if one and name not in PLOTTED],
    }


def _column(one: Measured, this: Measured | None = None) -> dict[str, Any]:
    """`is_elsewhere`: speed and memory say nothing beside this run's."""
    return {
        "label": one.label,
        "device": _machine(one.machine),
        "is_elsewhere": this is not None
        and not figures.may_compare("decode_tok_s", this.machine, one.machine),
    }


def _machine(one: Machine) -> str:
    if one.threads is None:
        return str(one)
    return ngettext("%(name)s, %(count)d thread", "%(name)s, %(count)d threads", one.threads) % {
        "name": one,
        "count": one.threads,
    }


def _rows(this: Measured, others: list[Measured]) -> list[dict[str, Any]]:
    """A row for each figure that this run has or another has."""
    rows = []
    for name, title in TITLES.items():
        if any(name in one.figures for one in (this, *others)):
            cells = [_cell(name, this, other) for other in others]
            rows.append(_row(title, plots.number(this.figures.get(name)), cells))
    if own := figures.fingerprint_of(this.told):
        cells = [_same_answers(own, this, other) for other in others]
        rows.append(_row(_("Greedy fingerprint"), own[:12], cells))
    if any(_refusals(one) for one in (this, *others)):
        cells = [_only(other, _refusals(other)) for other in others]
        rows.append(_row(_("Requests refused"), _refusals(this) or "–", cells))
    for titles, of in ((FACTS, _told), (OF_NATIVE, _native)):
        for name, title in titles.items():
            if value := _plain(of(this, name)):
                cells = [_only(other, _plain(of(other, name))) for other in others]
                rows.append(_row(title, value, cells))
    return rows


def _row(title: Any, value: str, cells: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": title, "value": value, "cells": cells}


def _only(other: Measured, value: str) -> dict[str, Any]:
    """A value that no difference is told of."""
    return {"label": other.label, "value": value or "–"}


def _told(one: Measured, name: str) -> Any:
    return one.told.get(name)


def _native(one: Measured, name: str) -> Any:
    """What an engine of the format's own measured of the same file."""
    found = one.told.get("native")
    return found.get(name) if isinstance(found, dict) else None


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return plots.number(value) if value >= 1 or not value else str(number_format(f"{value:.4g}"))


def _cell(name: str, this: Measured, other: Measured) -> dict[str, Any]:
    """The figure of the other, and how this one's differs from it."""
    value = other.figures.get(name)
    found = figures.difference(name, this.figures.get(name), value, this.machine, other.machine)
    shown: dict[str, Any] = _only(other, plots.number(value))
    if found is not None:
        share = "" if found.share is None else f" · {_sign(found.share)}{_percent(found.share)}"
        change = f"{_sign(found.amount)}{plots.number(round(abs(found.amount), 2))}{share}"
        shown["change"] = change if found.amount else "="
        shown["is_notable"] = found.is_notable
    return shown


def _sign(value: float) -> str:
    return "−" if value < 0 else "+"


def _percent(share: float) -> str:
    size = round(abs(share) * 100, 1)
    places = 1 if size < 10 else 0
    return f"{number_format(round(size, places), places, use_l10n=True)}\u00a0%"


def _same_answers(own: str, this: Measured, other: Measured) -> dict[str, Any]:
    """Machines round differently, so that near ties fall differently on another."""
    theirs = figures.fingerprint_of(other.told) if _is_alike(this, other) else ""
    shown = _only(other, theirs[:12])
    if theirs == own:
        shown["change"] = _("the same answers")
    elif theirs and this.machine == other.machine:
        shown["change"] = _("other answers")
    return shown


def _is_alike(this: Measured, other: Measured) -> bool:
    return figures.were_asked_alike(this.told, other.told)


def _refusals(one: Measured) -> str:
    counts = one.told.get("refusals")
    if not isinstance(counts, dict) or not isinstance(counts.get("asked"), int):
        return ""
    return _("%(refused)s of %(asked)s") % counts if "refused" in counts else ""


def _sentence(this: Measured, other: Measured) -> dict[str, str]:
    """What differs, for those who read one line alone."""
    said = [*_of_texts(this, other), *_of_speed(this, other)]
    own = figures.fingerprint_of(this.told)
    theirs = figures.fingerprint_of(other.told) if _is_alike(this, other) else ""
    is_here = this.machine.is_known and this.machine == other.machine
    if own and own == theirs:
        said.append(_("the same answers"))
    elif own and theirs and is_here:
        said.append(_("other answers"))
    if not is_here:
        said.append(_("speed and memory not compared, since the machines differ"))
    return {"label": other.label, "said": ", ".join(said)}


def _of_texts(this: Measured, other: Measured) -> list[str]:
    ours, theirs = this.figures.get("perplexity"), other.figures.get("perplexity")
    if ours is None or not theirs:
        return []
    if abs(ours / theirs - 1) < ABOUT_PERPLEXITY:
        return [_("the same perplexity (%(ours)s)") % {"ours": plots.number(ours)}]
    told = {"ours": plots.number(ours), "theirs": plots.number(theirs)}
    if ours < theirs:
        return [_("perplexity %(ours)s, better than %(theirs)s") % told]
    return [_("perplexity %(ours)s, worse than %(theirs)s") % told]


def _of_speed(this: Measured, other: Measured) -> list[str]:
    memory = "peak_gpu_mb" if "peak_gpu_mb" in this.figures else "peak_rss_mb"
    words = {
        "decode_tok_s": (_("%s faster"), _("%s slower"), _("about as fast")),
        memory: (_("%s more memory"), _("%s less memory"), _("about as much memory")),
    }
    said = []
    for name, (more, less, about) in words.items():
        found = figures.difference(
            name, this.figures.get(name), other.figures.get(name), this.machine, other.machine
        )
        if found is not None and found.share is not None:
            change = (more if found.share > 0 else less) % _percent(found.share)
            said.append(about if abs(found.share) < ABOUT else change)
    return said


def _answers(run: CheckRun, others: list[Measured]) -> list[dict[str, Any]]:
    """To each fixed prompt the answers of the models in this revision, then of those beside."""
    found: dict[str, dict[str, Any]] = {}
    for sample in (run.report or {}).get("samples") or []:
        first = found.get(sample["prompt"])
        if first is None:
            found[sample["prompt"]] = {**sample, "others": []}
        else:
            first["others"].append(_answer(sample.get("target", ""), sample["output"], first))
    for prompt, first in found.items():
        first["others"] += [
            _answer(one.label, one.outputs[prompt], first)
            for one in others
            if prompt in one.outputs
        ]
    return list(found.values())


def _answer(label: str, output: str, first: dict[str, Any]) -> dict[str, Any]:
    return {"label": label, "output": output, "same": output == first["output"]}


def _plot(name: str, history: list[Measured], parent: Measured | None) -> Plot | None:
    """The figure over releases, a line for each machine; None where there is nothing to compare."""
    of_name = [one for one in history if name in one.figures]
    labels = list(dict.fromkeys(one.label for one in of_name))
    machines = list(dict.fromkeys(one.machine for one in of_name))
    if len(labels) < 2 and len(machines) < 2:
        return None
    values = {(one.label, one.machine): one.figures[name] for one in of_name}
    series = [
        Series(_machine(machine) or "–", [values.get((label, machine)) for label in labels])
        for machine in machines
    ]
    level = parent.figures.get(name) if parent and _is_level(name, parent, machines) else None
    return plots.plot(
        str(TITLES[name]),
        labels,
        series,
        level=level,
        level_name=parent.label if parent and level is not None else "",
    )


def _is_level(name: str, parent: Measured, machines: list[Machine]) -> bool:
    return any(figures.may_compare(name, one, parent.machine) for one in machines)
