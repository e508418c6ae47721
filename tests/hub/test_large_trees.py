"""Repositories of many files: pages, look-ups and commits."""

import base64

import pytest

from registry.audit import canonical
from registry.catalog import commits, files
from registry.catalog.models import Repository
from registry.storage import many
from tests.factories import as_caller, make_repository
from tests.hub.calls import Wire, file
from tests.manifests import manifest_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    """1,200 files in folders whose names sort oddly between those of files."""
    made = make_repository()
    (blob,) = many.store_all([b"x"])
    commits.hold(made, blob, by=made.created_by)
    names = [f"a/{n:04}" for n in range(1000)] + [f"a.b/{n}" for n in range(100)]
    names += [f"a0/deep/{n}é" for n in range(97)] + ["a.txt", "a-b", "z"]
    commits.commit(
        made,
        branch="main",
        operations=[commits.AddFile(name, blob, is_lfs=False) for name in names],
        title="Add many",
        by=as_caller(made.created_by),
    )
    return made


def pages(wire: Wire, path: str) -> list[list[str]]:
    found = []
    while path:
        answer = wire.get(path)
        found.append([entry["path"] for entry in answer.json()])
        link = answer.headers.get("Link", "")
        path = link.partition(">")[0].removeprefix("<http://testserver")
    return found


@pytest.mark.parametrize("limit", [1000, 97])
def test_pages_of_a_tree_join_to_all_of_it(repository: Repository, limit: int) -> None:
    wire = Wire(repository.created_by)
    base = f"/api/models/{repository}/tree/main"

    found = pages(wire, f"{base}?recursive=true&limit={limit}")

    assert all(len(page) == limit for page in found[:-1])
    paths = [path for page in found for path in page]
    assert paths == sorted(paths, key=str.encode)
    assert len(set(paths)) == len(paths) == 1201 + 4  # with .gitattributes and the folders
    flat = [path for page in pages(wire, f"{base}/a?limit={limit}") for path in page]
    assert flat == [f"a/{n:04}" for n in range(1000)]


def test_the_manifest_of_a_commit_into_many_files_is_that_of_all_its_files(
    repository: Repository,
) -> None:
    answer = Wire(repository.created_by).commit(repository, file('a/deeper/"odd" é.txt', b"new"))

    revision = repository.revisions.get(oid=answer.json()["commitOid"])
    all_files = files.files_of(revision)
    assert len(all_files) == 1202
    assert revision.manifest_digest == canonical.digest(manifest_of(all_files))
    assert revision.total_size == sum(one.size for one in all_files)


def test_no_position_in_a_tree_is_too_odd_for_a_sentence(repository: Repository) -> None:
    wire = Wire(repository.created_by)
    for position in ("5", '{"a": 1}', '"\\ud800"', '"a\\u0000"', "[]", "true"):
        cursor = base64.urlsafe_b64encode(position.encode()).decode()

        answer = wire.get(f"/api/models/{repository}/tree/main?cursor={cursor}")

        assert answer.status_code == 400, position
        assert answer.json()["error"].startswith("cursor:")
