"""The duties of a repository on a page, the fixes that one press makes, and what stewards decide."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from registry.accounts import permissions
from registry.accounts.permissions import Permission
from registry.catalog import rights
from registry.catalog.models import Revision
from registry.errors import RegistryError
from registry.releases import duties, mending
from registry.releases.models import Release, Status
from registry.web import duties as shown_duties
from registry.web import lookup, standing
from registry.web.requests import CallerRequest, text_in
from registry.web.standing import Standing

PER_PAGE = 10
LONGEST_REASON = duties.MAX_REASON + 1


@require_safe
def of_repository(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    here = _standing(request, namespace, name)
    return render(request, "repository/duties.html", _page(request, here))


@login_required
@require_safe
def preview(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """What the chosen fixes would write, before anything is written."""
    here = _standing(request, namespace, name)
    chosen = _chosen(here.shown, request.GET.getlist("fix"))
    page = _page(request, here)
    try:
        page |= {"changes": mending.changes(here.shown, chosen), "chosen": chosen}
    except RegistryError as refusal:
        page["refusal"] = str(refusal)
    return render(request, "repository/duties_preview.html", page)


@login_required
@require_POST
def mend(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Write the chosen fixes: a commit of whoever may write, a pull request of anybody else."""
    here = _standing(request, namespace, name)
    shown = text_in(request.POST, "revision")
    as_pull_request = not rights.of(here.repository, request.caller).writes
    if shown != here.shown.oid:
        messages.error(request, _("The repository has changed since. Look at the fixes again."))
        return redirect("repository-duties", namespace, name)
    chosen = _chosen(here.shown, request.POST.getlist("fix"))
    try:
        made = mending.apply(here.shown, chosen, by=request.caller, as_pull_request=as_pull_request)
    except RegistryError as refusal:
        page = _page(request, here) | {"refusal": str(refusal)}
        return render(request, "repository/duties.html", page, status=409)
    if isinstance(made, Revision):
        messages.success(request, _("Written as one commit. Its checks start on their own."))
        return redirect("repository-duties", namespace, name)
    messages.success(request, _("Proposed as a pull request."))
    return redirect(made)


@login_required
@require_POST
def decide(
    request: CallerRequest, namespace: str, name: str, revision: str, rule: str
) -> HttpResponse:
    """A steward settles what a rule leaves open."""
    repository = lookup.repository_or_404(request, namespace, name)
    found = lookup.revision_or_404(request, repository, revision)
    if not permissions.may(request.caller, Permission.GOVERN, repository.namespace):
        raise Http404("Only stewards decide.")
    reason = text_in(request.POST, "reason", limit=LONGEST_REASON)
    try:
        duties.decide(
            found,
            rule,
            verdict=text_in(request.POST, "verdict"),
            reason=reason,
            shown=text_in(request.POST, "shown"),
            by=request.caller,
        )
    except RegistryError as refusal:
        page = _waiting(request) | {"refusal": str(refusal), "typed": reason, "typed_for": rule}
        return render(request, "steward/duties.html", page, status=409)
    messages.success(request, _("Your decision is recorded."))
    return redirect("steward-duties")


@never_cache
@login_required
@require_safe
def waiting(request: CallerRequest) -> HttpResponse:
    """What the rules leave to a steward, of the releases in review."""
    if not (request.caller.is_steward and request.caller.can_administer):
        raise Http404("Only stewards decide about duties.")
    return render(request, "steward/duties.html", _waiting(request))


def _standing(request: CallerRequest, namespace: str, name: str) -> Standing:
    repository = lookup.repository_or_404(request, namespace, name)
    found = standing.of(repository, caller=request.caller)
    if found is None:
        raise Http404("Nothing of this repository is released.")
    return found


def _page(request: CallerRequest, here: Standing) -> dict[str, Any]:
    found = shown_duties.rows(here.shown)
    possible = [one for one in mending.plan(here.shown) if one.can_be_made]
    return {
        "here": here,
        "repository": here.repository,
        "tab": "releases",
        "open": [row for row in found if row["verdict"] != "passed"],
        "met": [row for row in found if row["verdict"] == "passed"],
        "asked": duties.asked_at_download(here.shown),
        "possible": possible,
        "writes": rights.of(here.repository, request.caller).writes,
    }


def _chosen(revision: Revision, ids: list[str]) -> list[mending.Fix]:
    wanted = set(ids)
    return [one for one in mending.plan(revision) if one.id in wanted]


def _waiting(request: CallerRequest) -> dict[str, Any]:
    in_review = (
        Release.objects.visible_to(request.caller)
        .filter(status=Status.IN_REVIEW)
        .exclude(open_duties=0, duties_counted_of=F("digest"))
        .select_related("repository__namespace", "revision__repository__namespace")
        .order_by("due_at", "pk")
    )
    page = Paginator(in_review, PER_PAGE).get_page(request.GET.get("page"))
    found = []
    for release in page.object_list:
        rules = {one.rule: one for one in duties.to_review(duties.of_revision(release.revision))}
        asked = [
            {"result": one, "shown": duties.facts_digest(release.revision, rule)}
            for rule, one in rules.items()
        ]
        if asked:
            may = duties.may_decide(release.revision, request.caller)
            found.append({"release": release, "asked": asked, "may_decide": may})
    return {"tab": "duties", "page": page, "rows": found}
