"""Asking a publisher for access, and a publisher's page of requests."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.agreements import locks, requests
from registry.agreements.models import AccessRequest, RequestState
from registry.catalog import markdown
from registry.catalog.models import Gated, Repository
from registry.errors import RegistryError
from registry.releases import access
from registry.web import lookup, standing
from registry.web.forms.access import MODES, DecisionForm, GrantForm, LockForm, QuestionsForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
TABS = [RequestState.PENDING, RequestState.ACCEPTED, RequestState.REJECTED]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """How this visitor stands with the publisher, and the form that asks to be let in."""
    repository = lookup.repository_or_404(request, namespace, name)
    here = standing.of(repository, caller=request.caller)
    if here is None:
        raise Http404("Nothing of this repository is released.")
    if not repository.gated:
        return redirect("repository-license", namespace, name)
    prompt = access.prompt_of(repository, request.caller)
    form, status = QuestionsForm(prompt), 200
    if request.method == "POST":
        if not request.caller.is_signed_in:
            return redirect_to_login(request.get_full_path())
        form, status = QuestionsForm(prompt, request.POST), 422
        if form.is_valid():
            try:
                access.ask(repository, by=request.caller, answers=form.answers())
            except RegistryError as refusal:
                form.add_error(None, str(refusal))
            else:
                return redirect("repository-access", namespace, name)
    own = requests.of_caller(repository, request.caller)
    page = {
        "here": here,
        "repository": repository,
        "tab": "license",
        "form": form,
        "prompt": prompt,
        "prompt_html": markdown.render(prompt.text, files_url="") if prompt.text else "",
        "own": own,
        "asks_again_from": requests.asks_again_from(own) if own else None,
        "may_ask": _may_ask(own),
        "terms_release": access.terms_to_accept(repository, request.caller),
    }
    return render(request, "repository/access.html", page, status=status)


@login_required
@require_POST
def withdraw(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    _told(request, lambda: requests.withdraw(repository, by=request.caller), _("Taken back."))
    return redirect("repository-access", namespace, name)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def manage(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """The lock and the list of requests, for those who decide. A POST sets the lock."""
    repository = _managed(request, namespace, name)
    form, status = _lock_form(repository), 200
    if request.method == "POST":
        form, status = LockForm(request.POST), 422
        if form.is_valid():
            try:
                locks.set_mode(repository, form.cleaned_data["mode"], by=request.caller)
                days = form.cleaned_data["ask_again_days"]
                locks.set_ask_again(repository, days, by=request.caller)
            except RegistryError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("Saved. It is in force at once."))
                return redirect("repository-requests", namespace, name)
    return _manage_page(request, repository, form=form, status=status)


@login_required
@require_POST
def decide(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Accept, reject or revoke one request."""
    repository = _managed(request, namespace, name)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        words = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, _("Nothing was decided. %(why)s") % {"why": words})
    else:
        wanted = form.cleaned_data
        _told(
            request,
            lambda: requests.handle(
                repository,
                status=wanted["status"],
                request_id=wanted["request"],
                reason=wanted["reason"],
                by=request.caller,
            ),
            _("Decided. It is in force at once."),
        )
    back = redirect("repository-requests", namespace, name)
    shown = text_in(request.POST, "shown")
    if shown in TABS:
        back["Location"] += f"?state={shown}"
    return back


@login_required
@require_POST
def grant(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Let a person in who is named."""
    repository = _managed(request, namespace, name)
    form, status = GrantForm(request.POST), 422
    if form.is_valid():
        try:
            requests.grant(repository, user=form.cleaned_data["user"].strip(), by=request.caller)
        except RegistryError as refusal:
            form.add_error("user", str(refusal))
        else:
            messages.success(request, _("%(user)s is let in.") % {"user": form.data["user"]})
            return redirect("repository-requests", namespace, name)
    return _manage_page(request, repository, grant_form=form, status=status)


@login_required
@require_safe
def report(request: CallerRequest, namespace: str, name: str) -> JsonResponse:
    """All requests as a file."""
    repository = _managed(request, namespace, name)
    response = JsonResponse(requests.report(repository), safe=False)
    response["Content-Disposition"] = f"attachment; filename={requests.report_name(repository)}"
    return response


def _manage_page(
    request: CallerRequest,
    repository: Repository,
    *,
    form: LockForm | None = None,
    grant_form: GrantForm | None = None,
    status: int = 200,
) -> HttpResponse:
    shown = text_in(request.GET, "state")
    shown = shown if shown in TABS else RequestState.PENDING
    query = text_in(request.GET, "q").strip()
    found = requests.listed(repository, shown)
    if query:
        found = found.filter(
            Q(user__username__icontains=query)
            | Q(user__full_name__icontains=query)
            | Q(user__email__icontains=query)
        )
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "here": standing.of(repository, caller=request.caller),
        "repository": repository,
        "tab": "requests",
        "form": form or _lock_form(repository),
        "mode": dict(MODES)[Gated(repository.gated)],
        "may_set": locks.may_set(repository, request.caller),
        "grant_form": grant_form or GrantForm(),
        "page": page,
        "rows": [(one, requests.answers_of(one)) for one in page.object_list],
        "tabs": [(tab, requests.listed(repository, tab).count()) for tab in TABS],
        "shown": shown,
        "query": query,
    }
    return render(request, "repository/requests.html", context, status=status)


def _lock_form(repository: Repository) -> LockForm:
    days = locks.ask_again_days(repository)
    return LockForm(initial={"mode": repository.gated, "ask_again_days": days})


def _managed(request: CallerRequest, namespace: str, name: str) -> Repository:
    """The repository, for those who decide about requests; it has no such page for others."""
    repository = lookup.repository_or_404(request, namespace, name)
    try:
        requests.require_review(repository, request.caller)
    except RegistryError as refusal:
        raise Http404(str(refusal)) from refusal
    return repository


def _may_ask(own: AccessRequest | None) -> bool:
    if own is None:
        return True
    return own.state == RequestState.REJECTED and requests.may_ask_again(own)


def _told(request: CallerRequest, act: Any, done: str) -> None:
    """Do it, and say on the next page that it is done, or why not."""
    try:
        act()
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
