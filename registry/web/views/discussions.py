"""The tab of discussions and pull requests, the page of one, and what can be done there."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.catalog import rights
from registry.catalog.models import Repository
from registry.discussions import threads
from registry.discussions.models import OPEN, Discussion, Event, Kind
from registry.errors import DiscussionMissing, RegistryError
from registry.releases import merging
from registry.releases.models import Release
from registry.web import lookup, standing
from registry.web import threads as shown
from registry.web.forms.discussions import CommentForm, ThreadForm, TitleForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
ORDERS = {"newest": "-number", "oldest": "number", "title": "title"}


@require_safe
def index(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    seen = Discussion.objects.visible_to(request.caller).filter(repository=repository)
    kind = text_in(request.GET, "type")
    if kind in Kind.values:
        seen = seen.filter(kind=kind)
    words = text_in(request.GET, "q").strip()
    if words:
        seen = seen.filter(Q(title__icontains=words) | Q(author__username__iexact=words))
    sort = text_in(request.GET, "sort")
    sort = sort if sort in ORDERS else "newest"
    status = "closed" if text_in(request.GET, "status") == "closed" else "open"
    counts = {"open": seen.filter(status__in=OPEN).count()}
    counts["closed"] = seen.count() - counts["open"]
    listed = seen.filter(status__in=OPEN) if status == "open" else seen.exclude(status__in=OPEN)
    listed = listed.select_related("author").order_by(ORDERS[sort], "-number")
    page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "discussions": page.object_list,
        "kind": kind,
        "status": status,
        "query": words,
        "sort": sort,
        "kept": urlencode(
            [
                (key, value)
                for key, value in (("q", words), ("sort", text_in(request.GET, "sort")))
                if value
            ]
        ),
        "counts": counts,
        "can_open": rights.may_propose(repository, request.caller),
    }
    return _render(request, repository, "list", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    form = ThreadForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = threads.open_thread(repository, by=request.caller, **form.cleaned_data)
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect(made)
    return _render(request, repository, "new", {"form": form})


@require_safe
def thread(request: CallerRequest, namespace: str, name: str, number: int) -> HttpResponse:
    return _thread_page(request, _thread(request, namespace, name, number))


@login_required
@require_POST
def comment(request: CallerRequest, namespace: str, name: str, number: int) -> HttpResponse:
    """Say something, and close or open the thread with it where that button was pressed."""
    discussion = _thread(request, namespace, name, number)
    text, then = text_in(request.POST, "text", limit=threads.MAX_TEXT + 1), request.POST.get("then")
    if then in {"open", "closed"}:
        return _act(
            request,
            discussion,
            lambda: threads.set_status(discussion, then, by=request.caller, text=text),
            typed=_in_comment(text),
        )
    return _act(
        request,
        discussion,
        lambda: threads.comment(discussion, text, by=request.caller),
        typed=_in_comment(text),
    )


@login_required
@require_POST
def rename(request: CallerRequest, namespace: str, name: str, number: int) -> HttpResponse:
    discussion = _thread(request, namespace, name, number)
    title = text_in(request.POST, "title", limit=1000)
    return _act(
        request,
        discussion,
        lambda: threads.rename(discussion, title, by=request.caller),
        typed={"title_form": _title_form(title), "refused_title": True},
    )


@login_required
@require_POST
def merge(request: CallerRequest, namespace: str, name: str, number: int) -> HttpResponse:
    discussion = _thread(request, namespace, name, number)
    text = text_in(request.POST, "text", limit=threads.MAX_TEXT + 1)
    said = _("Merged. It is in quarantine until it is released.")
    return _act(
        request,
        discussion,
        lambda: merging.merge(discussion, by=request.caller, comment=text),
        said=said,
        typed=_in_comment(text),
    )


@login_required
@require_POST
def edit(
    request: CallerRequest, namespace: str, name: str, number: int, event_id: str
) -> HttpResponse:
    discussion = _thread(request, namespace, name, number)
    event = _event(request, discussion, event_id)
    text = text_in(request.POST, "text", limit=threads.MAX_TEXT + 1)
    return _act(
        request,
        discussion,
        lambda: threads.edit(event, text, by=request.caller),
        typed={"refused_edit": event.public_id, "typed": text},
    )


@login_required
@require_POST
def hide(
    request: CallerRequest, namespace: str, name: str, number: int, event_id: str
) -> HttpResponse:
    discussion = _thread(request, namespace, name, number)
    event = _event(request, discussion, event_id)
    return _act(request, discussion, lambda: threads.hide(event, by=request.caller))


def _thread(request: CallerRequest, namespace: str, name: str, number: int) -> Discussion:
    repository = lookup.repository_or_404(request, namespace, name)
    try:
        return threads.find(repository, number, caller=request.caller)
    except DiscussionMissing as refusal:
        raise Http404(str(refusal)) from refusal


def _event(request: CallerRequest, discussion: Discussion, event_id: str) -> Event:
    try:
        return threads.find_event(discussion, event_id, caller=request.caller)
    except DiscussionMissing as refusal:
        raise Http404(str(refusal)) from refusal


def _act(
    request: CallerRequest,
    discussion: Discussion,
    act: Callable[[], object],
    *,
    said: str = "",
    typed: dict[str, Any] | None = None,
) -> HttpResponse:
    """Do it and show the thread as it is then; or as it is now, with the reason why not and with
    what was typed in its place."""
    try:
        act()
    except RegistryError as refusal:
        repository = discussion.repository
        now = _thread(request, repository.place, repository.name, discussion.number)
        return _thread_page(request, now, {"refusal": str(refusal)} | (typed or {}), status=409)
    if said:
        messages.success(request, said)
    return redirect(discussion)


def _thread_page(
    request: CallerRequest,
    discussion: Discussion,
    more: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    caller = request.caller
    context: dict[str, Any] = {
        "discussion": discussion,
        "events": shown.events(discussion, caller=caller),
        "form": CommentForm(),
        "title_form": _title_form(discussion.title),
        "releases": Release.objects.visible_to(caller).filter(discussion=discussion),
        "sees_merged": shown.is_seen(discussion.merged_as, discussion, caller=caller),
        **shown.abilities(discussion, caller=caller),
    }
    if discussion.is_pull_request:
        context |= shown.change(discussion, caller=caller)
    context |= more or {}
    return _render(request, discussion.repository, "thread", context, status=status)


def _in_comment(text: str) -> dict[str, Any]:
    return {"form": CommentForm(initial={"text": text})}


def _title_form(title: str) -> TitleForm:
    return TitleForm(initial={"title": title}, auto_id="title-%s")


def _render(
    request: CallerRequest,
    repository: Repository,
    page: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    here = standing.of(repository, caller=request.caller)
    if here is None:
        raise Http404("Nothing of this repository is released.")
    context = {"here": here, "repository": repository, "tab": "discussions"} | context
    return render(request, f"discussions/{page}.html", context, status=status)
