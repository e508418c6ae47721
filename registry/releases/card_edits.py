"""Editing a card by its parts: fields of the front matter and the prose. What is not touched stays as
it was written: unknown keys, their order, comments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.agreements import documents, licenses
from registry.agreements.duties import engine
from registry.agreements.duties.engine import Result, Verdict
from registry.agreements.models import Document
from registry.catalog import cards, files, lineage
from registry.catalog.files import FileEntry
from registry.catalog.models import RepositoryType, Revision
from registry.errors import Invalid
from registry.releases import front_matter, situations
from registry.storage import blobs

CARD = "README.md"
MAX_CARD = 1024**2
LISTS = ("license", "base_model", "language", "tags", "datasets")
TEXTS = (
    "license_name",
    "license_link",
    "base_model_relation",
    "pipeline_tag",
    "library_name",
    "new_version",
)
FIELDS = (*LISTS, *TEXTS)


@dataclass(frozen=True)
class Typed:
    """A card by its parts, as somebody typed it: each field as text, lists with commas."""

    values: Mapping[str, str]
    prose: str


@dataclass(frozen=True)
class Judged:
    """What the wire would say of a card, and the licenses that would follow from it."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    documents: tuple[Document, ...] = ()
    duties: tuple[Result, ...] = ()


def text_at(revision: Revision) -> str:
    """The card of a revision, "" where there is none. Everybody who may know of a revision may read
    its card."""
    entry = files.at(revision, [CARD]).get(CARD)
    if not isinstance(entry, FileEntry):
        return ""
    if entry.size > MAX_CARD:
        raise Invalid(_("README.md is too large to be edited on a page. Edit it on your machine."))
    try:
        return blobs.read(entry.sha256, limit=MAX_CARD).decode()
    except UnicodeDecodeError as error:
        raise Invalid(_("README.md is not a text in UTF-8. Edit it on your machine.")) from error


def parts_of(text: str) -> Typed:
    """The card as the fields show it. Raises Invalid where its front matter cannot be read."""
    card = cards.parse(text)
    prose = cards.split(text)[1].replace("\r\n", "\n")
    return Typed({key: _shown(card.get(key)) for key in FIELDS}, prose)


def with_changes(text: str, *, began: Typed, typed: Typed) -> str:
    """The card with what somebody changed since it was as `began`, and all else as it is now.
    Raises Invalid where its front matter is written so that lines cannot be replaced."""
    card = cards.parse(text)
    is_dos = "\r\n" in text
    if _plain(typed.prose) != _plain(began.prose):
        prose = _plain(typed.prose)
        old = cards.split(text)[1]
        text = text[: len(text) - len(old)] + (prose.replace("\n", "\r\n") if is_dos else prose)
    changed = [key for key in FIELDS if typed.values.get(key, "").strip() != began.values[key]]
    removed = [key for key in changed if not typed.values.get(key, "").strip()]
    written = {
        key: _value(key, typed.values[key], card.get(key)) for key in changed if key not in removed
    }
    for key in removed:
        text = front_matter.without(text, key)
    return front_matter.changed(text, written) if written else text


def judge(head: Revision, text: str, *, caller: Caller) -> Judged:
    """As `validate-yaml` and the commit say it, with the duties that stay open once this card is on
    top of `head`."""
    repository = head.repository
    try:
        card = cards.parse(text)
    except Invalid as refusal:
        return Judged([str(refusal)])
    problems = cards.problems(card, known_licenses=documents.known_tags())
    warnings = cards.warnings(card) + lineage.warnings(card, caller=caller)
    found = licenses.licenses_of(lineage.of(repository, card), card) if not problems else None
    known = tuple(one.document for one in found.known) if found is not None else ()
    if found is None or repository.type != RepositoryType.MODEL:
        return Judged(problems, warnings, known)
    return Judged(problems, warnings, known, _open_duties(head, card, cards.split(text)[1]))


def _open_duties(head: Revision, card: dict[str, Any], prose: str) -> tuple[Result, ...]:
    asked = situations.of_card(head, card, prose)
    found = engine.evaluate(asked, engine.rules_of_models())
    met = {Verdict.PASS, Verdict.NOT_APPLICABLE}
    return tuple(one for one in found if one.verdict not in met)


def _shown(value: Any) -> str:
    return ", ".join(str(one) for one in cards.as_list(value))


def _value(key: str, typed: str, before: Any) -> str | list[str]:
    """A list where there are several, or where a list stood before, or for what mostly is one."""
    if key in TEXTS:
        return typed.strip()
    several = [one.strip() for one in typed.split(",") if one.strip()]
    is_list = isinstance(before, list) or (before is None and key in {"tags", "datasets"})
    return several if len(several) != 1 or is_list else several[0]


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
