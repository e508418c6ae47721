"""The groups of a namespace: repositories whose access is asked for and given together."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registry.accounts.models import Namespace
from registry.agreements import groups
from registry.agreements.models import AccessGroup
from registry.catalog import repositories
from registry.catalog.models import Gated, Repository
from registry.errors import RegistryError
from registry.web.forms.access import GroupForm, GroupModeForm
from registry.web.grants import told
from registry.web.requests import CallerRequest, text_in

MOST_TO_CHOOSE = 500
PER_PAGE = 20


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: CallerRequest, namespace: str) -> HttpResponse:
    """The groups with what is in them. A POST makes one."""
    owner = _managed(request, namespace)
    form, status = GroupForm(), 200
    if request.method == "POST":
        form, status = GroupForm(request.POST), 422
        if form.is_valid():
            try:
                groups.make(owner, form.cleaned_data["name"], by=request.caller)
            except RegistryError as refusal:
                form.add_error("name", str(refusal))
            else:
                messages.success(request, _("The group is made. Put repositories into it now."))
                return redirect("access-groups", owner.name)
    listed = Paginator(groups.of_namespace(owner).order_by("name", "pk"), PER_PAGE)
    found = listed.get_page(request.GET.get("page"))
    grouped = groups.repositories_by_group(found.object_list)
    free = Repository.objects.visible_to(request.caller).filter(namespace=owner)
    page = {
        "owner": owner,
        "form": form,
        "page": found,
        "rows": [
            (one, inside, _mode_form(one, inside))
            for one in found
            for inside in [grouped.get(one.pk, [])]
        ],
        "free": free.exclude(pk__in=groups.taken(owner)).order_by("name")[:MOST_TO_CHOOSE],
    }
    return render(request, "settings/access_groups.html", page, status=status)


@login_required
@require_POST
def act(request: CallerRequest, namespace: str, group_id: str, step: str) -> HttpResponse:
    """Put in, take out, set the lock of all, or close."""
    owner = _managed(request, namespace)
    group = get_object_or_404(groups.of_namespace(owner), public_id=group_id)
    if step in {"put", "take-out"}:
        repository = _named(request, owner)
        change = groups.put if step == "put" else groups.take_out
        told(request, lambda: change(group, repository, by=request.caller), _("Done."))
    elif step == "gated":
        _set_mode(request, group)
    elif step == "close":
        told(request, lambda: groups.close(group, by=request.caller), _("Closed."))
    else:
        raise Http404("There is no such step.")
    return redirect("access-groups", owner.name)


def _mode_form(group: AccessGroup, inside: list[Repository]) -> GroupModeForm:
    """The lock that all of them have; where they differ, the strictest is offered first."""
    modes = {one.gated for one in inside}
    mode = modes.pop() if len(modes) == 1 else Gated.MANUAL
    return GroupModeForm(initial={"mode": mode}, auto_id=f"mode-{group.public_id}-%s")


def _set_mode(request: CallerRequest, group: AccessGroup) -> None:
    form = GroupModeForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose who lets readers in."))
        return
    mode = form.cleaned_data["mode"]
    done = _("Saved. It is in force at once.")
    told(request, lambda: groups.set_mode(group, mode, by=request.caller), done)


def _managed(request: CallerRequest, name: str) -> Namespace:
    """The namespace, for its admins; it has no such page for others."""
    owner = get_object_or_404(Namespace, name__iexact=name)
    if not groups.may_manage(owner, request.caller):
        raise Http404("There is no such page.")
    return owner


def _named(request: CallerRequest, owner: Namespace) -> Repository:
    public_id = text_in(request.POST, "repository")
    try:
        return repositories.of_id(public_id, caller=request.caller)
    except RegistryError as refusal:
        raise Http404(str(refusal)) from refusal
