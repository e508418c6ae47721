"""Asking a publisher for access, and how one stands with them."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registry.agreements import grants, groups, requests
from registry.agreements.models import AccessRequest, RequestState
from registry.catalog import markdown
from registry.catalog.models import Repository
from registry.errors import RegistryError
from registry.releases import access
from registry.web import lookup, standing
from registry.web.forms.access import MessageForm, QuestionsForm
from registry.web.grants import GrantRow, rows_of, told
from registry.web.requests import CallerRequest

S = RequestState
# Where nothing lives any more, one may ask as if for the first time
OVER = {S.WITHDRAWN, S.LAPSED, S.ENDED}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """How this visitor stands with the publisher, and the form that asks to be let in."""
    repository = _gated(request, namespace, name)
    if not repository.gated:
        return redirect("repository-license", namespace, name)
    if request.method != "POST":
        return _page(request, repository)
    if not request.caller.is_signed_in:
        return redirect_to_login(request.get_full_path())
    prompt = access.prompt_of(repository, request.caller)
    form = QuestionsForm(prompt, request.POST, mode=repository.gated)
    if form.is_valid():
        try:
            access.ask(repository, by=request.caller, answers=form.answers(), **form.wish())
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("repository-access", namespace, name)
    return _page(request, repository, form=form, status=422)


@never_cache
@login_required
@require_POST
def answer(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """The person answers what the publisher asked back."""
    repository = _gated(request, namespace, name)
    form = MessageForm(request.POST)
    if form.is_valid():
        try:
            requests.answer(repository, text=form.cleaned_data["text"], by=request.caller)
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            return redirect("repository-access", namespace, name)
    return _page(request, repository, reply=form, status=422)


@login_required
@require_POST
def withdraw(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    told(request, lambda: requests.withdraw(repository, by=request.caller), _("Taken back."))
    return redirect("repository-access", namespace, name)


@login_required
@require_POST
def ask_renewal(request: CallerRequest, namespace: str, name: str, grant_id: str) -> HttpResponse:
    """The person asks for more time."""
    repository = lookup.repository_or_404(request, namespace, name)
    found = grants.of_repository(repository).filter(user=request.caller.user, public_id=grant_id)
    grant = found.first()
    if grant is None:
        raise Http404("There is no such grant.")
    done = _("Asked. The publisher is told.")
    told(request, lambda: grants.ask_renewal(grant, by=request.caller), done)
    return redirect("repository-access", namespace, name)


def _gated(request: CallerRequest, namespace: str, name: str) -> Repository:
    repository = lookup.repository_or_404(request, namespace, name)
    if standing.of(repository, caller=request.caller) is None:
        raise Http404("Nothing of this repository is released.")
    return repository


def _page(
    request: CallerRequest,
    repository: Repository,
    *,
    form: QuestionsForm | None = None,
    reply: MessageForm | None = None,
    status: int = 200,
) -> HttpResponse:
    prompt = access.prompt_of(repository, request.caller)
    own, rows = _own(request, repository)
    state = _state(own, rows)
    page: dict[str, Any] = {
        "here": standing.of(repository, caller=request.caller),
        "repository": repository,
        "tab": "license",
        "form": form or QuestionsForm(prompt, mode=repository.gated),
        "reply": reply or MessageForm(),
        "prompt": prompt,
        "prompt_html": markdown.render(prompt.text, files_url="") if prompt.text else "",
        "own": own,
        "state": state,
        "grants": rows,
        "exchange": own.messages.all() if own else [],
        "group": groups.of(repository),
        "others": _others(repository, request),
        "asks_again_from": requests.asks_again_from(own) if own else None,
        "may_ask": own is None or state in OVER or requests.may_ask_again(own),
        "terms_release": access.terms_to_accept(repository, request.caller),
    }
    return render(request, "repository/access.html", page, status=status)


def _own(
    request: CallerRequest, repository: Repository
) -> tuple[AccessRequest | None, list[GrantRow]]:
    """The visitor's request: the one that counts, else the last; and what they were given."""
    caller = request.caller
    if caller.user is None:
        return None, []
    own = requests.of_caller(repository, caller) or requests.newest(repository, caller.user)
    return own, rows_of(repository, access.grants_of(repository, caller.user)[:20])


def _state(own: AccessRequest | None, rows: list[GrantRow]) -> str:
    """The state of a request as it is now, also before a sweep has seen that its grants are over."""
    if own is None:
        return ""
    if own.state == S.ACCEPTED and not any(row.is_living for row in rows):
        return str(S.ENDED)
    return str(own.state)


def _others(repository: Repository, request: CallerRequest) -> list[Repository]:
    """What else is in the group, as far as this visitor may know of it."""
    group = groups.of(repository)
    if group is None:
        return []
    visible = Repository.objects.visible_to(request.caller).exclude(pk=repository.pk)
    return list(groups.repositories_in(group).filter(pk__in=visible.values("pk"))[:50])
