"""A publisher's page of access requests: the lock, who asks, who is let in to what."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.agreements import grants, groups, locks, requests
from registry.agreements.models import AccessRequest, Grant
from registry.catalog.models import Gated, Repository
from registry.errors import RegistryError
from registry.releases import access
from registry.web import lookup, standing
from registry.web.forms.access import MODES, DecisionForm, LockForm, MessageForm
from registry.web.forms.grants import EndForm, GrantForm, RevocationForm, ScopeForm
from registry.web.grants import GrantRow, rows_of, told
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
TABS = ["pending", "accepted", "renewals", "rejected", "over"]


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
                _set_lock(repository, form.cleaned_data, request)
            except RegistryError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("Saved. It is in force at once."))
                return redirect("repository-requests", namespace, name)
    return _page(request, repository, form=form, status=status)


@never_cache
@login_required
@require_POST
def decide(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Accept, with a scope where one was written; reject or revoke one request."""
    repository = _managed(request, namespace, name)
    form = DecisionForm(request.POST)
    scope = _scope_form(repository, request, text_in(request.POST, "request"))
    if not form.is_valid():
        words = " ".join(str(error) for errors in form.errors.values() for error in errors)
        messages.error(request, _("Nothing was decided. %(why)s") % {"why": words})
        return _back(request, namespace, name)
    if not scope.is_valid():
        return _page(request, repository, scope_form=scope, status=422)
    wanted = form.cleaned_data
    try:
        requests.handle(
            repository,
            status=wanted["status"],
            request_id=wanted["request"],
            reason=wanted["reason"],
            scope=_scope(repository, scope),
            by=request.caller,
        )
    except RegistryError as refusal:
        if scope.has_changed():
            scope.add_error(None, str(refusal))
            return _page(request, repository, scope_form=scope, status=422)
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Decided. It is in force at once."))
    return _back(request, namespace, name)


@never_cache
@login_required
@require_POST
def ask_back(request: CallerRequest, namespace: str, name: str, request_id: str) -> HttpResponse:
    """Put a question to who asks."""
    repository = _managed(request, namespace, name)
    form = MessageForm(request.POST)
    if form.is_valid():
        try:
            requests.ask_back(
                repository,
                request_id=request_id,
                question=form.cleaned_data["text"],
                by=request.caller,
            )
        except RegistryError as refusal:
            form.add_error("text", str(refusal))
        else:
            messages.success(request, _("Asked. Their request waits for the answer."))
            return _back(request, namespace, name)
    return _page(request, repository, question=form, question_for=request_id, status=422)


@never_cache
@login_required
@require_POST
def grant(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Let a person in who is named, or give them one more grant."""
    repository = _managed(request, namespace, name)
    form = GrantForm(request.POST, versions=access.versions_of(repository))
    if form.is_valid():
        user = form.cleaned_data["user"].strip()
        try:
            access.give(repository, user=user, scope=_scope(repository, form), by=request.caller)
        except RegistryError as refusal:
            form.add_error("user", str(refusal))
        else:
            messages.success(request, _("%(user)s is let in.") % {"user": user})
            return redirect("repository-requests", namespace, name)
    return _page(request, repository, grant_form=form, status=422)


@login_required
@require_POST
def renew(request: CallerRequest, namespace: str, name: str, grant_id: str) -> HttpResponse:
    """Let a grant go on."""
    repository = _managed(request, namespace, name)
    found, form = _grant(repository, grant_id), EndForm(request.POST)
    if form.is_valid():
        end = form.end()
        told(request, lambda: grants.renew(found, end, by=request.caller), _("Renewed."))
    else:
        messages.error(request, _("Write the day on which it ends, as 2026-03-14."))
    return _back(request, namespace, name)


@login_required
@require_POST
def revoke(request: CallerRequest, namespace: str, name: str, grant_id: str) -> HttpResponse:
    """Take one grant back."""
    repository = _managed(request, namespace, name)
    found, form = _grant(repository, grant_id), RevocationForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        done = _("Revoked. It is in force at once.")
        told(request, lambda: grants.revoke(found, by=request.caller, reason=reason), done)
    else:
        messages.error(request, _("The reason is too long."))
    return _back(request, namespace, name)


@login_required
@require_safe
def report(request: CallerRequest, namespace: str, name: str) -> JsonResponse:
    """All requests as a file."""
    repository = _managed(request, namespace, name)
    response = JsonResponse(requests.report(repository), safe=False)
    response["Content-Disposition"] = f"attachment; filename={requests.report_name(repository)}"
    return response


def _page(
    request: CallerRequest,
    repository: Repository,
    *,
    form: LockForm | None = None,
    grant_form: GrantForm | None = None,
    scope_form: ScopeForm | None = None,
    question: MessageForm | None = None,
    question_for: str = "",
    status: int = 200,
) -> HttpResponse:
    shown = text_in(request.POST, "shown") or text_in(request.GET, "state")
    shown = shown if shown in TABS else TABS[0]
    query = text_in(request.GET, "q").strip()
    found = _found(repository, shown, query).prefetch_related("messages")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    versions = access.versions_of(repository)
    group = groups.of(repository)
    context: dict[str, Any] = {
        "here": standing.of(repository, caller=request.caller),
        "repository": repository,
        "tab": "requests",
        "form": form or _lock_form(repository),
        "mode": dict(MODES)[Gated(repository.gated)],
        "may_set": locks.may_set(repository, request.caller),
        "may_group": groups.may_manage(repository.namespace, request.caller),
        "group": group,
        "grant_form": grant_form or GrantForm(versions=versions),
        "page": page,
        "rows": _rows(repository, list(page.object_list), versions, scope_form),
        "question": question,
        "question_for": question_for,
        "tabs": [(tab, _found(repository, tab, "").count()) for tab in TABS],
        "shown": shown,
        "query": query,
    }
    return render(request, "repository/requests.html", context, status=status)


def _rows(
    repository: Repository,
    found: list[AccessRequest],
    versions: list[str],
    wrong: ScopeForm | None,
) -> list[tuple[AccessRequest, dict[str, str], list[GrantRow], ScopeForm]]:
    """Each request with its answers, its grants, and the form with what is given."""
    given: dict[int, list[GrantRow]] = {}
    for row in rows_of(repository, grants.of_repository(repository).filter(request__in=found)):
        given.setdefault(row.grant.request_id, []).append(row)
    return [
        (
            one,
            requests.answers_of(one),
            given.get(one.pk, []),
            wrong
            if wrong is not None and wrong.auto_id == _auto_id(one.public_id)
            else ScopeForm(
                versions=versions,
                auto_id=_auto_id(one.public_id),
                initial={"ends_on": one.wanted_until, "purpose": one.purpose},
            ),
        )
        for one in found
    ]


def _found(repository: Repository, tab: str, query: str) -> QuerySet[AccessRequest]:
    if tab == "renewals":
        now = timezone.now()
        asked = Grant.objects.filter(
            renewal_asked_at__isnull=False, revoked_at=None, ends_at__gt=now
        ).exclude(renewals__revoked_at=None, renewals__isnull=False)
        found = requests.listed(repository, "accepted").filter(grants__in=asked).distinct()
    else:
        found = requests.listed(repository, tab)
    if not query:
        return found
    return found.filter(
        Q(user__username__icontains=query)
        | Q(user__full_name__icontains=query)
        | Q(user__email__icontains=query)
    )


def _auto_id(public_id: str) -> str:
    return f"scope-{public_id}-%s"


def _scope_form(repository: Repository, request: CallerRequest, request_id: str) -> ScopeForm:
    versions = access.versions_of(repository)
    return ScopeForm(request.POST, versions=versions, auto_id=_auto_id(request_id))


def _scope(repository: Repository, form: ScopeForm) -> Any:
    first, last = form.cleaned_data["first_release"], form.cleaned_data["last_release"]
    return access.scope_of(repository, form.scope(), first=first, last=last)


def _set_lock(repository: Repository, wanted: dict[str, Any], request: CallerRequest) -> None:
    locks.set_mode(repository, wanted["mode"], by=request.caller)
    locks.set_ask_again(repository, wanted["ask_again_days"], by=request.caller)
    locks.set_days(
        repository,
        lapse_days=wanted["lapse_days"],
        grant_days=wanted["grant_days"],
        by=request.caller,
    )


def _lock_form(repository: Repository) -> LockForm:
    policy = locks.policy_of(repository)
    return LockForm(
        initial={
            "mode": repository.gated,
            "ask_again_days": policy.ask_again_days,
            "lapse_days": policy.lapse_days,
            "grant_days": policy.grant_days,
        }
    )


def _grant(repository: Repository, public_id: str) -> Grant:
    found = grants.of_repository(repository).filter(public_id=public_id).first()
    if found is None:
        raise Http404("There is no such grant.")
    return found


def _managed(request: CallerRequest, namespace: str, name: str) -> Repository:
    """The repository, for those who decide about requests; it has no such page for others."""
    repository = lookup.repository_or_404(request, namespace, name)
    try:
        requests.require_review(repository, request.caller)
    except RegistryError as refusal:
        raise Http404(str(refusal)) from refusal
    return repository


def _back(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    back = redirect("repository-requests", namespace, name)
    shown = text_in(request.POST, "shown")
    if shown in TABS:
        back["Location"] += f"?state={shown}"
    return back
