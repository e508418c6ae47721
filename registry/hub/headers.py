"""The headers of all shards of a model in one answer, to whom the gate opens the files."""

import json
import struct
from typing import Any

from django.http import HttpResponse

from registry.catalog import files
from registry.catalog.files import FileEntry
from registry.errors import EntryMissing, Invalid, TooLarge
from registry.hub import lookup, paging, wire
from registry.hub.wire import WireRequest
from registry.releases import gate
from registry.releases.gate import Opened
from registry.storage import blobs

MAX_INDEX = 16 * 1024**2
MAX_SHARDS = 1000
MAX_HEADERS = 32 * 1024**2


@wire.endpoint("GET")
def sharded(request: WireRequest, kind: str, repo_id: str, path: str) -> HttpResponse:
    """GET /api/{type}s/{id}/safetensors-metadata/{index}: the headers of all shards at once"""
    where = lookup.repository(request, repo_id, kind)
    opened = gate.open_named(where, "main", path, caller=request.caller, with_open_files=False)
    index, shards = _index(opened)
    _require_all(opened, shards, request)
    answer = {}
    left = MAX_HEADERS
    for file in shards:
        header, length = _header(file, limit=left)
        left -= length
        answer[file.path] = header
        _note(request, opened, file, length)
    _note(request, opened, opened.file, opened.file.size)
    return wire.json_answer({"index": index, "headers": answer})


def _require_all(opened: Opened, shards: list[FileEntry], request: WireRequest) -> None:
    """Raise unless the gate opens each shard too: a grant may be for some of the files only, and the
    index be one of them."""
    where, revision = opened.repository, opened.revision
    if gate.decide(where, revision, caller=request.caller).is_open:
        return
    for file in shards:
        answer = gate.decide_file(
            where, revision, file.path, caller=request.caller, with_open_files=False
        )
        gate.require(answer, where)


def _index(opened: Opened) -> tuple[dict[str, Any], list[FileEntry]]:
    """What the index says besides which tensor is where, and the shards that it names."""
    if opened.file.size > MAX_INDEX:
        raise TooLarge("The index is too large to be read here.")
    try:
        index = json.loads(blobs.read(opened.file.sha256, limit=MAX_INDEX))
        names = sorted(set(index.pop("weight_map").values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(f"{opened.file.path} is not the index of a model in shards.") from error
    if len(names) > MAX_SHARDS:
        raise TooLarge(f"The index names more than {MAX_SHARDS} files.")
    folder = opened.file.path.rpartition("/")[0]
    paths = [f"{folder}/{name}" if folder else name for name in map(str, names)]
    found = files.at(opened.revision, filter(paging.can_be_kept, paths))
    shards = [entry for path in paths if isinstance(entry := found.get(path), FileEntry)]
    if len(shards) < len(paths):
        raise EntryMissing("Entry not found", commit=opened.revision.oid)
    return index, shards


def _header(file: FileEntry, *, limit: int) -> tuple[Any, int]:
    broken = Invalid(f"{file.path} is not a safetensors file.")
    with blobs.open_blob(file.sha256) as content:
        start = content.read(8)
        if len(start) < 8:
            raise broken
        (length,) = struct.unpack("<Q", start)
        if length > file.size - 8:
            raise broken
        if length > limit:
            raise TooLarge("The headers are too large for one answer; read them by range.")
        try:
            return json.loads(content.read(length)), length + 8
        except (ValueError, RecursionError) as error:
            raise broken from error


def _note(request: WireRequest, opened: Opened, file: FileEntry, length: int) -> None:
    gate.note_access(
        file,
        opened.answer,
        repository=opened.repository,
        revision=opened.revision,
        caller=request.caller,
        first_byte=0,
        last_byte=max(length - 1, 0),
    )
