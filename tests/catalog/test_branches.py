"""Names of branches, tags and versions: one name means one thing, and people can read it."""

import pytest

from registry.accounts.callers import NOBODY
from registry.catalog import branches, positions, revisions, versions
from registry.catalog.models import Ref
from registry.errors import Conflict, Invalid
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    """A released revision with one in quarantine above it."""
    release = factories.make_released()
    factories.make_commit(release.repository, {"notes.txt": "not for everybody yet"})
    return release


@pytest.fixture
def owner(release):
    return factories.as_caller(release.opened_by)


def _head(repository):
    return Ref.objects.get(repository=repository, name="refs/heads/main").head


def test_no_branch_takes_the_name_of_a_tag(release, owner):
    with pytest.raises(Invalid, match="is a tag already"):
        branches.create_branch(
            release.repository, "v1.0", start=_head(release.repository), by=owner
        )

    assert revisions.find(release.repository, "v1.0", caller=NOBODY) == release.revision


def test_no_tag_takes_the_name_of_a_branch(release, owner):
    with pytest.raises(Invalid, match="is a branch already"):
        branches.create_tag(release.repository, "main", start=_head(release.repository), by=owner)


def test_no_release_takes_the_name_of_a_branch(release, owner):
    branches.create_branch(release.repository, "v2", start=_head(release.repository), by=owner)

    with pytest.raises(Conflict, match="is the name of a branch"):
        positions.tag_release(release.repository, "v2", release.revision)


def test_the_tag_of_a_release_wins_over_a_branch_that_came_to_have_its_name(release, owner):
    Ref.objects.create(
        repository=release.repository, name="refs/heads/v1.0", head=_head(release.repository)
    )

    for caller in (NOBODY, owner):
        assert revisions.find(release.repository, "v1.0", caller=caller) == release.revision


@pytest.mark.parametrize("length", [7, 12, 40])
@pytest.mark.parametrize("case", [str.lower, str.upper])
@pytest.mark.parametrize("create", [branches.create_branch, branches.create_tag])
def test_no_branch_or_tag_looks_like_a_commit_id(release, owner, length, case, create):
    name = case(release.revision.oid[:length])

    with pytest.raises(Invalid, match="look like a commit id"):
        create(release.repository, name, start=_head(release.repository), by=owner)


@pytest.mark.parametrize(
    "name",
    ["v1\u202e0", "v1\u200d", "v1\x85", "v1\u2028", "ma\u00adin", "v\u3164", "v\ud800", "v\ue000"],
)
@pytest.mark.parametrize("create", [branches.create_branch, branches.create_tag])
def test_names_that_people_cannot_read_are_refused(release, owner, name, create):
    with pytest.raises(Invalid, match="Invalid reference"):
        create(release.repository, name, start=_head(release.repository), by=owner)


@pytest.mark.parametrize("name", ["feature/größe", "deadbee-f", "con", "abc123", "v1"])
def test_ordinary_names_are_taken(release, owner, name):
    ref = branches.create_branch(
        release.repository, name, start=_head(release.repository), by=owner
    )

    assert ref.short == name


@pytest.mark.parametrize(
    "label", ["HEAD", "head", "main", "Main", "refs", "refs-v1", "DEADBEE", "deadbee", "A" * 40]
)
def test_a_version_label_means_nothing_else(label):
    with pytest.raises(Invalid, match="cannot be a version label"):
        versions.check_label(label)


@pytest.mark.parametrize("label", ["v1.0", "1", "2024-07-23", "mainline", "abc123", "instruct+2"])
def test_ordinary_version_labels_are_taken(label):
    versions.check_label(label)
