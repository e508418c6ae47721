"""Large files: where to send them, taking them in, and confirming that they are there.

The address to which the bytes go carries the right to send them: it is signed, ends after a while,
and is good for one object of one size into one repository by one token.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from pydantic import BaseModel, Field

from registry.accounts import tokens
from registry.accounts.callers import Caller
from registry.catalog import commits, files, holdings, quotas, repositories, revisions, rights
from registry.catalog.models import Repository
from registry.errors import Invalid, Missing, NotAllowed, QuotaExceeded, RepositoryMissing, TooLarge
from registry.hub import lookup, wire
from registry.hub.bodies import Received
from registry.hub.wire import WireRequest
from registry.releases import gate
from registry.storage import blobs, direct, parts, uploads
from registry.storage.models import Blob, Upload

MEDIA_TYPE = "application/vnd.git-lfs+json"
MAX_OBJECTS = 256
SALT = "registry.hub.lfs"
PARTS_SALT = "registry.hub.lfs.parts"


class Object(BaseModel):
    oid: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0, strict=True)


class Batch(BaseModel):
    operation: str = "upload"
    transfers: list[str] = []
    hash_algo: str = "sha256"
    ref: dict[str, Any] | None = None
    objects: list[Object]


class Part(BaseModel):
    partNumber: int = Field(ge=1)  # noqa: N815 - the name on the wire
    etag: str = Field(max_length=200)


class Completion(BaseModel):
    oid: str = ""
    parts: list[Part]


@dataclass(frozen=True)
class Right:
    """What a signed address allows."""

    repository: str
    oid: str
    size: int
    token: str

    def sign(self) -> str:
        return signing.dumps([self.repository, self.oid, self.size, self.token], salt=SALT)


class _Room:
    """Whether the objects of one batch fit into what their namespace may hold, in their order."""

    def __init__(self, repository: Repository, objects: list[Object], caller: Caller) -> None:
        self._namespace = repository.namespace
        self._is_bounded = quotas.quota_of(self._namespace) is not None
        self._announced = 0
        self._counted: set[str] = set()
        if self._is_bounded:
            self._usage = quotas.usage(self._namespace)
            asked = [one.oid for one in objects]
            by = caller.public_id
            self._counted = uploads.begun(asked, repository=repository.public_id, by=by)
            self._counted |= _counted(repository, asked, caller)

    def refusal(self, one: Object) -> dict[str, Any] | None:
        if not self._is_bounded or one.oid in self._counted:
            return None
        wanted = self._announced + one.size
        if wanted > (self._usage.room or 0):
            return _error(422, quotas.refusal(self._namespace, wanted))
        self._announced = wanted
        self._counted.add(one.oid)
        return None


@wire.endpoint("POST")
def batch(request: WireRequest, repo_id: str, kind: str = "model") -> HttpResponse:
    """POST /{id}.git/info/lfs/objects/batch: where to send or fetch large files"""
    repository = lookup.repository(request, repo_id, kind)
    wanted = wire.body(request, Batch)
    if wanted.hash_algo != "sha256":
        raise Invalid("hash_algo: objects are named by their SHA-256 here.")
    if len(wanted.objects) > MAX_OBJECTS:
        raise TooLarge(f"Ask about at most {MAX_OBJECTS} objects at once.")
    if wanted.operation == "download":
        return _answer("basic", _to_fetch(request, repository, wanted))
    if wanted.operation != "upload":
        raise Invalid("operation: write upload or download.")
    rights.require_upload(repository, _ref(wanted), request.caller)
    by_parts = "multipart" in wanted.transfers
    return _answer("multipart" if by_parts else "basic", _to_send(request, repository, wanted))


@wire.endpoint("PUT")
def put(request: WireRequest, oid: str) -> HttpResponse:
    """PUT /lfs/objects/{oid}?right=…: the bytes, streamed to the disk and hashed on the way."""
    right = _right(request.GET.get("right", ""), oid)
    caller = tokens.of_id(right.token, request_id=request.caller.request_id)
    repository = _target(right, caller)
    announced = request.META.get("CONTENT_LENGTH") or None
    if announced is not None and announced != str(right.size):
        raise Invalid(
            f"The request has {announced} bytes, and the object was announced with {right.size}. "
            "Nothing was kept; send the file again."
        )
    _require_room(repository, right, caller)
    blob = blobs.store(Received(request), size=right.size, sha256=right.oid)
    with transaction.atomic(), _while_allowed():
        rights.require_propose(repository, caller)
        if caller.user is not None:
            commits.hold(repository, blob, by=caller.user)
    return HttpResponse(status=200)


@wire.endpoint("PUT")
def put_part(request: WireRequest, upload: str, number: str) -> HttpResponse:
    """PUT /lfs/uploads/{upload}/{number}?right=…: one part, which may be sent again."""
    _part_right(request, upload)
    found = uploads.of_id(upload)
    if found is None:
        raise Missing(parts.OVER)
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0
    parts.receive(found, wanted, Received(request))
    response = HttpResponse(status=200)
    response["ETag"] = f'"{found.public_id}-{number}"'
    return response


@wire.endpoint("POST")
def complete(request: WireRequest, upload: str) -> HttpResponse:
    """POST /lfs/uploads/{upload}?right=…: all parts are there; may be asked twice."""
    wanted = wire.body(request, Completion)
    right, repository, caller = _part_right(request, upload)
    found = uploads.of_id(upload)
    if found is None:
        # An answer that was lost is asked for again
        _require_stored(repository, right.oid, right.size, caller)
        return wire.json_answer({})
    blob = uploads.complete(found, {part.partNumber: part.etag for part in wanted.parts})
    with transaction.atomic(), _while_allowed():
        rights.require_propose(repository, caller)
        found.delete()
        if caller.user is not None:
            commits.hold(repository, blob, by=caller.user)
    return wire.json_answer({})


@wire.endpoint("POST")
def verify(request: WireRequest, repo_id: str, kind: str = "model") -> HttpResponse:
    """POST /{id}.git/info/lfs/objects/verify: whether a large file arrived whole"""
    repository = lookup.repository(request, repo_id, kind)
    rights.require_propose(repository, request.caller)
    wanted = wire.body(request, Object)
    _require_stored(repository, wanted.oid, wanted.size, request.caller)
    return wire.json_answer({})


def _require_stored(repository: Repository, oid: str, size: int, caller: Caller) -> None:
    blob = gate.stored(repository, [oid], caller=caller).get(oid)
    if blob is None or blobs.missing([blob]):
        raise Invalid(f"The object {oid} did not arrive. Send the file again.")
    if blob.size != size:
        raise Invalid(f"The object {oid} has {blob.size} bytes, not {size}.")


def _ref(wanted: Batch) -> str | None:
    """What the files are meant for; clients name none where they are going to open a pull request."""
    name = (wanted.ref or {}).get("name")
    return name if isinstance(name, str) and name else None


def _plain(one: Object) -> dict[str, Any]:
    return {"oid": one.oid, "size": one.size}


def _require_room(repository: Repository, right: Right, caller: Caller) -> None:
    """Say before hours of sending what would be said after it."""
    namespace = repository.namespace
    if quotas.quota_of(namespace) is not None and not _counted(repository, [right.oid], caller):
        quotas.require_room(namespace.pk, right.size)


def _counted(repository: Repository, hashes: list[str], caller: Caller) -> set[str]:
    """Those that the namespace holds, which need no room. To who does not write this would tell
    what it holds, so for them they need it."""
    if not rights.of(repository, caller).writes:
        return set()
    return quotas.held(repository.namespace, hashes)


def _answer(transfer: str, objects: list[dict[str, Any]]) -> HttpResponse:
    response = wire.json_answer({"transfer": transfer, "objects": objects})
    response["Content-Type"] = MEDIA_TYPE
    return response


def _to_send(request: WireRequest, repository: Repository, wanted: Batch) -> list[dict[str, Any]]:
    """What of the objects has to be sent, and where to."""
    asked = {one.oid for one in wanted.objects}
    held = gate.stored(repository, asked, caller=request.caller)
    present = _here(repository, held, request.caller)
    room = _Room(repository, wanted.objects, request.caller)
    answer = []
    for one in wanted.objects:
        blob = present.get(one.oid)
        if blob is not None and blob.size == one.size:
            answer.append(_plain(one))
            continue
        if (refusal := _refusal(one) or room.refusal(one)) is not None:
            answer.append(_plain(one) | refusal)
        elif "multipart" in wanted.transfers and one.size > settings.LFS_PARTS_THRESHOLD:
            answer.append(_plain(one) | _by_parts(request, repository, one))
        else:
            answer.append(_plain(one) | _whole(request, repository, one))
    return answer


def _here(repository: Repository, held: dict[str, Blob], caller: Caller) -> dict[str, Blob]:
    """Those whose bytes really lie there, kept for the commit that is going to name them."""
    lost = {blob.sha256 for blob in blobs.missing(held.values())}
    present = {sha256: blob for sha256, blob in held.items() if sha256 not in lost}
    if not present:
        return present
    with transaction.atomic():
        holdings.share(repository)
        holdings.keep(repository, present.values(), by=caller.user)
    return present


def _refusal(one: Object) -> dict[str, Any] | None:
    if one.size > settings.MAX_FILE_SIZE:
        return _error(
            413, f"A file may have at most {settings.MAX_FILE_SIZE // 10**9} GB; split it."
        )
    if one.size > blobs.free_bytes():
        return _error(507, "The registry's disk is too full for this file; tell the operator.")
    return None


def _whole(request: WireRequest, repository: Repository, one: Object) -> dict[str, Any]:
    right = Right(repository.public_id, one.oid, one.size, request.caller.token)
    put_url = reverse("hub-lfs-put", args=[one.oid])
    upload = {
        "href": request.build_absolute_uri(f"{put_url}?right={right.sign()}"),
        "header": {},
    }
    return _actions(request, repository, upload)


def _by_parts(request: WireRequest, repository: Repository, one: Object) -> dict[str, Any]:
    try:
        upload = _begin(repository, one, request.caller)
    except QuotaExceeded as error:
        return _error(422, str(error))
    return _actions(request, repository, _part_addresses(request, upload))


@transaction.atomic
def _begin(repository: Repository, one: Object, caller: Caller) -> Upload:
    """The upload of this object by this person; its whole size counts from now on."""
    whose = {"repository": repository.public_id, "by": caller.public_id}
    if not uploads.begun([one.oid], **whose) and not _counted(repository, [one.oid], caller):
        quotas.require_room(repository.namespace_id, one.size)
    space = repository.namespace.public_id
    return uploads.begin(space=space, sha256=one.oid, size=one.size, **whose)


def _part_addresses(request: WireRequest, upload: Upload) -> dict[str, Any]:
    allowed = [upload.repository, upload.sha256, upload.size, request.caller.token]
    right = signing.dumps([upload.public_id, *allowed], salt=PARTS_SALT)
    header = {"chunk_size": str(upload.part_size)}
    for number in range(1, parts.count(upload) + 1):
        if upload.remote:
            header[str(number)] = direct.part_link(
                upload.public_id,
                upload.remote,
                number,
                size=min(upload.part_size, upload.size - (number - 1) * upload.part_size),
                seconds=direct.LINK_SECONDS,
                request=request.request_id,
            )
        else:
            at = reverse("hub-lfs-part", args=[upload.public_id, number])
            header[str(number)] = request.build_absolute_uri(f"{at}?right={right}")
    complete_at = reverse("hub-lfs-complete", args=[upload.public_id])
    href = request.build_absolute_uri(f"{complete_at}?right={right}")
    return {"href": href, "header": header}


def _to_fetch(request: WireRequest, repository: Repository, wanted: Batch) -> list[dict[str, Any]]:
    """Where git-lfs gets the objects of a branch, or of `main`: at the addresses of their files,
    which ask the gate once more."""
    name = (_ref(wanted) or "main").removeprefix("refs/heads/").removeprefix("refs/tags/")
    revision = revisions.find(repository, name, caller=request.caller)
    gate.require(gate.decide(repository, revision, caller=request.caller), repository)
    here = {(file.sha256, file.size): file for file in files.files_of(revision) if file.is_lfs}
    token = request.headers.get("Authorization")
    answer = []
    for one in wanted.objects:
        if (file := here.get((one.oid, one.size))) is None:
            answer.append(_plain(one) | _error(404, "This revision has no such object."))
            continue
        at = f"{repository.get_absolute_url()}/resolve/{revision.oid}/{quote(file.path)}"
        fetch = {
            "href": request.build_absolute_uri(at),
            "header": {"Authorization": token} if token else {},
        }
        answer.append(_plain(one) | {"actions": {"download": fetch}})
    return answer


def _actions(
    request: WireRequest, repository: Repository, upload: dict[str, Any]
) -> dict[str, Any]:
    verify_url = f"{repository.get_absolute_url()}.git/info/lfs/objects/verify"
    verify = {"href": request.build_absolute_uri(verify_url), "header": {}}
    return {"actions": {"upload": upload, "verify": verify}}


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _right(signed: str, oid: str) -> Right:
    right = Right(*_signed(signed, SALT))
    if right.oid != oid:
        raise NotAllowed("This upload address is for another object.")
    return right


def _part_right(request: WireRequest, upload: str) -> tuple[Right, Repository, Caller]:
    """What the address of a part allows, where to, and to whom."""
    named, *values = _signed(request.GET.get("right", ""), PARTS_SALT)
    if named != upload:
        raise NotAllowed("This upload address is for another object.")
    right = Right(*values)
    caller = tokens.of_id(right.token, request_id=request.caller.request_id)
    return right, _target(right, caller), caller


def _signed(signed: str, salt: str) -> list[Any]:
    try:
        values: list[Any] = signing.loads(signed, salt=salt, max_age=direct.LINK_SECONDS)
    except signing.SignatureExpired as error:
        raise NotAllowed("This upload address has expired. Start the upload again.") from error
    except signing.BadSignature as error:
        raise NotAllowed("This upload address was not made here, or was changed.") from error
    return values


def _target(right: Right, caller: Caller) -> Repository:
    with _while_allowed():
        repository = repositories.of_id(right.repository, caller=caller)
        rights.require_propose(repository, caller)
    return repository


@contextmanager
def _while_allowed() -> Iterator[None]:
    """Say that a right is gone which an address was once given for."""
    try:
        yield
    except RepositoryMissing as error:
        raise NotAllowed(
            "The right to send files to this repository is gone: the role that this upload "
            "address was given for was taken away, or the repository was deleted."
        ) from error
