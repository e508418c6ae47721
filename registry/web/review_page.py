"""The page of a release under review: its evidence, what changed, and what this visitor can do."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from registry.accounts.callers import Caller
from registry.agreements import terms
from registry.catalog import files, lineage, markdown, rights
from registry.checks import catalogue, reports
from registry.discussions.models import Discussion, EventKind
from registry.releases import (
    apart,
    checklists,
    claims,
    duties,
    evidence,
    gate,
    interests,
    policies,
    predecessors,
    reasons,
    remarks,
    steps,
)
from registry.releases.grounds import Grounds
from registry.releases.models import (
    Decision,
    DecisionKind,
    Interest,
    ReasonTemplate,
    Release,
    Remark,
    Status,
)
from registry.web import (
    comparisons,
    differences,
    finding_places,
    findings,
    measured_lineage,
    revision_diff,
    shown_terms,
    threads,
)
from registry.web import duties as shown_duties
from registry.web.revision_diff import RevisionDiff

OPEN = (Status.DRAFT, Status.IN_REVIEW, Status.CHANGES_REQUESTED)
INTERESTS: dict[str, Any] = {
    Interest.SAME_ORGANISATION: gettext_lazy("a member of the namespace"),
    Interest.PARENT_AUTHOR: gettext_lazy("an author of a model that it comes from"),
}
DANGEROUS = {"reject", "suspend", "recall"}


def of(release: Release, caller: Caller, *, now: datetime | None = None) -> dict[str, Any]:
    now = now or timezone.now()
    grounds = Grounds(release.revision)
    before = predecessors.of(release)
    _ask_once(release, before, caller)
    is_apart = apart.hides(release, caller)
    diff = revision_diff.compare(
        before.revision if before else None, release.revision, caller=caller
    )
    return {
        "release": release,
        "repository": release.repository,
        "now": now,
        "is_apart": is_apart,
        **_evidence(release, caller, grounds, diff),
        **_changes(release, before, diff, caller),
        **_said(release, diff, caller, is_apart),
        **_deciding(release, caller, grounds, is_apart),
        **_reviewing(release, caller, grounds, now),
        "documents": terms.versions_in(release.terms),
        "prompt": shown_terms.prompt(release.terms),
        "statements": shown_terms.statements(release.terms),
    }


def _ask_once(release: Release, before: Release | None, caller: Caller) -> None:
    """Have all parts of the page share one row of the repository, with what the caller may do."""
    repository = release.repository
    repository.rights = rights.of(repository, caller)  # type: ignore[attr-defined]
    for revision in [release.revision, *([before.revision] if before else [])]:
        revision.repository = repository


def _evidence(
    release: Release, caller: Caller, grounds: Grounds, diff: RevisionDiff
) -> dict[str, Any]:
    run = grounds.run
    if run is not None:
        run.revision = release.revision
        prefetch_related_objects([run], "findings")
    is_open = release.status in OPEN
    shows = diff.is_open or gate.decide(release.repository, release.revision, caller=caller).is_open
    report = evidence.named_for(run, by=caller) if run is not None else {}
    groups = reports.grouped(run) if run is not None else []
    if run is not None:
        finding_places.tell(groups, run, is_open=shows, by=caller)
    beside = (
        comparisons.page(run, release.repository, caller=caller)
        if run is not None and run.verdict and shows
        else {}
    )
    return {
        "run": run,
        "summary": findings.summary(run),
        "groups": groups,
        "shows_hashes": shows,
        "answers": beside.get("answers") or [],
        "comparison": beside.get("comparison"),
        "declared": lineage.of_revision(release.revision).parents,
        "lineage": measured_lineage.shown(report.get("lineage"), caller=caller),
        "duties": shown_duties.unmet(release.revision, grounds.duties) if is_open else [],
        "holds": steps.holds(release, grounds) if is_open else [],
    }


def _changes(
    release: Release, before: Release | None, diff: RevisionDiff, caller: Caller
) -> dict[str, Any]:
    if diff.is_open:
        changes, unchanged = diff.files, diff.unchanged
    else:
        after_files = files.files_of(release.revision)
        before_files = files.files_of(before.revision) if before else []
        changes = differences.renamed(differences.between(before_files, after_files))
        unchanged = differences.unchanged(before_files, after_files)
    return {
        "before": before,
        "changes": changes,
        "unchanged": unchanged,
        "diff": diff if diff.is_open else None,
        "may_remark": remarks.may_remark(release, caller),
    }


def _said(release: Release, diff: RevisionDiff, caller: Caller, is_apart: bool) -> dict[str, Any]:
    """Remarks: those of lines that the page shows beside them, all of them in a list."""
    render = markdown.Renderer()
    found = remarks.of_release(release, caller=caller, is_apart=is_apart)
    anchors = {text.before_path: text.anchor for text in diff.texts}
    lines = {
        f"{text.anchor}-{line.mark}"
        for text in diff.texts
        for hunk in text.hunks
        for line in hunk.lines
    }
    shown = []
    by_line: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for thread in found:
        key = _key(thread.first, anchors) if _is_of(thread.first, release) else ""
        key = key if key in lines else ""
        one = {
            "thread": thread,
            "key": key,
            "entries": [_entry(remark, render) for remark in (thread.first, *thread.answers)],
        }
        shown.append(one)
        if key:
            by_line[key].append(one)
    return {
        "remarks": shown,
        "remarked": dict(by_line),
        "remarks_open": sum(thread.is_open for thread in found),
        "comments": _comments(release, caller),
    }


def _is_of(remark: Remark, release: Release) -> bool:
    return remark.revision_id == release.revision_id and remark.line is not None


def _key(remark: Remark, anchors: dict[str, str]) -> str:
    """The id of the line on the page, as the difference of the text gives it."""
    if remark.side == "after":
        return f"{revision_diff.anchor_of(remark.path)}-L{remark.line}"
    anchor = anchors.get(remark.path) or revision_diff.anchor_of(remark.path)
    return f"{anchor}-B{remark.line}"


def _entry(remark: Remark, render: markdown.Renderer) -> dict[str, Any]:
    event = remark.event
    texts = list(event.texts.all())
    html = ""
    if event.hidden_at is None and texts:
        html = render(texts[-1].raw, prefix=f"r{event.public_id}-")
    return {"event": event, "html": html, "edits": len(texts) - 1}


def _comments(release: Release, caller: Caller) -> list[dict[str, Any]] | None:
    """What was said in the thread about no place; None where the visitor has no thread to see."""
    seen = Discussion.objects.visible_to(caller).filter(releases=release)
    discussion = seen.first()
    if discussion is None:
        return None
    discussion.repository = release.repository
    happened = threads.events(discussion, caller=caller)
    return [
        one for one in happened if one["event"].kind == EventKind.COMMENT and not one["event"].facts
    ]


def _deciding(release: Release, caller: Caller, grounds: Grounds, is_apart: bool) -> dict[str, Any]:
    of_duties = duties.warnings(grounds.duties)
    policy = (
        grounds.stake(release, caller.user).policy
        if caller.user is not None
        else policies.of(release.repository.namespace_id)
    )
    decisions = list(apart.decisions(release, caller, is_hidden=is_apart))
    refusals = {
        name: steps.refusal(name, release, caller, grounds=grounds)
        for name, rule in steps.TRANSITIONS.items()
        if release.status in rule.sources
    }
    can_take: list[dict[str, Any]] = [
        {
            "name": name,
            "rule": steps.TRANSITIONS[name],
            "is_dangerous": name in DANGEROUS,
            "is_told": steps.TRANSITIONS[name].needs_reason or name == "approve",
        }
        for name, refusal in refusals.items()
        if refusal is None
    ]
    decides = any(one["rule"].second_person for one in can_take)
    return {
        "decisions": [
            {
                "decision": decision,
                "is_void": decision.kind == DecisionKind.APPROVE and not _counts(decision, release),
                "conflicts": [INTERESTS[one] for one in decision.conflicts],
            }
            for decision in decisions
        ],
        "approvals": None if is_apart else sum(_counts(one, release) for one in decisions),
        "approvals_needed": policy.approvals,
        "steps": can_take,
        "why_not": str(refusals.get("approve") or "") if caller.is_maintainer else "",
        "warned": [
            catalogue.CHECKS.get(check_id) or {"id": check_id, "title": of_duties.get(check_id)}
            for check_id in steps.warned_checks(release.revision, grounds)
        ],
        "interests": [
            (one.value, gettext(interests.SAID[one]))
            for one in grounds.stake(release, caller.user).interests
        ]
        if caller.user is not None and decides
        else [],
    }


def _counts(decision: Decision, release: Release) -> bool:
    """Whether it is an approval of the release as it is now."""
    return decision.kind == DecisionKind.APPROVE and decision.digest == release.digest


def _reviewing(release: Release, caller: Caller, grounds: Grounds, now: datetime) -> dict[str, Any]:
    """What only reviewers are shown: who works on it, the checklist, and reasons to start from."""
    if caller.user is None or not steps.reviews(caller):
        return {"is_reviewer": False, "reasons": {}}
    is_in_review = release.status == Status.IN_REVIEW
    held = list(claims.living(now).filter(release=release).select_related("reviewer", "given_by"))
    done = set(checklists.ticked(release, caller.user).values_list("item", flat=True))
    items = list(checklists.asked_of(release)) if is_in_review else []
    return {
        "is_reviewer": True,
        "claims": held,
        "is_mine": any(claim.reviewer == caller.user for claim in held),
        "reviewers": claims.workload(now) if is_in_review else [],
        "may_look": steps.may_look(release, caller, grounds=grounds) is None,
        "checklist": [{"item": item, "is_ticked": item.pk in done} for item in items],
        "checklist_done": sum(item.pk in done for item in items),
        "policy": grounds.stake(release, caller.user).policy,
        "reasons": _reasons(reasons.living()),
    }


def _reasons(found: QuerySet[ReasonTemplate]) -> dict[str, list[ReasonTemplate]]:
    by_step: dict[str, list[ReasonTemplate]] = defaultdict(list)
    for one in found:
        by_step[one.step].append(one)
    return dict(by_step)
