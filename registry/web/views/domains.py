"""The stewards' page of organisations: domains that wait, those that sign, and who signed what."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from registry.accounts import members, people
from registry.accounts.models import Namespace, NamespaceKind, Role
from registry.agreements import domains
from registry.agreements.models import Domain
from registry.errors import RegistryError
from registry.web.forms.organisations import DecisionForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
STEPS = {"confirm": domains.confirm, "refuse": domains.refuse, "end": domains.end}


@never_cache
@login_required
@require_safe
def index(request: CallerRequest) -> HttpResponse:
    _require_steward(request)
    return _page(request, {})


@never_cache
@login_required
@require_POST
def decide(request: CallerRequest, domain_id: str, step: str) -> HttpResponse:
    """Confirm, refuse or end one. A refusal shows the page again with what was typed."""
    _require_steward(request)
    found = get_object_or_404(domains.visible_to(request.caller), public_id=domain_id)
    if step not in STEPS:
        raise Http404
    form = _form(found, request.POST)
    if form.is_valid():
        try:
            STEPS[step](found, words=form.cleaned_data["words"], by=request.caller)
        except RegistryError as refusal:
            form.add_error("words", str(refusal))
        else:
            said = {"domain": found.domain, "organisation": found.organisation.name}
            messages.success(request, _("Recorded: %(domain)s of %(organisation)s.") % said)
            return redirect("steward-domains")
    return _page(request, {found.pk: form}, status=422)


def _page(
    request: CallerRequest, forms: dict[int, DecisionForm], status: int = 200
) -> HttpResponse:
    visible = domains.visible_to(request.caller).filter(ended_at=None)
    waiting = visible.filter(confirmed_at=None).order_by("asked_at", "pk")
    confirmed = visible.filter(confirmed_at__isnull=False).order_by("domain")
    waiting_page = Paginator(waiting, PER_PAGE).get_page(text_in(request.GET, "waiting"))
    confirmed_page = Paginator(confirmed, PER_PAGE).get_page(text_in(request.GET, "confirmed"))
    organisations = Paginator(_organisations(), PER_PAGE).get_page(text_in(request.GET, "page"))
    context = {
        "tab": "domains",
        "waiting": [_evidence(one, forms) for one in waiting_page],
        "waiting_page": waiting_page,
        "confirmed": [(one, forms.get(one.pk) or _form(one)) for one in confirmed_page],
        "confirmed_page": confirmed_page,
        "page": organisations,
    }
    return render(request, "steward/domains.html", context, status=status)


def _evidence(one: Domain, forms: dict[int, DecisionForm]) -> dict[str, Any]:
    """What the registry itself knows, beside the claim."""
    admins = members.of(one.organisation).filter(role=Role.ADMIN, user__is_service=False)
    having = [m.user for m in admins[:PER_PAGE] if one.domain in people.verified_domains(m.user)]
    return {
        "domain": one,
        "admins": having,
        "others": domains.others_with(one),
        "form": forms.get(one.pk) or _form(one),
    }


def _organisations() -> QuerySet[Namespace]:
    """Those with a domain or a signature."""
    return (
        Namespace.objects.filter(kind=NamespaceKind.ORGANISATION)
        .annotate(
            signed=Count("acceptances", distinct=True),
            signing=Count(
                "domains",
                filter=Q(domains__ended_at=None, domains__confirmed_at__isnull=False),
                distinct=True,
            ),
            people=Count("memberships", distinct=True),
        )
        .filter(Q(signed__gt=0) | Q(signing__gt=0))
        .order_by("name")
    )


def _form(one: Domain, data: Any = None) -> DecisionForm:
    return DecisionForm(data, auto_id=f"id_{one.public_id}_%s")


def _require_steward(request: CallerRequest) -> None:
    if not (request.caller.is_steward and request.caller.can_administer):
        raise Http404("Only stewards decide on domains.")
