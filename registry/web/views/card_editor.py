"""Editing a model card on a page: judged as the wire judges it, shown before it is written, and with
what was typed kept where somebody else was faster."""

from itertools import islice
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from registry.catalog import cards, markdown
from registry.errors import Invalid, NotAllowed, RegistryError, RevisionMissing, StaleParent
from registry.releases import card_edits, contributions, line_diff
from registry.releases.contributions import Place
from registry.releases.line_diff import Effort
from registry.web import lookup
from registry.web.forms.cards import CardForm, SourceForm
from registry.web.requests import CallerRequest, text_in

MOST_LINES = 400
TASKS = "text-generation image-text-to-text text-classification feature-extraction translation"
LIBRARIES = "transformers gguf llama.cpp peft vllm mlx"


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: CallerRequest, namespace: str, name: str, branch: str) -> HttpResponse:
    """The card of a branch. `step=preview` shows and writes nothing; `as=source` is the whole file."""
    place = _place(request, namespace, name, branch)
    is_source = text_in(request.GET, "as") == "source"
    try:
        now = card_edits.text_at(place.head)
        parts = None if is_source else card_edits.parts_of(now)
    except Invalid as refusal:
        if is_source:
            return render(request, "contribute/no_editor.html", _named(place, str(refusal)))
        return redirect(f"{request.path}?as=source")
    if request.method != "POST":
        at = {"began": place.head.oid, "parent": place.head.oid}
        page: dict[str, Any] = {"preview": _shown(place, now)}
        if parts is None:
            return _render(request, place, SourceForm(initial=at | {"source": now}), page)
        initial = at | dict(parts.values) | {"prose": parts.prose}
        page["owed"] = card_edits.judge(place.head, now, caller=request.caller).duties
        return _render(request, place, CardForm(initial=initial), page)
    form = SourceForm(request.POST) if is_source else CardForm(request.POST)
    if not form.is_valid():
        return _render(request, place, form, {}, status=400)
    return _take(request, place, form, now)


def _take(
    request: CallerRequest, place: Place, form: CardForm | SourceForm, now: str
) -> HttpResponse:
    """Show what was typed, or write it."""
    try:
        text = _written(request, place, form, now)
    except RegistryError as refusal:
        form.add_error(None, str(refusal))
        return _render(request, place, form, {}, status=400)
    judged = card_edits.judge(place.head, text, caller=request.caller)
    page: dict[str, Any] = {"judged": judged, "owed": judged.duties}
    if text_in(request.POST, "step") == "look":
        return _render(request, place, form, page)
    if text_in(request.POST, "step") == "preview":
        page["preview"] = _shown(place, text)
        return _render(request, place, form, page)
    if page["judged"].problems:
        return _render(request, place, form, page, status=400)
    try:
        made, discussion = contributions.commit(
            place,
            {card_edits.CARD: text.encode()},
            title=form.title(),
            parent=form.cleaned_data["parent"],
            by=request.caller,
        )
    except StaleParent:
        return _moved(request, place, form, now)
    except RegistryError as refusal:
        form.add_error(None, str(refusal))
        return _render(request, place, form, page, status=400)
    messages.success(request, _("The card is written. Its checks start on their own."))
    if discussion is not None:
        return redirect(discussion)
    repository = place.repository
    return redirect("repository-checks-revision", repository.place, repository.name, made.oid)


def _shown(place: Place, text: str) -> str:
    """The card as its page would show it."""
    at = f"{place.repository.get_absolute_url()}/blob/{place.head.oid}"
    return markdown.render(cards.split(text)[1], files_url=at)


def _written(request: CallerRequest, place: Place, form: CardForm | SourceForm, now: str) -> str:
    if isinstance(form, SourceForm):
        plain: str = form.cleaned_data["source"].replace("\r\n", "\n")
        return plain.replace("\n", "\r\n") if "\r\n" in now else plain
    return card_edits.with_changes(
        now, began=card_edits.parts_of(_began(request, place, form)), typed=form.typed()
    )


def _began(request: CallerRequest, place: Place, form: CardForm | SourceForm) -> str:
    """The card that the person began with."""
    revision = lookup.revision_or_404(request, place.repository, form.cleaned_data["began"])
    return card_edits.text_at(revision)


def _moved(
    request: CallerRequest, place: Place, form: CardForm | SourceForm, now: str
) -> HttpResponse:
    """Somebody else was faster: what they changed, with what was typed still there. Sent again, it
    goes on top of theirs."""
    before = _began(request, place, form)
    typed = request.POST.copy()
    typed["parent"] = place.head.oid
    form.data = typed
    page = {"moved": place.head, "theirs": _changed(before, now)}
    return _render(request, place, form, page, status=409)


def _changed(before: str, now: str) -> str:
    """What differs, line by line, in a time that has a bound whatever the two texts are."""
    hunks = line_diff.hunks_of(line_diff.lines_of(before), line_diff.lines_of(now), Effort())
    lines = (f"{line_diff.MARKS[line.kind]}{line.text}" for hunk in hunks for line in hunk.lines)
    return "\n".join(islice(lines, MOST_LINES))


def _place(request: CallerRequest, namespace: str, name: str, branch: str) -> Place:
    repository = lookup.repository_or_404(request, namespace, name)
    try:
        return contributions.place_of(repository, branch, caller=request.caller)
    except (RevisionMissing, NotAllowed) as refusal:
        raise Http404(str(refusal)) from refusal


def _named(place: Place, refusal: str) -> dict[str, Any]:
    return {"place": place, "repository": place.repository, "refusal": refusal}


def _render(
    request: CallerRequest,
    place: Place,
    form: CardForm | SourceForm,
    page: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"place": place, "repository": place.repository, "form": form} | page
    if request.htmx:
        part = "follows" if text_in(request.POST, "step") == "look" else "shown"
        return render(request, f"contribute/card.html#{part}", context)
    context |= {
        "is_source": isinstance(form, SourceForm),
        "choices": {
            "tasks": TASKS.split(),
            "libraries": LIBRARIES.split(),
        },
    }
    return render(request, "contribute/card.html", context, status=status)
