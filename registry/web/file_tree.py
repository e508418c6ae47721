"""What the page of a folder lists: folders and files that the visitor may know of, who changed each
last, what the checks say of it; and where else one can go from there."""

import posixpath
from collections.abc import Collection
from typing import Any

from django.core.paginator import Page, Paginator

from registry.accounts.callers import Caller
from registry.catalog import files, history, revisions
from registry.catalog.files import Entry, FileEntry, FolderEntry
from registry.catalog.models import Ref, Repository, Revision
from registry.checks.models import CheckRun
from registry.releases import gate
from registry.releases.gate import Answer
from registry.web import file_verdicts

PER_PAGE = 200
MAX_REFS = 300
# By the last change only where one page holds the folder: that of all entries is not looked up
SORTS = ("name", "size", "changed")


def page_of(
    repository: Repository,
    revision: Revision,
    path: str,
    *,
    answer: Answer,
    run: CheckRun | None,
    caller: Caller,
    number: str,
    sort: str = "",
) -> tuple[Page[Entry], list[dict[str, Any]]]:
    """A page of the folder: folders first, each by name, or in another order of `SORTS`. A missing
    folder is an EntryMissing."""
    shown = gate.paths_shown(repository, revision, answer, caller=caller)
    entries = [
        entry for entry in files.walk(revision, path, recursive=False) if _is_shown(entry, shown)
    ]
    entries.sort(key=lambda entry: (isinstance(entry, FileEntry), entry.path))
    if sort == "size":
        entries.sort(key=lambda entry: -entry.size if isinstance(entry, FileEntry) else 0)
        entries.sort(key=lambda entry: isinstance(entry, FileEntry))
    page = Paginator(entries, PER_PAGE).get_page(number)
    last = history.last_changes(repository, revision, [entry.path for entry in page], caller=caller)
    verdicts = file_verdicts.of(run)
    rows = []
    for entry in page:
        is_file = isinstance(entry, FileEntry)
        if is_file:
            verdict = verdicts.of_file(entry.path)
        else:  # of a folder that is open in part, it would tell of the rest
            verdict = verdicts.of_folder(entry.path) if shown is None else ""
        rows.append(
            {
                "entry": entry,
                "name": posixpath.basename(entry.path),
                "is_file": is_file,
                "last": last.get(entry.path),
                "verdict": verdict,
            }
        )
    if sort == "changed" and page.paginator.num_pages == 1:
        rows.sort(key=_changed_at, reverse=True)
    return page, rows


def _changed_at(row: dict[str, Any]) -> tuple[float, int]:
    """Commits of the same second stand in the order in which they came."""
    last = row["last"]
    return (last.committed_at.timestamp(), last.pk) if last else (0.0, 0)


def places_of(repository: Repository, *, caller: Caller) -> dict[str, list[dict[str, Any]]]:
    """Branches, releases and other tags, and pull requests that exist for the visitor."""
    found: dict[str, list[dict[str, Any]]] = {"branches": [], "releases": [], "tags": []}
    for ref, revision in revisions.refs_for(repository, caller=caller)[:MAX_REFS]:
        kind = "releases" if ref.is_locked else "tags"
        found["branches" if ref.name.startswith("refs/heads/") else kind].append(
            _place(ref, revision)
        )
    found["releases"].reverse()
    pulls = revisions.pull_requests_for(repository, caller=caller)[-MAX_REFS:]
    found["pulls"] = [_place(ref, revision) for ref, revision in reversed(pulls)]
    return found


def _place(ref: Ref, revision: Revision) -> dict[str, Any]:
    """`address` is the name as addresses have it, where no slash keeps it from being part of one."""
    name = ref.name if ref.is_pull_request else ref.short
    fits = ref.is_pull_request or "/" not in name
    return {"name": name, "address": name if fits else revision.oid, "revision": revision}


def _is_shown(entry: Entry, shown: Collection[str] | None) -> bool:
    if shown is None:
        return True
    if isinstance(entry, FolderEntry):
        return any(path.startswith(f"{entry.path}/") for path in shown)
    return entry.path in shown
