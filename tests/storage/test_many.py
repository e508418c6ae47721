"""Many small blobs at once: all of them, each with its bytes, or an error and no row."""

import errno
import os

import pytest

from registry.errors import StorageFull
from registry.storage import blobs, many
from registry.storage.models import Blob
from tests.refusals import at_once

pytestmark = pytest.mark.django_db


def test_each_content_is_found_under_its_hash_in_the_order_asked():
    contents = [b"a", b"", b"b" * 300_000, b"a", *(f"{number}".encode() for number in range(600))]

    found = many.store_all(contents)

    assert [blob.size for blob in found] == [len(content) for content in contents]
    assert [blobs.read(blob.sha256) for blob in found] == contents
    assert found[0] == found[3]


def test_what_is_there_unharmed_is_not_written_again():
    (blob,) = many.store_all([b"once"])
    with blobs.local_copy(blob.sha256) as path:
        before = path.stat().st_ino
        assert many.store_all([b"once"]) == [blob]
        assert path.stat().st_ino == before
        path.write_bytes(b"harm")
        assert many.store_all([b"once"]) == [blob]
        assert path.read_bytes() == b"once"


def test_when_the_disk_is_full_no_row_is_written(monkeypatch):
    real = os.fsync

    def full(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StorageFull):
        many.store_all([b"1", b"22", b"333"])
    assert not Blob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_contents_from_many_sides_are_one_blob_each():
    contents = [f"{number}".encode() for number in range(40)]

    made = at_once(*(lambda order=order: many.store_all(contents[::order]) for order in (1, -1, 1)))

    assert [blob.pk for blob in made[0]] == [blob.pk for blob in made[1][::-1]]
    assert made[0] == made[2]
    assert Blob.objects.count() == 40
