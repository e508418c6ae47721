"""Who am I, making and deleting repositories, judging cards."""

import pytest

from registry.accounts.models import Role, User
from registry.catalog.models import Repository
from tests.factories import (
    make_facts,
    make_member,
    make_organisation,
    make_repository,
    make_token,
    make_user,
)
from tests.hub.calls import Wire, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    make_facts()
    return make_user("ada")


@pytest.mark.parametrize(
    ("scope", "role"), [("read", "read"), ("write", "write"), ("admin", "write")]
)
def test_whoami_says_what_clients_need(ada: User, scope: str, role: str) -> None:
    make_organisation("lab", owner=ada)

    answer = Wire(ada, scope).get("/api/whoami-v2").json()

    assert (answer["type"], answer["name"]) == ("user", "ada")
    assert [(org["name"], org["roleInOrg"]) for org in answer["orgs"]] == [("lab", "admin")]
    assert answer["auth"]["accessToken"]["displayName"] == "test"
    assert answer["auth"]["accessToken"]["role"] == role
    assert answer["auth"]["accessToken"]["createdAt"].endswith("Z")


def test_a_limited_token_is_fine_grained(ada: User) -> None:
    wire = Wire(secret=make_token(ada, repositories=[]))

    assert wire.get("/api/whoami-v2").json()["auth"]["accessToken"]["role"] == "fineGrained"


def test_a_repository_is_made_with_main_and_an_address_on_this_host(ada: User) -> None:
    answer = Wire(ada).post("/api/repos/create", {"name": "tiny", "type": "model"})

    repository = Repository.objects.get()
    assert answer.json() == {
        "url": "http://testserver/ada/tiny",
        "name": "ada/tiny",
        "id": repository.public_id,
    }
    commits = Wire(ada).get("/api/models/ada/tiny/commits/main").json()
    assert [commit["title"] for commit in commits] == ["initial commit"]
    tree = Wire(ada).get("/api/models/ada/tiny/tree/main").json()
    assert [entry["path"] for entry in tree] == [".gitattributes"]


def test_a_name_that_is_taken_comes_with_the_address(ada: User) -> None:
    make_repository(ada, "tiny")

    answer = Wire(ada).post("/api/repos/create", {"name": "TINY"})

    assert answer.status_code == 409
    assert answer.json() == {
        "error": "You already created this model repo",
        "url": "http://testserver/ada/tiny",
    }


@pytest.mark.parametrize(
    ("sent", "visibility"),
    [
        ({}, "public"),
        ({"private": True}, "private"),
        ({"private": None}, "public"),
        ({"visibility": "private"}, "private"),
    ],
)
def test_old_and_new_clients_say_what_is_private(
    ada: User, sent: dict[str, object], visibility: str
) -> None:
    Wire(ada).post("/api/repos/create", {"name": "tiny", "organization": None, **sent})

    assert Repository.objects.get().visibility == visibility


def test_making_a_repository_needs_a_role_and_a_token_that_writes(ada: User) -> None:
    lab = make_organisation("lab", owner=ada)
    body = {"name": "tiny", "organization": "lab"}

    assert Wire().post("/api/repos/create", body).status_code == 401
    for wire in (
        Wire(make_user()),
        Wire(make_member(lab, Role.READ)),
        Wire(ada, "read"),
        Wire(secret=make_token(ada, repositories=[])),
    ):
        assert wire.post("/api/repos/create", body).status_code == 403
    assert (
        Wire(make_member(lab, Role.CONTRIBUTOR)).post("/api/repos/create", body).status_code == 200
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "a..b"},
        {"name": "x.git"},
        {"name": "tiny", "type": "space"},
        {"name": "tiny", "visibility": "secret"},
        {"name": 5},
    ],
)
def test_what_cannot_be_a_repository_gets_a_sentence(ada: User, body: dict[str, object]) -> None:
    answer = Wire(ada).post("/api/repos/create", body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_deleting_needs_an_admin_with_a_token_of_scope_write(ada: User) -> None:
    lab = make_organisation("lab", owner=ada)
    repository = make_repository(ada, "tiny", namespace="lab")
    body = {"name": "tiny", "organization": "lab", "type": "model"}

    assert Wire().delete("/api/repos/delete", body).status_code == 401
    assert seen(Wire(make_user()).delete("/api/repos/delete", body))[:2] == (404, "RepoNotFound")
    for wire in (Wire(make_member(lab, Role.WRITE), "admin"), Wire(ada, "read")):
        assert wire.delete("/api/repos/delete", body).status_code == 403
    assert Wire(ada, "write").delete("/api/repos/delete", body).status_code == 200
    repository.refresh_from_db()
    assert repository.deleted_at is not None
    assert seen(Wire(ada, "write").delete("/api/repos/delete", body))[:2] == (404, "RepoNotFound")


def test_visibility_and_the_lock_can_be_set(ada: User) -> None:
    repository = make_repository(ada, "tiny")
    path = "/api/models/ada/tiny/settings"

    answer = Wire(ada, "admin").put(path, {"private": True})
    assert answer.json() == {"visibility": "private", "private": True}
    repository.refresh_from_db()
    assert repository.visibility == "private"
    assert Wire(ada, "write").put(path, {"gated": "manual"}).json() == {"gated": "manual"}
    repository.refresh_from_db()
    assert repository.gated == "manual"
    for body in ({"gated": True}, {"gated": "never"}, {}):
        refused = Wire(ada, "admin").put(path, body)
        assert refused.status_code == 400
        assert refused.json()["error"]
    assert Wire(ada, "read").put(path, {"private": False}).status_code == 403
    assert Wire(ada, "write").put(path, {"private": False}).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "errors", "warnings"),
    [
        ("---\nlicense: llama3.1\n---\n", 200, 0, 0),
        ("# no front matter", 200, 0, 1),
        ("---\ntags: [a]\n---\n", 200, 0, 1),
        ("---\nlicense: unheard-of\n---\n", 400, 1, 0),
        ("---\nlicense: other\n---\n", 400, 1, 0),
        ("---\nlicense: [\n---\n", 400, 1, 0),
        ("---\na: &x [1]\nb: *x\n---\n", 400, 1, 0),
    ],
)
def test_a_card_is_judged_before_it_is_sent(
    ada: User, content: str, status: int, errors: int, warnings: int
) -> None:
    body = {"repoType": "model", "content": content}

    answer = Wire().post("/api/validate-yaml", body)
    assert answer.status_code == status
    assert len(answer.json()["errors"]) == errors
    assert len(answer.json()["warnings"]) == warnings

    text = Wire().post("/api/validate-yaml", body, accept="text/plain")
    assert text.status_code == status
    assert text["Content-Type"].startswith("text/plain")
    assert text.content.decode().count("- Error: ") == errors
