"""The files of a revision: folders, and small texts to look at. The gate decides on both."""

import posixpath
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from registry.catalog import files, revisions
from registry.catalog.files import FileEntry, FolderEntry
from registry.catalog.models import Repository, Revision
from registry.errors import EntryMissing, GateClosed, RevisionMissing
from registry.releases import gate
from registry.storage import blobs
from registry.web import lookup, standing
from registry.web.requests import CallerRequest

PREVIEW_MAX = 256_000


@require_safe
def tree(
    request: CallerRequest, namespace: str, name: str, revision: str = "main", path: str = ""
) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    shown = lookup.revision_or_404(request, repository, revision)
    context = _context(request, repository, shown, path)
    answer = context["here"].answer
    if answer.is_open or answer.reason is gate.Reason.PARTIAL:
        opened = gate.hashes_shown(repository, shown, answer, caller=request.caller)
        try:
            found = list(files.walk(shown, path, recursive=False))
        except EntryMissing as refusal:
            raise Http404(str(refusal)) from refusal
        context["folders"] = sorted(_below(found, FolderEntry), key=lambda entry: entry["name"])
        context["files"] = [
            one
            for one in sorted(_below(found, FileEntry), key=lambda entry: entry["name"])
            if opened is None or one["entry"].sha256 in opened
        ]
        context["refs"] = revisions.refs_for(repository, caller=request.caller)
    return render(request, "repository/files.html", context)


@require_safe
def commit(request: CallerRequest, namespace: str, name: str, revision: str) -> HttpResponse:
    """Where clients send people after an upload: the files of that revision."""
    repository = lookup.repository_or_404(request, namespace, name)
    shown = lookup.revision_or_404(request, repository, revision)
    return redirect("repository-tree", namespace, name, shown.oid)


@require_safe
def blob(
    request: CallerRequest, namespace: str, name: str, revision: str, path: str
) -> HttpResponse:
    """One file: its facts, its way out, and its text where it is a small one."""
    repository = lookup.repository_or_404(request, namespace, name)
    shown = lookup.revision_or_404(request, repository, revision)
    context = _context(request, repository, shown, path)
    try:
        entry, answer = gate.open_file(repository, shown, path, caller=request.caller)
    except GateClosed:
        return render(request, "repository/files.html", context, status=403)
    except (EntryMissing, RevisionMissing) as refusal:
        raise Http404(str(refusal)) from refusal
    text = _text(entry)
    if text is not None and request.method == "GET":
        gate.note_access(
            entry,
            answer,
            repository=repository,
            revision=shown,
            caller=request.caller,
            first_byte=0,
            last_byte=entry.size - 1,
        )
    context |= {"file": entry, "text": text, "preview_max": PREVIEW_MAX}
    return render(request, "repository/blob.html", context)


def _context(
    request: CallerRequest, repository: Repository, shown: Revision, path: str
) -> dict[str, Any]:
    here = standing.of(repository, caller=request.caller, revision=shown)
    if here is None:
        raise Http404("Nothing of this repository is released.")
    parts = [part for part in path.split("/") if part]
    crumbs = [("/".join(parts[: i + 1]), part) for i, part in enumerate(parts)]
    return {
        "here": here,
        "repository": repository,
        "tab": "files",
        "revision": shown,
        "path": path,
        "crumbs": crumbs,
    }


def _below(found: list[FileEntry | FolderEntry], kind: type) -> list[dict[str, Any]]:
    return [
        {"entry": entry, "name": posixpath.basename(entry.path)}
        for entry in found
        if isinstance(entry, kind)
    ]


def _text(entry: FileEntry) -> str | None:
    """The text of a small file, or None where it is large or no text."""
    if entry.size > PREVIEW_MAX:
        return None
    content = blobs.read(entry.sha256, limit=PREVIEW_MAX)
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
