"""Uploads by Xet: the right to send, and the addresses that chunks and the list of files go to.

Nothing here says what the registry has: the question for known chunks is always answered with no.
"""

import logging
import time
from dataclasses import astuple, dataclass

from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from registry.accounts import tokens
from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.catalog import commits, quotas, repositories, revisions, rights
from registry.catalog.models import Repository
from registry.errors import InvalidToken, NotAllowed, RepositoryMissing, TooLarge
from registry.hub import lookup, refusals, wire
from registry.hub.bodies import Early, Received
from registry.hub.wire import WireRequest
from registry.storage import blobs
from registry.storage.models import Blob, XetSpace
from registry.storage.xet import intake, spaces
from registry.storage.xet.intake import Claim
from registry.storage.xet.shards import MAX_SHARD
from registry.storage.xet.xorbs import MAX_XORB, TOO_LARGE

SALT = "registry.hub.xet"
PREFIX = "xet_"
TOKEN_SECONDS = 3600

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Grant:
    """What a token of an upload stands for. `person` is empty in the space of those who may write;
    `ref` where a pull request is going to be opened."""

    repository: str
    ref: str
    token: str
    person: str
    until: int

    def sign(self) -> str:
        return PREFIX + signing.dumps(astuple(self), salt=SALT)


@dataclass(frozen=True)
class Upload:
    """A call that may go on: for whom, and where to."""

    caller: Caller
    repository: Repository
    space: XetSpace
    grant: Grant


def _caller(request: HttpRequest) -> Caller:
    """Who the access token stands for that the token of this upload was made with."""
    return tokens.of_id(_grant(request).token, request_id=getattr(request, "request_id", ""))


def _grant(request: HttpRequest) -> Grant:
    scheme, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not secret.startswith(PREFIX):
        raise InvalidToken("This address takes the token that xet-write-token gives.")
    try:
        grant = Grant(*signing.loads(secret.removeprefix(PREFIX), salt=SALT))
    except signing.BadSignature as error:
        raise InvalidToken("This token was not made here, or was changed.") from error
    if grant.until <= time.time():
        raise InvalidToken("This token has expired; ask for another one.")
    return grant


@wire.endpoint("GET")
def write_token(request: WireRequest, kind: str, repo_id: str, revision: str) -> HttpResponse:
    """GET /api/{type}s/{id}/xet-write-token/{rev}: the right to upload by Xet"""
    repository = lookup.repository(request, repo_id, kind)
    caller = request.caller
    ref = "" if wire.flag(request, "create_pr") else revision
    rights.require_upload(repository, ref or None, caller)
    if ref:
        revisions.find(repository, ref, caller=caller)
    person = "" if rights.of(repository, caller).writes else caller.public_id
    namespace = _namespace(repository, person, caller)
    space = spaces.open_space(repository.public_id, person=person, namespace=namespace.public_id)
    spaces.use(space, now=timezone.now())
    until = int(time.time()) + TOKEN_SECONDS
    secret = Grant(repository.public_id, ref, caller.token, person, until).sign()
    url = request.build_absolute_uri(f"/xet/{space}")
    response = wire.json_answer({"casUrl": url, "accessToken": secret, "exp": until})
    response["X-Xet-Cas-Url"] = url
    response["X-Xet-Access-Token"] = secret
    response["X-Xet-Token-Expiration"] = str(until)
    response["Cache-Control"] = "no-store"
    return response


@wire.endpoint("POST", caller=_caller)
def xorb(request: WireRequest, space: str, digest: str) -> HttpResponse:
    """POST /xet/{space}/v1/xorbs/default/{hash}: chunks of files, verified on arrival"""
    upload = _upload(request, space)
    body = Received(request)
    if intake.has_xorb(upload.space, digest):
        return Early({"was_inserted": False}, body, limit=MAX_XORB)
    # Sent in chunks it announces nothing, and may be the largest that there is
    announced = _announced(request) or MAX_XORB
    if announced > MAX_XORB:
        raise TooLarge(TOO_LARGE)
    quotas.require_room(
        _namespace(upload.repository, upload.grant.person, upload.caller).pk, announced
    )
    is_new = intake.take_xorb(upload.space, digest, body)
    return wire.json_answer({"was_inserted": is_new})


@wire.endpoint("POST", caller=_caller)
def shard(request: WireRequest, space: str, digest: str = "") -> HttpResponse:
    """POST /xet/{space}/v1/shards: which chunks make up which files"""
    upload = _upload(request, space)
    if _announced(request) > MAX_SHARD:
        raise TooLarge(f"A shard has at most {MAX_SHARD} bytes.")
    body = Received(request).read(MAX_SHARD + 1)
    if len(body) > MAX_SHARD:
        raise TooLarge(f"A shard has at most {MAX_SHARD} bytes.")
    claims = intake.read_shard(upload.space, body)
    _require_room(upload, claims)
    proven = intake.prove(claims)
    _hold(upload, proven)
    log.info(
        "Xet: %d files of %d bytes for %s, session %s",
        len(proven),
        sum(blob.size for blob in proven),
        upload.repository.public_id,
        refusals.header_text(request.headers.get("X-Xet-Session-Id", ""))[:64],
    )
    return wire.json_answer({"result": 1})


@wire.endpoint("GET", caller=_caller)
def chunk(request: WireRequest, space: str, prefix: str, digest: str) -> HttpResponse:
    """GET /xet/{space}/v1/chunks/{prefix}/{hash}: there is nothing to share chunks with."""
    _upload(request, space)
    response = wire.json_answer({"error": "Not found"}, status=404)
    response._has_been_logged = True  # type: ignore[attr-defined]  # no surprise, and often asked
    return response


@wire.endpoint("POST", caller=_caller)
def telemetry(request: WireRequest, space: str) -> HttpResponse:
    """POST /xet/{space}/v1/telemetry: nothing of it is kept."""
    return wire.json_answer({})


def _upload(request: WireRequest, name: str) -> Upload:
    """The upload that this call belongs to, if it may go on. Everything is asked afresh: the role
    may have been taken away, or the repository deleted."""
    grant = _grant(request)
    space = spaces.find(name)
    if space is None or (space.repository, space.person) != (grant.repository, grant.person):
        raise NotAllowed("This token is for another address than the one that was called.")
    try:
        repository = repositories.of_id(grant.repository, caller=request.caller)
    except RepositoryMissing as error:
        raise NotAllowed(
            "The right to send files to this repository is gone: a role was taken away, or the "
            "repository was deleted."
        ) from error
    upload = Upload(request.caller, repository, space, grant)
    _require_right(upload)
    spaces.use(space, now=timezone.now())
    return upload


def _require_right(upload: Upload) -> None:
    """Asks afresh: an upload may have taken hours."""
    rights.require_upload(upload.repository, upload.grant.ref or None, upload.caller)
    if not upload.grant.person:
        rights.require_write(upload.repository, upload.caller)


def _namespace(repository: Repository, person: str, caller: Caller) -> Namespace:
    """What the chunks count for until they are files: nobody fills the room of somebody else."""
    if person and caller.user is not None:
        return caller.user.namespace
    return repository.namespace


def _require_room(upload: Upload, claims: list[Claim]) -> None:
    namespace = upload.repository.namespace
    sizes = {claim.file.sha256: claim.file.size for claim in claims}
    held = commits.held_blobs(upload.repository, sizes)
    new = sum(size for sha256, size in sizes.items() if sha256 not in held)
    shares = upload.space.namespace == namespace.public_id
    leaving = intake.staged_bytes(upload.space, claims) if shares else 0
    quotas.require_room(namespace.pk, new - leaving)


def _hold(upload: Upload, proven: list[Blob]) -> None:
    """Note what the repository holds now, which is what a commit may name."""
    with transaction.atomic():
        _require_right(upload)
        blobs.claim(proven)
        if upload.caller.user is not None:
            commits.hold_all(upload.repository, proven, by=upload.caller.user)


def _announced(request: WireRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0
