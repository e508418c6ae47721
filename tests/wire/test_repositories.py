"""Repositories, lists, refs and types, as the real client asks for them."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from registry.accounts.models import User
from registry.catalog.models import Repository
from registry.releases import workflow
from tests.factories import (
    accept_terms,
    as_caller,
    finish_checks,
    make_facts,
    make_maintainer,
    make_organisation,
    make_user,
)
from tests.wire.clients import Client
from tests.wire.test_round_trip import contents, refused

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[..., Client]
CARD = b"---\nlicense: cc\npipeline_tag: text-generation\ntags: [small]\n---\n# It\n"
HEADER = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
WEIGHTS = struct.pack("<Q", len(HEADER)) + HEADER + b"\0" * 16
FILES = {"README.md": CARD, "sub dir/a#b.txt": b"text\n", "model.safetensors": WEIGHTS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "source"


@pytest.fixture
def ada(settings: Settings) -> User:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    make_facts()
    owner = make_user("ada")
    make_organisation("lab", owner=owner)
    return owner


def upload(client: Client, folder: Path, repo_id: str = "ada/tiny", **rest: Any) -> Repository:
    client("create_repo", repo_id=repo_id, exist_ok=True, **rest)
    client("upload_folder", repo_id=repo_id, folder_path=str(folder), **rest)
    return Repository.objects.get(name=repo_id.split("/")[1], type=rest.get("repo_type", "model"))


def release(repository: Repository) -> None:
    revision = repository.refs.get(name="refs/heads/main").head
    finish_checks(revision)
    opened = workflow.open_release(
        revision, version="v1.0", by=as_caller(revision.repository.created_by)
    )
    workflow.transition("approve", opened, by=as_caller(make_maintainer()))


def test_a_moved_repository_is_found_by_its_old_name(
    client_of: ClientOf, folder: Path, ada: User, tmp_path: Path
) -> None:
    client = client_of(ada)
    upload(client, folder)

    client("move_repo", from_id="ada/tiny", to_id="lab/small")

    assert client("model_info", repo_id="ada/tiny")["id"] == "lab/small"
    assert "model.safetensors" in client("list_repo_files", repo_id="ada/tiny")
    wanted = {"repo_id": "ada/tiny", "filename": "sub dir/a#b.txt"}
    if client.is_oldest:  # it drops the token on the way, and without it there is no such model
        refused(client, "RepositoryNotFoundError", "hf_hub_download", **wanted)
    else:
        path = client("hf_hub_download", **wanted)
        assert Path(path).read_bytes() == FILES["sub dir/a#b.txt"]
        client("snapshot_download", repo_id="ada/tiny", local_dir=str(tmp_path / "out"))
        assert contents(tmp_path / "out").keys() >= FILES.keys()
    content = {"path_in_repo": "later.txt", "base64": "bGF0ZXI="}
    client(
        "create_commit",
        repo_id="ada/tiny",
        operations=[["CommitOperationAdd", content]],
        commit_message="By the old name",
    )
    assert client("list_repo_commits", repo_id="lab/small")[0]["title"] == "By the old name"
    assert client("create_repo", repo_id="ada/tiny")
    assert client("model_info", repo_id="ada/tiny")["id"] == "ada/tiny"


def test_what_is_public_is_had_by_the_old_name_of_anybody(
    client_of: ClientOf, folder: Path, ada: User
) -> None:
    client = client_of(ada)
    release(upload(client, folder))
    client("move_repo", from_id="ada/tiny", to_id="ada/small")

    path = client_of(None)("hf_hub_download", repo_id="ada/tiny", filename="README.md")

    assert Path(path).read_bytes() == CARD


def test_a_dataset_goes_the_whole_way(
    client_of: ClientOf, folder: Path, ada: User, tmp_path: Path
) -> None:
    client = client_of(ada)
    repository = upload(client, folder, "lab/tiny", repo_type="dataset")
    upload(client, folder, "lab/tiny")
    release(repository)
    reader = client_of(make_user("bob"), "read")
    refused(reader, "GatedRepoError", "snapshot_download", repo_id="lab/tiny", repo_type="dataset")
    opened = repository.releases.get()
    accept_terms(opened, User.objects.get(username="bob"))

    out = tmp_path / "out"
    reader("snapshot_download", repo_id="lab/tiny", repo_type="dataset", local_dir=str(out))

    assert contents(out).keys() >= FILES.keys()
    assert [one["id"] for one in reader("list_datasets", author="lab")] == ["lab/tiny"]
    assert reader("list_models", author="lab") == []
    assert reader("dataset_info", repo_id="lab/tiny")["id"] == "lab/tiny"
    client("delete_repo", repo_id="lab/tiny")
    assert client("repo_exists", repo_id="lab/tiny", repo_type="dataset") is True


def test_refs_are_made_listed_squashed_and_removed(
    client_of: ClientOf, folder: Path, ada: User
) -> None:
    client = client_of(ada)
    upload(client, folder)
    head = client("model_info", repo_id="ada/tiny")["sha"]

    client("create_branch", repo_id="ada/tiny", branch="feature/x", revision=head[:9])
    client("create_branch", repo_id="ada/tiny", branch="feature/x", exist_ok=True)
    client("create_tag", repo_id="ada/tiny", tag="t1", revision="feature/x")
    refs = client("list_repo_refs", repo_id="ada/tiny", include_pull_requests=True)
    assert {one["name"] for one in refs["branches"]} == {"main", "feature/x"}
    assert [one["target_commit"] for one in refs["tags"]] == [head]
    assert refs["pull_requests"] == []

    client("super_squash_history", repo_id="ada/tiny", commit_message="One")
    commits = client("list_repo_commits", repo_id="ada/tiny", formatted=True)
    assert [one["title"] for one in commits] == ["One"]
    assert len(client("list_repo_commits", repo_id="ada/tiny", revision="feature/x")) > 1
    client("delete_tag", repo_id="ada/tiny", tag="t1")
    client("delete_branch", repo_id="ada/tiny", branch="feature/x")
    refused(client, "RevisionNotFoundError", "delete_tag", repo_id="ada/tiny", tag="t1")
    refs = client("list_repo_refs", repo_id="ada/tiny")
    assert [one["name"] for one in refs["branches"]] == ["main"]


def test_lists_are_filtered_sorted_and_paged(client_of: ClientOf, folder: Path, ada: User) -> None:
    client = client_of(ada)
    for name in ("ada/tiny", "lab/small", "lab/other"):
        release(upload(client, folder, name))
    reader = client_of(None)

    def ids(**wanted: Any) -> list[str]:
        return [one["id"] for one in reader("list_models", **wanted)]

    assert ids(author="LAB", sort="createdAt") == ["lab/other", "lab/small"]
    assert ids(search="tin") == ["ada/tiny"]
    assert sorted(ids(filter=["small", "safetensors"])) == ["ada/tiny", "lab/other", "lab/small"]
    assert ids(filter=["small", "nothing"]) == []
    assert len(ids(limit=2)) == 2
    full = reader("list_models", full=True, author="ada")[0]
    assert {one["rfilename"] for one in full["siblings"]} > FILES.keys()
    info = reader("model_info", repo_id="ada/tiny", files_metadata=True, securityStatus=True)
    assert info["safetensors"]["total"] == 4
    if not client.is_oldest:
        found = reader("list_models", expand=["safetensors", "likes"], author="ada")[0]
        assert found["safetensors"]["parameters"] == {"F32": 4}


def test_visibility_is_set_and_a_repository_deleted_with_a_token_that_writes(
    client_of: ClientOf, folder: Path, ada: User
) -> None:
    client = client_of(ada)
    repository = upload(client, folder)
    if can(client, "update_repo_settings"):
        client("update_repo_settings", repo_id="ada/tiny", private=True)
    else:
        client("update_repo_visibility", repo_id="ada/tiny", private=True)
    repository.refresh_from_db()
    assert repository.visibility == "private"

    client("delete_repo", repo_id="ada/tiny")

    refused(client, "RepositoryNotFoundError", "delete_repo", repo_id="ada/tiny")
    client("delete_repo", repo_id="ada/tiny", missing_ok=True)


def test_a_repository_is_copied_and_its_headers_are_read(
    client_of: ClientOf, folder: Path, ada: User
) -> None:
    client = client_of(ada)
    if not can(client, "duplicate_repo"):
        pytest.skip("this version of the client copies no models")
    shards = {"metadata": {}, "weight_map": {"w": "model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(shards))
    upload(client, folder)

    client("duplicate_repo", from_id="ada/tiny", to_id="lab/copy")
    client("duplicate_repo", from_id="ada/tiny", to_id="lab/copy", exist_ok=True)

    assert set(client("list_repo_files", repo_id="lab/copy")) > FILES.keys()
    if not can(client, "get_sharded_safetensors_metadata"):
        return
    headers = client(
        "get_sharded_safetensors_metadata",
        repo_id="lab/copy",
        filename="model.safetensors.index.json",
    )
    assert headers["files_metadata"]["model.safetensors"]["tensors"]["w"]["shape"] == [4]


def can(client: Client, method: str) -> bool:
    """Whether this version of the client has the method."""
    return bool(client("has", name=method))
