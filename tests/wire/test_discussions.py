"""Discussions and pull requests with the real client, by the owner and by a stranger."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.accounts.models import User
from registry.catalog.models import Ref, Repository
from registry.releases import remarks, workflow
from registry.releases.remarks import Where
from tests.factories import (
    CARD,
    as_caller,
    finish_checks,
    make_commit,
    make_facts,
    make_maintainer,
    make_organisation,
    make_released,
    make_repository,
    make_user,
)
from tests.wire.clients import Client, ClientError

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[..., Client]
WEIGHTS = os.urandom(200_000)


@pytest.fixture
def lab() -> User:
    """The owner of an organisation called lab, with a released model."""
    make_facts()
    owner = make_user("ada")
    make_organisation("lab", owner=owner)
    repository = make_repository(owner, "tiny", namespace="lab")
    make_released(repository, files={"README.md": CARD, "model.safetensors": b"released weights"})
    return owner


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "extra.safetensors").write_bytes(WEIGHTS)
    (source / "sub" / "notes.txt").write_bytes(b"some notes\n")
    return source


def refused(client: Client, method: str, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        client(method, **arguments)
    return caught.value.message


def head(name: str) -> Any:
    return Ref.objects.get(repository__name="tiny", name=name).head


def test_a_stranger_discusses_and_the_owner_answers(client_of: ClientOf, lab: User) -> None:
    owner, stranger = client_of(lab), client_of(make_user("bob"))
    at = {"repo_id": "lab/tiny"}

    made = stranger("create_discussion", title="A question", description="**Why?**", **at)
    on = {"repo_id": "lab/tiny", "discussion_num": made["num"]}
    said = owner("comment_discussion", comment="Because.", **on)
    stranger("rename_discussion", new_title="A good question", **on)
    edited = owner("edit_discussion_comment", comment_id=said["id"], new_content="Since.", **on)
    own = stranger("comment_discussion", comment="I see", **on)
    hidden = stranger("hide_discussion_comment", comment_id=own["id"], **on)
    owner("change_discussion_status", new_status="closed", comment="Done.", **on)
    seen = client_of(None)("get_discussion_details", **on)

    assert made["author"] == "bob"
    assert (edited["content"], edited["edited"]) == ("Since.", True)
    assert hidden["hidden"]
    assert hidden["content"] == ""
    assert (seen["title"], seen["status"]) == ("A good question", "closed")
    kinds = [event["type"] for event in seen["events"]]
    assert kinds == [*["comment", "comment", "title-change", "comment", "comment", "status-change"]]
    listed = client_of(None)("get_repo_discussions", **at)
    assert [one["num"] for one in listed] == [made["num"]]
    refused(stranger, "edit_discussion_comment", comment_id=said["id"], new_content="x", **on)
    refused(client_of(None), "comment_discussion", comment="x", **on)


def test_a_stranger_s_pull_request_is_merged_and_releases_nothing(
    client_of: ClientOf, lab: User, folder: Path, tmp_path: Path
) -> None:
    owner, stranger = client_of(lab), client_of(make_user("bob"))
    public = head("refs/heads/main")

    made = stranger(
        "upload_folder",
        repo_id="lab/tiny",
        folder_path=str(folder),
        create_pr=True,
        commit_message="Add notes",
    )
    number = int(str(made["pr_url"]).rsplit("/", 1)[1])
    on = {"repo_id": "lab/tiny", "discussion_num": number}
    details = stranger("get_discussion_details", **on)
    if details["status"] == "draft":
        stranger("change_discussion_status", new_status="open", **on)
    back = stranger(
        "hf_hub_download",
        repo_id="lab/tiny",
        filename="extra.safetensors",
        revision=f"refs/pr/{number}",
        local_dir=str(tmp_path / "back"),
    )
    refused(stranger, "merge_pull_request", **on)
    finish_checks(head(f"refs/pr/{number}"))
    owner("merge_pull_request", comment="Thanks.", **on)

    assert Path(str(back)).read_bytes() == WEIGHTS
    assert details["target_branch"] == "refs/heads/main"
    merged = owner("get_discussion_details", **on)
    assert merged["status"] == "merged"
    assert merged["merge_commit_oid"] == head("refs/heads/main").oid
    files = owner("list_repo_files", repo_id="lab/tiny")
    assert {"extra.safetensors", "sub/notes.txt", "model.safetensors"} <= set(files)
    outside = client_of(None)
    assert "extra.safetensors" not in outside("list_repo_files", repo_id="lab/tiny")
    assert outside("model_info", repo_id="lab/tiny")["sha"] == public.oid
    refused(outside, "list_repo_files", repo_id="lab/tiny", revision=f"refs/pr/{number}")


def test_one_file_by_a_pull_request_of_the_owner(client_of: ClientOf, lab: User) -> None:
    owner = client_of(lab)
    made = owner(
        "create_commit",
        repo_id="lab/tiny",
        operations=[["CommitOperationAdd", {"path_in_repo": "a.txt", "base64": "YQo="}]],
        commit_message="Add a",
        commit_description="One letter.",
        create_pr=True,
    )
    number = int(str(made["pr_url"]).rsplit("/", 1)[1])
    on = {"repo_id": "lab/tiny", "discussion_num": number}
    details = owner("get_discussion_details", **on)

    assert (details["title"], details["status"]) == ("Add a", "open")
    assert details["events"][0]["content"] == "One letter."
    assert [event["type"] for event in details["events"]] == ["comment", "commit"]
    assert "+a" in details["diff"]
    refs = owner("list_repo_refs", repo_id="lab/tiny", include_pull_requests=True)
    assert [ref["ref"] for ref in refs["pull_requests"]] == [f"refs/pr/{number}"]
    owner("merge_pull_request", **on)
    assert Repository.objects.get(name="tiny").refs.get(name="refs/heads/main").head.parents[1] == (
        str(made["oid"])
    )


def test_a_draft_is_filled_by_commits_and_opened_by_its_author(
    client_of: ClientOf, lab: User
) -> None:
    stranger = client_of(make_user("bob"))
    made = stranger("create_pull_request", repo_id="lab/tiny", title="Work in progress")
    stranger(
        "create_commit",
        repo_id="lab/tiny",
        operations=[["CommitOperationAdd", {"path_in_repo": "a.txt", "base64": "YQo="}]],
        commit_message="Add a",
        revision=f"refs/pr/{made['num']}",
    )
    on = {"repo_id": "lab/tiny", "discussion_num": made["num"]}

    assert made["status"] == "draft"
    opened = stranger("change_discussion_status", new_status="open", **on)
    assert opened["new_status"] == "open"
    other = client_of(make_user("eve"))
    refused(
        other,
        "create_commit",
        repo_id="lab/tiny",
        operations=[["CommitOperationAdd", {"path_in_repo": "b.txt", "base64": "YQo="}]],
        commit_message="Add b",
        revision=f"refs/pr/{made['num']}",
    )


def test_a_maintainer_takes_part_in_a_review_and_closing_its_thread_decides_nothing(
    client_of: ClientOf, lab: User
) -> None:
    repository = Repository.objects.get(name="tiny")
    revision = make_commit(repository, {"notes.txt": "more"}, by=lab)
    finish_checks(revision)
    release = workflow.open_release(revision, version="v2.0", by=as_caller(lab))
    maintainer = make_maintainer("carol")
    remarks.make(release, "Which data?", where=Where("file", "notes.txt"), by=as_caller(maintainer))
    assert release.discussion is not None
    on = {"repo_id": "lab/tiny", "discussion_num": release.discussion.number}
    reviewer = client_of(maintainer)

    reviewer("comment_discussion", comment="I look at it.", **on)
    events = client_of(lab)("get_discussion_details", **on)["events"]
    client_of(lab)("change_discussion_status", new_status="closed", **on)

    said = [event["content"] for event in events if event["type"] == "comment"]
    assert said[-2:] == ["Which data?", "I look at it."]
    refused(client_of(make_user("bob")), "get_discussion_details", **on)
    release.refresh_from_db()
    assert release.status == "in_review"
