"""Lists, info, tree and refs: what each caller is told of a model."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry.accounts.models import Role
from registry.catalog.models import Repository, Revision
from registry.releases import workflow
from registry.releases.models import Release
from tests import factories
from tests.factories import (
    accept_terms,
    as_caller,
    make_commit,
    make_maintainer,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_revision,
    make_user,
)
from tests.hub.calls import Wire, seen

pytestmark = pytest.mark.django_db

MASK = "*" * 64
# Of a license that wants no files beside the model
CARD = factories.CARD.replace("llama3.1", "cc")
FILES = {
    "README.md": CARD,
    "config.json": '{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "secret": 1}',
    "model.safetensors": b"weights",
    "sub/deep/a.txt": "a",
    "sub/b.txt": "b",
}


@pytest.fixture
def release() -> Release:
    return make_released(make_repository(make_user("ada"), "tiny"), files=FILES)


@pytest.fixture
def repository(release: Release) -> Repository:
    return release.repository


def ids(wire: Wire, query: str = "") -> list[str]:
    answer = wire.get(f"/api/models?{query}")
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()]


# Info


def test_info_has_what_clients_read(repository: Repository, release: Release) -> None:
    info = Wire().get("/api/models/ada/tiny").json()

    expected = {
        "_id": repository.public_id,
        "id": "ada/tiny",
        "modelId": "ada/tiny",
        "author": "ada",
        "sha": release.revision.oid,
        "private": False,
        "gated": "auto",
        "disabled": False,
        "pipeline_tag": "text-generation",
        "cardData": {"license": "cc", "pipeline_tag": "text-generation"},
        "config": {"model_type": "llama", "architectures": ["LlamaForCausalLM"]},
    }
    assert {key: info[key] for key in expected} == expected
    assert [one["rfilename"] for one in info["siblings"]] == [".gitattributes", *sorted(FILES)]
    assert "license:cc" in info["tags"]
    assert info["lastModified"].endswith(".000Z")
    assert "safetensors" not in info


def test_hashes_are_masked_for_those_who_may_not_have_the_bytes(release: Release) -> None:
    reader = make_user()

    def hashes(wire: Wire) -> set[str]:
        info = wire.get("/api/models/ada/tiny/revision/main?blobs=true").json()
        tree = wire.get("/api/models/ada/tiny/tree/main").json()
        paths = wire("POST", "/api/models/ada/tiny/paths-info/main", {"paths": list(FILES)}).json()
        found = {one["lfs"]["sha256"] for one in info["siblings"] if "lfs" in one}
        return found | {one["lfs"]["oid"] for one in [*tree, *paths] if "lfs" in one}

    assert hashes(Wire()) == hashes(Wire(reader)) == {MASK}
    accept_terms(release, reader)
    assert MASK not in hashes(Wire(reader))
    assert len(hashes(Wire(reader))) == 1


def test_expand_gives_the_named_fields_alone(repository: Repository) -> None:
    answer = Wire().get("/api/models/ada/tiny?expand=gated&expand[]=sha&expand=xetEnabled").json()

    assert set(answer) == {"_id", "id", "gated", "sha", "xetEnabled"}
    refused = Wire().get("/api/models/ada/tiny?expand=everything")
    assert refused.status_code == 400
    assert refused.json()["error"].startswith('"expand" must be one of [author, baseModels, ')


def test_what_others_see_does_not_move_when_something_is_uploaded(release: Release) -> None:
    before = Wire().get("/api/models/ada/tiny").json()
    newer = make_commit(release.repository, {"new.txt": "new", "README.md": CARD + "more"})

    assert Wire().get("/api/models/ada/tiny").json() == before
    for path in (
        f"api/models/ada/tiny/revision/{newer.oid}",
        f"api/models/ada/tiny/tree/{newer.oid[:8]}",
        f"api/models/ada/tiny/commits/{newer.oid}",
    ):
        assert seen(Wire().get(f"/{path}"))[:2] == (404, "RevisionNotFound")
    assert Wire(make_maintainer()).get("/api/models/ada/tiny").json()["sha"] == before["sha"]
    assert Wire(make_user()).get(f"/ada/tiny/resolve/{newer.oid}/new.txt").status_code != 200
    titles = [one["id"] for one in Wire().get("/api/models/ada/tiny/commits/main").json()]
    assert titles == [release.revision.oid]


# Lists


def test_a_list_has_what_the_caller_may_know_of(repository: Repository) -> None:
    owner = make_user()
    lab = make_organisation("lab", owner=owner)
    hidden = make_revision(make_repository(owner, "hidden", namespace="lab")).repository
    private = make_repository(owner, "private", namespace="lab", visibility="private")
    make_released(private)

    assert ids(Wire()) == ids(Wire(make_user())) == ["ada/tiny"]
    assert set(ids(Wire(make_member(lab, Role.READ)))) == {"ada/tiny", str(private)}
    everything = {"ada/tiny", str(private), str(hidden)}
    assert set(ids(Wire(owner))) == set(ids(Wire(make_maintainer()))) == everything
    assert set(ids(Wire(owner, "read"))) == {"ada/tiny", str(private)}


def test_a_list_is_filtered_by_what_is_public(release: Release) -> None:
    make_commit(release.repository, {"README.md": "---\nlicense: mit\ntags: [secret]\n---\n"})

    for query, hits in {
        "author=ADA": True,
        "author=bob": False,
        "search=a/ti": True,
        "search=ada&search=tiny": True,
        "search=ada&search=huge": False,
        "filter=license:cc&filter=text-generation": True,
        "filter=safetensors": True,
        "filter=secret": False,
        "pipeline_tag=text-generation": True,
        "pipeline_tag=fill-mask": False,
        "gated=true": True,
        "gated=False": False,
        "inference=warm": False,
        "num_parameters=min:1B": False,
    }.items():
        assert ids(Wire(), query) == (["ada/tiny"] if hits else []), query
    assert ids(Wire(release.repository.created_by), "filter=secret") == ["ada/tiny"]


def test_a_list_shows_more_only_when_asked(repository: Repository) -> None:
    short = Wire().get("/api/models").json()[0]
    full = Wire().get("/api/models?full=true&cardData=True&config=true").json()[0]

    assert "cardData" not in short
    assert "siblings" not in short
    assert full["cardData"]["license"] == "cc"
    assert full["config"]["model_type"] == "llama"
    assert full["gated"] == "auto"
    assert len(full["siblings"]) == len(FILES) + 1
    assert Wire().get("/api/models?full=true&expand=sha").status_code == 400


@pytest.mark.parametrize(
    "sort", ["lastModified", "last_modified", "createdAt", "downloads", "likes", "trendingScore"]
)
def test_pages_follow_each_other_without_gap_or_repeat(sort: str) -> None:
    owner = make_user()
    made = [make_released(make_repository(owner)).repository for _ in range(5)]
    for place, one in enumerate(made):
        Repository.objects.filter(pk=one.pk).update(
            created_at=timezone.now() - timedelta(days=place // 2), downloads=place // 2
        )

    found: list[str] = []
    path = f"/api/models?sort={sort}&limit=2&author={owner.username}&direction=-1"
    pages = 0
    while path:
        answer = Wire().get(path)
        found += [item["id"] for item in answer.json()]
        link = answer.headers.get("Link", "")
        assert not link or link.endswith('; rel="next"')
        path = link.partition(">")[0].removeprefix("<http://testserver")
        pages += 1

    assert pages == 3
    assert sorted(found) == sorted(str(one) for one in made)


def test_the_most_of_what_is_asked_for_comes_first() -> None:
    """Each sort has an order of its own here, so that none can be taken for another."""
    a, b, c = (make_released() for _ in range(3))
    now = timezone.now()
    orders = {
        "downloads": (a, b, c),
        "likes": (a, c, b),
        "trending": (b, a, c),
        "created_at": (b, c, a),
        "committed_at": (c, a, b),
    }
    for field, order in orders.items():
        for place, release in enumerate(order):
            value = now - timedelta(days=place) if field.endswith("_at") else 9 - place
            if field == "committed_at":
                Revision.objects.filter(pk=release.revision_id).update(committed_at=value)
            else:
                Repository.objects.filter(pk=release.repository_id).update(**{field: value})

    for sort, field in {
        "downloads": "downloads",
        "likes": "likes",
        "trendingScore": "trending",
        "createdAt": "created_at",
        "lastModified": "committed_at",
        "last_modified": "committed_at",
    }.items():
        assert ids(Wire(), f"sort={sort}") == [str(one.repository) for one in orders[field]], sort


@pytest.mark.parametrize("sort", ["lastModified", "last_modified", "createdAt", "downloads"])
def test_the_order_of_a_list_does_not_betray_uploads_in_quarantine(sort: str) -> None:
    older, newer = make_released(), make_released()
    times = {older: 20, newer: 10}
    for one, days in times.items():
        at = timezone.now() - timedelta(days=days)
        Revision.objects.filter(pk=one.revision_id).update(committed_at=at)

    def listed() -> list[dict[str, Any]]:
        path = f"/api/models?sort={sort}&full=true"
        found: list[dict[str, Any]] = Wire(reader).get(path).json()
        return found

    reader = make_user()
    before = listed()
    make_commit(older.repository, {"hidden.txt": "x"})

    assert listed() == before
    assert [one["id"] for one in before] == [str(newer.repository), str(older.repository)]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "limit=-1", "cursor=x", "cursor=W10=", "cursor=WyJ4IiwgMV0=", "sort=x"],
)
def test_a_bad_page_gets_a_sentence(repository: Repository, query: str) -> None:
    answer = Wire().get(f"/api/models?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]


ODD_CURSORS = [
    "[Infinity, 1]",
    "[1, 1e999]",
    "[NaN, 1]",
    "[1, NaN]",
    "[true, 1]",
    "[-1, 1]",
    f"[1, {2**63}]",
    f"[{'9' * 5000}, 1]",
    '["9999-12-31T23:59:59-23:59", 1]',
    '["0001-01-01T00:00:00+23:00", 1]',
    '["2024-01-01T00:00:00", 1]',
    '["2024-01-01T00:00:00+00:00", Infinity]',
    '["2024-01-01T00:00:00+00:00", "\u0000"]',
    "[[], {}]",
    "[1]",
    "{}",
    "7",
    "null",
    "[" * 100_000,
]


@pytest.mark.parametrize("sort", ["downloads", "likes", "lastModified", "createdAt"])
def test_no_cursor_is_too_odd_for_a_sentence(repository: Repository, sort: str) -> None:
    for cursor in ODD_CURSORS:
        sent = base64.urlsafe_b64encode(cursor.encode()).decode()

        answer = Wire().get(f"/api/models?sort={sort}&cursor={sent}")

        assert answer.status_code == 400, cursor[:40]
        assert answer.json()["error"].startswith("cursor:")


# Tree


def test_a_tree_lists_folders_and_files(repository: Repository) -> None:
    def paths(path: str) -> list[tuple[str, str]]:
        answer = Wire().get(f"/api/models/ada/tiny/tree/main{path}").json()
        return [(one["type"], one["path"]) for one in answer]

    assert paths("/sub") == [("file", "sub/b.txt"), ("directory", "sub/deep")]
    assert paths("/sub%2Fdeep?recursive=False") == [("file", "sub/deep/a.txt")]
    assert len(paths("?recursive=true")) == len(FILES) + 1 + 2
    for missing in ("no/such", "README.md"):
        answer = Wire().get(f"/api/models/ada/tiny/tree/main/{missing}")
        assert seen(answer) == (404, "EntryNotFound", "Entry not found")
        assert answer["X-Repo-Commit"] == repository.refs.get(name="refs/tags/v1.0").head.oid


def test_a_long_tree_comes_in_pages(repository: Repository) -> None:
    first = Wire().get("/api/models/ada/tiny/tree/main?recursive=true&limit=5")
    link = first["Link"].partition(">")[0].removeprefix("<http://testserver")
    second = Wire().get(link)

    paths = [one["path"] for one in [*first.json(), *second.json()]]
    assert paths == sorted([".gitattributes", *FILES, "sub", "sub/deep"])
    assert "Link" not in second.headers


def test_an_expanded_tree_says_which_revision_changed_a_file(release: Release) -> None:
    second = make_commit(release.repository, {"sub/b.txt": "changed"}, title="Change b")
    wire = Wire(release.repository.created_by)

    tree = wire.get("/api/models/ada/tiny/tree/main?expand=true&recursive=true").json()
    last = {one["path"]: one["lastCommit"]["id"] for one in tree}

    assert last["sub/b.txt"] == last["sub"] == second.oid
    assert last["sub/deep/a.txt"] == last["README.md"] == release.revision.oid
    outside = Wire().get("/api/models/ada/tiny/tree/main?expand=true").json()
    assert {one["lastCommit"]["id"] for one in outside} == {release.revision.oid}


def test_paths_are_answered_in_the_order_asked(repository: Repository) -> None:
    path = "/api/models/ada/tiny/paths-info/main"

    answer = Wire().post(path, {"paths": ["sub", "none", "README.md"], "expand": False}).json()
    assert [one["path"] for one in answer] == ["sub", "README.md"]
    assert sent(path, b"paths=sub%2Fb.txt&expand=True").json()[0]["lastCommit"]["title"]
    assert sent(path, b"paths=sub&paths=none&paths=README.md").json() == answer
    assert Wire().post(path, {"paths": ["a"] * 1001}).status_code == 413


def sent(path: str, form: bytes, kind: str = "application/x-www-form-urlencoded") -> Any:
    return Wire().client.generic("POST", path, form, content_type=kind, RAW_URI=path)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (b"&".join(b"paths=" + b"a" * 3000 for _ in range(1000)), 200),
        (b"paths=a&" * 1001, 413),
        (b"paths=a&" * 6000, 413),
        (b"paths=" + b"a" * 5_000_000, 413),
        (b"paths=%00&paths=%ff&paths=%ED%A0%80", 200),
    ],
)
def test_a_form_is_taken_whole_or_refused_with_a_sentence(
    repository: Repository, form: bytes, status: int
) -> None:
    answer = sent("/api/models/ada/tiny/paths-info/main", form)

    assert answer.status_code == status
    assert answer.json() == [] if status == 200 else answer.json()["error"]


def test_a_form_of_files_is_refused_unread(repository: Repository) -> None:
    path = "/api/models/ada/tiny/paths-info/main"

    answer = sent(path, b"--x\r\n", "multipart/form-data; boundary=x")

    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in answer.json()["error"]


# Refs


def test_branches_and_tags_are_made_and_removed(repository: Repository, release: Release) -> None:
    wire = Wire(repository.created_by)
    base = "/api/models/ada/tiny"

    assert wire.post(f"{base}/branch/feature%2Fx").status_code == 200
    assert wire.post(f"{base}/branch/feature%2Fx").json()["error"] == (
        "Reference refs/heads/feature/x already exists"
    )
    start = {"startingPoint": release.revision.oid[:8]}
    assert wire.post(f"{base}/branch/old", start).status_code == 200
    assert wire.post(f"{base}/tag/feature%2Fx", {"tag": "t1", "message": "m"}).status_code == 200
    assert wire.post(f"{base}/tag/main", {"tag": "t1"}).status_code == 409

    def names() -> tuple[list[str], list[str]]:
        refs = wire.get(f"{base}/refs?include_prs=1").json()
        assert refs["pullRequests"] == refs["converts"] == []
        return ([one["name"] for one in refs["branches"]], [one["name"] for one in refs["tags"]])

    assert names() == (["feature/x", "main", "old"], ["t1", "v1.0"])
    assert wire.delete(f"{base}/branch/feature%2Fx").status_code == 200
    assert wire.delete(f"{base}/tag/t1").status_code == 200
    assert names() == (["main", "old"], ["v1.0"])


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "branch/refs%2Fpr%2F1", {}, (400, "")),
        ("POST", f"branch/{'a' * 40}", {}, (400, "")),
        ("POST", "branch/a..b", {}, (400, "")),
        ("POST", "branch/a%20b", {}, (400, "")),
        ("POST", "branch/new", {"startingPoint": "none"}, (404, "RevisionNotFound")),
        ("POST", "tag/none", {"tag": "also bad"}, (404, "RevisionNotFound")),
        ("POST", "tag/main", {"tag": "bad name"}, (400, "")),
        ("POST", "tag/main", {"tag": "0" * 40}, (400, "")),
        ("DELETE", "branch/main", {}, (403, "")),
        ("DELETE", "branch/none", {}, (404, "RevisionNotFound")),
        ("DELETE", "branch/v1.0", {}, (404, "RevisionNotFound")),
        ("DELETE", "tag/none", {}, (404, "RevisionNotFound")),
        ("DELETE", "tag/main", {}, (404, "RevisionNotFound")),
        ("DELETE", "tag/v1.0", {}, (403, "")),
        ("POST", "tag/main", {"tag": "v1.0"}, (409, "")),
    ],
)
def test_what_cannot_be_done_to_refs(
    repository: Repository, method: str, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    answer = Wire(repository.created_by)(method, f"/api/models/ada/tiny/{path}", body)

    assert seen(answer)[:2] == expected


def test_a_branch_in_quarantine_does_not_exist_for_others(release: Release) -> None:
    owner = Wire(release.repository.created_by)
    owner.post("/api/models/ada/tiny/branch/secret")
    make_commit(release.repository, {"a.txt": "a"}, branch="secret")

    refs = Wire().get("/api/models/ada/tiny/refs").json()
    assert [one["name"] for one in refs["branches"]] == ["main"]
    assert seen(Wire().get("/api/models/ada/tiny/tree/secret"))[:2] == (404, "RevisionNotFound")


def test_auth_check_answers_like_a_download(release: Release) -> None:
    reader = make_user()
    path = "/api/models/ada/tiny/auth-check"

    assert seen(Wire().get(path))[:2] == (401, "GatedRepo")
    assert seen(Wire(reader).get(path))[:2] == (403, "GatedRepo")
    accept_terms(release, reader)
    assert Wire(reader).get(path).status_code == 200
    assert Wire(release.repository.created_by).get(f"{path}/write").status_code == 200


def test_a_recalled_release_gives_way_to_the_one_before(release: Release) -> None:
    second = make_released(
        release.repository, version="v2.0", files=FILES | {"sub/b.txt": "second"}
    )
    assert Wire().get("/api/models/ada/tiny").json()["sha"] == second.revision.oid

    workflow.transition("recall", second, by=as_caller(make_maintainer()), reason="Wrong weights")

    assert Wire().get("/api/models/ada/tiny").json()["sha"] == release.revision.oid
    answer = Wire(make_user()).get(f"/ada/tiny/resolve/{second.revision.oid}/model.safetensors")
    assert seen(answer)[:2] == (403, "GatedRepo")


@pytest.mark.parametrize("sent", ["//api/models", "http://elsewhere.example/api/models"])
def test_the_next_page_is_on_this_site_however_the_address_was_written(sent: str) -> None:
    for _ in range(2):
        make_released()

    answer = Client().get("/api/models", {"limit": "1"}, RAW_URI=sent + "?limit=1")

    assert answer["Link"].startswith("<http://testserver/api/models?limit=1&cursor=")
