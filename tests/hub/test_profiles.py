"""Profiles: what is public of people and organisations, and what only their circle sees."""

from typing import Any

import pytest

from tests.factories import (
    make_commit,
    make_maintainer,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_revision,
    make_token,
    make_user,
)
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db


def test_a_person_is_shown_with_what_everybody_may_know() -> None:
    ada = make_user("ada", full_name="Ada L.")
    make_released(make_repository(ada))
    make_revision(make_repository(ada))
    make_organisation("lab", owner=ada)

    outside = Wire().get("/api/users/ADA/overview").json()
    inside = Wire(ada).get("/api/users/ada/overview").json()

    assert (outside["user"], outside["fullname"], outside["type"]) == ("ada", "Ada L.", "user")
    assert "email" not in outside
    assert (outside["numModels"], inside["numModels"]) == (1, 2)
    assert (outside["orgs"], [org["name"] for org in inside["orgs"]]) == ([], ["lab"])
    assert Wire().get("/api/users/nobody/overview").status_code == 404


def test_an_organisation_tells_its_people_to_its_people() -> None:
    lab = make_organisation("lab")
    bob = make_member(lab, "read")

    for outsider in (Wire(), Wire(make_user())):
        assert outsider.get("/api/organizations/lab/members").json() == []
        assert "numUsers" not in outsider.get("/api/organizations/lab/overview").json()
    for insider in (Wire(bob, "read"), Wire(make_maintainer(), "read")):
        names = {one["user"] for one in insider.get("/api/organizations/lab/members").json()}
        assert bob.username in names
        assert insider.get("/api/organizations/lab/overview").json()["numUsers"] == 2
    assert Wire().get("/api/organizations/none/overview").status_code == 404
    assert Wire().get(f"/api/organizations/{bob.username}/members").status_code == 404


def test_what_is_stored_is_told_to_those_it_belongs_to(settings: Any) -> None:
    settings.QUOTA_BYTES = 10_000
    ada = make_user("ada")
    make_organisation("lab", owner=ada)
    repository = make_repository(ada, namespace="lab")
    make_commit(repository, {"a.bin": b"x" * 100, "b.bin": b"x" * 100, "c.bin": b"y" * 50})

    (told,) = Wire(ada).get("/api/organizations/lab/settings/repositories").json()
    own = Wire(ada).get("/api/settings/repositories").json()

    assert (told["id"], told["visibility"]) == (str(repository), "public")
    assert 150 < told["storage"] < 10_000
    assert told["storagePercent"] == round(told["storage"] / 100, 2)
    assert own == []
    path = "/api/organizations/lab/settings/repositories"
    assert Wire(make_user()).get(path).status_code == 403
    assert Wire().get(path).status_code == 401
    assert Wire().get("/api/settings/repositories").status_code == 401


def test_a_limited_token_lists_what_it_covers() -> None:
    ada = make_user("ada")
    one, _other = make_repository(ada), make_repository(ada)
    secret = make_token(ada, "read", repositories=[one.public_id])

    told = Wire(secret=secret).get("/api/settings/repositories").json()
    me = Wire(secret=secret).get("/api/whoami-v2").json()

    assert [item["id"] for item in told] == [str(one)]
    assert me["auth"]["accessToken"]["role"] == "fineGrained"


def test_whoami_says_what_clients_need() -> None:
    ada = make_user("ada")
    make_organisation("lab", owner=ada)

    me = Wire(ada, "admin").get("/api/whoami-v2").json()

    assert (me["type"], me["name"], me["emailVerified"]) == ("user", "ada", False)
    assert [(org["name"], org["roleInOrg"]) for org in me["orgs"]] == [("lab", "admin")]
    assert me["auth"]["accessToken"]["role"] == "write"


def test_the_tags_are_those_of_public_models() -> None:
    make_released(files={"README.md": "---\nlicense: llama3.1\ntags: [seen]\n---\n# A\n"})
    make_revision(files={"README.md": "---\nlicense: mit\ntags: [unseen]\n---\n# A\n"})

    told = Wire(make_maintainer()).get("/api/models-tags-by-type").json()

    assert {"id": "license:llama3.1", "label": "llama3.1", "type": "license"} in told["license"]
    assert "seen" in {tag["id"] for tag in told["other"]}
    assert "unseen" not in str(told)
    assert "license:mit" not in str(told)


def test_small_questions_get_small_answers() -> None:
    assert Wire().head("/api/telemetry/gradio/local_link").status_code == 200
    sent = Wire().post("/v1/telemetry", {"session": "x"}, authorization="Bearer of-an-upload")
    assert sent.status_code == 200
    assert Wire().get("/api/agent-harnesses").json() == {"standardEnvVars": [], "harnesses": {}}
