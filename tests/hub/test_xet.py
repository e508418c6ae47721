"""Uploads by Xet on the wire: who may send what where, and what is answered to all else."""

import time
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from registry.accounts import people, tokens
from registry.accounts.models import AccessToken, Role, Scope, User
from registry.catalog import commits, repositories
from registry.catalog.models import Holding, Repository
from registry.hub import xet
from registry.storage import objects
from registry.storage.models import Blob, XetFile, XetSpace, Xorb
from registry.storage.xet import spaces
from tests.factories import (
    as_caller,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_token,
    make_user,
)
from tests.hub.calls import Wire, lfs_file, seen
from tests.storage.xet import making

pytestmark = pytest.mark.django_db

ONE = making.xorb(b"Hello, ", b"Xet!\n")
FILE = making.file(ONE)
SHARD = making.shard(FILE, xorbs=[ONE])


@pytest.fixture(autouse=True)
def blob_folder(settings, tmp_path):
    settings.BLOB_DIR = tmp_path / "blobs"


@pytest.fixture
def ada() -> User:
    return make_user("ada")


@pytest.fixture
def repository(ada: User) -> Repository:
    return make_repository(ada)


class Cas:
    """The address and the token that one upload was given."""

    def __init__(self, wire: Wire, repository: Repository, rev: str = "main", query: str = ""):
        answer = wire.get(f"/api/models/{repository}/xet-write-token/{rev}{query}")
        assert answer.status_code == 200, answer.sent
        self.answer = answer
        self.given = answer.json()
        self.path = urlsplit(self.given["casUrl"]).path
        self.wire = Wire(secret=self.given["accessToken"])

    def xorb(self, xorb: making.Xorb = ONE, body: bytes | None = None, **headers: str) -> Any:
        sent = xorb.body if body is None else body
        return self.wire.post(f"{self.path}/v1/xorbs/default/{xorb.text}", sent, **headers)

    def shard(self, body: bytes = SHARD, spelled: str = "/v1/shards") -> Any:
        return self.wire.post(self.path + spelled, body)


def _nothing_remains() -> bool:
    return not (list(objects.keys("xet/")) or Xorb.objects.exists() or XetFile.objects.exists())


def test_a_file_goes_from_the_token_to_the_commit(ada, repository):
    wire = Wire(ada)
    cas = Cas(wire, repository)

    assert cas.xorb().json() == {"was_inserted": True}
    assert cas.xorb().json() == {"was_inserted": False}
    assert cas.shard().json() == {"result": 1}
    made = wire.commit(repository, lfs_file("model.bin", FILE.content))

    assert made.status_code == 200
    got = wire.get(f"/{repository}/resolve/main/model.bin")
    assert got.sent == FILE.content
    assert "X-Xet-Hash" not in got.headers


def test_headers_and_body_of_the_token_agree(ada, repository):
    before = int(time.time())
    first = Cas(Wire(ada), repository)

    assert first.answer["X-Xet-Cas-Url"] == first.given["casUrl"]
    assert first.answer["X-Xet-Access-Token"] == first.given["accessToken"]
    assert first.answer["X-Xet-Token-Expiration"] == str(first.given["exp"])
    assert first.given["casUrl"] == f"http://testserver/xet/{repository.public_id}-1"
    assert before + 3500 < first.given["exp"] < before + 3700


def test_a_renewed_token_ends_later_and_goes_on_in_the_same_space(ada, repository, monkeypatch):
    first = Cas(Wire(ada), repository)
    first.xorb()
    now = time.time()
    monkeypatch.setattr(xet.time, "time", lambda: now + 3550)

    renewed = Cas(Wire(ada), repository)

    assert renewed.given["exp"] > first.given["exp"]
    assert renewed.given["casUrl"] == first.given["casUrl"]
    assert renewed.shard().status_code == 200


def test_who_just_got_a_token_is_not_cleared_away(ada, repository):
    Cas(Wire(ada), repository).xorb()
    long_ago = timezone.now() - timedelta(days=9)
    Xorb.objects.update(at=long_ago)
    XetSpace.objects.update(used_at=long_ago)

    cas = Cas(Wire(ada), repository)
    spaces.clear(keep=timedelta(days=3), now=timezone.now())

    assert cas.shard().status_code == 200


@pytest.mark.parametrize("spelled", ["/shards", "/v1/shards", "/shard/default/" + "a" * 64])
@pytest.mark.parametrize("prefix", ["/v1/xorbs", "/xorbs", "/xorb"])
def test_older_clients_spell_addresses_otherwise(ada, repository, prefix, spelled):
    cas = Cas(Wire(ada), repository)

    sent = cas.wire.post(f"{cas.path}{prefix}/default/{ONE.text}", ONE.body)

    assert sent.json() == {"was_inserted": True}
    assert cas.shard(spelled=spelled).json() == {"result": 1}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2/shards", 404),
        ("POST", "/v1/xorb-grants/default/" + ONE.text, 404),
        ("GET", "/v1/chunks/default/" + ONE.text, 404),
        ("GET", "/v1/chunks/default-merkledb/" + ONE.text, 404),
        ("GET", "/chunk/default/" + ONE.text, 404),
        ("GET", "/v1/reconstructions/" + making.hashes.text(FILE.hash), 404),
        ("GET", "/v2/reconstructions/" + making.hashes.text(FILE.hash), 404),
        ("HEAD", "/v1/files/" + making.hashes.text(FILE.hash), 404),
        ("HEAD", "/v1/xorbs/default/" + ONE.text, 405),
        ("GET", "/v1/xorbs/default/" + ONE.text, 405),
        ("POST", "/v1/telemetry", 200),
    ],
)
def test_nothing_says_what_is_there(ada, repository, method, path, status):
    cas = Cas(Wire(ada), repository)
    cas.xorb()
    cas.shard()

    assert cas.wire(method, cas.path + path).status_code == status


def test_only_who_may_write_gets_a_token_for_a_branch(ada, repository):
    make_released(repository)
    path = f"/api/models/{repository}/xet-write-token/main"
    organisation = make_organisation("lab")
    own = make_repository(organisation.memberships.get().user, namespace="lab")
    reader = make_member(organisation, Role.READ)

    assert Wire().get(path).status_code == 401
    assert Wire(make_user()).get(path).status_code == 403
    assert Wire(ada, Scope.READ).get(path).status_code == 403
    assert Wire(ada).get(path).status_code == 200
    hidden = Wire(reader).get(f"/api/models/{own}/xet-write-token/main")
    assert seen(hidden)[:2] == (404, "RepoNotFound")


def test_what_is_not_there_is_said(ada, repository):
    answers = [
        Wire(ada).get(f"/api/models/{path}")
        for path in (
            f"{repository}/xet-write-token/none",
            f"{repository}/xet-write-token/None",
            "ada/none/xet-write-token/main",
        )
    ]

    assert [seen(answer)[:2] for answer in answers] == [
        (404, "RevisionNotFound"),
        (404, "RevisionNotFound"),
        (404, "RepoNotFound"),
    ]
    assert Wire(ada).get(f"/api/models/{repository}/xet-read-token/main").status_code == 404


def test_who_proposes_sends_into_a_space_of_their_own(ada, repository):
    make_released(repository)
    Cas(Wire(ada), repository).xorb()
    stranger, another = make_user(), make_user()

    cas = Cas(Wire(stranger), repository, "None", "?create_pr=1")

    assert cas.path == f"/xet/{repository.public_id}-{stranger.public_id}-1"
    assert cas.path != Cas(Wire(another), repository, "None", "?create_pr=1").path
    refused = cas.shard()
    assert refused.status_code == 400
    assert "not sent here" in seen(refused)[2]
    assert cas.xorb().status_code == cas.shard().status_code == 200
    assert Holding.objects.get(blob__sha256=FILE.sha256).brought_by == stranger
    assert XetSpace.objects.get(person=stranger.public_id).namespace == stranger.namespace.public_id
    assert (
        Wire().get(f"/api/models/{repository}/xet-write-token/None?create_pr=1").status_code == 401
    )
    read = Wire(stranger, Scope.READ)
    assert read.get(f"/api/models/{repository}/xet-write-token/None?create_pr=1").status_code == 403


def test_one_token_is_good_for_one_address(ada, repository):
    other = make_repository(ada)
    cas, elsewhere = Cas(Wire(ada), repository), Cas(Wire(ada), other)
    make_released(repository)
    stranger = Cas(Wire(make_user()), repository, "None", "?create_pr=1")

    for address in (elsewhere.path, stranger.path, "/xet/x", f"{cas.path}0"):
        answer = cas.wire.post(f"{address}/v1/xorbs/default/{ONE.text}", ONE.body)
        assert answer.status_code == 403
    assert _nothing_remains()


def test_other_tokens_are_refused(ada, repository, monkeypatch):
    cas = Cas(Wire(ada), repository)
    good = cas.given["accessToken"]
    forged = [make_token(ada), "", "xet_", "xet_x", good[:-1], good[:20] + "+" + good[21:]]
    forged.append("x" + good)

    answers = []
    for secret in forged:
        cas.wire = Wire(secret=secret)
        answers += [cas.xorb().status_code, cas.shard().status_code]
    cas.wire = Wire(secret=good)
    now = time.time()
    monkeypatch.setattr(xet.time, "time", lambda: now + 3601)
    answers.append(cas.xorb().status_code)

    assert answers == [401] * 15
    assert _nothing_remains()


def test_the_token_of_an_upload_is_good_for_nothing_else(ada, repository):
    cas = Cas(Wire(ada), repository)

    assert cas.wire.get("/api/whoami-v2").status_code == 401
    assert cas.wire.get(f"/api/models/{repository}").status_code == 401


def test_a_revoked_token_ends_its_uploads(ada, repository):
    cas = Cas(Wire(ada), repository)
    cas.xorb()

    tokens.revoke(AccessToken.objects.get(user=ada), by=as_caller(ada))

    assert cas.shard().status_code == 401
    assert not Holding.objects.filter(blob__sha256=FILE.sha256).exists()


def test_a_lost_role_ends_uploads():
    organisation = make_organisation("lab")
    repository = make_repository(organisation.memberships.get().user, namespace="lab")
    writer = make_member(organisation, Role.WRITE)
    cas = Cas(Wire(writer), repository)
    cas.xorb()

    people.set_role(namespace=organisation, user=writer, role=Role.READ, by="")

    assert (cas.xorb().status_code, cas.shard().status_code) == (403, 403)
    assert not Holding.objects.filter(blob__sha256=FILE.sha256).exists()


def test_who_loses_the_role_does_not_go_on_in_the_shared_space_by_proposing():
    organisation = make_organisation("lab")
    repository = make_repository(organisation.memberships.get().user, namespace="lab")
    make_released(repository)
    writer = make_member(organisation, Role.WRITE)
    cas = Cas(Wire(writer), repository, "None", "?create_pr=1")
    assert cas.path == f"/xet/{repository.public_id}-1"

    people.set_role(namespace=organisation, user=writer, role=Role.READ, by="")

    assert cas.shard().status_code == 403


def test_a_deleted_repository_takes_nothing_more(ada, repository):
    cas = Cas(Wire(ada), repository)
    cas.xorb()

    repositories.delete(repository, by=as_caller(ada))

    refused = cas.shard()
    assert refused.status_code == 403
    assert "the repository was deleted" in seen(refused)[2]


@pytest.mark.parametrize(
    ("body", "status"), [(ONE.body[:-1], 400), (b"x" * 100, 400), (ONE.body * 2, 400)]
)
def test_a_damaged_xorb_is_refused_with_a_sentence(ada, repository, body, status):
    answer = Cas(Wire(ada), repository).xorb(body=body)

    assert answer.status_code == status
    assert len(seen(answer)[2]) > 20
    assert _nothing_remains()


def test_too_much_is_refused_before_it_is_read(ada, repository, monkeypatch):
    monkeypatch.setattr(xet, "MAX_XORB", 10)
    monkeypatch.setattr(xet, "MAX_SHARD", 10)
    cas = Cas(Wire(ada), repository)

    assert (cas.xorb().status_code, cas.shard().status_code) == (413, 413)


def test_a_shard_with_another_sha256_is_refused(ada, repository):
    cas = Cas(Wire(ada), repository)
    cas.xorb()

    answer = cas.shard(making.shard(making.described(FILE, sha256="0" * 64)))

    assert answer.status_code == 400
    assert "not the announced" in seen(answer)[2]
    assert not Blob.objects.filter(sha256=FILE.sha256).exists()
    assert not XetFile.objects.exists()


def test_what_has_no_room_is_refused(ada, repository):
    ada.namespace.quota_bytes = 3000
    ada.namespace.save()
    cas = Cas(Wire(ada), repository)
    large = making.xorb(bytes(range(256)) * 20)
    blown = making.xorb(bytes(100_000), scheme=making.LZ4)

    refused = cas.xorb(large)
    sent = cas.xorb(blown)
    shard = cas.shard(making.shard(making.file(blown)))

    assert (refused.status_code, sent.status_code, shard.status_code) == (422, 200, 422)
    assert "larger quota" in seen(shard)[2]
    assert not Holding.objects.filter(blob__size=100_000).exists()


def test_what_was_sent_before_needs_no_room(ada, repository):
    cas = Cas(Wire(ada), repository)
    cas.xorb()
    ada.namespace.quota_bytes = 1
    ada.namespace.save()

    again = cas.xorb()

    assert (again.status_code, again.json()) == (200, {"was_inserted": False})


def test_a_xorb_that_does_not_say_how_large_it_is_needs_room_for_the_largest(ada, repository):
    ada.namespace.quota_bytes = 10_000_000
    ada.namespace.save()
    cas = Cas(Wire(ada), repository)
    path = f"{cas.path}/v1/xorbs/default/{ONE.text}"
    in_chunks = {
        "CONTENT_LENGTH": "",
        "wsgi.input_terminated": True,
        "wsgi.input": BytesIO(ONE.body),
    }

    refused = cas.wire.client.generic(
        "POST",
        path,
        headers=cas.wire.headers | {"transfer-encoding": "chunked"},
        RAW_URI=path,
        **in_chunks,
    )

    assert refused.status_code == 422
    assert _nothing_remains()
    assert cas.xorb().status_code == 200


def test_a_cleared_space_says_so_and_the_next_upload_begins_afresh(ada, repository):
    cas = Cas(Wire(ada), repository)
    cas.xorb()
    spaces.clear(keep=timedelta(days=3), now=timezone.now() + timedelta(days=9))

    assert cas.shard().status_code == 409
    fresh = Cas(Wire(ada), repository)
    assert fresh.path == f"/xet/{repository.public_id}-2"
    assert "not sent here" in seen(fresh.shard())[2]
    assert (fresh.xorb().status_code, fresh.shard().status_code) == (200, 200)


def test_a_stranger_cannot_name_what_only_the_repository_holds(ada, repository):
    make_released(repository)
    cas = Cas(Wire(ada), repository)
    cas.xorb()
    cas.shard()
    stranger = make_user()
    assert commits.held_blobs(repository, [FILE.sha256])

    answer = Wire(stranger).post(
        f"/api/models/{repository}/commit/main?create_pr=1",
        b'{"key": "header", "value": {"summary": "x"}}\n'
        + b'{"key": "lfsFile", "value": {"path": "x.bin", "algo": "sha256", "oid": "'
        + FILE.sha256.encode()
        + b'", "size": 12}}',
    )

    assert answer.status_code in {400, 403}
