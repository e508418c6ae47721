"""The words of the table of licenses and duties: its columns and what its cells say."""

from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from registry.agreements import duty_table
from registry.agreements.duty_table import Cell, Change, Row
from registry.web.fact_words import said

COLUMNS: dict[str, Promise] = {
    "commercial": _("Commercial use"),
    "users": _("Limit of users"),
    "passing_on": _("Passing on"),
    "copy": _("License copy"),
    "notice": _("Notice"),
    "display": _("Words to show"),
    "name": _("Beginning of names"),
    "policy": _("Use policy passes on"),
    "changes": _("Changes stated"),
    "same_license": _("Same license"),
    "source": _("Source shared"),
    "export": _("Export and trade law"),
    "no_other_terms": _("No conflicting terms"),
    "outputs": _("Training on output"),
    "regions": _("Regions left out"),
}
# A duty is no verdict: only what is forbidden or not known stands out
_WORDS: dict[str, tuple[str, str, Promise]] = {
    duty_table.ASKED: ("is-asked", "●", pgettext_lazy("duty", "asked")),
    duty_table.NOT_ASKED: ("is-free", "–", pgettext_lazy("duty", "not asked")),
    duty_table.ALLOWED: ("is-passed", "✓", pgettext_lazy("duty", "allowed")),
    duty_table.LIMITED: ("is-warned", "!", pgettext_lazy("duty", "limited")),
    duty_table.FORBIDDEN: ("is-blocked", "✗", pgettext_lazy("duty", "forbidden")),
    duty_table.UNKNOWN: ("is-unknown", "?", pgettext_lazy("duty", "not in the data")),
}
_SAID: dict[str, Promise] = {
    "allowed_below_user_threshold": _("up to a number of users"),
    "allowed_with_use_restrictions": _("within use restrictions"),
    "depends_on_variant": _("depends on the variant"),
}


@dataclass(frozen=True)
class ShownCell:
    """A cell of the table: a sign and a word, what is asked for exactly, and where it is written."""

    column: str
    title: str
    look: str
    sign: str
    word: str
    value: str
    detail: str
    clause: str
    source: str


def cells(row: Row) -> list[ShownCell]:
    return [cell(name, row[name]) for name in duty_table.COLUMNS]


def cell(name: str, one: Cell) -> ShownCell:
    look, sign, word = _WORDS[one.word]
    return ShownCell(
        column=name,
        title=str(COLUMNS[name]),
        look=look,
        sign=sign,
        word=str(word),
        value=_value(name, one),
        detail=said(one.detail),
        clause=one.backing.clause,
        source=one.backing.source,
    )


def changes(found: list[Change]) -> list[dict[str, Any]]:
    return [
        {
            "title": str(COLUMNS[one.column]),
            "before": cell(one.column, one.before),
            "after": cell(one.column, one.after),
        }
        for one in found
    ]


def _value(name: str, one: Cell) -> str:
    if name == "commercial":
        return str(_SAID.get(one.value, ""))
    if name == "users" and one.value:
        return number_format(int(one.value), force_grouping=True)
    return one.value
