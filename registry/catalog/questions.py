"""What a card asks of those who want access: its `extra_gated_*` keys, and whether answers fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from registry.catalog import countries
from registry.catalog.models import Revision

KINDS = ("text", "checkbox", "date_picker", "country", "ip_location", "select")
TEXTS = tuple(
    f"extra_gated_{name}" for name in ("heading", "description", "prompt", "button_content")
)
MAX_QUESTIONS = 40
MAX_LABEL = 300
MAX_ANSWER = 2000
MAX_PROMPT = 20_000
MAX_OPTIONS = 400
NO_PLACE = "unknown"
TICKED = {"true", "on", "1", "yes"}


@dataclass(frozen=True)
class Question:
    """One field: how it is labelled, what kind of answer it takes, and between what one chooses."""

    label: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Prompt:
    """All that the publisher shows and asks; texts are empty where the card has none."""

    heading: str
    description: str
    text: str
    button: str
    questions: tuple[Question, ...]

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions that a person answers; the registry fills in the others."""
        return tuple(one for one in self.questions if one.kind != "ip_location")

    def as_json(self) -> dict[str, Any]:
        """What was shown, in the form that is hashed."""
        return {
            "heading": self.heading,
            "description": self.description,
            "text": self.text,
            "button": self.button,
            "questions": [
                {"label": one.label, "kind": one.kind, "options": [list(o) for o in one.options]}
                for one in self.questions
            ],
        }


def of_card(card: dict[str, Any], *, order: Sequence[str] = ()) -> Prompt:
    """What this card asks, in the order of its labels in `order` where there is one. What is wrong
    in it is left out here and named by `problems`."""
    return Prompt(
        heading=_text(card, "extra_gated_heading", MAX_LABEL),
        description=_text(card, "extra_gated_description", MAX_PROMPT),
        text=_text(card, "extra_gated_prompt", MAX_PROMPT),
        button=_text(card, "extra_gated_button_content", MAX_LABEL),
        questions=tuple(one for one in map(_question, _fields(card, order)) if one is not None),
    )


def order_in(card: dict[str, Any]) -> list[str]:
    """The labels of what a card asks that was just read from its file, in the order there."""
    return [label for label, _ in _fields(card, ())]


def of_revision(revision: Revision) -> Prompt:
    """What the card of a revision asks, in the order of its file. The database keeps a card without
    the order of its keys; of one from before that was noted apart, its own order is taken."""
    fields = revision.card.get("extra_gated_fields")
    labels = fields if isinstance(fields, dict) else ()
    kept = sorted(labels, key=lambda label: (len(label.encode()), label.encode()))
    return of_card(revision.card, order=revision.facts.get("asked") or kept)


def of_json(shown: dict[str, Any] | None) -> Prompt:
    """What was shown, from the form that `as_json` gives."""
    shown = shown or {}
    return Prompt(
        heading=shown.get("heading", ""),
        description=shown.get("description", ""),
        text=shown.get("text", ""),
        button=shown.get("button", ""),
        questions=tuple(
            Question(one["label"], one["kind"], tuple((v, label) for v, label in one["options"]))
            for one in shown.get("questions", [])
        ),
    )


def problems(card: dict[str, Any]) -> list[str]:
    """What is wrong with what a card asks and shows, one sentence each."""
    found = [f'"{key}" must be text' for key in TEXTS if not isinstance(card.get(key), str | None)]
    if not isinstance(card.get("extra_gated_eu_disallowed"), bool | None):
        found.append('"extra_gated_eu_disallowed" must be true or false')
    return found + _wrong_fields(card.get("extra_gated_fields"))


def _wrong_fields(fields: Any) -> list[str]:
    if fields is None:
        return []
    if not isinstance(fields, dict):
        return ['"extra_gated_fields" must map each label to the type of its answer']
    if len(fields) > MAX_QUESTIONS:
        return [f'"extra_gated_fields" may hold at most {MAX_QUESTIONS} questions']
    kinds = ", ".join(KINDS)
    return [
        f'"extra_gated_fields": {label[:80]!r} must be one of [{kinds}]; a select needs options'
        for label, wanted in fields.items()
        if _question((label, wanted)) is None
    ]


def judge(prompt: Prompt, given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The answers as they are kept, and by label what is wrong with those that cannot be."""
    kept: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for one in prompt.questions:
        if one.kind == "ip_location":
            kept[one.label] = NO_PLACE
            continue
        answer = _as_text(given.get(one.label))
        problem = _problem(one, answer)
        if problem:
            wrong[one.label] = problem
        else:
            kept[one.label] = _kept(one, answer)
    return kept, wrong


def _kept(question: Question, answer: str) -> str:
    """An answer that fits, as it is kept: a country by its code."""
    if question.kind == "checkbox":
        return "true"
    return countries.code_of(answer) if question.kind == "country" else answer


def _fields(card: dict[str, Any], order: Sequence[str]) -> list[tuple[str, Any]]:
    fields = card.get("extra_gated_fields")
    if not isinstance(fields, dict):
        return []
    places = {label: place for place, label in enumerate(order)}
    found = sorted(fields.items(), key=lambda one: places.get(one[0], len(places)))
    return found[:MAX_QUESTIONS]


def _question(field: tuple[str, Any]) -> Question | None:
    label, wanted = field
    kind = wanted.get("type") if isinstance(wanted, dict) else wanted
    if kind not in KINDS or not label.strip() or len(label) > MAX_LABEL:
        return None
    if kind != "select":
        return Question(label, kind)
    options = _options(wanted.get("options") if isinstance(wanted, dict) else None)
    return Question(label, kind, options) if options else None


def _options(wanted: Any) -> tuple[tuple[str, str], ...]:
    """Pairs of value and label, without repeats."""
    found: dict[str, str] = {}
    for one in wanted if isinstance(wanted, list) else []:
        label = one.get("label") if isinstance(one, dict) else one
        value = one.get("value", label) if isinstance(one, dict) else one
        if all(isinstance(text, str | int | float) for text in (label, value)):
            found.setdefault(str(value)[:MAX_LABEL], str(label)[:MAX_LABEL])
    return tuple(found.items())[:MAX_OPTIONS]


def _problem(question: Question, answer: str) -> str:
    if not answer:
        return _("An answer is needed.")
    if len(answer) > MAX_ANSWER:
        return _("Write at most %(most)s characters.") % {"most": MAX_ANSWER}
    if "\0" in answer or any("\ud800" <= character <= "\udfff" for character in answer):
        return _("It has a character in it that cannot be stored.")
    if question.kind == "checkbox" and answer.lower() not in TICKED:
        return _("Tick this to ask for access.")
    if question.kind == "country" and not countries.code_of(answer):
        return _("Name a country by its code of two letters, such as FR, or its English name.")
    if question.kind == "select" and answer not in dict(question.options):
        return _("Choose one of the options.")
    if question.kind == "date_picker" and not _is_date(answer):
        return _("Write a date as 2026-03-14.")
    return ""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _as_text(value: Any) -> str:
    if value is True:
        return "true"
    if value is None or value is False or isinstance(value, dict | list):
        return ""
    return str(value).strip()


def _text(card: dict[str, Any], key: str, limit: int) -> str:
    value = card.get(key)
    return value[:limit] if isinstance(value, str) else ""
