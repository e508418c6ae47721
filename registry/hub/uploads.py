"""Before an upload: which files go to LFS, which are there already, which are ignored."""

import base64
import binascii
from collections.abc import Collection
from typing import Any

from django.http import HttpResponse
from pydantic import BaseModel, Field

from registry.catalog import (
    branches,
    files,
    paths,
    patterns,
    proposals,
    quotas,
    revisions,
    rights,
)
from registry.catalog.files import Entry
from registry.catalog.models import Repository
from registry.errors import Invalid, TooLarge
from registry.hub import lookup, wire
from registry.hub.wire import WireRequest
from registry.releases import gate, upload_modes

MAX_FILES = 256


class Planned(BaseModel):
    path: str
    size: int = Field(ge=0)
    sample: str = ""


class Plan(BaseModel):
    files: list[Planned]
    gitIgnore: str | None = None  # noqa: N815 - the name on the wire


@wire.endpoint("POST")
def preupload(request: WireRequest, kind: str, repo_id: str, revision: str) -> HttpResponse:
    """POST /api/{type}s/{id}/preupload/{rev}: which files of a commit go as large files"""
    repository = lookup.repository(request, repo_id, kind)
    target = target_of(request, revision)
    rights.require_upload(repository, target or None, request.caller)
    plan = wire.body(request, Plan)
    if len(plan.files) > MAX_FILES:
        raise TooLarge(f"Ask about at most {MAX_FILES} files at once.")
    for planned in plan.files:
        paths.check_length(planned.path)
    if target:
        head = revisions.find(repository, revision, caller=request.caller)
    else:
        head = proposals.start_of(repository, revision, caller=request.caller)
    answer_on_head = gate.decide(repository, head, caller=request.caller)
    shown = gate.hashes_shown(repository, head, answer_on_head, caller=request.caller)
    asked = [".gitattributes", ".gitignore", *(planned.path for planned in plan.files)]
    here = files.at(head, asked)
    to_lfs = patterns.lfs_patterns(upload_modes.text_of(here.get(".gitattributes"), shown))
    to_ignore = patterns.ignore_patterns(
        upload_modes.text_of(here.get(".gitignore"), shown)
        if plan.gitIgnore is None
        else plan.gitIgnore
    )
    named = [planned.path for planned in plan.files]
    patterns.check_effort([*to_lfs, *to_ignore], named)
    ignored = patterns.ignored(to_ignore, named)
    answer = [
        {
            "path": planned.path,
            "uploadMode": "lfs" if _is_lfs(planned, to_lfs) else "regular",
            "shouldIgnore": planned.path in ignored,
            "oid": _id(here.get(planned.path), shown),
        }
        for planned in plan.files
    ]
    _require_what_a_commit_asks(repository, target, plan, answer)
    return wire.json_answer({"files": answer, "commitOid": head.oid})


def _require_what_a_commit_asks(
    repository: Repository, target: str, plan: Plan, answer: list[dict[str, Any]]
) -> None:
    """Refuse names and sizes now that are refused once gigabytes were sent: a client that uploads by
    Xet does not show why. Who proposes would learn which sizes the namespace holds; they wait."""
    planned = [
        (file, mode["uploadMode"])
        for file, mode in zip(plan.files, answer, strict=True)
        if not mode["shouldIgnore"]
    ]
    for file, _mode in planned:
        paths.check(file.path)
    if target and not target.startswith(rights.PULL_REQUESTS):
        sizes = [file.size for file, mode in planned if mode == "lfs"]
        quotas.require_room_for_sizes(repository.namespace, sizes)


def target_of(request: WireRequest, revision: str) -> str:
    """The branch or pull request that files are meant for, by its full name; empty where a pull
    request is going to be opened."""
    return "" if wire.flag(request, "create_pr") else branches.full_name(revision)


def _is_lfs(planned: Planned, to_lfs: list[patterns.Pattern]) -> bool:
    return upload_modes.is_large(planned.path, planned.size, _sample(planned), to_lfs)


def _sample(planned: Planned) -> bytes:
    try:
        return base64.b64decode(planned.sample, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("sample: write the first bytes of the file in base64.") from error


def _id(file: Entry | None, shown: Collection[str] | None) -> str | None:
    """The id of the file that is there, for those who could download it."""
    if not upload_modes.is_shown(file, shown):
        return None
    return file.sha256 if file.is_lfs else file.oid
