"""The bytes of a file: whole or a part, to whom the gate says yes."""

import posixpath
from urllib.parse import quote

from django.http import HttpResponse, HttpResponseBase

from registry.catalog import git
from registry.catalog.files import FileEntry
from registry.hub import handover, lookup, ranges, refusals, wire
from registry.hub.ranges import Part
from registry.hub.wire import WireRequest
from registry.releases import gate
from registry.releases.gate import Opened

BYTES = "application/octet-stream"
# Pictures of a card. All else is sent as text or bytes, so that no browser runs an upload.
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}

# Whatever the bytes are: as a page they have no origin, run nothing and fetch nothing
NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'; sandbox"


@wire.endpoint("GET", caller=wire.browsing)
def resolve(
    request: WireRequest, repo_id: str, revision: str, path: str, kind: str = "model"
) -> HttpResponseBase:
    """GET /{id}/resolve/{rev}/{path}: the bytes of a file; `HEAD` says the same without them"""
    where = lookup.repository(request, repo_id, kind)
    opened = gate.open_named(where, revision, path, caller=request.caller)
    file = opened.file
    etag = file.sha256 if file.is_lfs else file.oid
    try:
        part = ranges.wanted(request, size=file.size, etag=etag)
    except ranges.Unsatisfiable:
        return _outside(opened)
    response = handover.send(request, opened, part, _shown(request, file, _content_type(file)))
    return _described(response, opened, etag)


@wire.endpoint("GET", caller=wire.browsing)
def raw(
    request: WireRequest, repo_id: str, revision: str, path: str, kind: str = "model"
) -> HttpResponseBase:
    """GET /{id}/raw/{rev}/{path}: the file as git stores it, so for an LFS file its pointer."""
    where = lookup.repository(request, repo_id, kind)
    opened = gate.open_named(where, revision, path, caller=request.caller, with_open_files=False)
    file = opened.file
    shown = _shown(request, file, "text/plain; charset=utf-8")
    if file.is_lfs:
        response: HttpResponseBase = HttpResponse(
            git.pointer(file.sha256, file.size), headers=shown
        )
    else:
        whole = Part(0, file.size, is_range=False)
        response = handover.send(request, opened, whole, shown)
    return _described(response, opened, file.oid)


@wire.endpoint("GET")
def auth_check(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """GET /api/{type}s/{id}/auth-check: whether the caller may have the files"""
    where = lookup.repository(request, repo_id, kind)
    gate.require_main(where, caller=request.caller)
    return wire.json_answer({})


@wire.endpoint("GET")
def auth_check_write(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """GET /api/{type}s/{id}/auth-check/write: whether the caller may write"""
    lookup.writable(request, repo_id, kind)
    return wire.json_answer({})


def _outside(opened: Opened) -> HttpResponse:
    response = wire.json_answer(
        {"error": f"The file has {opened.file.size} bytes; the range begins after them."},
        status=416,
    )
    response["X-Error-Message"] = "The range begins after the end of the file."
    response["Content-Range"] = f"bytes */{opened.file.size}"
    response["X-Repo-Commit"] = opened.revision.oid
    return response


def _described(response: HttpResponseBase, opened: Opened, etag: str) -> HttpResponseBase:
    file = opened.file
    response["X-Repo-Commit"] = opened.revision.oid
    response["ETag"] = f'"{etag}"'
    if file.is_lfs and etag == file.sha256:
        response["X-Linked-Etag"] = f'"{etag}"'
        response["X-Linked-Size"] = str(file.size)
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = NOTHING_RUNS
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _shown(request: WireRequest, file: FileEntry, content_type: str) -> dict[str, str]:
    """How a browser takes the bytes, whoever sends them: `?download=true` asks to keep them."""
    name = posixpath.basename(file.path)
    plain = refusals.header_text(name).replace("\\", "_").replace('"', "_")
    plain = plain.encode("ascii", errors="replace").decode().replace("?", "_")
    is_kept = content_type == BYTES or request.GET.get("download") == "true"
    how = "attachment" if is_kept else "inline"
    return {
        "Content-Type": content_type,
        "Content-Disposition": (
            f"{how}; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"
        ),
    }


def _content_type(file: FileEntry) -> str:
    ending = posixpath.splitext(file.path)[1].lower()
    if ending in PICTURES:
        return PICTURES[ending]
    return BYTES if file.is_lfs else "text/plain; charset=utf-8"
