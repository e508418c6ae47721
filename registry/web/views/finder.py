"""Licenses beside each other: the table of duties, and the finder that answers "may I ...?"."""

import csv
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry.agreements import duty_table, exports, questions_of_use
from registry.agreements.models import Document, DocumentKind
from registry.agreements.questions_of_use import Asked
from registry.catalog import facts as published
from registry.web import duty_words, finder, models_named
from registry.web.duty_words import ShownCell
from registry.web.fact_words import said
from registry.web.finder import Subject
from registry.web.requests import CallerRequest, text_in

# A site may have added many; more than these are found through the list
MOST = 200


@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    """Each license with what it asks, column by column."""
    if request.GET.get("format") == "csv":
        return _as_csv()
    page = {"rows": _rows(), "columns": duty_words.COLUMNS.values(), "tab": "matrix"}
    return render(request, "licenses/matrix.html", page)


@require_safe
def find(request: CallerRequest) -> HttpResponse:
    """ "May I ...?", for one license, for a model, or for all licenses beside each other."""
    question = text_in(request.GET, "q")
    if question and question not in questions_of_use.QUESTIONS:
        raise BadRequest("There is no such question.")
    asked = Asked(
        question,
        relation=_one_of(request, "relation", finder.RELATIONS),
        users=_one_of(request, "users", finder.USERS),
        modality=_one_of(request, "modality", finder.MODALITIES),
        category=_one_of(request, "category", {one["id"]: "" for one in _categories()}),
    )
    slug, model = text_in(request.GET, "license"), text_in(request.GET, "model").strip()
    page = _form(asked, slug, model)
    needs_category = question == "use" and not asked.category
    if question and not needs_category:
        page |= _answered(request, asked, slug, model)
    return render(request, "licenses/finder.html", page | {"needs_category": needs_category})


def _form(asked: Asked, slug: str, model: str) -> dict[str, Any]:
    known = Document.objects.filter(kind=DocumentKind.LICENSE).order_by("title")
    return {
        "asked": asked,
        "question": finder.QUESTIONS.get(asked.question),
        "questions": finder.QUESTIONS.items(),
        "relations": finder.RELATIONS.items(),
        "users": finder.USERS.items(),
        "modalities": finder.MODALITIES.items(),
        "categories": _categories(),
        "turns_on": finder.TURNS_ON.get(asked.question, ""),
        "documents": known.values_list("slug", "title")[:MOST],
        "license": slug,
        "model": model,
        "tab": "finder",
    }


def _answered(request: CallerRequest, asked: Asked, slug: str, model: str) -> dict[str, Any]:
    if model:
        subject = _subject(request, model)
        if subject is None:
            return {"model_is_unknown": True}
        if subject.modality and not asked.modality:
            asked = Asked(**{**vars(asked), "modality": subject.modality})
        answers = [finder.shown(one, asked) for one in subject.documents]
        answers += [finder.not_known(name) for name in subject.unknown]
        return {
            "subject": subject,
            "answers": answers,
            "together": finder.together(answers) if answers else None,
        }
    if slug:
        found = _licenses().filter(slug=slug)
        return {"answers": [finder.shown(one, asked) for one in found], "is_one": True}
    answers = [finder.shown(one, asked) for one in _licenses()[:MOST]]
    order = list(questions_of_use.Word)
    return {"beside": sorted(answers, key=lambda one: (-order.index(one.word), one.name))}


def _subject(request: CallerRequest, model: str) -> Subject | None:
    (named,) = models_named.find_all([model], caller=request.caller)
    if not named.is_known:
        return None
    return finder.subject_of(named.title, named.revision, named.variant)


def _one_of(request: CallerRequest, key: str, known: Any) -> str:
    value = text_in(request.GET, key)
    return value if value in known else ""


def _categories() -> list[dict[str, Any]]:
    found = published.read()["acceptable_use_categories"]
    return [one | {"description": said(one["description"])} for one in found]


def _licenses() -> Any:
    known = Document.objects.filter(kind=DocumentKind.LICENSE)
    return known.select_related("policy", "stands_for__policy").order_by("title")


def _rows() -> list[tuple[Document, list[ShownCell]]]:
    """Licenses by their own terms: one that only refers to others stands in their rows."""
    rows = []
    for one in _licenses().filter(stands_for=None)[:MOST]:
        entry = duty_table.facts_of(one)
        if not entry.get("by_model"):
            row = duty_table.row(entry, duty_table.policy_of(one))
            rows.append((one, duty_words.cells(row)))
    # The publishers' own generations first, in their order
    return sorted(rows, key=lambda row: (not row[0].facts.get("grant"), _since(row[0])))


def _since(document: Document) -> tuple[str, str]:
    return str(document.facts.get("effective_date") or "9999"), document.title


def _as_csv() -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="licenses.csv"'
    writer = csv.writer(answer)
    titles = [str(title) for title in duty_words.COLUMNS.values()]
    writer.writerow(["license", *(part for one in titles for part in (one, f"{one}: clause"))])
    for document, cells in _rows():
        said = [
            part
            for one in cells
            for part in (_plain(f"{one.word} {one.value}".strip()), _plain(one.clause))
        ]
        writer.writerow([_plain(document.title), *said])
    return answer


def _plain(text: str) -> str:
    """What no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(exports.FORMULA) else text
