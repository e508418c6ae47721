"""The large files of a repository, their removal for good, and taking them into another one."""

from django.http import HttpResponse
from pydantic import BaseModel, Field

from registry.catalog import rights
from registry.hub import lookup, paging, wire
from registry.hub.wire import WireRequest
from registry.releases import removals

MAX_REMOVED = 1000
MAX_COPIED = 500


class Deletions(BaseModel):
    sha: list[str] = Field(max_length=MAX_REMOVED)
    rewriteHistory: bool = True  # noqa: N815 - the name on the wire


class Removal(BaseModel):
    deletions: Deletions


class Target(BaseModel):
    type: str = "model"
    name: str


class Wanted(BaseModel):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    filename: str = ""


class Copies(BaseModel):
    target: Target
    files: list[Wanted] = Field(max_length=MAX_COPIED)


@wire.endpoint("GET")
def listed(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """GET /api/{type}s/{id}/lfs-files: the large files that a repository holds"""
    repository = lookup.writable(request, repo_id, kind)
    limit = paging.limit(request)
    found = removals.listed(repository, after=paging.after_key(request) or 0, size=limit + 1)
    response = wire.json_answer(
        [
            {
                "fileOid": file.oid,
                "filename": file.path,
                "oid": file.sha256,
                "pushedAt": wire.time(file.at),
                "size": file.size,
            }
            | ({"ref": file.ref} if file.ref else {})
            for file in found[:limit]
        ]
    )
    if len(found) > limit:
        paging.link_next(request, response, found[limit - 1].key)
    return response


@wire.endpoint("POST")
def remove(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """POST /api/{type}s/{id}/lfs-files/batch: take large files out of the history"""
    repository = lookup.writable(request, repo_id, kind)
    wanted = wire.body(request, Removal).deletions
    removals.remove(repository, wanted.sha, from_branches=wanted.rewriteHistory, by=request.caller)
    return wire.json_answer({})


@wire.endpoint("POST")
def duplicate(request: WireRequest, kind: str, repo_id: str) -> HttpResponse:
    """POST /api/{type}s/{id}/lfs-files/duplicate: copy large files; asked of the source"""
    source = lookup.repository(request, repo_id, kind)
    wanted = wire.body(request, Copies)
    target = lookup.repository(request, wanted.target.name, wanted.target.type)
    rights.require_write(target, request.caller)
    failed = removals.take_over(
        source, target, [file.sha256 for file in wanted.files], by=request.caller
    )
    return wire.json_answer(
        {"failed": [{"sha256": sha256, "error": why} for sha256, why in failed.items()]}
    )
