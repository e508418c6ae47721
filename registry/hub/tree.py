"""The files and folders of a revision. Hashes of bytes are masked where the gate is closed."""

from typing import Any

from django.http import HttpResponse
from pydantic import BaseModel

from registry.catalog import files, git, history
from registry.catalog.files import Entry, FileEntry, FolderEntry
from registry.catalog.models import Revision
from registry.errors import TooLarge
from registry.hub import lookup, paging, safety, wire
from registry.hub.lookup import Found
from registry.hub.wire import WireRequest
from registry.releases.evidence import MASK

MAX_PATHS = 1000
EXPANDED_PAGE = 50


class Paths(BaseModel):
    paths: list[str] = []
    expand: bool = False


@wire.endpoint("GET")
def tree(
    request: WireRequest, kind: str, repo_id: str, revision: str, path: str = ""
) -> HttpResponse:
    """GET /api/{type}s/{id}/tree/{rev}/{path}: files and folders"""
    found = lookup.revision(request, repo_id, kind, revision)
    expand = wire.flag(request, "expand")
    page = paging.limit(request, EXPANDED_PAGE if expand else paging.MAX_PAGE)
    last = paging.after_text(request)
    entries = files.page(
        found.revision,
        path.strip("/"),
        recursive=wire.flag(request, "recursive"),
        after=last,
        size=page + 1,
    )
    response = wire.json_answer(_described(request, found, entries[:page], expand=expand))
    if len(entries) > page:
        paging.link_next(request, response, entries[page - 1].path)
    return response


@wire.endpoint("POST")
def paths_info(request: WireRequest, kind: str, repo_id: str, revision: str) -> HttpResponse:
    """POST /api/{type}s/{id}/paths-info/{rev}: what is at these paths"""
    wanted = _wanted(request)
    if len(wanted.paths) > MAX_PATHS:
        raise TooLarge(f"Ask for at most {MAX_PATHS} paths at once.")
    found = lookup.for_api(request, repo_id, kind, revision)
    paths = [path.strip("/") for path in wanted.paths]
    known = files.at(found.revision, paths)
    entries = [known[path] for path in paths if path in known]
    return wire.json_answer(_described(request, found, entries, expand=wanted.expand))


def _wanted(request: WireRequest) -> Paths:
    if request.content_type == "application/json":
        return wire.body(request, Paths)
    sent = wire.form(request)
    expand = sent.get("expand", "").lower() in {"true", "1"}
    return Paths(paths=sent.getlist("paths"), expand=expand)


def _described(
    request: WireRequest, found: Found, entries: list[Entry], *, expand: bool
) -> list[dict[str, Any]]:
    described = [entry_json(entry, found) for entry in entries]
    if expand:
        last = history.last_changes(
            found.repository,
            found.revision,
            [entry.path for entry in entries],
            caller=request.caller,
        )
        safe = safety.of_files(
            found.revision, [entry.path for entry in entries if isinstance(entry, FileEntry)]
        )
        for item in described:
            if (revision := last.get(item["path"])) is not None:
                item["lastCommit"] = _commit(revision)
            if (status := safe.get(item["path"])) is not None:
                item["securityFileStatus"] = status
    return described


def entry_json(entry: Entry, found: Found) -> dict[str, Any]:
    """A file or a folder as listings show it."""
    if isinstance(entry, FolderEntry):
        return {"type": "directory", "oid": entry.oid, "size": 0, "path": entry.path}
    item: dict[str, Any] = {
        "type": "file",
        "oid": entry.oid,
        "size": entry.size,
        "path": entry.path,
    }
    if entry.is_lfs:
        item["lfs"] = {
            "oid": entry.sha256 if found.shows(entry.sha256) else MASK,
            "size": entry.size,
            "pointerSize": pointer_size(entry),
        }
    return item


def pointer_size(file: FileEntry) -> int:
    return len(git.pointer(file.sha256, file.size))


def _commit(revision: Revision) -> dict[str, str]:
    return {
        "id": revision.oid,
        "title": revision.title,
        "date": wire.time(revision.committed_at),
    }
