"""Copies of a bucket's blobs for checks: verified, shared, and kept only as far as there is room."""

import errno
import hashlib
import io
import os

import pytest
from django.conf import settings

from registry.errors import StorageFull, StorageUnavailable
from registry.storage import backend, blobs, copies
from tests.refusals import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]

CONTENT = b"the bytes of a model" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def cache_folder(settings, tmp_path):
    settings.CACHE_DIR = tmp_path


def _copies() -> list[str]:
    return [path.name for path in (settings.CACHE_DIR / "blobs").iterdir()]


def test_a_copy_stays_while_it_is_used_and_goes_when_room_is_needed(settings):
    settings.COPIES_BYTES = 0
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    with blobs.local_copy(SHA256) as first:
        with blobs.local_copy(SHA256) as second:
            assert first == second
        assert copies.shrink(0) == 0
        assert first.read_bytes() == CONTENT

    assert _copies() == []


def test_a_copy_that_has_room_is_there_for_the_next_check():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    with blobs.local_copy(SHA256):
        pass
    blobs.delete(SHA256)

    with blobs.local_copy(SHA256) as path:
        assert path.read_bytes() == CONTENT


class _Full(io.BytesIO):
    """Content that meets a full disk on its way, as its reader would tell."""

    def readinto(self, buffer: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def read(self, size: int | None = -1) -> bytes:
        return bytes([self.readinto(b"")])


def test_a_full_disk_takes_what_nobody_uses_before_it_refuses():
    old = b"of another model"
    with copies.copy_of(hashlib.sha256(old).hexdigest(), lambda: io.BytesIO(old)):
        pass
    tries = [io.BytesIO(CONTENT), _Full()]

    with copies.copy_of(SHA256, lambda: tries.pop()) as path:
        assert path.read_bytes() == CONTENT

    assert _copies() == [SHA256]


def test_a_full_disk_without_anything_to_remove_is_said_and_leaves_nothing():
    with pytest.raises(StorageFull), copies.copy_of(SHA256, _Full):
        pass

    assert _copies() == []


def test_other_bytes_than_the_name_says_never_reach_a_check():
    store = backend.of_blobs()
    with store.incoming(size=5, key=blobs.key_of(SHA256)) as incoming:
        incoming.write(b"other")
        incoming.keep(blobs.key_of(SHA256))

    with pytest.raises(StorageUnavailable), blobs.local_copy(SHA256):
        pass

    assert _copies() == []


def test_many_at_once_get_the_same_bytes_while_others_make_room(settings):
    settings.COPIES_BYTES = 0
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))

    def use() -> bytes:
        with blobs.local_copy(SHA256) as path:
            return path.read_bytes()

    assert at_once(*[use] * 6) == [CONTENT] * 6
