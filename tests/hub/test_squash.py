"""A branch's history in one revision: what was released stays, and nobody approves their own work."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from registry.accounts.models import Role
from registry.audit.models import Entry
from registry.catalog import versions
from registry.catalog.models import Ref, Revision
from tests.factories import (
    make_commit,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_user,
)
from tests.hub.calls import Wire, seen

pytestmark = pytest.mark.django_db


def titles(wire: Wire, rev: str = "main") -> list[str]:
    return [one["title"] for one in wire.get(f"/api/models/ada/tiny/commits/{rev}").json()]


def test_a_branch_has_one_commit_with_the_same_files_and_others_keep_theirs() -> None:
    ada = make_user("ada")
    wire = Wire(ada)
    repository = make_repository(ada, "tiny")
    make_commit(repository, {"a.txt": "1"}, title="one")
    before = make_commit(repository, {"a.txt": "2"}, title="two")
    wire.post("/api/models/ada/tiny/branch/side")

    answer = wire.post("/api/models/ada/tiny/super-squash/main", {"message": "All of it"})

    assert answer.status_code == 200
    assert titles(wire) == ["All of it"]
    assert titles(wire, "side") == ["two", "one", "initial commit"]
    head = Ref.objects.get(repository=repository, name="refs/heads/main").head
    assert (head.tree, head.parents, head.folds) == (before.tree, [], [before.oid])
    entry = Entry.objects.get(event="ref.squash")
    assert entry.details["folded"] == [before.oid]


def test_what_is_released_stays_what_the_public_gets() -> None:
    release = make_released(make_repository(make_user("ada"), "tiny"))
    before = Wire().get("/api/models/ada/tiny").json()

    Wire(release.repository.created_by).post("/api/models/ada/tiny/super-squash/main", {})

    assert Wire().get("/api/models/ada/tiny").json() == before
    assert Wire().get(f"/api/models/ada/tiny/revision/{release.revision.oid}").status_code == 200
    assert Revision.objects.filter(pk=release.revision_id, state="released").exists()


def test_who_wrote_what_was_squashed_still_wrote_it() -> None:
    ada = make_user("ada")
    lab = make_organisation("lab", owner=ada)
    writer = make_member(lab, Role.WRITE)
    repository = make_repository(ada, "tiny", namespace="lab")
    make_commit(repository, {"a.txt": "1"}, by=writer)

    Wire(ada).post("/api/models/lab/tiny/super-squash/main", {"message": "Mine"})

    head = Ref.objects.get(repository=repository).head
    assert versions.authors_since_release(head) == {ada.pk, writer.pk}


def test_only_branches_of_those_who_write_are_squashed() -> None:
    release = make_released(make_repository(make_user("ada"), "tiny"))
    path = "/api/models/ada/tiny/super-squash"

    assert Wire(make_user()).post(f"{path}/main", {}).status_code == 403
    assert Wire().post(f"{path}/main", {}).status_code == 401
    ada = Wire(release.repository.created_by)
    assert ada.post(f"{path}/v1.0", {}).status_code == 400
    assert ada.post(f"{path}/refs%2Ftags%2Fv1.0", {}).status_code == 400
    assert seen(ada.post(f"{path}/nothing", {}))[:2] == (404, "RevisionNotFound")
    assert seen(ada.post(f"{path}/refs%2Fpr%2F7", {}))[:2] == (404, "RevisionNotFound")
    assert titles(ada)[-1] == "initial commit"


def test_two_squashes_in_one_second_each_say_what_they_put_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada = make_user("ada")
    repository = make_repository(ada, "tiny")
    Wire(ada).post("/api/models/ada/tiny/branch/side")
    heads = [
        make_commit(repository, {"a.txt": "1"}, title=branch, branch=branch).oid
        for branch in ("main", "side")
    ]
    at = datetime(2030, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: at)

    for branch in ("main", "side"):
        Wire(ada).post(f"/api/models/ada/tiny/super-squash/{branch}", {"message": "All"})

    made = Revision.objects.filter(title="All").order_by("committed_at")
    assert [one.folds for one in made] == [[head] for head in heads]
