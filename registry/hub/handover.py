"""Who sends the bytes that the gate let go: this server, nginx, or the store itself by a link."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import FileResponse, HttpResponse, HttpResponseBase

from registry.catalog.models import Visibility
from registry.hub.ranges import Part
from registry.hub.wire import WireRequest
from registry.releases import gate
from registry.releases.gate import Opened, Reason
from registry.storage import backend, blobs

# Where deploy/nginx.conf lets nginx find the blobs, and nobody else
INTERNAL = "/_blobs/"
# A store gives no descriptor: pieces as large as it sends them, and not Django's few KB
PIECE = 1024 * 1024
OPEN_TO_ALL = {Reason.NO_TERMS, Reason.OPEN_FILE}


def send(
    request: WireRequest, opened: Opened, part: Part, headers: dict[str, str]
) -> HttpResponseBase:
    """The answer with these bytes, or with where they are, and its row in the access log."""
    if settings.DOWNLOADS == "nginx":
        response: HttpResponseBase = _by_nginx(opened)
    elif (link := _link(request, opened, headers)) is not None:
        # Who asks only for headers gets the same link, and so the bytes
        _note(request, opened, Part(0, opened.file.size, is_range=False), _life(opened))
        response = HttpResponse(status=302)
        response["Location"] = link
        return response
    else:
        response = _by_us(request, opened, part)
        response["Content-Length"] = str(part.length)
        if part.is_range:
            response["Content-Range"] = f"bytes {part.first}-{part.last}/{opened.file.size}"
            response.status_code = 206
    for name, value in headers.items():
        response[name] = value
    if request.method == "GET":
        _note(request, opened, part, 0)
    return response


def _by_us(request: WireRequest, opened: Opened, part: Part) -> HttpResponseBase:
    """gunicorn has the kernel send a part of a file; what comes from a store is passed on."""
    if request.method == "HEAD" or part.length == 0:
        return HttpResponse()
    response = FileResponse(blobs.open_blob(opened.file.sha256, part.first, part.length))
    response.block_size = PIECE
    return response


def _by_nginx(opened: Opened) -> HttpResponse:
    """nginx answers GET and HEAD, and cuts out the part that was asked for."""
    response = HttpResponse()
    response["X-Accel-Redirect"] = INTERNAL + blobs.key_of(opened.file.sha256)
    return response


def _link(request: WireRequest, opened: Opened, headers: dict[str, str]) -> str | None:
    """A link for this request, this person and this file; None where we send the bytes.

    Clients send their token along to another port of the same host, and stores refuse that.
    """
    if settings.DOWNLOADS != "s3" or not opened.file.is_lfs:
        return None
    link = backend.bucket("blobs/").link(
        blobs.key_of(opened.file.sha256),
        seconds=_life(opened),
        request=request.caller.request_id,
        headers=headers,
    )
    ours = urlsplit(f"//{request.get_host()}").hostname
    return None if urlsplit(link).hostname == ours else link


def _life(opened: Opened) -> int:
    """A link outlives the right to use it, so it is short where somebody could lose that right."""
    is_public = opened.repository.visibility == Visibility.PUBLIC
    is_open = is_public and opened.answer.reason in OPEN_TO_ALL
    return int(settings.OPEN_LINK_SECONDS if is_open else settings.LINK_SECONDS)


def _note(request: WireRequest, opened: Opened, part: Part, link_seconds: int) -> None:
    gate.note_access(
        opened.file,
        opened.answer,
        repository=opened.repository,
        revision=opened.revision,
        caller=request.caller,
        first_byte=part.first,
        last_byte=part.last,
        link_seconds=link_seconds,
    )
