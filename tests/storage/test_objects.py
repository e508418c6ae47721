"""Bytes under names of our own, on each back end."""

import io

import pytest

from registry.errors import Invalid
from registry.storage import blobs, objects

pytestmark = pytest.mark.usefixtures("storage")


def test_an_object_is_found_by_its_key_and_listed_in_its_folder():
    objects.put("parts/one/1", b"first", size=5)
    objects.put("parts/one/2", io.BytesIO(b"second"), size=6)
    objects.put("parts/two/1", memoryview(b"x"), size=1)

    with objects.open_object("parts/one/2", 1, 3) as content:
        assert content.read() == b"eco"
    assert sorted(objects.keys("parts/one/")) == [("parts/one/1", 5), ("parts/one/2", 6)]
    assert len(list(objects.keys())) == 3
    assert list(objects.keys("nothing/")) == []
    assert (objects.size_of("parts/two/1"), objects.size_of("parts/two/2")) == (1, None)


def test_a_key_that_is_written_again_gets_the_new_bytes():
    objects.put("a", b"old", size=3)
    objects.put("a", b"newer", size=5)

    with objects.open_object("a") as content:
        assert content.read() == b"newer"


@pytest.mark.parametrize("size", [2, 4])
def test_other_than_announced_is_refused_and_what_was_there_stays(size):
    objects.put("a", b"old", size=3)

    with pytest.raises(Invalid, match=f"announced {size} bytes"):
        objects.put("a", b"new", size=size)

    with objects.open_object("a") as content:
        assert content.read() == b"old"


def test_a_deleted_object_is_gone():
    objects.put("a/b/c", b"x", size=1)

    objects.delete("a/b/c")
    objects.delete("a/b/c")

    assert not objects.exists("a/b/c")
    with pytest.raises(FileNotFoundError):
        objects.open_object("a/b/c")


def test_objects_are_no_blobs():
    objects.put("ab/cd/" + "abcd" * 16, b"x", size=1)

    assert list(blobs.stored()) == []


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "../a", "a/../b", "a//b", "A", "a b", "a\n", "a/.x", "a" * 401]
)
def test_a_key_that_could_mean_another_place_is_refused(key):
    with pytest.raises(ValueError, match="no key"):
        objects.put(key, b"x", size=1)
