"""Large files: where to send them, taking them in, and confirming that they are there.

The address to which the bytes go carries the right to send them: it is signed, ends after a while,
and is good for one object of one size into one repository by one token.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from pydantic import BaseModel, Field

from registry.accounts import tokens
from registry.accounts.callers import Caller
from registry.catalog import commits, repositories, rights
from registry.catalog.models import Repository
from registry.errors import Invalid, NotAllowed, RepositoryMissing, TooLarge
from registry.hub import lookup, wire
from registry.hub.wire import WireRequest
from registry.releases import gate
from registry.storage import blobs

MEDIA_TYPE = "application/vnd.git-lfs+json"
MAX_OBJECTS = 256
# Clients ask for 256 addresses at once and use them one after another
LINK_SECONDS = 12 * 3600
SALT = "registry.hub.lfs"


class Object(BaseModel):
    oid: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0, strict=True)


class Batch(BaseModel):
    operation: str = "upload"
    transfers: list[str] = []
    hash_algo: str = "sha256"
    ref: dict[str, Any] | None = None
    objects: list[Object]


@dataclass(frozen=True)
class Right:
    """What a signed address allows."""

    repository: str
    oid: str
    size: int
    token: str

    def sign(self) -> str:
        return signing.dumps([self.repository, self.oid, self.size, self.token], salt=SALT)


@wire.endpoint("POST")
def batch(request: WireRequest, repo_id: str, kind: str = "model") -> HttpResponse:
    """POST /{id}.git/info/lfs/objects/batch"""
    repository = lookup.repository(request, repo_id, kind)
    wanted = wire.body(request, Batch)
    if wanted.hash_algo != "sha256":
        raise Invalid("hash_algo: objects are named by their SHA-256 here.")
    if len(wanted.objects) > MAX_OBJECTS:
        raise TooLarge(f"Ask about at most {MAX_OBJECTS} objects at once.")
    if wanted.operation == "download":
        return _answer("basic", lfs_downloads.to_fetch(request, repository, wanted))
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
    blob = blobs.store(wire.stream(request), size=right.size, sha256=right.oid)
    with transaction.atomic():
        rights.require_propose(repository, caller)
        if caller.user is not None:
            commits.hold(repository, blob, by=caller.user)
    return HttpResponse(status=200)


@wire.endpoint("POST")
def verify(request: WireRequest, repo_id: str, kind: str = "model") -> HttpResponse:
    """POST /{id}.git/info/lfs/objects/verify"""
    repository = lookup.repository(request, repo_id, kind)
    rights.require_propose(repository, request.caller)
    wanted = wire.body(request, Object)
    blob = gate.stored(repository, [wanted.oid], caller=request.caller).get(wanted.oid)
    if blob is None:
        raise Invalid(f"The object {wanted.oid} did not arrive. Send the file again.")
    if blob.size != wanted.size:
        raise Invalid(f"The object {wanted.oid} has {blob.size} bytes, not {wanted.size}.")
    return wire.json_answer({})


def _ref(wanted: Batch) -> str | None:
    """What the files are meant for; clients name none where they are going to open a pull request."""
    name = (wanted.ref or {}).get("name")
    return name if isinstance(name, str) and name else None


def _plain(one: Object) -> dict[str, Any]:
    return {"oid": one.oid, "size": one.size}


def _answer(transfer: str, objects: list[dict[str, Any]]) -> HttpResponse:
    response = wire.json_answer({"transfer": transfer, "objects": objects})
    response["Content-Type"] = MEDIA_TYPE
    return response


def _to_send(request: WireRequest, repository: Repository, wanted: Batch) -> list[dict[str, Any]]:
    """What of the objects has to be sent, and where to."""
    asked = {one.oid for one in wanted.objects}
    present = _here(repository, gate.stored(repository, asked, caller=request.caller))
    room = quotas.usage(repository.namespace) if quotas.quota_of(repository.namespace) else None
    answer = []
    announced = 0
    for one in wanted.objects:
        blob = present.get(one.oid)
        if blob is not None and blob.size == one.size:
            answer.append(_plain(one))
            continue
        announced += one.size
        refusal = _refusal(one)
        if refusal is None and room is not None and announced > (room.room or 0):
            # What is announced already of this very object, or held elsewhere, is settled later
            refusal = _over_quota(repository, one, announced)
        if refusal is not None:
            answer.append(_plain(one) | refusal)
        elif "multipart" in wanted.transfers and one.size > settings.LFS_PARTS_THRESHOLD:
            answer.append(_plain(one) | _by_parts(request, repository, one))
        else:
            answer.append(_plain(one) | _whole(request, repository, one))
    return answer


def _here(repository: Repository, held: dict[str, Blob]) -> dict[str, Blob]:
    """Those whose bytes really lie there. They are kept for the commit that is going to name them."""
    lost = {blob.sha256 for blob in blobs.missing(held.values())}
    present = {sha256: blob for sha256, blob in held.items() if sha256 not in lost}
    with transaction.atomic():
        holdings.share(repository)
        holdings.keep(repository, present.values())
    return present


def _refusal(one: Object) -> dict[str, Any] | None:
    if one.size > settings.MAX_FILE_SIZE:
        return _error(413, f"A file may have at most {settings.MAX_FILE_SIZE // 10**9} GB; split it.")
    if one.size > blobs.free_bytes():
        return _error(507, "The registry's disk is too full for this file; tell the operator.")
    return None


def _over_quota(repository: Repository, one: Object, announced: int) -> dict[str, Any] | None:
    namespace = repository.namespace
    found = uploads.find(
        repository=repository.public_id, by="", sha256=one.oid
    ) or Blob.objects.filter(sha256=one.oid, holdings__repository__namespace=namespace).first()
    if found is not None:
        return None
    return _error(422, quotas.refusal(namespace, quotas.usage(namespace), announced))


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
        upload = lfs_parts.begin(repository, one.oid, one.size, by=request.caller)
    except QuotaExceeded as error:
        return _error(422, str(error))
    return _actions(request, repository, lfs_parts.addresses(request, upload))


def _actions(
    request: WireRequest, repository: Repository, upload: dict[str, Any]
) -> dict[str, Any]:
    verify_url = f"{repository.get_absolute_url()}.git/info/lfs/objects/verify"
    verify = {"href": request.build_absolute_uri(verify_url), "header": {}}
    return {"actions": {"upload": upload, "verify": verify}}


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _right(signed: str, oid: str) -> Right:
    try:
        values = signing.loads(signed, salt=SALT, max_age=LINK_SECONDS)
    except signing.SignatureExpired as error:
        raise NotAllowed("This upload address has expired. Start the upload again.") from error
    except signing.BadSignature as error:
        raise NotAllowed("This upload address was not made here, or was changed.") from error
    right = Right(*values)
    if right.oid != oid:
        raise NotAllowed("This upload address is for another object.")
    return right


def _target(right: Right, caller: Caller) -> Repository:
    try:
        repository = repositories.of_id(right.repository, caller=caller)
    except RepositoryMissing as error:
        raise NotAllowed(
            "The right to send files to this repository is gone: the role that this upload "
            "address was given for was taken away, or the repository was deleted."
        ) from error
    rights.require_propose(repository, caller)
    return repository
