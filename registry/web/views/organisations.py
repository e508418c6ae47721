"""The pages of organisations: which are mine, who is a member, which domains sign, and joining."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.accounts import members, people, permissions
from registry.accounts.models import Membership, Namespace, NamespaceKind
from registry.accounts.permissions import Permission
from registry.agreements import domains, organisations, register
from registry.agreements.models import Acceptance, Document, DocumentKind
from registry.catalog.models import Repository
from registry.errors import Missing, RegistryError
from registry.releases import gate, offers
from registry.web.forms.organisations import ROLES, DomainForm, MemberForm, TypedForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 50


@never_cache
@login_required
@require_safe
def index(request: CallerRequest) -> HttpResponse:
    """The organisations of which the visitor is a member."""
    mine = (
        Membership.objects.filter(
            user=request.caller.user, namespace__kind=NamespaceKind.ORGANISATION
        )
        .select_related("namespace")
        .order_by("namespace__name")
    )
    signing = set(organisations.signs_for(request.caller).values_list("pk", flat=True))
    page = {"memberships": mine, "signing": signing}
    return render(request, "organisations/index.html", page)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def organisation(request: CallerRequest, name: str) -> HttpResponse:
    """The members, and the form that takes somebody in."""
    found, form, status = find(request, name), MemberForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = members.add(found, **form.cleaned_data, by=request.caller)
            except RegistryError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("%(name)s is a member now.") % {"name": made.user})
                return redirect("organisation", found.name)
    page = frame(request, found, "members") | {
        "form": form,
        "roles": ROLES,
        "may_manage": members.may_manage(found, request.caller),
        "page": Paginator(members.of(found), PER_PAGE).get_page(text_in(request.GET, "page")),
    }
    return render(request, "organisations/members.html", page, status=status)


@login_required
@require_POST
def set_role(request: CallerRequest, name: str, user_id: str) -> HttpResponse:
    found = find(request, name)
    member = _member(found, user_id)
    role = text_in(request.POST, "role")
    try:
        members.change_role(found, user=member.user, role=role, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        said = {"name": member.user, "role": role}
        messages.success(request, _("%(name)s has the role %(role)s now.") % said)
    return redirect("organisation", found.name)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: CallerRequest, name: str, user_id: str) -> HttpResponse:
    """Ask once more, then end a membership: the visitor's own, or that of somebody else."""
    found = find(request, name)
    member = _member(found, user_id)
    is_me = member.user == request.caller.user
    if not is_me and not members.may_manage(found, request.caller):
        raise Http404("Only those who manage members remove them.")
    form = TypedForm(found.name if is_me else member.user.username, request.POST or None)
    status = 200 if request.method != "POST" else 422
    if request.method == "POST" and form.is_valid():
        try:
            if is_me:
                people.leave(namespace=found, by=request.caller)
            else:
                members.remove(found, user=member.user, by=request.caller)
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            said = {"name": member.user, "organisation": found.name}
            left = _("You are no longer in %(organisation)s.")
            gone = _("%(name)s is no longer in %(organisation)s.")
            messages.success(request, (left if is_me else gone) % said)
            return redirect("organisations") if is_me else redirect("organisation", found.name)
    page = frame(request, found, "members") | {
        "form": form,
        "member": member,
        "is_me": is_me,
        "is_last_admin": people.is_last_admin(found, member.user),
    }
    return render(request, "organisations/remove.html", page, status=status)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def domains_of(request: CallerRequest, name: str) -> HttpResponse:
    """The domains by which people sign, and the form that asks for one."""
    found, form, status = find(request, name), DomainForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                domains.ask(found, domain=form.cleaned_data["domain"], by=request.caller)
            except RegistryError as refusal:
                form.add_error("domain", str(refusal))
            else:
                messages.success(request, _("Asked. A steward of this site looks at it."))
                return redirect("organisation-domains", found.name)
    page = frame(request, found, "domains") | {
        "form": form,
        "domains": domains.open_of(found),
        "refusal": organisations.may_sign(found, request.caller),
    }
    return render(request, "organisations/domains.html", page, status=status)


@login_required
@require_POST
def withdraw_domain(request: CallerRequest, name: str, domain_id: str) -> HttpResponse:
    found = find(request, name)
    visible = domains.visible_to(request.caller).filter(organisation=found)
    try:
        domains.withdraw(get_object_or_404(visible, public_id=domain_id), by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Withdrawn."))
    return redirect("organisation-domains", found.name)


@login_required
@require_POST
def adhere(request: CallerRequest, name: str) -> HttpResponse:
    """The one click of a member."""
    try:
        signature = organisations.find_signature(
            text_in(request.POST, "signature"), by=request.caller
        )
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal
    repository = signature.repository
    try:
        organisations.adhere(signature, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
        return redirect("repository-terms", repository.place, repository.name)
    return _after(request, signature, repository)


@require_safe
def separate_license(request: CallerRequest, slug: str) -> HttpResponse:
    """Whom to ask for a license of one's own, above the number of users of the published one."""
    licenses = Document.objects.filter(kind=DocumentKind.LICENSE)
    document = get_object_or_404(licenses.select_related("stands_for"), slug=slug)
    facts = (document.stands_for or document).facts
    if not (threshold := facts.get("monthly_active_users_threshold")):
        raise Http404("This license has no limit on users.")
    page = {"document": document, "threshold": threshold}
    return render(request, "organisations/separate_license.html", page)


def find(request: CallerRequest, name: str) -> Namespace:
    """The organisation, for those who are told who its members are."""
    try:
        return members.find(name, caller=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal


def frame(request: CallerRequest, found: Namespace, tab: str) -> dict[str, Any]:
    """What every page of an organisation shows."""
    caller = request.caller
    return {
        "organisation": found,
        "tab": tab,
        "my_role": permissions.role_in(caller, found) or "",
        "is_admin": permissions.may(caller, Permission.ADMIN, found),
        "may_read_register": register.may_read(found, caller),
    }


def _member(found: Namespace, user_id: str) -> Membership:
    return get_object_or_404(members.of(found), user__public_id=user_id)


def _after(request: CallerRequest, signature: Acceptance, repository: Repository) -> HttpResponse:
    """The page after joining: what else there is to do, where the publisher has a lock too."""
    name = {"name": repository.full_name}
    release = offers.current(repository)
    if release is not None:
        answer = gate.decide(repository, release.revision, caller=request.caller)
        if not answer.is_open and answer.next_url:
            messages.success(request, _("Joined. There is one more step for %(name)s.") % name)
            return redirect(answer.next_url)
    messages.success(request, _("Joined. You can download %(name)s now.") % name)
    return redirect("repository-license", repository.place, repository.name)
