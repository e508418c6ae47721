"""The page that compares two revisions of a repository. What was compared is got: see
`revision_diff`."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from registry.catalog import history
from registry.catalog.models import Repository, Revision
from registry.web import file_tree, lookup, revision_diff, standing
from registry.web.requests import CallerRequest, text_in

MAX_FILES = 500
MAX_LATEST = 20


@require_GET
def compare(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """`from` and `to` are names of revisions; without `from` it is what came before `to`."""
    repository = lookup.repository_or_404(request, namespace, name)
    names = {side: text_in(request.GET, side) for side in ("from", "to")}
    after = lookup.revision_or_404(request, repository, names["to"] or "main")
    line = history.line(repository, after, caller=request.caller)
    before = _before(request, repository, names["from"], line)
    path = text_in(request.GET, "path", limit=1024)
    closed = after
    context: dict[str, Any] = {"before": before, "after": after, "path": path}
    if before is not None:
        diff = revision_diff.compare(before, after, caller=request.caller, path=path)
        closed = before if diff.closed_side == "before" else after
        sides = urlencode({"from": before.oid, "to": after.oid})
        context |= {
            "diff": diff,
            "files": diff.files[:MAX_FILES],
            "files_left_out": max(len(diff.files) - MAX_FILES, 0),
            "texts": diff.texts[:MAX_FILES],
            "text_url": f"{request.path}?{sides}&",
        }
    here = standing.of(repository, caller=request.caller, revision=closed)
    if here is None:
        raise Http404("Nothing of this repository is released.")
    groups = _groups(request, repository, line)
    chosen_from = names["from"] or (before.oid if before else "")
    context |= {
        "here": here,
        "repository": repository,
        "tab": "files",
        "revision": after,
        "sides": [
            _side("from", chosen_from, groups),
            _side("to", names["to"] or "main", groups),
        ],
    }
    return render(request, "repository/compare_revisions.html", context)


def _groups(
    request: CallerRequest, repository: Repository, line: list[history.Place]
) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen, by the title of its group: value and words."""
    places = file_tree.places_of(repository, caller=request.caller)
    latest = history.revisions_at(line[:MAX_LATEST])
    named = {
        _("Branches"): places["branches"],
        _("Releases"): places["releases"],
        _("Tags"): places["tags"],
        _("Pull requests"): places["pulls"],
    }
    groups = {
        title: [(one["name"], one["name"]) for one in found] for title, found in named.items()
    }
    groups[_("Commits")] = [(one.oid, f"{one.short} {one.title}") for one in latest]
    return {title: options for title, options in groups.items() if options}


def _side(name: str, chosen: str, groups: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    return {
        "name": name,
        "chosen": chosen,
        "is_listed": any(
            value == chosen for options in groups.values() for value, _words in options
        ),
        "groups": [
            {
                "title": title,
                "options": [
                    {"value": value, "title": words, "is_chosen": value == chosen}
                    for value, words in options
                ],
            }
            for title, options in groups.items()
        ],
    }


def _before(
    request: CallerRequest, repository: Repository, name: str, line: list[history.Place]
) -> Revision | None:
    if name:
        return lookup.revision_or_404(request, repository, name)
    return history.revisions_at(line[1:2])[0] if len(line) > 1 else None
