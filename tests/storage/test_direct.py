"""Parts that clients send to the store themselves: a blob only when they are the announced bytes."""

import hashlib
import io
import urllib.error
import urllib.request

import pytest

from registry.errors import Invalid
from registry.storage import backend, blobs, direct
from registry.storage.models import Blob

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]

PART = 5 * 1024**2
CONTENT = bytes(range(256)) * (PART // 256) + b"the last part"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PARTS = {1: CONTENT[:PART], 2: CONTENT[PART:]}


def _put(link: str, content: bytes) -> str:
    request = urllib.request.Request(link, data=content, method="PUT")  # noqa: S310
    request.add_header("Content-Type", "")
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return str(answer.headers["ETag"])


def _send(name: str, parts: dict[int, bytes]) -> tuple[str, dict[int, str]]:
    upload = direct.begin(name)
    links = {
        number: direct.part_link(name, upload, number, size=len(part), seconds=60)
        for number, part in parts.items()
    }
    return upload, {number: _put(links[number], part) for number, part in parts.items()}


def _everything() -> list[tuple[str, int]]:
    return [*backend.of_blobs().keys(""), *backend.bucket("direct/").keys("")]


def test_parts_become_the_blob_that_was_announced():
    upload, etags = _send("one", PARTS)
    assert not blobs.exists(SHA256)

    blob = direct.complete("one", upload, etags, size=len(CONTENT), sha256=SHA256)

    assert (blob.sha256, blob.size) == (SHA256, len(CONTENT))
    assert blobs.read(SHA256) == CONTENT
    assert _everything() == [(blobs.key_of(SHA256), len(CONTENT))]
    with pytest.raises(Invalid, match="over"):
        direct.complete("one", upload, etags, size=len(CONTENT), sha256=SHA256)


def test_what_was_cut_off_after_the_store_had_it_whole_is_completed_again():
    upload, etags = _send("five", PARTS)
    numbered = [{"PartNumber": number, "ETag": etags[number]} for number in etags]
    backend.bucket("direct/").complete("five", upload, numbered)

    blob = direct.complete("five", upload, etags, size=len(CONTENT), sha256=SHA256)

    assert blobs.read(blob.sha256) == CONTENT


@pytest.mark.parametrize(
    ("parts", "size"),
    [
        ({1: PARTS[1], 2: b"The last part"}, len(CONTENT)),
        ({1: PARTS[1]}, len(CONTENT)),
        (PARTS, len(CONTENT) - 1),
    ],
)
def test_other_bytes_than_announced_are_refused_and_leave_nothing(parts, size):
    upload, etags = _send("two", parts)

    with pytest.raises(Invalid):
        direct.complete("two", upload, etags, size=size, sha256=SHA256)

    assert not Blob.objects.exists()
    assert _everything() == []


def test_who_sends_other_bytes_is_not_given_what_somebody_else_sent():
    blobs.store(io.BytesIO(CONTENT), size=len(CONTENT))
    upload, etags = _send("six", {1: PARTS[1], 2: b"The last part"})

    for _ in range(2):
        with pytest.raises(Invalid):
            direct.complete("six", upload, etags, size=len(CONTENT), sha256=SHA256)


def test_a_link_takes_one_part_of_one_size():
    upload = direct.begin("three")
    link = direct.part_link("three", upload, 1, size=10, seconds=60)

    for changed, content in (
        (link, b"more than ten bytes"),
        (link.replace("partNumber=1", "partNumber=2"), b"ten bytes."),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            _put(changed, content)
        assert refused.value.code == 403
        refused.value.close()
    direct.abort("three", upload)


def test_an_upload_that_was_given_up_takes_no_more_and_leaves_nothing():
    upload, etags = _send("four", PARTS)

    direct.abort("four", upload)

    with pytest.raises(Invalid):
        direct.complete("four", upload, etags, size=len(CONTENT), sha256=SHA256)
    assert _everything() == []
