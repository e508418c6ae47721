"""The checks of a revision: their page, report and signed statement, and what follows from them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.permissions import Permission
from registry.catalog.models import Repository, RevisionState
from registry.checks import catalogue, overrides, runs
from registry.checks.models import CheckRun
from registry.errors import RegistryError
from registry.releases import evidence, steps, unwanted
from registry.web import comparisons, findings, lookup, run_rows, standing
from registry.web.requests import CallerRequest, text_in
from registry.web.standing import Standing


@require_safe
def page(request: CallerRequest, namespace: str, name: str, revision: str = "") -> HttpResponse:
    """The report of a revision. htmx asks for the part that changes while checks run, other pages
    of the repository for one line of it."""
    here = _standing(request, namespace, name, revision)
    if request.htmx and request.htmx.target == "progress":
        found = findings.report(here.run, here.answer, by=request.caller)
        return render(request, "repository/progress.html", _about(here) | found)
    run = _asked(request, here)
    if run is not None and run != here.run:
        return _earlier(request, here, run)
    return _render(request, here, part="#live" if request.htmx else "")


@login_required
@require_POST
def rerun(request: CallerRequest, namespace: str, name: str, revision: str) -> HttpResponse:
    """Run all checks of a revision again; its page then follows them."""
    repository = lookup.repository_or_404(request, namespace, name)
    found = lookup.revision_or_404(request, repository, revision)
    try:
        runs.rerun(found, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The checks run again."))
    return redirect("repository-checks-revision", namespace, name, found.oid)


@login_required
@require_POST
def cancel(request: CallerRequest, namespace: str, name: str, revision: str) -> HttpResponse:
    """End checks that wait or run; they can be run again."""
    here = _standing(request, namespace, name, revision)
    try:
        runs.cancel(_run(here), by=request.caller, reason=text_in(request.POST, "reason"))
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The checks were cancelled."))
    return redirect("repository-checks-revision", namespace, name, here.shown.oid)


@require_safe
def raw_report(request: CallerRequest, namespace: str, name: str, revision: str) -> JsonResponse:
    """The report of the checks. The API gives the same to programs with a token."""
    here = _standing(request, namespace, name, revision)
    run = _asked(request, here) or _run(here)
    report = evidence.report_for(run, here.answer, by=request.caller)
    return JsonResponse(report, json_dumps_params={"indent": 2})


@require_safe
def attestation(request: CallerRequest, namespace: str, name: str, revision: str) -> JsonResponse:
    """The signed statement, which names the hash of every file: for those who may have them."""
    here = _standing(request, namespace, name, revision)
    statement = evidence.attestation_for(_run(here), here.answer)
    if statement is None:
        raise Http404("There is no statement that you may have.")
    return JsonResponse(statement, json_dumps_params={"indent": 2})


@login_required
@require_POST
def override(
    request: CallerRequest, namespace: str, name: str, revision: str, check: str
) -> HttpResponse:
    """A maintainer writes why what this check blocks need not hold a release."""
    here = _standing(request, namespace, name, revision)
    _only_for_reviewers(request.caller, here.repository)
    reason = text_in(request.POST, "reason", limit=overrides.LONGEST_REASON + 1)
    try:
        overrides.override(_run(here), check, reason=reason, by=request.caller)
    except RegistryError as refusal:
        typed = {"refusal": str(refusal), "typed": reason, "typed_for": check}
        return _render(request, here, typed, status=409)
    messages.success(request, _("Your override is recorded."))
    return redirect("repository-checks-revision", namespace, name, here.shown.oid)


@login_required
@require_POST
def withdraw(
    request: CallerRequest, namespace: str, name: str, revision: str, override_id: str
) -> HttpResponse:
    """A maintainer takes an override back."""
    here = _standing(request, namespace, name, revision)
    _only_for_reviewers(request.caller, here.repository)
    made = here.shown.overrides.filter(public_id=override_id).first()
    if made is None:
        raise Http404("There is no such override.")
    try:
        overrides.withdraw(made, by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The override is withdrawn."))
    return redirect("repository-checks-revision", namespace, name, here.shown.oid)


@login_required
@require_POST
def delete_files(request: CallerRequest, namespace: str, name: str, revision: str) -> HttpResponse:
    """Delete the files of kinds that are not accepted from the branch, as one commit."""
    here = _standing(request, namespace, name, revision)
    try:
        made = unwanted.delete(_run(here), by=request.caller)
    except RegistryError as refusal:
        messages.error(request, str(refusal))
        return redirect("repository-checks-revision", namespace, name, here.shown.oid)
    messages.success(request, _("Deleted as one commit. Its checks start on their own."))
    return redirect("repository-checks-revision", namespace, name, made.oid)


def _standing(request: CallerRequest, namespace: str, name: str, revision: str) -> Standing:
    repository = lookup.repository_or_404(request, namespace, name)
    wanted = lookup.revision_or_404(request, repository, revision) if revision else None
    found = standing.of(repository, caller=request.caller, revision=wanted)
    if found is None:
        raise Http404("Nothing of this repository is released.")
    return found


def _asked(request: CallerRequest, here: Standing) -> CheckRun | None:
    """The run that the address names, where it names one."""
    run_id = text_in(request.GET, "run")
    if not run_id:
        return None
    found = run_rows.find(run_id, here.shown, request.caller)
    if found is None:
        raise Http404("There is no such run of this revision, or none that you may know of.")
    found.revision = here.shown
    return found


def _earlier(request: CallerRequest, here: Standing, run: CheckRun) -> HttpResponse:
    """The report of a run that another has followed: to be read, and nothing can be done on it."""
    context = {
        **_about(here),
        "tab": "checks",
        "is_earlier": True,
        **findings.report(run, here.answer, by=request.caller),
        "runs": run_rows.of(here.repository, request.caller),
    }
    if run.verdict:
        context |= comparisons.page(run, here.repository, caller=request.caller)
    return render(request, "repository/checks.html", context)


def _run(here: Standing) -> CheckRun:
    if here.run is None:
        raise Http404("This revision has no report yet.")
    return here.run


def _about(here: Standing) -> dict[str, Any]:
    return {"here": here, "repository": here.repository}


def _only_for_reviewers(caller: Caller, repository: Repository) -> None:
    if not permissions.may(caller, Permission.REVIEW, repository.namespace):
        raise Http404("Only site maintainers override checks.")


def _render(
    request: CallerRequest,
    here: Standing,
    more: dict[str, Any] | None = None,
    *,
    part: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        **_about(here),
        "tab": "checks",
        "holds": _holds_beside_checks(here),
        "may_rerun": runs.may_rerun(here.shown, by=request.caller),
        "may_cancel": here.run is not None and runs.may_cancel(here.run, by=request.caller),
        **findings.report(here.run, here.answer, by=request.caller),
        **_acts(here, request.caller),
    }
    if here.run is not None and here.run.verdict:
        context |= comparisons.page(here.run, here.repository, caller=request.caller)
    if not part:
        context["runs"] = run_rows.of(here.repository, request.caller)
    template = f"repository/checks.html{part}"
    return render(request, template, context | (more or {}), status=status)


def _acts(here: Standing, caller: Caller) -> dict[str, Any]:
    """What this caller may do about what was found."""
    run = here.run
    if run is None or not run.verdict:
        return {}
    branch = unwanted.branch_of(here.shown, by=caller)
    paths = unwanted.paths_in(run) if branch else []
    reviews = permissions.may(caller, Permission.REVIEW, here.repository.namespace)
    return {
        "unwanted": paths,
        "unwanted_check": unwanted.CHECK,
        "unwanted_branch": branch,
        "reviews": reviews,
        "may_override": reviews and overrides.may_override(here.shown, by=caller),
        "overridable": [one.id for one in catalogue.of_stage(*overrides.STAGES)],
        "has_statement": evidence.attestation_for(run, here.answer) is not None,
    }


def _holds_beside_checks(here: Standing) -> list[str]:
    """What else stands in the way of a release, for those who may ask for one. What the checks
    have against it is on their page anyway."""
    if not here.may_write or here.shown.state != RevisionState.QUARANTINE:
        return []
    of_checks = runs.holds(here.shown)
    return [hold for hold in steps.holds(here.shown) if hold not in of_checks]
