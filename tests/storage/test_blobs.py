"""Taking bytes in: exactly what was announced, or nothing at all."""

import hashlib
import io
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from registry.errors import Invalid, StorageFull
from registry.storage import blobs
from registry.storage.models import Blob
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db

CONTENT = b"the bytes of a model" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def blob_folder(settings, tmp_path):
    settings.BLOB_DIR = tmp_path / "blobs"


def path_of(sha256: str) -> Path:
    return Path(settings.BLOB_DIR) / blobs.key_of(sha256)


def _files() -> list[Path]:
    return [path for path in Path(settings.BLOB_DIR).rglob("*") if path.is_file()]


class Slow(io.BytesIO):
    """A stream that gives a few bytes at a time, as a network does."""

    def read(self, size: int = -1, /) -> bytes:
        return super().read(min(size, 777))


class Broken(io.BytesIO):
    """A stream that breaks after its first piece."""

    def read(self, size: int = -1, /) -> bytes:
        if self.tell():
            raise ConnectionResetError
        return super().read(100)


def test_bytes_are_found_again_under_their_hash():
    blob = blobs.store(io.BytesIO(CONTENT), size=len(CONTENT), sha256=SHA256)

    assert (blob.sha256, blob.size) == (SHA256, len(CONTENT))
    with blobs.open_blob(SHA256) as file:
        assert file.read() == CONTENT
    assert _files() == [path_of(SHA256)]


def test_an_empty_file_is_a_blob_too():
    blob = blobs.store(io.BytesIO(b""), size=0)

    assert blob.sha256 == hashlib.sha256(b"").hexdigest()


def test_a_stream_in_small_pieces_is_the_same_blob():
    assert blobs.store(Slow(CONTENT), size=len(CONTENT), sha256=SHA256).sha256 == SHA256


@pytest.mark.parametrize(
    ("size", "sha256", "words"),
    [
        (len(CONTENT) + 1, SHA256, f"{len(CONTENT)} of the announced {len(CONTENT) + 1}"),
        (len(CONTENT) - 1, SHA256, f"More than the announced {len(CONTENT) - 1} bytes"),
        (0, None, "More than the announced 0 bytes"),
        (len(CONTENT), "0" * 64, f"have the SHA-256 {SHA256}, not the announced"),
    ],
)
def test_other_bytes_than_announced_are_refused_and_leave_nothing(size, sha256, words):
    with pytest.raises(Invalid, match=words):
        blobs.store(io.BytesIO(CONTENT), size=size, sha256=sha256)

    assert not Blob.objects.exists()
    assert _files() == []


def test_a_connection_that_breaks_leaves_nothing():
    with pytest.raises(ConnectionResetError):
        blobs.store(Broken(CONTENT), size=len(CONTENT), sha256=SHA256)

    assert not Blob.objects.exists()
    assert _files() == []


def test_small_bytes_that_are_there_are_not_written_again():
    first = blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    written = path_of(SHA256).stat()

    again = blobs.store(Slow(CONTENT), size=len(CONTENT), sha256=SHA256)

    assert again == first
    now = path_of(SHA256).stat()
    assert (now.st_ino, now.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


@pytest.mark.parametrize("harm", [None, b"", b"x" * len(CONTENT)])
def test_small_bytes_that_came_to_harm_are_written_again(harm):
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    path = path_of(SHA256)
    path.unlink()
    if harm is not None:
        path.write_bytes(harm)

    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    assert path.read_bytes() == CONTENT


def test_refused_bytes_do_not_touch_a_blob_that_is_there():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    with pytest.raises(Invalid):
        blobs.store(io.BytesIO(b"other"), size=5, sha256=SHA256)

    assert path_of(SHA256).read_bytes() == CONTENT


@contextmanager
def _room_for(size: int) -> Iterator[None]:
    """No file of this process may grow past this size: the nearest thing to a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 777, len(CONTENT) - 1])
def test_a_disk_that_is_full_is_said_and_leaves_nothing(room):
    with pytest.raises(StorageFull, match="disk is full"), _room_for(room):
        blobs.store(Slow(CONTENT), size=len(CONTENT), sha256=SHA256)

    assert not Blob.objects.exists()
    assert _files() == []


@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_at_once_from_many_are_one_blob():
    def store():
        return blobs.store(Slow(CONTENT), size=len(CONTENT), sha256=SHA256)

    stored = at_once(*[store] * 6)

    assert {blob.pk for blob in stored} == {Blob.objects.get().pk}
    assert _files() == [path_of(SHA256)]
    assert path_of(SHA256).read_bytes() == CONTENT


def test_abandoned_uploads_are_cleared_and_living_ones_kept():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    incoming = Path(settings.BLOB_DIR) / "incoming"
    (incoming / "old").write_bytes(b"x")
    (incoming / "new").write_bytes(b"x")
    os.utime(incoming / "old", (1000, 1000))
    os.utime(incoming / "new", (90_000, 90_000))

    assert blobs.clear_abandoned(older_than_seconds=3600, now=91_000) == 1

    assert sorted(path.name for path in incoming.iterdir()) == ["new"]
    assert path_of(SHA256).exists()


def test_the_database_names_blobs_by_hash():
    with refused_by("blob_is_named_by_sha256"):
        Blob.objects.create(sha256="not a hash", size=1)


def test_the_database_knows_no_negative_size():
    with refused_by("blob_size_is_not_negative"):
        Blob.objects.create(sha256=SHA256, size=-1)
