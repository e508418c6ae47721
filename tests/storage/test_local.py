"""What only a folder knows: a full disk, temporary files, bytes that need not be written again."""

import errno
import hashlib
import io
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.test import RequestFactory

from registry.accounts.callers import NOBODY
from registry.errors import StorageFull, StorageUnavailable
from registry.hub import refusals
from registry.storage import blobs, objects
from registry.storage.models import Blob

pytestmark = pytest.mark.django_db

CONTENT = b"the bytes of a model" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def blob_folder(settings, tmp_path):
    settings.BLOB_DIR = tmp_path / "blobs"


def _files() -> list[Path]:
    return [path for path in Path(settings.BLOB_DIR).rglob("*") if path.is_file()]


def _path() -> Path:
    return Path(settings.BLOB_DIR) / blobs.key_of(SHA256)


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
        blobs.store(io.BytesIO(CONTENT), size=len(CONTENT), sha256=SHA256)
    with pytest.raises(StorageFull, match="disk is full"), _room_for(room):
        objects.put("a/b", CONTENT, size=len(CONTENT))

    assert not Blob.objects.exists()
    assert _files() == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO, errno.ENOENT])
def test_a_disk_that_went_away_is_said_and_to_be_tried_again(number, monkeypatch):
    def refuse(*_args, **_rest):
        raise OSError(number, os.strerror(number))

    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    for call, act in {
        "mkdir": lambda: blobs.store(io.BytesIO(b"other"), size=5),
        "rename": lambda: blobs.store(io.BytesIO(b"other"), size=5),
        "open": lambda: blobs.read(SHA256),
    }.items():
        missing = number == errno.ENOENT and call == "open"
        with monkeypatch.context() as disk:
            disk.setattr(Path, call, refuse)
            with pytest.raises(FileNotFoundError if missing else StorageUnavailable):
                act()

    assert [path.name for path in _files()] == [_path().name]
    assert refusals.answer(StorageUnavailable(""), RequestFactory().get("/"), NOBODY)["Retry-After"]


def test_small_bytes_that_are_there_are_not_written_again():
    first = blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    written = _path().stat()

    again = blobs.store(io.BytesIO(CONTENT), size=len(CONTENT), sha256=SHA256)

    assert again == first
    now = _path().stat()
    assert (now.st_ino, now.st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_abandoned_uploads_are_cleared_and_living_ones_kept():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    incoming = Path(settings.BLOB_DIR) / "incoming"
    (incoming / "old").write_bytes(b"x")
    (incoming / "new").write_bytes(b"x")
    os.utime(incoming / "old", (1000, 1000))
    os.utime(incoming / "new", (90_000, 90_000))

    assert blobs.clear_abandoned(older_than_seconds=3600, now=91_000) == 1

    assert sorted(path.name for path in incoming.iterdir()) == ["new"]
    assert _path().exists()


def test_the_kernel_finds_the_part_at_its_first_byte():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    with blobs.open_blob(SHA256, 1000, 10) as part:
        assert os.lseek(part.fileno(), 0, os.SEEK_CUR) == 1000


def test_a_new_folder_is_safe_before_the_bytes_are_said_to_be(monkeypatch):
    synced = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    assert {Path(settings.BLOB_DIR), *list(_path().parents)[:2]} <= set(synced)
    assert synced[-1] == _path().parent
