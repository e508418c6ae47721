"""Reading a revision: files, folders, the manifest."""

import pytest

from registry.audit import canonical
from registry.catalog import files
from registry.errors import EntryMissing
from tests import factories
from tests.manifests import manifest_of

pytestmark = pytest.mark.django_db

CONTENT = {"b.txt": "b", "a/x.txt": "x", "a/deep/y.txt": "y", "copy/x.txt": "x", "c/d/copy": "z"}


@pytest.fixture
def revision():
    return factories.make_commit(factories.make_repository(), CONTENT)


def test_all_files_come_sorted_by_path(revision):
    assert [file.path for file in files.files_of(revision)] == sorted([".gitattributes", *CONTENT])


def test_folders_that_git_shares_are_listed_at_each_of_their_places():
    revision = factories.make_commit(
        factories.make_repository(),
        {f"{top}/{middle}/x.txt": "same" for top in "abc" for middle in "de"},
    )

    paths = [file.path for file in files.files_of(revision)]

    assert paths == [
        ".gitattributes",
        *(f"{top}/{middle}/x.txt" for top in "abc" for middle in "de"),
    ]


def test_a_folder_is_walked_alone_or_with_what_is_below(revision):
    flat = {entry.path for entry in files.walk(revision, "a", recursive=False)}
    deep = {entry.path for entry in files.walk(revision, "a")}

    assert flat == {"a/x.txt", "a/deep"}
    assert deep == {"a/x.txt", "a/deep", "a/deep/y.txt"}


def test_a_file_is_found_by_its_exact_path(revision):
    file = files.find(revision, "a/deep/y.txt")

    assert (file.size, file.is_lfs) == (1, False)


@pytest.mark.parametrize("path", ["", "a", "a/x", "A/x.txt", "a/x.txt/y", "nope/x.txt", "../b.txt"])
def test_what_is_not_a_file_of_the_revision_is_missing(revision, path):
    with pytest.raises(EntryMissing) as caught:
        files.find(revision, path)
    assert caught.value.commit == revision.oid


def test_a_folder_that_is_missing_is_said(revision):
    for path in ("nope", "b.txt"):
        with pytest.raises(EntryMissing):
            list(files.walk(revision, path))


def test_the_manifest_digest_is_over_paths_sizes_and_hashes(revision):
    manifest = manifest_of(files.files_of(revision))

    assert revision.manifest_digest == canonical.digest(manifest)
    assert set(manifest[0]) == {"path", "size", "sha256"}


def test_the_manifest_digest_moves_with_any_byte_and_any_name(revision):
    repository = revision.repository
    seen = {revision.manifest_digest}
    for change in ({"b.txt": "B"}, {"new": "b"}, {"a/x.txt": ""}):
        seen.add(factories.make_commit(repository, change).manifest_digest)

    assert len(seen) == 4


def test_listing_costs_one_query(revision, django_assert_num_queries):
    with django_assert_num_queries(1):
        files.files_of(revision)
