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
    repository = lookup.writable(request, repo_id, kind)
    wanted = wire.body(request, Batch)
    if wanted.operation != "upload":
        raise Invalid("Only uploads go through this address; download with GET on resolve.")
    if wanted.hash_algo != "sha256":
        raise Invalid("hash_algo: objects are named by their SHA-256 here.")
    if len(wanted.objects) > MAX_OBJECTS:
        raise TooLarge(f"Ask about at most {MAX_OBJECTS} objects at once.")
    present = commits.held_blobs(repository, [one.oid for one in wanted.objects])
    answer = []
    for one in wanted.objects:
        blob = present.get(one.oid)
        is_here = blob is not None and blob.size == one.size
        answer.append(_plain(one) if is_here else _to_send(request, repository, one))
    response = wire.json_answer({"transfer": "basic", "objects": answer})
    response["Content-Type"] = MEDIA_TYPE
    return response


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
        rights.require_write(repository, caller)
        if caller.user is not None:
            commits.hold(repository, blob, by=caller.user)
    return HttpResponse(status=200)


@wire.endpoint("POST")
def verify(request: WireRequest, repo_id: str, kind: str = "model") -> HttpResponse:
    """POST /{id}.git/info/lfs/objects/verify"""
    repository = lookup.writable(request, repo_id, kind)
    wanted = wire.body(request, Object)
    blob = commits.held_blobs(repository, [wanted.oid]).get(wanted.oid)
    if blob is None:
        raise Invalid(f"The object {wanted.oid} did not arrive. Send the file again.")
    if blob.size != wanted.size:
        raise Invalid(f"The object {wanted.oid} has {blob.size} bytes, not {wanted.size}.")
    return wire.json_answer({})


def _plain(one: Object) -> dict[str, Any]:
    return {"oid": one.oid, "size": one.size}


def _to_send(request: WireRequest, repository: Repository, one: Object) -> dict[str, Any]:
    if one.size > settings.MAX_FILE_SIZE:
        limit = settings.MAX_FILE_SIZE // 10**9
        return _plain(one) | _error(413, f"A file may have at most {limit} GB; split it.")
    if one.size > blobs.free_bytes():
        return _plain(one) | _error(
            507, "The registry's disk is too full for this file; tell the operator."
        )
    right = Right(repository.public_id, one.oid, one.size, request.caller.token)
    put_url = reverse("hub-lfs-put", args=[one.oid])
    verify_url = f"{repository.get_absolute_url()}.git/info/lfs/objects/verify"
    return _plain(one) | {
        "actions": {
            "upload": {
                "href": request.build_absolute_uri(f"{put_url}?right={right.sign()}"),
                "header": {},
            },
            "verify": {"href": request.build_absolute_uri(verify_url), "header": {}},
        }
    }


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
    rights.require_write(repository, caller)
    return repository
