"""Methods of the client beside upload and download, in the oldest and the newest version."""

import base64
from pathlib import Path

import pytest

from registry.accounts.models import Namespace, Role, User
from tests.factories import (
    make_commit,
    make_facts,
    make_member,
    make_organisation,
    make_repository,
    make_user,
)
from tests.wire.clients import Client
from tests.wire.test_round_trip import CARD, ClientOf, refused

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> User:
    make_facts()
    return make_user("ada")


@pytest.fixture
def client(client_of: ClientOf, ada: User) -> Client:
    make_commit(
        make_repository(ada, "tiny"),
        {"README.md": CARD, "sub/a.txt": "a", "sub/b.txt": "b", "model.bin": b"weights"},
    )
    return client_of(ada)


def test_who_am_i(client: Client) -> None:
    who = client("whoami")

    assert (who["name"], who["auth"]["accessToken"]["role"]) == ("ada", "write")


def test_looking_around(client: Client) -> None:
    assert client("repo_exists", repo_id="ada/tiny")
    assert not client("repo_exists", repo_id="ada/none")
    assert client("file_exists", repo_id="ada/tiny", filename="sub/a.txt")
    assert not client("file_exists", repo_id="ada/tiny", filename="none.txt")
    files = [".gitattributes", "README.md", "model.bin", "sub/a.txt", "sub/b.txt"]
    assert sorted(client("list_repo_files", repo_id="ada/tiny")) == files
    names = [one["path"] for one in client("list_repo_tree", repo_id="ada/tiny", recursive=True)]
    assert sorted(names) == sorted([*files, "sub"])
    paths = client("get_paths_info", repo_id="ada/tiny", paths=["sub", "model.bin"], expand=True)
    assert {one["path"] for one in paths} == {"sub", "model.bin"}
    assert sorted(client("ls", path="ada/tiny/sub")) == ["ada/tiny/sub/a.txt", "ada/tiny/sub/b.txt"]
    assert client("list_models", author="ada", search="tin", full=True)[0]["id"] == "ada/tiny"
    titles = [one["title"] for one in client("list_repo_commits", repo_id="ada/tiny")]
    assert titles == ["Add files", "initial commit"]
    refused(client, "EntryNotFoundError", "hf_hub_download", repo_id="ada/tiny", filename="none")
    refused(client, "RevisionNotFoundError", "model_info", repo_id="ada/tiny", revision="none")


def test_one_commit_of_several_operations(client: Client) -> None:
    operations = [
        ["CommitOperationDelete", {"path_in_repo": "sub/", "is_folder": True}],
        ["CommitOperationAdd", {"path_in_repo": "new.txt", "path_or_fileobj": __file__}],
    ]
    copy = ["CommitOperationCopy", {"src_path_in_repo": "model.bin", "path_in_repo": "copy.bin"}]

    done = client(
        "create_commit",
        repo_id="ada/tiny",
        operations=[*operations, copy],
        commit_message="Move things",
        commit_description="In one go.",
    )

    files = [".gitattributes", "README.md", "copy.bin", "model.bin", "new.txt"]
    assert sorted(client("list_repo_files", repo_id="ada/tiny")) == files
    head = client("list_repo_commits", repo_id="ada/tiny")[0]
    assert (head["title"], head["message"]) == ("Move things", "In one go.")
    assert head["commit_id"] == done["oid"] == done["commit_url"].rpartition("/")[2]
    stale = {"repo_id": "ada/tiny", "commit_message": "x", "parent_commit": "0" * 40}
    add = [["CommitOperationAdd", {"path_in_repo": "a.txt", "base64": "YQ=="}]]
    message = refused(client, "HfHubHTTPError", "create_commit", operations=add, **stale)
    assert "The branch was updated" in message


def test_what_was_deleted_is_copied_from_an_earlier_revision(client: Client) -> None:
    repo = {"repo_id": "ada/tiny", "commit_message": "Change"}
    earlier = client("list_repo_commits", repo_id="ada/tiny")[0]["commit_id"]
    names = ["model.bin"] if client.is_oldest else ["model.bin", "sub/a.txt"]
    gone = [["CommitOperationDelete", {"path_in_repo": name}] for name in names]
    client("create_commit", operations=gone, **repo)

    copies = [
        [
            "CommitOperationCopy",
            {"src_path_in_repo": name, "src_revision": earlier, "path_in_repo": f"again/{name}"},
        ]
        for name in names
    ]
    client("create_commit", operations=copies, **repo)

    for name, content in zip(names, (b"weights", b"a"), strict=False):
        path = client("hf_hub_download", repo_id="ada/tiny", filename=f"again/{name}")
        assert Path(path).read_bytes() == content
    assert "model.bin" not in client("list_repo_files", repo_id="ada/tiny")


def test_branches_and_tags(client: Client) -> None:
    repo = {"repo_id": "ada/tiny"}
    client("create_branch", **repo, branch="feature/x")
    client("create_branch", **repo, branch="feature/x", exist_ok=True)
    client("create_tag", **repo, tag="t1", tag_message="first", revision="feature/x")

    refs = client("list_repo_refs", **repo)
    assert [one["name"] for one in refs["branches"]] == ["feature/x", "main"]
    assert [one["name"] for one in refs["tags"]] == ["t1"]
    assert client("model_info", **repo, revision="feature/x")["sha"]
    client("delete_branch", **repo, branch="feature/x")
    client("delete_tag", **repo, tag="t1")
    refused(client, "RevisionNotFoundError", "delete_tag", **repo, tag="t1")
    refused(client, "HfHubHTTPError", "create_branch", **repo, branch="main")
    refused(client, "HfHubHTTPError", "delete_branch", **repo, branch="main")


def test_repositories_are_made_once_and_deleted(client_of: ClientOf, ada: User) -> None:
    make_organisation("lab", owner=make_user())
    writing, member = client_of(ada), make_member(Namespace.objects.get(name="lab"), Role.WRITE)
    contributing = client_of(member)

    made = writing("create_repo", repo_id="ada/new", private=True)
    assert "ada/new" in (made if isinstance(made, str) else str(made))
    writing("create_repo", repo_id="ada/new", exist_ok=True)
    refused(writing, "HfHubHTTPError", "create_repo", repo_id="ada/new")
    contributing("create_repo", repo_id="lab/new")
    message = refused(contributing, "HfHubHTTPError", "delete_repo", repo_id="lab/new")
    assert "role admin" in message
    writing("delete_repo", repo_id="ada/new")
    refused(writing, "RepositoryNotFoundError", "delete_repo", repo_id="ada/new")
    writing("delete_repo", repo_id="ada/new", missing_ok=True)


def test_a_bad_card_stops_the_upload(client: Client) -> None:
    card = base64.b64encode(b"---\nlicense: unheard-of\n---\n").decode()
    add = ["CommitOperationAdd", {"path_in_repo": "README.md", "base64": card}]

    message = refused(
        client,
        "ValueError",
        "create_commit",
        repo_id="ada/tiny",
        operations=[add],
        commit_message="x",
    )

    assert "must be one of" in message
