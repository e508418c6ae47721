"""Each field of what clients read most, exactly; and the limits of what they may ask for."""

import hashlib
from typing import Any

import pytest
from django.test import RequestFactory

from registry.catalog import files, git
from registry.catalog.models import Repository, Revision
from registry.hub import paging, wire
from registry.hub.uploads import MAX_FILES
from registry.releases.models import Release
from tests.factories import (
    accept_terms,
    make_commit,
    make_pull_request,
    make_released,
    make_repository,
    make_user,
)
from tests.hub.calls import Wire, file, lfs_file, seen

pytestmark = pytest.mark.django_db

CARD = """---
license: cc
pipeline_tag: text-generation
base_model_relation: finetune
library_name: transformers
base_model: meta-llama/Llama-3.1-8B
tags: [small]
language: [en]
datasets: [lab/rows]
---
# It, as in arXiv:2407.21783
"""
WEIGHTS = b"weights"
FILES = {
    "README.md": CARD,
    "config.json": '{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}',
    "sub/model.safetensors": WEIGHTS,
}
TAGS = [
    "arxiv:2407.21783",
    "base_model:finetune:meta-llama/Llama-3.1-8B",
    "base_model:meta-llama/Llama-3.1-8B",
    "dataset:lab/rows",
    "en",
    "license:cc",
    "llama",
    "safetensors",
    "small",
    "text-generation",
    "transformers",
]
POINTER = git.pointer(hashlib.sha256(WEIGHTS).hexdigest(), len(WEIGHTS))


@pytest.fixture
def release() -> Release:
    return make_released(make_repository(make_user("ada"), "tiny"), files=FILES)


@pytest.fixture
def reader(release: Release) -> Wire:
    person = make_user()
    accept_terms(release, person)
    return Wire(person)


@pytest.fixture
def owner(release: Release) -> Wire:
    return Wire(release.repository.created_by)


def short(repository: Repository) -> dict[str, Any]:
    """What each list says of a model."""
    return {
        "_id": repository.public_id,
        "id": "ada/tiny",
        "modelId": "ada/tiny",
        "likes": 0,
        "downloads": 0,
        "private": False,
        "tags": TAGS,
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "createdAt": wire.time(repository.created_at),
    }


def full(revision: Revision) -> dict[str, Any]:
    names = [".gitattributes", *sorted(FILES)]
    return {
        "author": "ada",
        "sha": revision.oid,
        "lastModified": wire.time(revision.committed_at),
        "gated": "auto",
        "disabled": False,
        "siblings": [{"rfilename": name} for name in names],
    }


CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}


def test_every_field_of_a_list(release: Release) -> None:
    repository, revision = release.repository, release.revision
    trend = {"trendingScore": 0}

    assert Wire().get("/api/models").json() == [short(repository) | trend]
    asked = Wire().get("/api/models?full=True&cardData=true&config=true").json()
    more = {"cardData": revision.card, "config": CONFIG}
    assert asked == [short(repository) | trend | full(revision) | more]


def test_every_field_of_info(release: Release, reader: Wire) -> None:
    repository, revision = release.repository, release.revision
    entries = files.files_of(revision)
    expected = short(repository) | full(revision)
    expected |= {
        "cardData": revision.card,
        "config": CONFIG,
        "transformersInfo": {
            "auto_model": "AutoModelForCausalLM",
            "pipeline_tag": "text-generation",
        },
        "usedStorage": sum(entry.size for entry in entries),
        "spaces": [],
    }

    assert reader.get("/api/models/ada/tiny").json() == expected
    assert reader.get("/api/models/ada/tiny/revision/v1.0?unknown=1").json() == expected
    with_blobs = reader.get("/api/models/ada/tiny?blobs=True").json()
    sizes = [{"rfilename": one.path, "size": one.size, "blobId": one.oid} for one in entries]
    sizes[-1]["lfs"] = {
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "size": len(WEIGHTS),
        "pointerSize": len(POINTER),
    }
    assert with_blobs == expected | {"siblings": sizes}
    assert sizes[-1]["blobId"] == git.blob_id(POINTER)
    bases = reader.get("/api/models/ada/tiny?expand=baseModels").json()["baseModels"]
    assert bases == {"relation": "finetune", "models": [{"id": "meta-llama/Llama-3.1-8B"}]}


def test_every_field_of_a_tree(release: Release, reader: Wire) -> None:
    revision = release.revision
    large, text = (files.find(revision, name) for name in ("sub/model.safetensors", "README.md"))
    (folder,) = [one for one in files.walk(revision) if one.path == "sub"]
    expected: list[dict[str, Any]] = [
        {"type": "directory", "oid": folder.oid, "size": 0, "path": "sub"},
        {
            "type": "file",
            "oid": git.blob_id(POINTER),
            "size": len(WEIGHTS),
            "path": large.path,
            "lfs": {
                "oid": hashlib.sha256(WEIGHTS).hexdigest(),
                "size": len(WEIGHTS),
                "pointerSize": len(POINTER),
            },
        },
        {"type": "file", "oid": git.blob_id(CARD.encode()), "size": text.size, "path": text.path},
    ]
    paths = [one["path"] for one in expected]

    listed = reader.get("/api/models/ada/tiny/tree/main?recursive=true").json()
    assert [one for one in listed if one["path"] in paths] == [expected[2], *expected[:2]]
    asked = {"paths": paths}
    assert reader.post("/api/models/ada/tiny/paths-info/main", asked).json() == expected
    last = {
        "id": revision.oid,
        "title": revision.title,
        "date": wire.time(revision.committed_at),
    }
    safe = {"status": "safe", "avScan": None, "pickleImportScan": None}
    expanded = reader.post("/api/models/ada/tiny/paths-info/main", asked | {"expand": True}).json()
    assert expanded == [
        expected[0] | {"lastCommit": last},
        *(one | {"lastCommit": last, "securityFileStatus": safe} for one in expected[1:]),
    ]


def test_every_field_of_commits_and_refs(release: Release, owner: Wire) -> None:
    repository = release.repository
    made = owner.commit(repository, file("a", b"a"), summary="A <b>", description="Why & how")
    head = repository.refs.get(name="refs/heads/main").head
    pull = make_pull_request(repository, {"p": "p"}, by=repository.created_by, title="P")
    commit = {
        "id": made.json()["commitOid"],
        "title": "A <b>",
        "message": "Why & how",
        "authors": [{"user": "ada"}],
        "date": wire.time(head.committed_at),
    }

    assert owner.get("/api/models/ada/tiny/commits/main?limit=1").json() == [commit]
    formatted = {"formatted": {"title": "A &lt;b&gt;", "message": "Why &amp; how"}}
    asked = owner.get("/api/models/ada/tiny/commits/main?limit=1&expand[]=formatted")
    assert asked.json() == [commit | formatted]
    proposed = repository.refs.get(name=f"refs/pr/{pull.number}")
    expected: dict[str, Any] = {
        "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": head.oid}],
        "converts": [],
        "tags": [{"name": "v1.0", "ref": "refs/tags/v1.0", "targetCommit": release.revision.oid}],
    }
    assert owner.get("/api/models/ada/tiny/refs").json() == expected
    number = str(pull.number)
    expected["pullRequests"] = [
        {"name": number, "ref": f"refs/pr/{number}", "targetCommit": proposed.head.oid}
    ]
    assert owner.get("/api/models/ada/tiny/refs?include_prs=1").json() == expected


def test_commits_come_in_pages(release: Release, owner: Wire) -> None:
    for number in range(3):
        make_commit(release.repository, {"n": str(number)}, title=str(number))

    path, titles = "/api/models/ada/tiny/commits/main?limit=2", []
    while path:
        answer = owner.get(path)
        titles += [one["title"] for one in answer.json()]
        path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<http://testserver")

    assert titles == ["2", "1", "0", release.revision.title, "initial commit"]


def test_discussions_are_filtered_and_come_in_pages(release: Release, owner: Wire) -> None:
    """The first one is the review of the release, which readers do not see."""
    path, bob = "/api/models/ada/tiny/discussions", Wire(make_user("bob"))
    for number in range(51):
        by = bob if number % 2 else owner
        made = by.post(path, {"title": f"{number}", "description": "d"}).json()
        assert made == {"num": number + 2, "pullRequest": False}
    pull = make_pull_request(
        release.repository, {"README.md": CARD + "more"}, by=release.repository.created_by
    )
    owner.post(f"{path}/2/status", {"status": "closed", "comment": ""})

    def found(query: str) -> tuple[int, int, list[int]]:
        answer = bob.get(f"{path}?{query}").json()
        return answer["count"], answer["start"], [one["num"] for one in answer["discussions"]]

    assert found("") == (52, 0, list(range(53, 3, -1)))
    assert found("p=1") == (52, 50, [3, 2])
    assert found("p=2") == (52, 100, [])
    assert found("type=pull_request") == (1, 0, [pull.number])
    assert found("type=discussion&status=closed") == (1, 0, [2])
    assert found("type=all&status=open&p=1") == (51, 50, [3])
    assert found("author=BOB&status=all")[0] == 25
    for wrong in ("type=x", "status=merged", "p=-1", "p=x"):
        assert bob.get(f"{path}?{wrong}").status_code == 400


def test_what_a_pull_request_changes_and_where_it_cannot_be_merged(
    release: Release, owner: Wire
) -> None:
    pull = make_pull_request(
        release.repository, {"config.json": "{}"}, by=release.repository.created_by, title="Less"
    )
    path = f"/api/models/ada/tiny/discussions/{pull.number}"
    fields = {
        "num": pull.number,
        "title": "Less",
        "status": "open",
        "isPullRequest": True,
        "createdAt": wire.time(pull.created_at),
        "author": {"name": "ada"},
        "repo": {"name": "ada/tiny", "type": "model"},
        "changes": {"base": "refs/heads/main"},
        "filesWithConflicts": [],
    }

    answer = owner.get(f"{path}?diff=1").json()
    assert {key: answer[key] for key in fields} == fields
    assert answer["diff"].startswith("diff --git a/config.json b/config.json")
    assert answer.keys() - fields == {"events", "diff"}
    make_commit(release.repository, {"config.json": "[]"})
    assert owner.get(path).json()["filesWithConflicts"] == ["config.json"]
    assert owner.post(f"{path}/merge").status_code in {400, 409}


# What may be asked for


def test_more_than_a_call_takes_is_refused(release: Release, owner: Wire) -> None:
    plan = [{"path": f"{number}.txt", "size": 1} for number in range(MAX_FILES + 1)]
    objects = [{"oid": f"{number:064}", "size": 1} for number in range(257)]
    batch = {"operation": "upload", "transfers": ["basic"], "objects": objects}
    preupload, lfs = "/api/models/ada/tiny/preupload/main", "/ada/tiny.git/info/lfs/objects/batch"

    assert MAX_FILES == 256
    assert owner.post(preupload, {"files": plan}).status_code == 413
    assert owner.post(lfs, batch).status_code == 413
    answer = owner.post(preupload, {"files": plan[1:]}).json()
    assert [one["path"] for one in answer["files"]] == [one["path"] for one in plan[1:]]
    accepted = owner.post(lfs, batch | {"objects": objects[1:]})
    assert [one["oid"] for one in accepted.json()["objects"]] == [one["oid"] for one in objects[1:]]
    assert accepted["Content-Type"] == "application/vnd.git-lfs+json"


def test_a_page_has_a_thousand_items_at_most() -> None:
    for sent, size in {"5000": 1000, "1000": 1000, "7": 7, "": 1000}.items():
        assert paging.limit(RequestFactory().get("/", {"limit": sent})) == size


def test_a_copy_names_no_size_and_what_is_deleted_need_not_be_named_by_its_kind(
    release: Release, owner: Wire
) -> None:
    copy = lfs_file("copy.safetensors", WEIGHTS)
    del copy["value"]["size"]
    made = owner.commit(release.repository, copy, file("x/y/z.txt", b"z"), file("w.txt", b"w"))
    head = Revision.objects.get(oid=made.json()["commitOid"])
    assert files.find(head, "copy.safetensors").size == len(WEIGHTS)
    copy["value"]["size"] = len(WEIGHTS) + 1
    assert owner.commit(release.repository, copy).status_code == 400

    gone = [("deletedFile", "sub/"), ("deletedFile", "x/y"), ("deletedFolder", "w.txt/")]
    lines = [{"key": key, "value": {"path": path}} for key, path in gone]
    made = owner.commit(release.repository, *lines)

    assert made.status_code == 200, made.content
    head = Revision.objects.get(oid=made.json()["commitOid"])
    left = [one.path for one in files.files_of(head)]
    assert left == [".gitattributes", "README.md", "config.json", "copy.safetensors"]


def test_a_pull_request_is_onto_a_branch(release: Release, owner: Wire) -> None:
    plan = {"files": [{"path": "a.txt", "size": 1}]}
    for rev in (release.revision.oid, "none", "v1.0"):
        for call in ("preupload", "commit"):
            answer = owner.post(f"/api/models/ada/tiny/{call}/{rev}?create_pr=1", plan)
            assert seen(answer)[:2] == (404, "RevisionNotFound"), (call, rev)
    assert owner.post("/api/models/ada/tiny/preupload/main?create_pr=1", plan).status_code == 200
