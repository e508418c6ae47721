"""Former names lead to new ones, for those who may know of both; copies are in quarantine."""

from typing import Any

import pytest

from registry.accounts.models import Role
from registry.audit.models import Access, Entry
from registry.catalog import repositories
from registry.catalog.models import FormerName, Repository
from registry.errors import Moved
from tests.factories import (
    accept_terms,
    as_caller,
    make_commit,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_token,
    make_user,
)
from tests.hub.calls import Wire, lfs_file, seen, upload_path
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def move(wire: Wire, source: str, target: str, **rest: str) -> Any:
    return wire.post("/api/repos/move", {"fromRepo": source, "toRepo": target, **rest})


def test_every_address_with_the_old_name_leads_to_the_new_one() -> None:
    ada = make_user("ada")
    make_released(make_repository(ada, "tiny"))
    assert move(Wire(ada), "ada/tiny", "ada/small").status_code == 200

    for method, path in [
        ("GET", "/api/models/ada/tiny"),
        ("GET", "/api/models/ADA/Tiny/tree/main/sub%2Fdir?recursive=true&limit=5"),
        ("POST", "/api/models/ada/tiny/paths-info/feature%2Fx"),
        ("POST", "/api/models/ada/tiny/preupload/main"),
        ("POST", "/api/models/ada/tiny/commit/main?create_pr=1"),
        ("DELETE", "/api/models/ada/tiny/branch/old"),
        ("PUT", "/api/models/ada/tiny/settings"),
        ("HEAD", "/ada/tiny/resolve/main/voc%23ab%3F.txt"),
        ("GET", "/ada/tiny/raw/main/README.md"),
        ("POST", "/ada/tiny.git/info/lfs/objects/batch"),
        ("GET", "/api/models/ada/tiny/xet-write-token/main"),
    ]:
        answer = Wire(ada)(method, path)
        new = path.replace("ada/tiny", "ada/small").replace("ADA/Tiny", "ada/small")
        assert (answer.status_code, answer.headers["Location"]) == (307, new), path
    assert seen(Wire(ada).get("/api/models/ada/small"))[0] == 200


def test_an_old_name_tells_nothing_to_those_who_may_not_know_of_the_repository() -> None:
    ada = make_user("ada")
    make_released(make_repository(ada, "tiny", visibility="private"))
    move(Wire(ada), "ada/tiny", "ada/small")

    for wire in (Wire(), Wire(make_user())):
        known = wire.get("/api/models/ada/tiny")
        unknown = wire.get("/api/models/ada/nothing")
        assert seen(known) == seen(unknown)
        assert known.content == unknown.content
        assert "Location" not in known.headers


def test_chains_collapse_and_the_way_back_is_no_loop() -> None:
    ada = make_user("ada")
    repository = make_repository(ada, "a")
    for source, target in [("ada/a", "ada/b"), ("ada/b", "ada/c")]:
        assert move(Wire(ada), source, target).status_code == 200

    assert Wire(ada).get("/api/models/ada/a").headers["Location"] == "/api/models/ada/c"
    assert move(Wire(ada), "ada/c", "ada/a").status_code == 200
    assert Wire(ada).get("/api/models/ada/a").status_code == 200
    assert Wire(ada).get("/api/models/ada/b").headers["Location"] == "/api/models/ada/a"
    assert set(repository.former_names.values_list("name", flat=True)) == {"b", "c"}


def test_another_spelling_of_the_same_name_is_no_former_name() -> None:
    ada = make_user("ada")
    make_repository(ada, "tiny")

    assert move(Wire(ada), "ada/tiny", "ada/Tiny").status_code == 200
    assert Wire(ada).get("/api/models/ada/tiny").json()["id"] == "ada/Tiny"
    assert not FormerName.objects.exists()


def test_a_new_repository_of_the_old_name_ends_the_redirect() -> None:
    ada = make_user("ada")
    make_repository(ada, "tiny")
    move(Wire(ada), "ada/tiny", "ada/small")

    assert Wire(ada).post("/api/repos/create", {"name": "TINY"}).status_code == 200
    assert Wire(ada).get("/api/models/ada/tiny").json()["id"] == "ada/TINY"


def test_a_taken_name_is_refused() -> None:
    ada = make_user("ada")
    make_repository(ada, "tiny")
    make_repository(ada, "small")

    answer = move(Wire(ada), "ada/tiny", "ada/SMALL")

    assert answer.status_code == 409
    assert answer.json()["error"] == "A model repository called ada/SMALL already exists"
    assert Repository.objects.filter(name="tiny").exists()


def test_renaming_needs_write_and_transferring_the_roles_of_both_sides() -> None:
    ada, bob = make_user("ada"), make_user("bob")
    lab = make_organisation("lab", owner=ada)
    make_repository(ada, "tiny", namespace="lab")
    writer = make_member(lab, Role.WRITE)

    assert move(Wire(), "lab/tiny", "lab/x").status_code == 401
    assert seen(move(Wire(bob), "lab/tiny", "bob/tiny"))[:2] == (404, "RepoNotFound")
    assert move(Wire(ada, "read"), "lab/tiny", "lab/x").status_code == 403
    assert move(Wire(writer), "lab/tiny", f"{writer.username}/tiny").status_code == 403
    assert move(Wire(ada), "lab/tiny", "bob/tiny").status_code == 403
    listed = make_token(ada, "write", repositories=[Repository.objects.get(name="tiny").public_id])
    assert move(Wire(secret=listed), "lab/tiny", "ada/tiny").status_code == 403
    assert move(Wire(ada), "lab/tiny", "a..b").status_code == 400
    assert move(Wire(writer), "lab/tiny", "lab/small").status_code == 200
    assert move(Wire(ada), "lab/small", "ada/small").status_code == 200
    entry = Entry.objects.filter(event="repository.move").last()
    assert entry is not None
    assert entry.details["target"] == [ada.namespace.public_id, "small"]


def test_nothing_moves_between_a_plain_hub_and_a_namespace_with_reviews() -> None:
    ada = make_user("ada")
    scratch = make_organisation("scratch", owner=ada)
    make_repository(ada, "tiny")
    type(scratch).objects.filter(pk=scratch.pk).update(publishes_on_commit=True)

    assert move(Wire(ada), "ada/tiny", "scratch/tiny").status_code == 403


def test_nothing_is_deleted_or_moved_by_a_former_name() -> None:
    ada = make_user("ada")
    make_repository(ada, "tiny")
    move(Wire(ada), "ada/tiny", "ada/small")

    gone = Wire(ada).delete("/api/repos/delete", {"name": "tiny"})
    assert seen(gone)[:2] == (404, "RepoNotFound")
    assert seen(move(Wire(ada), "ada/tiny", "ada/x"))[:2] == (404, "RepoNotFound")


def test_the_name_of_a_released_model_that_was_moved_and_deleted_stays_its_own() -> None:
    ada = make_user("ada")
    release = make_released(make_repository(ada, "tiny"))
    move(Wire(ada), "ada/tiny", "ada/small")
    Repository.objects.filter(pk=release.repository_id).update(deleted_at="2026-01-01T00:00Z")

    assert Wire(ada).post("/api/repos/create", {"name": "tiny"}).status_code == 403


def test_an_upload_that_has_begun_goes_on_after_a_move() -> None:
    ada = make_user("ada")
    repository = make_repository(ada, "tiny")
    path = upload_path(Wire(ada).batch(repository, b"weights"))
    move(Wire(ada), "ada/tiny", "ada/small")

    assert Wire().put(path, b"weights").status_code == 200
    repository.refresh_from_db()
    line = lfs_file("model.safetensors", b"weights")
    assert Wire(ada).commit(repository, line).status_code == 200


def test_a_former_name_leads_to_one_repository() -> None:
    repository = make_repository(make_user("ada"), "tiny")
    other = make_repository(repository.created_by, "other")
    name = {"type": "model", "namespace": repository.namespace}
    FormerName.objects.create(repository=repository, name="old", **name)

    with refused_by("former_name_leads_to_one_repository"):
        FormerName.objects.create(repository=other, name="OLD", **name)


def test_find_says_the_new_name_to_rules_too() -> None:
    ada = make_user("ada")
    repositories.move(make_repository(ada, "tiny"), to="ada/small", by=as_caller(ada))

    with pytest.raises(Moved) as caught:
        repositories.find("ada/tiny", caller=as_caller(ada))
    assert caught.value.now == "ada/small"


# Copies


def test_a_copy_is_in_quarantine_and_has_the_same_files() -> None:
    release = make_released(make_repository(make_user("ada"), "tiny"))
    bob = make_user("bob")
    accept_terms(release, bob)

    answer = Wire(bob).post("/api/models/ada/tiny/duplicate", {"repository": "bob/copy"})

    assert answer.json() == {"url": "http://testserver/bob/copy", "filesCopyPending": False}
    tree = Wire(bob).get("/api/models/bob/copy/tree/main").json()
    assert tree == Wire(bob).get("/api/models/ada/tiny/tree/main").json()
    assert seen(Wire().get("/api/models/bob/copy"))[1] == "RepoNotFound"
    assert Access.objects.filter(actor=bob.public_id, path="model.safetensors").count() == 1
    again = Wire(bob).post("/api/models/ada/tiny/duplicate", {"repository": "bob/copy"})
    assert (again.status_code, again.json()["url"]) == (409, "http://testserver/bob/copy")


def test_what_the_gate_keeps_back_cannot_be_copied() -> None:
    release = make_released(make_repository(make_user("ada"), "tiny"))
    make_commit(release.repository, {"hidden.txt": "later"})
    path, bob = "/api/models/ada/tiny/duplicate", make_user("bob")
    wanted = {"repository": "bob/copy"}

    assert seen(Wire(bob).post(path, wanted))[:2] == (403, "GatedRepo")
    assert Wire().post(path, wanted).status_code == 401
    accept_terms(release, bob)
    assert Wire(bob, "read").post(path, wanted).status_code == 403
    assert Wire(bob).post(path, {"repository": "ada/copy"}).status_code == 403
    assert Wire(bob).post(path, wanted).status_code == 200
    paths = [one["path"] for one in Wire(bob).get("/api/models/bob/copy/tree/main").json()]
    assert "hidden.txt" not in paths


def test_the_copy_of_something_private_is_private_and_does_not_name_it() -> None:
    ada = make_user("ada")
    make_released(make_repository(ada, "tiny", visibility="private"))

    Wire(ada).post("/api/models/ada/tiny/duplicate", {"repository": "copy"})

    copy = Repository.objects.get(name="copy")
    assert copy.visibility == "private"
    assert "tiny" not in copy.refs.get().head.title + copy.refs.get().head.message
