"""Where the weights of a model come from, as it was measured: words, figures and a plot of layers."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from registry.accounts.callers import Caller
from registry.catalog import known_models
from registry.checks.lineage.verdicts import DERIVED
from registry.web import plots
from registry.web.plots import Plot, Series

LOOKS = {
    "supported": ("is-passed", "✓", pgettext_lazy("lineage", "supported")),
    "not supported": ("is-warned", "!", pgettext_lazy("lineage", "not supported")),
    "contradicted": ("is-blocked", "✗", pgettext_lazy("lineage", "contradicted")),
    "unverified": ("is-unknown", "?", pgettext_lazy("lineage", "unverified")),
}
SAID = {
    "supported": gettext_lazy("The weights come from the base that the card names."),
    "not supported": gettext_lazy("The weights fit the base that the card names only in part."),
    "contradicted": gettext_lazy("The weights do not come from the base that the card names."),
    "unverified": gettext_lazy("Nothing says whether the weights come from the declared base."),
}
KINDS = {
    "identical": gettext_lazy("identical"),
    "identical in another number format": gettext_lazy("identical in another number format"),
    "adapter merge": gettext_lazy("adapter merge"),
    "full fine-tune": gettext_lazy("full fine-tune"),
    "quantized": gettext_lazy("quantized"),
    "pruned": gettext_lazy("pruned"),
    "depth-cut": gettext_lazy("layers cut out"),
    "layers rearranged": gettext_lazy("layers rearranged"),
}


def shown(measured: dict[str, Any] | None, *, caller: Caller) -> dict[str, Any] | None:
    """What the checks page shows of this part of a report, as `evidence` told it to this caller;
    None where nothing was measured. A link leads only to what they may know of."""
    if not measured:
        return None
    addresses = known_models.addresses_of(_compared(measured), caller)
    targets = measured.get("targets") or {"": measured}
    rows, drawn = [], []
    for target, part in targets.items():
        bases = part.get("bases") or ([part] if part.get("compared_with") else [])
        for base in bases:
            rows.append(_row(target if len(targets) > 1 else "", base, addresses))
            if base.get("layers"):
                drawn.append(_plot(target if len(targets) > 1 else "", base))
    verdict = measured.get("verdict")
    look, sign, word = LOOKS.get(str(verdict), ("is-unknown", "?", _("no base declared")))
    return {
        "look": look,
        "sign": sign,
        "word": word,
        "said": SAID.get(str(verdict), _("The card names no base to compare with.")),
        "reason": measured.get("reason") if verdict == "unverified" else "",
        "rows": rows,
        "plots": drawn,
        "nearest": [one["model"] for one in measured.get("nearest") or []],
    }


def _compared(measured: dict[str, Any]) -> list[str]:
    """The models whose figures stand in it."""
    parts = (measured.get("targets") or {"": measured}).values()
    rows = [row for part in parts for row in (part.get("bases") or [part])]
    return [_model(row) for row in rows if row.get("cosine") is not None]


def _model(base: dict[str, Any]) -> str:
    return str(base.get("model") or base.get("compared_with") or "")


def _row(target: str, base: dict[str, Any], addresses: dict[str, str]) -> dict[str, Any]:
    verdict = base.get("verdict")
    look, sign, word = LOOKS.get(str(verdict), ("", "", "–"))
    return {
        "target": target,
        "model": _model(base),
        "address": addresses.get(_model(base).lower(), ""),
        "look": look,
        "sign": sign,
        "word": word,
        "kind": KINDS.get(base.get("kind") or "", "–"),
        "figures": [_figure(base.get(name)) for name in ("cosine", "share", "gram")],
    }


def _plot(target: str, base: dict[str, Any]) -> Plot:
    layers = base["layers"]
    title = _("Likeness to %(model)s, layer by layer") % {"model": _model(base)}
    names = {"embedding": _("embedding"), "head": _("head")}
    return plots.plot(
        f"{target}: {title}" if target else title,
        [names.get(one["layer"], one["layer"]) for one in layers],
        [
            Series(_("attention"), [one.get("attention") for one in layers]),
            Series(_("all else"), [one.get("mlp") for one in layers]),
        ],
        level=DERIVED,
        level_name=_("counts as derived from"),
        rows_name=_("Matrices"),
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else str(number_format(value, 3))
