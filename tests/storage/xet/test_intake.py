"""Xorbs, files and spaces: only what was sent and is true is taken, and nothing remains of the rest."""

import hashlib
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Invalid, NotNow, TooLarge
from registry.storage import blobs, objects, staging
from registry.storage.models import Blob, XetFile, XetSpace, Xorb
from registry.storage.xet import intake, rebuild, spaces
from tests.refusals import at_once, refused_by
from tests.storage.xet import making

pytestmark = pytest.mark.django_db

REPOSITORY, OTHER, PERSON, NAMESPACE = ("a" * 24, "b" * 24, "c" * 24, "d" * 24)
ONE = making.xorb(b"Hello, ", b"Xet!\n")
TWO = making.xorb(bytes(70_000), b"\1\2\3\4\5" * 9_000, scheme=making.REGROUPED)
FILE = making.file(ONE, TWO, making.Piece(ONE, 1), ONE)
KEEP = timedelta(hours=72)


@pytest.fixture(autouse=True)
def blob_folder(settings, tmp_path):
    settings.BLOB_DIR = tmp_path / "blobs"


@pytest.fixture
def space() -> XetSpace:
    return _space()


def _space(repository: str = REPOSITORY, person: str = "") -> XetSpace:
    return spaces.open_space(repository, person=person, namespace=NAMESPACE)


def _send(space: XetSpace, *xorbs: making.Xorb) -> list[bool]:
    return [intake.take_xorb(space, xorb.text, io.BytesIO(xorb.body)) for xorb in xorbs]


def _take(space: XetSpace, *files: making.File | bytes) -> list[Blob]:
    return intake.prove(intake.read_shard(space, making.shard(*files)))


def _lying() -> set[str]:
    return {key.rpartition("/")[2] for key, _size in objects.keys("xet/")}


def test_a_file_is_put_together_from_its_xorbs(space):
    assert _send(space, ONE, TWO) == [True, True]

    (blob,) = _take(space, FILE)

    assert (blob.sha256, blob.size) == (FILE.sha256, len(FILE.content))
    with blobs.open_blob(blob.sha256) as content:
        assert content.read() == FILE.content


def test_a_file_of_repeated_chunks_and_an_empty_one_are_put_together(space):
    zeros = making.xorb(bytes(131_072), scheme=making.LZ4)
    _send(space, zeros)

    found = _take(space, making.file(*[zeros] * 50), making.file())

    assert [blob.sha256 for blob in found] == [
        hashlib.sha256(bytes(131_072 * 50)).hexdigest(),
        hashlib.sha256(b"").hexdigest(),
    ]


def test_a_file_larger_than_what_is_read_at_once_is_put_together(space, monkeypatch):
    monkeypatch.setattr(rebuild, "PIECE", 1000)
    _send(space, ONE, TWO)

    assert _take(space, FILE)[0].sha256 == FILE.sha256


def test_a_xorb_that_is_there_is_taken_again_without_a_change(space):
    _send(space, ONE)
    stream = io.BytesIO(ONE.body)

    assert intake.take_xorb(space, ONE.text, stream) is False
    assert stream.read() == b""
    assert Xorb.objects.count() == 1


@pytest.mark.parametrize("body", [ONE.body[:-1], ONE.body + b"\0", TWO.body, b""])
def test_of_a_xorb_that_is_refused_nothing_remains(space, body):
    with pytest.raises(Invalid):
        intake.take_xorb(space, ONE.text, io.BytesIO(body))

    assert _lying() == set()
    assert not Xorb.objects.exists()


@pytest.mark.parametrize(
    "digest", ["", "x" * 64, ONE.text.upper(), ONE.text[:-1], "../" + ONE.text]
)
def test_a_name_that_is_no_hash_is_refused(space, digest):
    with pytest.raises(Invalid):
        intake.take_xorb(space, digest, io.BytesIO(ONE.body))


def test_a_footer_is_not_kept(space):
    intake.take_xorb(space, ONE.text, io.BytesIO(ONE.body + b"XETBLOB" + bytes(500)))

    assert dict(objects.keys("xet/")) == {f"xet/{space.pk}/{ONE.text}": len(ONE.body)}


def _terms(*records: tuple[making.Xorb, int, int, int]) -> bytes:
    """A file whose terms say what they want, with hashes that fit."""
    flags = 0xC0000000
    body = making.record(FILE.hash, flags, len(records))
    for xorb, length, first, end in records:
        body += making.record(xorb.hash, 0, length, first, end)
    for xorb, _length, first, end in records:
        listed = b"".join(making.hashes.chunk(chunk) for chunk in xorb.chunks[first:end])
        body += making.record(making.hashes.term(listed))
    return body + making.record(bytes(32))


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (making.described(FILE, sha256="0" * 64), "not the announced"),
        (making.described(FILE, digest=bytes(32)), "hash of a file"),
        (making.described(FILE, verification=bytes(32)), "verifies a term"),
        (making.described(making.file(making.xorb(b"never sent"))), "not sent here"),
        (_terms((ONE, 12, 0, 3)), "does not have"),
        (_terms((ONE, 0, 1, 1)), "does not have"),
        (_terms((ONE, 0, 2, 1)), "does not have"),
        (_terms((ONE, 12, 0, 0xFFFFFFFF)), "does not have"),
        (_terms((ONE, 13, 0, 2)), "length of a term"),
        (_terms((ONE, 12, 0, 2)), "hash of a file"),
    ],
)
def test_a_shard_that_lies_is_refused_and_nothing_is_registered(space, described, words):
    _send(space, ONE, TWO)
    good = making.file(TWO)

    with pytest.raises(Invalid, match=words):
        _take(space, described, good)

    assert not Blob.objects.exists()
    assert not XetFile.objects.exists()


def test_a_file_larger_than_the_site_takes_is_refused(space, settings):
    settings.MAX_FILE_SIZE = len(FILE.content) - 1
    _send(space, ONE, TWO)

    with pytest.raises(TooLarge):
        _take(space, FILE)


def test_a_shard_that_names_too_many_chunks_is_refused(space, monkeypatch):
    monkeypatch.setattr(intake, "MAX_CHUNKS", 6)
    _send(space, ONE, TWO)
    assert _take(space, making.file(ONE, TWO), making.file(ONE))

    with pytest.raises(TooLarge):
        _take(space, FILE)
    with pytest.raises(TooLarge):
        _take(space, making.file(ONE, TWO), making.file(ONE, ONE))


@pytest.mark.parametrize(
    ("repository", "person"), [(OTHER, ""), (REPOSITORY, PERSON)], ids=["repository", "person"]
)
def test_knowing_hashes_opens_nothing_of_another_space(space, repository, person):
    _send(space, ONE, TWO)
    _take(space, FILE)
    other = _space(repository, person)

    with pytest.raises(Invalid, match="not sent here"):
        _take(other, FILE)
    assert _send(other, ONE, TWO) == [True, True]
    assert _take(other, FILE)[0].sha256 == FILE.sha256


def test_a_file_that_was_put_together_is_not_put_together_again(space, monkeypatch):
    _send(space, ONE, TWO)
    first = _take(space, FILE)
    for key, _size in list(objects.keys("xet/")):
        objects.delete(key)

    assert _take(space, FILE) == first


def test_a_file_whose_bytes_were_removed_is_put_together_again(space):
    _send(space, ONE, TWO)
    (blob,) = _take(space, FILE)
    Blob.objects.update(removed_at=timezone.now())
    blobs.delete(blob.sha256)

    (again,) = _take(space, FILE)

    again.refresh_from_db()
    assert again.removed_at is None
    assert blobs.exists(again.sha256)


@pytest.mark.parametrize("harm", ["gone", "cut", "other bytes"])
def test_a_xorb_that_came_to_harm_is_said_and_sent_again(space, harm):
    _send(space, ONE, TWO)
    key = spaces.key(space, TWO.text)
    if harm == "gone":
        objects.delete(key)
    elif harm == "cut":
        objects.put(key, TWO.body[:-9], size=len(TWO.body) - 9)
    else:
        objects.put(key, b"\1" * len(TWO.body), size=len(TWO.body))

    with pytest.raises(Invalid, match="Start the upload again"):
        _take(space, FILE)

    fresh = _space()
    assert str(fresh) == f"{REPOSITORY}-2"
    _send(fresh, ONE, TWO)
    assert _take(fresh, FILE)[0].sha256 == FILE.sha256


def test_a_byte_that_flipped_in_a_xorb_is_said_and_the_xorb_sent_again(space):
    _send(space, ONE, TWO)
    flipped = ONE.body[:-1] + b"?"
    objects.put(spaces.key(space, ONE.text), flipped, size=len(flipped))

    with pytest.raises(Invalid, match="Start the upload again"):
        _take(space, FILE)

    assert str(_space()) == f"{REPOSITORY}-2"


def test_who_announces_another_sha256_is_told_so_and_nothing_sent_is_lost(space):
    _send(space, ONE, TWO)
    lie = making.described(FILE, sha256="0" * 64)

    with pytest.raises(Invalid, match="not the announced"):
        _take(space, lie)

    assert str(_space()) == str(space)
    assert _lying() == {ONE.text, TWO.text}


def test_xorbs_count_until_a_file_is_made_of_them(space):
    _send(space, ONE, TWO)
    claims = intake.read_shard(space, making.shard(making.file(ONE)))
    assert staging.staged_bytes(NAMESPACE) == len(ONE.body) + len(TWO.body)
    assert intake.staged_bytes(space, claims) == len(ONE.body)

    intake.prove(claims)

    assert staging.staged_bytes(NAMESPACE) == len(TWO.body)
    assert intake.staged_bytes(space, claims) == 0


def test_old_xorbs_go_once_clients_were_told_another_address(space):
    _send(space, ONE, TWO)
    _take(space, making.file(ONE))
    now = timezone.now()

    assert spaces.clear(keep=KEEP, now=now + KEEP - timedelta(hours=1)) == 0
    assert _space() == space
    # An upload that goes on when the time has come is not cut off
    spaces.use(space, now=now + KEEP)
    assert spaces.clear(keep=KEEP, now=now + KEEP + timedelta(minutes=1)) == 0
    assert str(_space()) == f"{REPOSITORY}-2"
    assert _lying() == {ONE.text, TWO.text}
    assert spaces.clear(keep=KEEP, now=now + KEEP + timedelta(hours=7)) == 1

    assert _lying() == set()
    assert not Xorb.objects.exists()
    assert not XetFile.objects.exists()
    space.refresh_from_db()
    with pytest.raises(NotNow, match="Start the upload again"):
        spaces.use(space, now=now + KEEP + timedelta(hours=7))


def test_clearing_that_was_interrupted_goes_on(space):
    _send(space, ONE, TWO)
    objects.delete(spaces.key(space, ONE.text))
    left = spaces.key(space, "left-by-a-process-that-was-killed")
    objects.put(left, b"x", size=1)
    now = timezone.now()
    XetSpace.objects.update(closed_at=now, emptied_at=now)

    assert spaces.clear(keep=KEEP, now=now) == 1

    assert _lying() == set()
    assert spaces.clear(keep=KEEP, now=now) == 0


def test_names_of_spaces_lead_to_them(space):
    own = _space(person=PERSON)

    assert spaces.find(str(space)) == space
    assert spaces.find(str(own)) == own
    for name in (f"{REPOSITORY}-2", f"{OTHER}-1", "", "x", f"{REPOSITORY}-", f"{REPOSITORY}-1-1"):
        assert spaces.find(name) is None


def test_the_database_keeps_spaces_xorbs_and_files_apart(space):
    now = timezone.now()
    xorb = {"hash": "a" * 64, "size": 1, "chunks": b""}
    file = {"hash": "a" * 64, "sha256": "b" * 64}
    Xorb.objects.create(space=space, **xorb)
    XetFile.objects.create(space=space, **file)
    closed = {"repository": REPOSITORY, "namespace": NAMESPACE, "closed_at": now}

    with refused_by("xet_space_once_in_an_epoch"):
        XetSpace.objects.create(**closed, epoch=1)
    with refused_by("xet_space_open_once"):
        XetSpace.objects.create(repository=REPOSITORY, namespace=NAMESPACE, epoch=2)
    with refused_by("xet_space_closed_before_it_is_emptied"):
        XetSpace.objects.create(repository=OTHER, namespace=NAMESPACE, epoch=1, emptied_at=now)
    with refused_by("xorb_once_in_a_space"):
        Xorb.objects.create(space=space, **xorb)
    with refused_by("xorb_is_named_by_its_hash"):
        Xorb.objects.create(space=space, **(xorb | {"hash": "x"}))
    with refused_by("xet_file_once_in_a_space"):
        XetFile.objects.create(space=space, **file)
    with refused_by("xet_file_is_named_by_its_hashes"):
        XetFile.objects.create(space=space, **(file | {"sha256": "x"}))


@pytest.mark.django_db(transaction=True)
def test_the_same_upload_by_several_at_once_is_one():
    opened = at_once(*[_space] * 4)
    assert [str(space) for space in opened] == [f"{REPOSITORY}-1"] * 4
    space = opened[0]

    sent = at_once(*[lambda: _send(space, ONE, TWO)] * 4)
    taken = at_once(*[lambda: _take(space, FILE)] * 4)

    assert all(isinstance(answer, list) for answer in sent + taken), sent + taken
    assert sorted(is_new for is_new, _ in sent) == [False, False, False, True]
    assert {blob.sha256 for (blob,) in taken} == {FILE.sha256}
    assert _lying() == {ONE.text, TWO.text}


def test_bytes_that_the_store_lost_are_put_together_again(space):
    _send(space, ONE, TWO)
    (blob,) = _take(space, FILE)
    blobs.delete(blob.sha256)

    assert _take(space, FILE) == [blob]
    assert blobs.read(blob.sha256) == FILE.content


@pytest.mark.django_db(transaction=True)
def test_a_xorb_that_comes_twice_at_once_and_packed_in_two_ways_stays_readable():
    chunks = [bytes(60_000), b"\1\2\3\4" * 15_000]
    ways = [making.xorb(*chunks, scheme=scheme) for scheme in (making.PLAIN, making.LZ4)]
    for turn in range(8):
        space = _space(f"{turn:024x}")
        is_new = at_once(
            *(
                lambda way=way, space=space: intake.take_xorb(space, way.text, io.BytesIO(way.body))
                for way in ways
            )
        )
        assert sorted(is_new) == [False, True]
        assert Xorb.objects.get(space=space).size == objects.size_of(
            spaces.key(space, ways[0].text)
        )
