"""Models and datasets: the same wire under another prefix, where the site takes datasets."""

import json
from typing import get_args

import pytest
from huggingface_hub import hf_api
from pytest_django import Settings

from registry.catalog.models import Repository
from registry.releases import workflow
from tests.factories import (
    accept_terms,
    as_caller,
    finish_checks,
    make_facts,
    make_maintainer,
    make_user,
)
from tests.hub.calls import Wire, file, lfs_file, seen, upload_path

pytestmark = pytest.mark.django_db
CARD = b"---\nlicense: cc\n---\n# Something\n"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/datasets"),
        ("GET", "/api/datasets/ada/tiny"),
        ("POST", "/api/datasets/ada/tiny/commit/main"),
        ("GET", "/datasets/ada/tiny/resolve/main/a.txt"),
        ("POST", "/datasets/ada/tiny.git/info/lfs/objects/batch"),
        ("GET", "/api/spaces/ada/tiny"),
    ],
)
def test_a_type_that_is_switched_off_is_no_address(method: str, path: str) -> None:
    answer = Wire(make_user("ada"))(method, path)

    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    assert "X-Error-Code" not in answer.headers


@pytest.mark.parametrize("kind", ["dataset", "space"])
def test_nothing_of_a_type_that_is_switched_off_is_made(kind: str) -> None:
    answer = Wire(make_user("ada")).post("/api/repos/create", {"name": "tiny", "type": kind})

    assert answer.status_code == 400
    assert "switched off" in answer.json()["error"]


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_every_type_goes_the_whole_way(kind: str, settings: Settings) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    make_facts()
    ada, reader = make_user("ada"), make_user()
    wire, prefix = Wire(ada), "" if kind == "model" else "datasets/"
    made = wire.post("/api/repos/create", {"name": "tiny", "type": kind})
    assert made.json()["url"] == f"http://testserver/{prefix}ada/tiny"
    repository, api = Repository.objects.get(), f"/api/{kind}s/ada/tiny"

    batch = {"operation": "upload", "objects": [lfs_file("a", b"rows")["value"]]}
    announced = wire.post(f"/{prefix}ada/tiny.git/info/lfs/objects/batch", batch)
    verify = announced.json()["objects"][0]["actions"]["verify"]["href"]
    assert verify.startswith(f"http://testserver/{prefix}ada/tiny.git/")
    assert Wire().put(upload_path(announced), b"rows").status_code == 200
    lines = [file("README.md", CARD), lfs_file("data.csv", b"rows")]
    body = [{"key": "header", "value": {"summary": "Add"}}, *lines]
    sent = b"\n".join(json.dumps(line).encode() for line in body)
    commit = wire.post(f"{api}/commit/main", sent).json()
    assert f"/{prefix}ada/tiny/commit/" in commit["commitUrl"]

    assert seen(Wire().get(api))[1] == "RepoNotFound"
    revision = repository.refs.get().head
    finish_checks(revision)
    release = workflow.open_release(revision, version="v1.0", by=as_caller(ada))
    workflow.transition("approve", release, by=as_caller(make_maintainer()))
    closed = Wire(reader).get(f"/{prefix}ada/tiny/resolve/main/data.csv")
    assert seen(closed)[:2] == (403, "GatedRepo")
    assert f"http://testserver/{prefix}ada/tiny/terms" in closed.headers["X-Error-Message"]
    assert f"{kind} ada/tiny" in closed.headers["X-Error-Message"]
    accept_terms(release, reader)
    assert Wire(reader).get(f"/{prefix}ada/tiny/resolve/main/data.csv").sent == b"rows"
    assert [one["id"] for one in Wire().get(f"/api/{kind}s").json()] == ["ada/tiny"]
    other = "model" if kind == "dataset" else "dataset"
    assert Wire().get(f"/api/{other}s").json() == []
    assert seen(Wire().get(f"/api/{other}s/ada/tiny"))[1] == "RepoNotFound"


def test_a_model_and_a_dataset_may_share_a_name(settings: Settings) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    wire = Wire(make_user("ada"))
    for kind in ("model", "dataset"):
        assert wire.post("/api/repos/create", {"name": "x", "type": kind}).status_code == 200
    moved = {"fromRepo": "ada/x", "toRepo": "ada/y", "type": "dataset"}
    assert wire.post("/api/repos/move", moved).status_code == 200

    assert wire.get("/api/models/ada/x").status_code == 200
    answer = wire.get("/datasets/ada/x/resolve/main/a%2Fb.csv")
    assert answer.headers["Location"] == "/datasets/ada/y/resolve/main/a%2Fb.csv"
    assert wire.get("/api/datasets/ada/x").headers["Location"] == "/api/datasets/ada/y"


def test_what_was_made_while_a_type_was_on_is_hidden_once_it_is_off(
    settings: Settings,
) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    ada = make_user("ada")
    wire = Wire(ada)
    wire.post("/api/repos/create", {"name": "x", "type": "dataset"})
    settings.REPOSITORY_TYPES = ["model"]

    assert wire.get("/api/datasets/ada/x").status_code == 404
    found = Repository.objects.visible_to(as_caller(ada))
    assert not found.exists()


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_whatever_field_the_client_knows_can_be_asked_for(kind: str, settings: Settings) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    wire = Wire(make_user("ada"))
    wire.post("/api/repos/create", {"name": "x", "type": kind})
    names = get_args(getattr(hf_api, f"Expand{kind.capitalize()}Property_T"))
    assert "usedStorage" in names

    for name in names:
        one = wire.get(f"/api/{kind}s/ada/x?expand={name}")
        (listed,) = wire.get(f"/api/{kind}s?expand={name}").json()
        assert one.status_code == 200, name
        assert one.json() == listed
        assert set(listed) <= {"_id", "id", name}
    together = "&".join(f"expand={name}" for name in names)
    assert wire.get(f"/api/{kind}s/ada/x?{together}").json()["id"] == "ada/x"


def test_what_is_known_of_datasets_alone_is_no_field_of_models() -> None:
    wire = Wire(make_user("ada"))
    wire.post("/api/repos/create", {"name": "x"})

    assert wire.get("/api/models/ada/x?expand=citation").status_code == 400
    assert wire.get("/api/models?expand=citation").status_code == 400
