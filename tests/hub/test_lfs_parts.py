"""Objects that come by parts: resumed, sent again, out of order, by several at once."""

import hashlib
import io
import random
import threading
import time
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.db import transaction
from django.utils import timezone

from registry.accounts.models import Role
from registry.catalog import quotas, repositories
from registry.catalog.models import Repository
from registry.storage import blobs, direct, parts, uploads
from registry.storage.models import Blob, Upload
from tests.factories import (
    accept_terms,
    as_caller,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_user,
)
from tests.hub.calls import Wire, lfs_file
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db

PART = 1024 * 1024
CONTENT = random.Random(7).randbytes(3 * PART + 1234)  # noqa: S311 - bytes that differ
OID = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def small_parts(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.BLOB_DIR = tmp_path / "blobs"
    settings.LFS_PARTS_THRESHOLD = PART
    monkeypatch.setattr(parts, "PART", PART)


@pytest.fixture
def repository() -> Repository:
    return make_repository()


def ask(wire: Wire, repository: Repository, content: bytes = CONTENT) -> Any:
    one = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    body = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": [one]}
    answer = wire.post(f"/{repository}.git/info/lfs/objects/batch", body)
    assert answer.status_code == 200, answer.content
    return answer.json()["objects"][0]


def addresses(one: Any) -> tuple[str, list[str]]:
    upload = one["actions"]["upload"]
    size = int(upload["header"]["chunk_size"])
    assert size == PART
    numbered = {int(k): v for k, v in upload["header"].items() if k.isdigit()}
    found = [numbered[number].removeprefix("http://testserver") for number in sorted(numbered)]
    assert len(found) == -(-one["size"] // size)
    return upload["href"].removeprefix("http://testserver"), found


def piece(number: int, content: bytes = CONTENT) -> bytes:
    return content[(number - 1) * PART : number * PART]


def send(found: list[str], number: int, content: bytes | None = None) -> Any:
    return Wire().put(found[number - 1], piece(number) if content is None else content)


def finish(href: str, answers: int = 4) -> Any:
    etags = [{"partNumber": n, "etag": '"x"'} for n in range(1, answers + 1)]
    return Wire().post(href, {"oid": OID, "parts": etags})


def staged() -> list[Path]:
    return list((Path(site.BLOB_DIR) / "objects" / "uploads").glob("*"))


def test_parts_in_order_become_the_object_without_a_second_reading(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(repository.created_by)
    href, found = addresses(ask(wire, repository))
    for number in (1, 2, 3, 4):
        answer = send(found, number)
        assert (answer.status_code, bool(answer["ETag"])) == (200, True)
    read: list[int] = []
    real = parts.os.pread
    monkeypatch.setattr(parts.os, "pread", lambda f, n, at: read.append(at) or real(f, n, at))

    assert finish(href).status_code == 200

    assert read == [len(CONTENT)]
    assert blobs.read(OID) == CONTENT
    assert (Upload.objects.count(), staged()) == (0, [])
    assert "actions" not in ask(wire, repository)
    assert wire.commit(repository, lfs_file("m.bin", CONTENT)).status_code == 200
    assert finish(href).status_code == 200  # the answer was lost, and is asked for again


@pytest.mark.parametrize("order", [[4, 3, 2, 1], [1, 3, 2, 4], [1, 2, 2, 3, 1, 4]])
def test_parts_in_any_order_and_sent_again_are_the_same_object(
    repository: Repository, order: list[int]
) -> None:
    href, found = addresses(ask(Wire(repository.created_by), repository))
    for number in order:
        assert send(found, number).status_code == 200

    assert finish(href).status_code == 200
    assert blobs.read(OID) == CONTENT


def test_an_upload_goes_on_where_it_was_and_does_not_write_the_same_again(
    repository: Repository,
) -> None:
    wire = Wire(repository.created_by)
    _, found = addresses(ask(wire, repository))
    for number in (1, 2):
        send(found, number)
    parts._chains.clear()  # the server was started again
    written = Upload.objects.get().writes

    href, again = addresses(ask(wire, repository))
    send(again, 1)
    send(again, 2)
    assert Upload.objects.get().writes == written
    send(again, 3)
    send(again, 4)

    assert finish(href).status_code == 200
    assert blobs.read(OID) == CONTENT


def test_a_part_replaced_after_it_was_hashed_does_not_count_as_what_it_was(
    repository: Repository,
) -> None:
    href, found = addresses(ask(Wire(repository.created_by), repository))
    for number in (1, 2, 3, 4):
        send(found, number)
    chain = parts._chains[Upload.objects.get().public_id]
    parts._chains.clear()
    assert send(found, 2, b"x" * PART).status_code == 200  # by another process
    parts._chains[Upload.objects.get().public_id] = chain

    answer = finish(href)

    assert answer.status_code == 400
    assert "have the SHA-256" in answer.json()["error"]
    assert not Blob.objects.filter(sha256=OID).exists()
    assert staged() == []


@pytest.mark.parametrize("length", [0, PART - 1, PART + 1])
def test_a_part_of_another_length_is_refused_and_can_be_sent_again(
    repository: Repository, length: int
) -> None:
    href, found = addresses(ask(Wire(repository.created_by), repository))
    send(found, 1)

    assert send(found, 2, (CONTENT[PART:] + CONTENT)[:length]).status_code == 400

    for number in (2, 3, 4):
        assert send(found, number).status_code == 200
    assert finish(href).status_code == 200


def test_missing_parts_are_said_and_can_still_come(repository: Repository) -> None:
    href, found = addresses(ask(Wire(repository.created_by), repository))
    send(found, 1)

    answer = finish(href)

    assert answer.status_code == 400
    assert "parts are missing" in answer.json()["error"]
    for number in (2, 3, 4):
        send(found, number)
    assert finish(href).status_code == 200


def test_a_hole_is_not_taken_for_a_part(repository: Repository) -> None:
    href, found = addresses(ask(Wire(repository.created_by), repository))
    for number in (1, 3, 4):
        send(found, number)

    assert finish(href).status_code == 400
    assert not Blob.objects.filter(sha256=OID).exists()


def test_addresses_are_for_one_upload_and_end_with_the_right(repository: Repository) -> None:
    lab = make_organisation()
    member = make_member(lab, Role.WRITE)
    repository = make_repository(member, namespace=lab.name)
    href, found = addresses(ask(Wire(member), repository))

    assert Wire().put(found[0].replace("right=", "right=x"), piece(1)).status_code == 403
    other = found[0].replace(Upload.objects.get().public_id, "0" * 24)
    assert Wire().put(other, piece(1)).status_code == 403
    assert Wire().put(found[0].replace("/1?", "/9?"), piece(1)).status_code == 400
    assert Wire().put(found[0].replace("/1?", "/%C2%B2?"), piece(1)).status_code == 400
    lab.memberships.filter(user=member).delete()
    assert send(found, 1).status_code == 403
    assert finish(href).status_code == 403


def test_a_repository_deleted_meanwhile_takes_nothing(repository: Repository) -> None:
    href, found = addresses(ask(Wire(repository.created_by), repository))
    for number in (1, 2, 3):
        send(found, number)
    repositories.delete(repository, by=as_caller(repository.created_by))

    assert send(found, 4).status_code == 403
    assert finish(href).status_code == 403
    assert not Blob.objects.filter(sha256=OID).exists()


def test_two_people_and_two_repositories_have_uploads_of_their_own(
    repository: Repository,
) -> None:
    other = make_repository()
    first = addresses(ask(Wire(repository.created_by), repository))
    second = addresses(ask(Wire(other.created_by), other))

    for number in (1, 2, 3, 4):
        send(first[1], number)
        send(second[1], number)
    assert finish(first[0]).status_code == 200
    assert finish(second[0]).status_code == 200
    assert {h.repository for h in Blob.objects.get(sha256=OID).holdings.all()} == {
        repository,
        other,
    }


def test_abandoned_uploads_are_forgotten_and_living_ones_kept(repository: Repository) -> None:
    wire = Wire(repository.created_by)
    _, found = addresses(ask(wire, repository))
    send(found, 1)
    now = timezone.now()

    assert uploads.clear_abandoned(before=now - timedelta(hours=1)) == 0
    assert len(staged()) == 1
    assert uploads.clear_abandoned(before=now + timedelta(hours=1)) == 1
    assert (Upload.objects.count(), staged()) == (0, [])
    assert send(found, 2).status_code == 404


def test_an_upload_past_this_server_lives_as_long_as_the_links_handed_out_last(
    bucket: None, repository: Repository
) -> None:
    wire = Wire(repository.created_by)
    addresses(ask(wire, repository))
    now = timezone.now()
    links = timedelta(seconds=direct.LINK_SECONDS)
    Upload.objects.update(touched_at=now - timedelta(days=3))

    addresses(ask(wire, repository))

    assert uploads.clear_abandoned(before=now + links - timedelta(minutes=1)) == 0
    assert uploads.clear_abandoned(before=now + links + timedelta(minutes=1)) == 1


def test_what_is_announced_counts_and_a_second_asking_counts_once(repository: Repository) -> None:
    namespace = repository.namespace
    used = quotas.usage(namespace).used
    quotas.set_quota(namespace, used + len(CONTENT) + 10, by="")
    wire = Wire(repository.created_by)

    assert "actions" in ask(wire, repository)
    assert "actions" in ask(wire, repository)
    assert quotas.usage(namespace).staged == len(CONTENT)
    refused = ask(wire, repository, b"y" * (2 * PART))
    assert refused["error"]["code"] == 422
    assert "has no room" in refused["error"]["message"]


def test_objects_of_a_release_are_fetched_through_the_gate() -> None:
    release = make_released(files={"README.md": "---\nlicense: llama3.1\n---\n", "m.bin": CONTENT})
    repository, reader = release.repository, make_user()
    body = {"operation": "download", "objects": [{"oid": OID, "size": len(CONTENT)}]}
    path = f"/{repository}.git/info/lfs/objects/batch"

    assert Wire().post(path, body).status_code == 401
    assert Wire(reader, "read").post(path, body).status_code == 403
    accept_terms(release, reader)
    one = Wire(reader, "read").post(path, body).json()["objects"][0]
    href = one["actions"]["download"]["href"].removeprefix("http://testserver")
    assert Wire(reader, "read").get(href).sent == CONTENT
    missing = body | {"objects": [{"oid": "0" * 64, "size": 1}]}
    assert Wire(reader, "read").post(path, missing).json()["objects"][0]["error"]["code"] == 404


@pytest.mark.django_db(transaction=True)
def test_many_senders_of_one_upload_end_with_the_right_bytes() -> None:
    repository = make_repository()
    href, found = addresses(ask(Wire(repository.created_by), repository))

    def run(order: list[int]) -> Any:
        return lambda: [send(found, number).status_code for number in order]

    answers = at_once(run([1, 2, 3, 4]), run([4, 3, 2, 1]), run([2, 1, 4, 3]))

    assert {code for codes in answers for code in codes} == {200}
    finished = at_once(*[lambda: finish(href).status_code] * 3)
    assert 200 in finished
    assert set(finished) <= {200, 404}
    assert blobs.read(OID) == CONTENT


def test_the_database_keeps_one_upload_of_an_object_by_a_person() -> None:
    values = {"space": "s", "repository": "r", "by": "b", "sha256": OID, "size": 1, "part_size": 1}
    Upload.objects.create(**values)
    with refused_by("one_upload_of_an_object_by_a_person"):
        Upload.objects.create(**values)
    with refused_by("upload_has_parts"):
        Upload.objects.create(**values | {"by": "c", "part_size": 0})


def to_the_store(upload: Any, *pieces: bytes) -> Any:
    """Send the parts past the server, and say that they are there."""
    etags = []
    for number, content in enumerate(pieces, start=1):
        asked = urllib.request.Request(  # noqa: S310 - our own store
            upload["header"][str(number)], data=content, method="PUT"
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            etags.append({"partNumber": number, "etag": answer.headers["ETag"]})
    href = upload["href"].removeprefix("http://testserver")
    return Wire().post(href, {"parts": etags})


def test_parts_go_straight_to_a_store_and_are_verified_there(
    bucket: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART", 5 * PART)  # stores take no smaller ones
    content = random.Random(9).randbytes(5 * PART + 77)  # noqa: S311 - bytes that differ
    oid = hashlib.sha256(content).hexdigest()
    repository = make_repository()
    wire = Wire(repository.created_by)
    upload = ask(wire, repository, content)["actions"]["upload"]

    done = to_the_store(upload, content[: 5 * PART], content[5 * PART :])

    assert done.status_code == 200, done.content
    assert blobs.read(oid) == content
    assert wire.commit(repository, lfs_file("m.bin", content)).status_code == 200
    href = upload["href"].removeprefix("http://testserver")
    assert (Upload.objects.count(), Wire().post(href, {"parts": []}).status_code) == (0, 200)


def test_wrong_parts_in_a_store_give_nobody_the_object_and_can_be_sent_again(
    bucket: None, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who knows the SHA-256 of what another repository holds has nothing of it by that."""
    monkeypatch.setattr(parts, "PART", 5 * PART)
    content = CONTENT[: PART + 1]
    blobs.store(io.BytesIO(content), size=len(content))
    wire = Wire(repository.created_by)
    upload = ask(wire, repository, content)["actions"]["upload"]
    wrong = [bytes(len(content))]

    refused = [to_the_store(upload, *wrong)]
    href = upload["href"].removeprefix("http://testserver")
    refused += [Wire().post(href, {"parts": [{"partNumber": 1, "etag": '"x"'}]})]

    assert [answer.status_code for answer in refused] == [400, 404]
    assert not repository.holdings.filter(blob__sha256=hashlib.sha256(content).hexdigest()).exists()
    upload = ask(wire, repository, content)["actions"]["upload"]
    assert to_the_store(upload, content).status_code == 200
    assert wire.commit(repository, lfs_file("m.bin", content)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_an_upload_is_asked_for_again_while_it_is_completed(repository: Repository) -> None:
    values = {"repository": repository.public_id, "by": "b" * 24, "sha256": OID, "size": 10}
    for _ in range(5):
        upload = uploads.begin(space="s" * 24, **values)
        is_gone = threading.Event()

        def complete(upload: Upload = upload, is_gone: threading.Event = is_gone) -> None:
            with transaction.atomic():
                upload.delete()
                is_gone.set()
                time.sleep(0.1)

        def again(is_gone: threading.Event = is_gone) -> Upload:
            is_gone.wait(10)
            return uploads.begin(space="s" * 24, **values)

        _, begun = at_once(complete, again)
        assert isinstance(begun, Upload), begun
