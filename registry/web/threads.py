"""A thread as its page shows it: what happened, in order, and what this visitor can do about it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from registry.accounts.callers import Caller
from registry.catalog import markdown, rights
from registry.catalog.models import Revision
from registry.checks import runs
from registry.discussions import pull_requests, threads
from registry.discussions.models import Discussion, Event, EventKind, Status
from registry.releases import apart, diffs, merging

SAID = {
    "submit": _("submitted %(version)s for review"),
    "withdraw": _("withdrew %(version)s"),
    "approve": _("approved %(version)s"),
    "request_changes": _("asked for changes to %(version)s"),
    "reject": _("rejected %(version)s"),
    "suspend": _("suspended %(version)s"),
    "restore": _("restored %(version)s"),
    "recall": _("recalled %(version)s"),
}
BECAME = {
    Status.OPEN: _("opened this"),
    Status.CLOSED: _("closed this"),
    Status.MERGED: _("merged this"),
}


def events(discussion: Discussion, *, caller: Caller) -> list[dict[str, Any]]:
    render = markdown.Renderer()
    # What the caller may do here is asked once, and not for each event
    discussion.repository.rights = rights.of(discussion.repository, caller)  # type: ignore[attr-defined]
    shown = []
    for event in apart.events(discussion, caller=caller):
        event.discussion = discussion
        shown.append(_shown(event, caller, render))
    return shown


def abilities(discussion: Discussion, *, caller: Caller) -> dict[str, bool]:
    """What the buttons offer; the rules decide again."""
    can_manage = threads.may_manage(discussion, caller)
    return {
        "can_comment": rights.may_propose(discussion.repository, caller),
        "can_rename": can_manage,
        "can_close": can_manage and discussion.is_open,
        "can_open": can_manage and discussion.status in {Status.CLOSED, Status.DRAFT},
    }


def change(discussion: Discussion, *, caller: Caller) -> dict[str, Any]:
    """What a pull request changes and what keeps it from being merged, as far as the visitor may
    know of both sides."""
    sides = pull_requests.sides(discussion, caller=caller)
    writes = rights.of(discussion.repository, caller).writes
    page: dict[str, Any] = {"sides": sides, "base": _short_base(discussion), "hindrance": ""}
    if sides is None:
        return page
    page["run"] = runs.latest(sides.head)
    page["is_merged"] = discussion.status == Status.MERGED
    page["changes"] = [
        {"path": path, "is_removed": file is None} for path, file in sides.plan.changes.items()
    ]
    page["conflicts"] = sides.plan.conflicts if discussion.is_open else []
    page["blocking"] = merging.blocking(sides.head)
    page["diff"] = diffs.text(discussion.repository, sides, caller=caller)
    stands = merging.state_refusal(discussion) is None and page["changes"]
    page["can_merge"] = bool(writes and stands and not page["conflicts"] and not page["blocking"])
    return page


def is_seen(revision: Revision | None, discussion: Discussion, *, caller: Caller) -> bool:
    """Whether a link to the revision leads this visitor anywhere."""
    if revision is None:
        return False
    seen = Revision.objects.visible_to(caller).filter(repository=discussion.repository)
    return seen.filter(pk=revision.pk).exists()


def _short_base(discussion: Discussion) -> str:
    return discussion.proposal.base.removeprefix("refs/heads/") if discussion.proposal else ""


def _shown(event: Event, caller: Caller, render: markdown.Renderer) -> dict[str, Any]:
    shown: dict[str, Any] = {"event": event, "said": ""}
    if event.kind == EventKind.COMMENT:
        texts = list(event.texts.all())
        shown["edits"] = len(texts) - 1
        shown["raw"] = texts[-1].raw
        if event.hidden_at is None:
            shown["html"] = render(texts[-1].raw, prefix=f"c{event.public_id}-")
        shown["can_edit"] = threads.edit_refusal(event, caller) is None
        shown["can_hide"] = event.hidden_at is None and threads.hide_refusal(event, caller) is None
    elif event.kind == EventKind.STATUS:
        shown["said"] = BECAME.get(event.facts.get("status", ""), "")
    elif event.kind == EventKind.REVIEW:
        sentence = str(SAID.get(event.facts.get("step", ""), ""))
        shown["said"] = sentence % {"version": event.facts.get("version", "")}
        shown["reason"] = event.facts.get("reason", "")
    return shown
