"""Uploads in parts that clients send to the store itself, past this server.

Parts gather under a name of their own. The bytes become a blob only when they were read back and
have the SHA-256 that was announced: nobody can send others afterwards, as the links are for parts
of an upload that is over by then.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.errors import Invalid
from registry.storage import backend, blobs
from registry.storage.models import Blob

if TYPE_CHECKING:
    from registry.storage.s3 import S3Bucket

PIECE = 8 * 1024**2
# Clients ask for 256 addresses at once and use them one after another
LINK_SECONDS = 12 * 3600
OVER = gettext_noop("This upload is over. Send the file again.")


def is_offered() -> bool:
    """Whether clients can send parts to the store themselves."""
    return bool(settings.STORAGE == "s3")


def begin(name: str) -> str:
    """Begin an upload under a name that nobody else uses (an opaque id). Returns the store's own
    id of it, which the other functions want."""
    return _gathered().begin(name)


def part_link(
    name: str, upload: str, number: int, *, size: int, seconds: int, request: str = ""
) -> str:
    """The address that takes part `number` (from 1 on; 5 MiB or more, but for the last), of
    exactly `size` bytes, by PUT. The answer's ETag is what `complete` wants."""
    return _gathered().part_link(name, upload, number, size=size, seconds=seconds, request=request)


def complete(name: str, upload: str, etags: Mapping[int, str], *, size: int, sha256: str) -> Blob:
    """Make the parts a blob, or raise Invalid and keep nothing. May be repeated for as long as it
    did not get to its end. That the blob is here is no answer to that: others may have sent it."""
    gathered = _gathered()
    parts = [{"PartNumber": number, "ETag": etags[number]} for number in sorted(etags)]
    try:
        gathered.complete(name, upload, parts)
    except FileNotFoundError as error:
        # It was completed before, and what came after did not get to its end
        if gathered.size(name) is None:
            raise Invalid(_(OVER)) from error
    try:
        _verify(gathered, name, size=size, sha256=sha256)
        key = blobs.key_of(sha256)
        blob = blobs.place(
            sha256, size, lambda: backend.bucket("blobs/").copy_from(gathered, name, key)
        )
    except Invalid:
        gathered.delete(name)
        raise
    except FileNotFoundError as error:  # somebody else has completed it in the meantime
        raise Invalid(_(OVER)) from error
    gathered.delete(name)
    return blob


def abort(name: str, upload: str) -> None:
    """Forget the upload and all that came of it."""
    _gathered().abort(name, upload)
    _gathered().delete(name)


def _gathered() -> "S3Bucket":
    return backend.bucket("direct/")


def _verify(gathered: "S3Bucket", name: str, *, size: int, sha256: str) -> None:
    there = gathered.size(name)
    if there != size:
        raise Invalid(
            _(
                "%(there)s of the announced %(size)s bytes arrived. Nothing was kept; send the "
                "file again."
            )
            % {"there": there, "size": size}
        )
    hasher = hashlib.sha256()
    with gathered.open(name) as content:
        while piece := content.read(PIECE):
            hasher.update(piece)
    if hasher.hexdigest() != sha256:
        raise Invalid(
            _(
                "The bytes received have the SHA-256 %(hasher)s, not the announced %(sha256)s. "
                "Nothing was kept; send the file again."
            )
            % {"hasher": hasher.hexdigest(), "sha256": sha256}
        )
