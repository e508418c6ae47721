"""The review queue, and the page where a release is looked at and decided."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from registry.agreements import terms
from registry.catalog import files
from registry.checks import catalogue, reports, runs
from registry.discussions.models import Discussion, EventKind
from registry.errors import RegistryError
from registry.releases import duties, gate, steps, workflow
from registry.releases.grounds import Grounds
from registry.releases.models import DecisionKind, Release, Status
from registry.web import differences, findings, listing, shown_terms, threads
from registry.web import duties as shown_duties
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 50
LONGEST_REASON = steps.MAX_REASON + 1  # one more, so that the rule sees that it is too long
DANGEROUS = {"reject", "suspend", "recall"}


@login_required
@require_safe
def queue(request: CallerRequest) -> HttpResponse:
    """What waits for a maintainer, the most urgent first."""
    if not request.caller.is_maintainer:
        raise Http404("Only maintainers have a queue.")
    waiting = (
        Release.objects.visible_to(request.caller)
        .filter(status=Status.IN_REVIEW)
        .select_related("repository__namespace", "revision", "opened_by")
        .order_by("due_at", "pk")
    )
    page = Paginator(waiting, PER_PAGE).get_page(request.GET.get("page"))
    releases = list(page.object_list)
    checked = listing.latest_runs([release.revision for release in releases])
    rows = [{"release": release, "run": checked.get(release.revision_id)} for release in releases]
    context = {"page": page, "rows": rows, "now": timezone.now()}
    return render(request, "reviews/queue.html", context)


@require_safe
def release(request: CallerRequest, release_id: str) -> HttpResponse:
    """Everything about one release: evidence, what changed, decisions so far, what can be done."""
    return render(request, "reviews/release.html", _page(request, _release(request, release_id)))


@login_required
@require_POST
def take_step(request: CallerRequest, release_id: str, step: str) -> HttpResponse:
    found = _release(request, release_id)
    reason = text_in(request.POST, "reason", limit=LONGEST_REASON)
    ticked = request.POST.getlist("acknowledged")
    try:
        moved = workflow.transition(
            step,
            found,
            by=request.caller,
            reason=reason,
            digest=text_in(request.POST, "digest"),
            acknowledged=ticked,
        )
    except RegistryError as refusal:
        context = _page(request, _release(request, release_id))
        context |= {"refusal": str(refusal), "refused_step": step, "reason": reason}
        context["ticked"] = ticked
        return render(request, "reviews/release.html", context, status=409)
    messages.success(request, _said(moved, step))
    return redirect(moved)


def _release(request: CallerRequest, release_id: str) -> Release:
    seen = Release.objects.visible_to(request.caller).select_related(
        "repository__namespace",
        "revision__repository__namespace",
        "revision__author",
        "opened_by",
        "discussion",
    )
    return get_object_or_404(seen, public_id=release_id)


def _page(request: CallerRequest, release: Release) -> dict[str, Any]:
    run = runs.latest(release.revision)
    before = _before(release)
    after_files = files.files_of(release.revision)
    before_files = files.files_of(before.revision) if before else []
    grounds = Grounds(release.revision)
    of_duties = duties.warnings(grounds.duties)
    is_open = release.status in {Status.DRAFT, Status.IN_REVIEW, Status.CHANGES_REQUESTED}
    return {
        "release": release,
        "repository": release.repository,
        "run": run,
        "summary": findings.summary(run),
        "groups": reports.grouped(run) if run else [],
        "before": before,
        "changes": differences.between(before_files, after_files),
        "shows_hashes": gate.decide(
            release.repository, release.revision, caller=request.caller
        ).is_open,
        "unchanged": differences.unchanged(before_files, after_files),
        "decisions": _decisions(release),
        "comments": _comments(request, release),
        "approvals": steps.approvals(release),
        "approvals_needed": steps.approvals_needed(release),
        "holds": steps.holds(release, grounds) if is_open else [],
        "duties": shown_duties.unmet(release.revision) if is_open else [],
        "steps": _steps(request, release, grounds),
        "why_not": _why_not(request, release, grounds),
        "warned": [
            catalogue.CHECKS.get(check_id) or {"id": check_id, "title": of_duties.get(check_id)}
            for check_id in steps.warned_checks(release.revision, grounds)
        ],
        "documents": terms.versions_in(release.terms),
        "prompt": shown_terms.prompt(release.terms),
        "statements": shown_terms.statements(release.terms),
        "now": timezone.now(),
    }


def _steps(request: CallerRequest, release: Release, grounds: Grounds) -> list[dict[str, Any]]:
    """The steps that this caller can take now: the table says, and the buttons follow."""
    return [
        {"name": name, "rule": rule, "is_dangerous": name in DANGEROUS}
        for name, rule in steps.TRANSITIONS.items()
        if steps.refusal(name, release, request.caller, grounds=grounds) is None
    ]


def _why_not(request: CallerRequest, release: Release, grounds: Grounds) -> str:
    """What keeps a maintainer from approving, where they would expect to."""
    if not request.caller.is_maintainer or release.status != Status.IN_REVIEW:
        return ""
    return str(steps.refusal("approve", release, request.caller, grounds=grounds) or "")


def _before(release: Release) -> Release | None:
    """The release that the public had from this branch before this one."""
    return (
        Release.objects.filter(
            repository=release.repository,
            branch=release.branch,
            status=Status.RELEASED,
            revision__lt=release.revision_id,
        )
        .select_related("revision")
        .order_by("-revision_id")
        .first()
    )


def _decisions(release: Release) -> list[dict[str, Any]]:
    return [
        {
            "decision": decision,
            "is_void": decision.kind == DecisionKind.APPROVE and decision.digest != release.digest,
        }
        for decision in release.decisions.select_related("by")
    ]


def _comments(request: CallerRequest, release: Release) -> list[dict[str, Any]] | None:
    """What was said in the thread of the release; None where the visitor has none to see."""
    seen = Discussion.objects.visible_to(request.caller).filter(releases=release)
    discussion = seen.select_related("repository__namespace").first()
    if discussion is None:
        return None
    happened = threads.events(discussion, caller=request.caller)
    return [one for one in happened if one["event"].kind == EventKind.COMMENT]


def _said(release: Release, step: str) -> str:
    if step == "approve" and release.status == Status.IN_REVIEW:
        return _("Your approval is recorded. Another maintainer has to approve as well.")
    return _("%(version)s of %(name)s is now: %(state)s.") % {
        "version": release.version,
        "name": release.repository.full_name,
        "state": Status(release.status).label,
    }
