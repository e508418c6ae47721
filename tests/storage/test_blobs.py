"""Taking bytes in: exactly what was announced, or nothing at all, wherever they lie."""

import hashlib
import io

import pytest
from django.conf import settings

from registry.errors import Invalid, TooLarge
from registry.storage import backend, blobs
from registry.storage.models import Blob
from tests.refusals import at_once, refused_by

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

CONTENT = b"the bytes of a model" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
# More than one part of an upload to a bucket, and not a whole number of them
LARGE = bytes(range(256)) * 4096 * 17 + b"end"
LARGE_SHA256 = hashlib.sha256(LARGE).hexdigest()


def _kept() -> list[tuple[str, int]]:
    """Everything that lies there, by key."""
    return sorted(backend.of_blobs().keys(""))


def _unfinished() -> int:
    return blobs.clear_abandoned(older_than_seconds=-3600, now=2**40)


class Slow(io.BytesIO):
    """A stream that gives a few bytes at a time, as a network does."""

    def read(self, size: int = -1, /) -> bytes:
        return super().read(min(size, 77_777))


class Broken:
    """A stream that breaks before its last byte."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content[:-1])

    def read(self, size: int, /) -> bytes:
        if not (piece := self._content.read(size)):
            raise ConnectionResetError
        return piece


def _damage(content: bytes | None) -> None:
    """Put other bytes to the place of the blob, or none."""
    store = backend.of_blobs()
    store.delete(blobs.key_of(SHA256))
    if content is not None:
        with store.incoming(size=len(content), key=blobs.key_of(SHA256)) as incoming:
            incoming.write(content)
            incoming.keep(blobs.key_of(SHA256))


@pytest.mark.parametrize("content", [CONTENT, LARGE])
@pytest.mark.parametrize("is_announced", [True, False])
def test_bytes_are_found_again_under_their_hash(content, is_announced):
    sha256 = hashlib.sha256(content).hexdigest()

    blob = blobs.store(
        io.BytesIO(content), size=len(content), sha256=sha256 if is_announced else None
    )

    assert (blob.sha256, blob.size) == (sha256, len(content))
    with blobs.open_blob(sha256) as file:
        assert file.read() == content
    assert _kept() == [(blobs.key_of(sha256), len(content))]
    assert list(blobs.stored()) == [(sha256, len(content))]
    assert _unfinished() == 0


def test_an_empty_file_is_a_blob_too():
    blob = blobs.store(io.BytesIO(b""), size=0)

    assert blob.sha256 == hashlib.sha256(b"").hexdigest()
    assert blobs.read(blob.sha256) == b""


def test_a_stream_in_small_pieces_is_the_same_blob():
    assert blobs.store(Slow(LARGE), size=len(LARGE), sha256=LARGE_SHA256).sha256 == LARGE_SHA256
    assert blobs.read(LARGE_SHA256) == LARGE


@pytest.mark.parametrize("content", [CONTENT, LARGE])
@pytest.mark.parametrize(
    ("more", "sha256", "words"),
    [
        (1, "", "bytes arrived"),
        (-1, "", "More than the announced"),
        (0, "0" * 64, "have the SHA-256 [0-9a-f]{64}, not the announced"),
    ],
)
def test_other_bytes_than_announced_are_refused_and_leave_nothing(content, more, sha256, words):
    sha256 = sha256 or hashlib.sha256(content).hexdigest()

    with pytest.raises(Invalid, match=words):
        blobs.store(io.BytesIO(content), size=len(content) + more, sha256=sha256)

    assert not Blob.objects.exists()
    assert (_kept(), _unfinished()) == ([], 0)


@pytest.mark.parametrize("content", [CONTENT, LARGE])
def test_a_connection_that_breaks_leaves_nothing(content):
    with pytest.raises(ConnectionResetError):
        blobs.store(Broken(content), size=len(content), sha256=SHA256)

    assert not Blob.objects.exists()
    assert (_kept(), _unfinished()) == ([], 0)


@pytest.mark.parametrize("content", [CONTENT, LARGE])
def test_a_writer_that_does_not_finish_leaves_nothing(content):
    with blobs.writer(size=len(content), sha256=SHA256) as taking:
        taking.write(content)

    assert not Blob.objects.exists()
    assert (_kept(), _unfinished()) == ([], 0)


def test_a_writer_takes_pieces_of_any_kind_and_length():
    view = memoryview(LARGE)

    with blobs.writer(size=len(LARGE), sha256=LARGE_SHA256) as taking:
        taking.write(view[:1])
        taking.write(bytearray(view[1:9_000_000]))
        taking.write(b"")
        taking.write(bytes(view[9_000_000:]))
        blob = taking.finish()

    assert blob == Blob.objects.get(sha256=LARGE_SHA256)
    assert blobs.read(LARGE_SHA256) == LARGE


@pytest.mark.parametrize(
    ("first", "length"), [(0, 5), (7, 5), (7, None), (0, 0), (len(CONTENT) - 3, 3)]
)
def test_a_part_is_exactly_that_part(first, length):
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    end = len(CONTENT) if length is None else first + length

    with blobs.open_blob(SHA256, first, length) as file:
        assert b"".join(iter(lambda: file.read(3000), b"")) == CONTENT[first:end]


def test_what_lies_past_the_end_is_nothing():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    for first in (len(CONTENT), len(CONTENT) + 10):
        with blobs.open_blob(SHA256, first) as file:
            assert file.read() == b""
    with blobs.open_blob(SHA256, len(CONTENT) - 2, 10) as file:
        assert file.read() == CONTENT[-2:]


def test_what_is_missing_is_said():
    with pytest.raises(FileNotFoundError):
        blobs.read(SHA256)
    assert not blobs.exists(SHA256)


def test_no_more_than_the_limit_is_read_into_memory():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    assert blobs.read(SHA256, limit=len(CONTENT)) == CONTENT
    with pytest.raises(TooLarge):
        blobs.read(SHA256, limit=len(CONTENT) - 1)


def test_deleted_bytes_are_gone_and_deleting_twice_is_none_the_worse():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    blobs.delete(SHA256)
    blobs.delete(SHA256)

    assert not blobs.exists(SHA256)
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    assert blobs.exists(SHA256)


@pytest.mark.parametrize("harm", [None, b"", b"x" * len(CONTENT), CONTENT + b"x"])
def test_small_bytes_that_came_to_harm_are_written_again(harm):
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    _damage(harm)

    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    assert blobs.read(SHA256) == CONTENT


def test_refused_bytes_do_not_touch_a_blob_that_is_there():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    with pytest.raises(Invalid):
        blobs.store(io.BytesIO(b"other"), size=5, sha256=SHA256)

    assert blobs.read(SHA256) == CONTENT


@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_at_once_from_many_are_one_blob():
    def store():
        return blobs.store(Slow(LARGE), size=len(LARGE), sha256=LARGE_SHA256)

    stored = at_once(*[store] * 4)

    assert {blob.pk for blob in stored} == {Blob.objects.get().pk}
    assert _kept() == [(blobs.key_of(LARGE_SHA256), len(LARGE))]
    assert blobs.read(LARGE_SHA256) == LARGE


def test_a_local_copy_is_a_file_with_the_bytes(storage):
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    with blobs.local_copy(SHA256) as path:
        assert path.read_bytes() == CONTENT
        assert path.is_relative_to(settings.CACHE_DIR) == (storage == "s3")


def test_the_database_names_blobs_by_hash():
    with refused_by("blob_is_named_by_sha256"):
        Blob.objects.create(sha256="not a hash", size=1)


def test_the_database_knows_no_negative_size():
    with refused_by("blob_size_is_not_negative"):
        Blob.objects.create(sha256=SHA256, size=-1)
