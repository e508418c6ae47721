"""How often the database is asked. These numbers are exact: whoever changes one says why."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.accounts.models import AccessToken
from registry.catalog.models import Revision
from tests.factories import (
    CARD,
    accept_terms,
    make_commit,
    make_released,
    make_repository,
    make_token,
    make_user,
)
from tests.hub.calls import Wire, file

pytestmark = pytest.mark.django_db


def queries(wire: Wire, method: str, path: str, body: object = None) -> list[str]:
    """The queries of a second request: the first one notes that the token was used."""
    wire.get("/api/whoami-v2")
    with CaptureQueriesContext(connection) as captured:
        assert wire(method, path, body).status_code == 200
    return asked(captured)


def asked(captured: CaptureQueriesContext) -> list[str]:
    """Without savepoints, which a transaction of a test adds."""
    found = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in found if "SAVEPOINT" not in sql]


@pytest.fixture
def reader() -> tuple[Wire, str]:
    """A reader who accepted the terms of a released model, and its name."""
    files = {"model.safetensors": "weights", "README.md": CARD}
    release = make_released(files=files | {f"deep/er/{n}.txt": str(n) for n in range(5)})
    person = make_user()
    accept_terms(release, person)
    return Wire(secret=make_token(person, "read")), str(release.repository)


READS = {
    ("HEAD", "/{}/resolve/main/model.safetensors"): 5,
    ("HEAD", "/{}/resolve/main/deep/er/1.txt"): 5,
    ("HEAD", "/{}/resolve/{id}/model.safetensors"): 5,
    ("GET", "/{}/resolve/main/model.safetensors"): 6,
    ("GET", "/api/models/{}"): 5,
    ("GET", "/api/models/{}/revision/main"): 5,
    ("GET", "/api/models/{}/tree/main"): 5,
    ("GET", "/api/models/{}/tree/main/deep/er"): 6,
    ("GET", "/api/models/{}/tree/main?recursive=true"): 5,
    ("GET", "/api/models/{}/tree/main?recursive=true&limit=3"): 5,
    ("GET", "/api/models/{}/commits/main"): 7,
    ("GET", "/api/models/{}/refs"): 5,
    ("GET", "/api/models"): 3,
    ("GET", "/api/whoami-v2"): 3,
}


def test_what_a_reader_asks_costs_few_queries(reader: tuple[Wire, str]) -> None:
    wire, name = reader

    oid = Revision.objects.get(repository__name=name.partition("/")[2], state="released").oid

    found = {call: len(queries(wire, call[0], call[1].format(name, id=oid))) for call in READS}

    assert found == READS


def test_nobody_costs_less(reader: tuple[Wire, str]) -> None:
    _, name = reader

    assert len(queries(Wire(), "HEAD", f"/{name}/resolve/main/README.md")) == 7


def test_a_note_that_a_token_was_used_is_written_now_and_then(reader: tuple[Wire, str]) -> None:
    wire, _ = reader
    AccessToken.objects.update(last_used_at=None)

    with CaptureQueriesContext(connection) as first:
        wire.get("/api/whoami-v2")

    assert len(asked(first)) == len(queries(wire, "GET", "/api/whoami-v2")) + 1


def test_many_paths_cost_what_one_costs(reader: tuple[Wire, str]) -> None:
    wire, name = reader
    path = f"/api/models/{name}/paths-info/main"

    one = queries(wire, "POST", path, {"paths": ["README.md"]})
    many = queries(wire, "POST", path, {"paths": [f"deep/er/{n}.txt" for n in range(5)] * 9})

    assert (len(one), len(many)) == (5, 5)


def test_what_a_writer_sends_costs_few_queries() -> None:
    repository = make_repository()
    make_commit(repository, {"a.txt": "a", "model.safetensors": "weights"})
    wire = Wire(repository.created_by)
    plan = {"files": [{"path": f"{n}.txt", "size": 1, "sample": "YQ=="} for n in range(9)]}
    objects = [{"oid": f"{n:064}", "size": 9} for n in range(9)]

    preupload = queries(wire, "POST", f"/api/models/{repository}/preupload/main", plan)
    batch = queries(
        wire,
        "POST",
        f"/{repository}.git/info/lfs/objects/batch",
        {"operation": "upload", "transfers": ["basic"], "objects": objects},
    )

    assert (len(preupload), len(batch)) == (6, 5)


def commit_queries(repository, *lines) -> int:
    wire = Wire(repository.created_by)
    wire.get("/api/whoami-v2")
    with CaptureQueriesContext(connection) as captured:
        assert wire.commit(repository, *lines).status_code == 200
    return len(asked(captured))


def test_a_commit_costs_the_same_in_a_small_and_a_large_repository() -> None:
    small, large = make_repository(), make_repository()
    make_commit(small, {"a.txt": "first"})
    make_commit(large, {f"folder{n % 9}/{n}.txt": str(n) for n in range(90)})

    few = commit_queries(small, file("new/a.txt", b"a"))
    many = commit_queries(large, file("new/a.txt", b"b"))

    assert (few, many) == (50, 50)


def test_a_commit_of_many_files_costs_what_one_costs() -> None:
    repository = make_repository()
    make_commit(repository, {"a.txt": "first"})

    one = commit_queries(repository, file("one/a.txt", b"a"))
    many = commit_queries(repository, *(file(f"two/{n}.txt", b"%d" % n) for n in range(60)))

    assert many == one


def test_a_list_costs_the_same_for_one_and_for_many() -> None:
    owner = make_user()
    make_released(make_repository(owner))
    wire = Wire(make_user())
    paths = ["/api/models", "/api/models?full=true&cardData=true"]

    few = [len(queries(wire, "GET", path)) for path in paths]
    for _ in range(3):
        make_released(make_repository(owner))

    assert [len(queries(wire, "GET", path)) for path in paths] == few == [3, 5]
