"""A commit as it arrives: one JSON object a line, read one by one, and applied all or not at all."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from pydantic import BaseModel, Field

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.catalog import commits, git, paths, positions, proposals, revisions, rights
from registry.catalog.commits import AddFile, Delete, Operation
from registry.catalog.models import Repository, Revision, RevisionState
from registry.errors import Invalid, TooLarge
from registry.hub import lookup, uploads, wire
from registry.hub.bodies import Received
from registry.hub.wire import WireRequest
from registry.releases import gate, offers, pushes
from registry.storage import many
from registry.storage.models import Blob

MAX_MESSAGE = 64 * 1024
# Base64 takes four bytes for three, and the rest of the line is a path
MAX_LINE = settings.LFS_THRESHOLD * 4 // 3 + 64 * 1024
# Every line but that of a file; the longest message fits, each character written as an escape
MAX_SHORT_LINE = 1024**2
# Small files are stored together when they are as many, or as many bytes
BATCH_FILES = many.BATCH
BATCH_BYTES = 8 * 1024**2


class Header(BaseModel):
    summary: str = ""
    description: str | None = ""
    parentCommit: str | None = Field(  # noqa: N815 - the name on the wire
        default=None, pattern=r"^[0-9a-fA-F]{5,40}$"
    )


class Wanted(TypedDict):
    """What a commit says of itself."""

    title: str
    message: str
    parent: str
    by: Caller


class RegularFile(BaseModel):
    path: str
    content: str
    encoding: Literal["base64"] = "base64"


class LfsFile(BaseModel):
    path: str
    algo: Literal["sha256"] = "sha256"
    oid: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int | None = Field(default=None, ge=0)


class Removal(BaseModel):
    path: str = Field(min_length=1)


class Line(BaseModel):
    key: str
    value: dict[str, object]


@dataclass
class Sent:
    """A file whose bytes came in the commit itself."""

    path: str
    oid: str
    blob: Blob | None = None


@dataclass
class Arrived:
    """What the lines ask for, in their order. Small files are stored together, and large ones
    looked up once all are read."""

    header: Header | None = None
    steps: list[Sent | Delete | LfsFile] = field(default_factory=list)
    waiting: list[tuple[Sent, bytes]] = field(default_factory=list)
    sent: list[Blob] = field(default_factory=list)
    added: int = 0

    def store(self) -> None:
        """Store the files that wait for it."""
        found = many.store_all([content for _, content in self.waiting])
        for (step, _), blob in zip(self.waiting, found, strict=True):
            step.blob = blob
        self.sent += found
        self.waiting.clear()

    @property
    def is_full(self) -> bool:
        """Whether more should not wait."""
        if len(self.waiting) >= BATCH_FILES:
            return True
        return sum(len(content) for _, content in self.waiting) >= BATCH_BYTES


@wire.endpoint("POST")
def commit(request: WireRequest, kind: str, repo_id: str, revision: str) -> HttpResponse:
    """POST /api/{type}s/{id}/commit/{rev}: a new revision from added, copied and deleted files"""
    repository = lookup.repository(request, repo_id, kind)
    target = uploads.target_of(request, revision)
    rights.require_upload(repository, target or None, request.caller)
    if target:
        revisions.require_ref(repository, target)
    else:
        proposals.start_of(repository, revision, caller=request.caller)
    arrived = _read(Received(request))
    if arrived.header is None:
        raise Invalid("The first line of a commit must be its header.")
    wanted: Wanted = {
        "title": arrived.header.summary.strip() or "Upload files",
        "message": (arrived.header.description or "").strip(),
        "parent": arrived.header.parentCommit or "",
        "by": request.caller,
    }
    discussion = None
    with transaction.atomic():
        if request.caller.user is not None:
            commits.hold_all(repository, arrived.sent, by=request.caller.user)
        operations = _operations(repository, arrived, request.caller)
        if target:
            made = pushes.push(repository, branch=_short(target), operations=operations, **wanted)
        else:
            discussion, made = pushes.propose(
                repository, branch=revision, operations=operations, **wanted
            )
    url = request.build_absolute_uri(f"{repository.get_absolute_url()}/commit/{made.oid}")
    answer = {"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""}
    if discussion is not None:
        answer["pullRequestUrl"] = request.build_absolute_uri(discussion.get_absolute_url())
    response = wire.json_answer(answer)
    _say_what_is_public(response, repository, target, made)
    return response


def _short(target: str) -> str:
    return target.removeprefix("refs/heads/")


def _read(stream: Received) -> Arrived:
    arrived = Arrived()
    for sent in _lines(stream):
        line = wire.shaped(wire.parse(sent), Line)
        if (arrived.header is None) != (line.key == "header"):
            raise Invalid("A commit begins with one header, and has no other.")
        _count(arrived, line, len(sent))
        _take(arrived, line)
        if arrived.is_full:
            arrived.store()
    arrived.store()
    return arrived


def _count(arrived: Arrived, line: Line, length: int) -> None:
    """Raise where the commit holds too much, before anything of this line is stored."""
    if line.key != "file" and length > MAX_SHORT_LINE:
        raise TooLarge(f"Only the line of a file may be longer than {MAX_SHORT_LINE} bytes.")
    if len(arrived.steps) >= commits.MAX_OPERATIONS:
        raise TooLarge(f"A commit takes at most {commits.MAX_OPERATIONS} operations.")
    if line.key in {"file", "lfsFile"}:
        arrived.added += 1
    if arrived.added > settings.MAX_FILES:
        raise TooLarge(
            f"A repository holds at most {settings.MAX_FILES} files; this commit alone has more."
        )


def _lines(stream: Received) -> Iterator[bytes]:
    """The lines that are not blank. Neither one line nor all of them may be too long."""
    total = 0
    while line := stream.readline(MAX_LINE + 1):
        total += len(line)
        if len(line) > MAX_LINE:
            limit = settings.LFS_THRESHOLD // 1024**2
            raise TooLarge(
                f"A file larger than {limit} MiB cannot be part of the commit itself; send it "
                "through LFS, as the answer to preupload says."
            )
        if total > settings.MAX_COMMIT_BODY:
            limit = settings.MAX_COMMIT_BODY // 1024**2
            raise TooLarge(f"A commit may be at most {limit} MiB; make several smaller ones.")
        if line.strip():
            yield line


def _take(arrived: Arrived, line: Line) -> None:
    if line.key == "header":
        arrived.header = _header(line)
    elif line.key == "file":
        regular = wire.shaped(line.value, RegularFile)
        paths.check(regular.path)
        content = _content(regular)
        step = Sent(regular.path, git.blob_id(content))
        arrived.steps.append(step)
        arrived.waiting.append((step, content))
    elif line.key == "lfsFile":
        large = wire.shaped(line.value, LfsFile)
        paths.check(large.path)
        arrived.steps.append(large)
    elif line.key in {"deletedFile", "deletedFolder"}:
        arrived.steps.append(Delete(wire.shaped(line.value, Removal).path))
    else:
        raise Invalid(
            f"{line.key[:40]!r} is not something that a commit can hold; write header, file, "
            "lfsFile, deletedFile or deletedFolder."
        )


def _header(line: Line) -> Header:
    header = wire.shaped(line.value, Header)
    if len(header.summary) > commits.MAX_TITLE:
        raise Invalid(f"summary: at most {commits.MAX_TITLE} characters.")
    if len(header.description or "") > MAX_MESSAGE:
        raise Invalid(f"description: at most {MAX_MESSAGE} characters.")
    return header


def _content(regular: RegularFile) -> bytes:
    try:
        return base64.b64decode(regular.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"{regular.path[:200]}: the content is not base64.") from error


def _operations(repository: Repository, arrived: Arrived, caller: Caller) -> list[Operation]:
    large = {step.oid for step in arrived.steps if isinstance(step, LfsFile)}
    held = gate.stored(repository, large, caller=caller) if large else {}
    operations: list[Operation] = []
    for step in arrived.steps:
        if isinstance(step, Delete):
            operations.append(step)
            continue
        if isinstance(step, Sent):
            assert step.blob is not None  # noqa: S101 - all that waited were stored
            operations.append(AddFile(step.path, step.blob, is_lfs=False, oid=step.oid))
            continue
        blob = held.get(step.oid)
        if blob is None:
            raise Invalid(
                f"LFS pointer pointed to a file that does not exist: {step.path} ({step.oid})"
            )
        if step.size is not None and step.size != blob.size:
            raise Invalid(f"{step.path}: the object has {blob.size} bytes, not {step.size}.")
        operations.append(AddFile(step.path, blob, is_lfs=True))
    return operations


def _say_what_is_public(
    response: HttpResponse, repository: Repository, target: str, made: Revision
) -> None:
    if made.state != RevisionState.QUARANTINE or plain_hub.is_on(repository.namespace):
        return
    if target.startswith("refs/heads/"):
        public = positions.public(repository, _short(target))
        release = offers.of_revision(public) if public else None
        gets = (
            f"what others get is still {release.version}" if release else "others get nothing yet"
        )
    else:
        gets = "only you and those who may write here see what you sent"
    wire.warn(
        response,
        "quarantine",
        f"{made.short} is in quarantine until it is checked, reviewed and released; {gets}.",
    )
