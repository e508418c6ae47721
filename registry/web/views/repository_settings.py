"""The settings of a repository: who may know of it, its name, whether it is advised against, its end."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from registry.accounts import permissions
from registry.accounts.models import NamespaceKind
from registry.accounts.permissions import Permission
from registry.agreements import groups
from registry.catalog import deprecations, repositories
from registry.catalog.models import Gated, Repository, RevisionState
from registry.errors import RegistryError
from registry.web import lookup, standing
from registry.web.forms.access import MODES
from registry.web.forms.organisations import TypedForm
from registry.web.forms.repositories import DeprecationForm, MoveForm, VisibilityForm
from registry.web.requests import CallerRequest

Done = Callable[[CallerRequest, Repository, dict[str, Any]], HttpResponse]


@never_cache
@login_required
@require_safe
def page(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    repository = _writable(request, namespace, name)
    if repository.get_absolute_url() != f"/{namespace}/{name}":
        return redirect("repository-settings", repository.place, repository.name)
    return _page(request, repository)


@never_cache
@login_required
@require_POST
def act(request: CallerRequest, namespace: str, name: str, step: str) -> HttpResponse:
    """One of the steps; what was typed stays where it is refused."""
    repository = _writable(request, namespace, name)
    if step not in _STEPS:
        raise Http404("There is no such step.")
    bound = _bound(step, repository, request)
    if bound.is_valid():
        try:
            return _STEPS[step](request, repository, bound.cleaned_data)
        except RegistryError as refusal:
            bound.add_error(None, str(refusal))
    return _page(request, repository, {step: bound}, status=422)


def _bound(step: str, repository: Repository, request: CallerRequest) -> forms.Form:
    if step == "delete":
        return TypedForm(repository.full_name, request.POST)
    return _FORMS[step](request.POST)


def _forms(repository: Repository, request: CallerRequest) -> dict[str, forms.Form]:
    advice = deprecations.of(repository, caller=request.caller)
    said = {}
    if advice is not None:
        successor = advice.successor.full_name if advice.successor else ""
        said = {"successor": successor, "note": advice.note}
    return {
        "visibility": VisibilityForm(initial={"visibility": repository.visibility}),
        "move": MoveForm(initial={"to": repository.full_name}),
        "deprecate": DeprecationForm(initial=said),
        "take-back": forms.Form(),
        "delete": TypedForm(repository.full_name),
    }


def _page(
    request: CallerRequest,
    repository: Repository,
    wrong: dict[str, forms.Form] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    here = standing.of(repository, caller=request.caller)
    shown = {**_forms(repository, request), **(wrong or {})}
    caller, owner = request.caller, repository.namespace
    context = {
        "here": here,
        "repository": repository,
        "tab": "settings",
        "may_manage": permissions.may(caller, Permission.MANAGE, owner),
        "is_released": repository.revisions.filter(state=RevisionState.RELEASED).exists(),
        "mode": dict(MODES)[Gated(repository.gated)],
        "may_group": groups.may_manage(owner, caller),
        "is_organisation": owner.kind == NamespaceKind.ORGANISATION,
        "visibility_form": shown["visibility"],
        "move_form": shown["move"],
        "deprecation_form": shown["deprecate"],
        "take_back_form": shown["take-back"],
        "deletion_form": shown["delete"],
    }
    return render(request, "repository/settings.html", context, status=status)


def _set_visibility(
    request: CallerRequest, repository: Repository, typed: dict[str, Any]
) -> HttpResponse:
    repositories.set_visibility(repository, typed["visibility"], by=request.caller)
    return _saved(request, repository)


def _move(request: CallerRequest, repository: Repository, typed: dict[str, Any]) -> HttpResponse:
    moved = repositories.move(repository, to=typed["to"], by=request.caller)
    messages.success(request, _("It is called %(name)s now.") % {"name": moved.full_name})
    return redirect("repository-settings", moved.place, moved.name)


def _deprecate(
    request: CallerRequest, repository: Repository, typed: dict[str, Any]
) -> HttpResponse:
    deprecations.deprecate(repository, by=request.caller, **typed)
    return _saved(request, repository)


def _take_back(
    request: CallerRequest, repository: Repository, typed: dict[str, Any]
) -> HttpResponse:
    deprecations.take_back(repository, by=request.caller)
    return _saved(request, repository)


def _delete(request: CallerRequest, repository: Repository, typed: dict[str, Any]) -> HttpResponse:
    repositories.delete(repository, by=request.caller)
    messages.success(request, _("%(name)s is deleted.") % {"name": repository.full_name})
    return redirect("namespace", repository.namespace.name)


_FORMS: dict[str, type[forms.Form]] = {
    "visibility": VisibilityForm,
    "move": MoveForm,
    "deprecate": DeprecationForm,
    "take-back": forms.Form,
}
_STEPS: dict[str, Done] = {
    "visibility": _set_visibility,
    "move": _move,
    "deprecate": _deprecate,
    "take-back": _take_back,
    "delete": _delete,
}


def _saved(request: CallerRequest, repository: Repository) -> HttpResponse:
    messages.success(request, _("Saved. It is in force at once."))
    return redirect("repository-settings", repository.place, repository.name)


def _writable(request: CallerRequest, namespace: str, name: str) -> Repository:
    """The repository, for those who may write it; it has no settings for others."""
    repository = lookup.repository_or_404(request, namespace, name)
    if not permissions.may(request.caller, Permission.WRITE, repository.namespace):
        raise Http404("Only those who may write a repository have its settings.")
    return repository
