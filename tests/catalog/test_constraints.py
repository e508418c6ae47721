"""What the database itself refuses about repositories and git objects."""

import pytest
from django.utils import timezone

from registry.catalog.models import (
    FormerName,
    GitBlob,
    Holding,
    Like,
    Ref,
    Repository,
    Revision,
    Tree,
    TreeEntry,
)
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def revision():
    return factories.make_revision()


def test_a_repository_name_is_unique_in_any_case_while_it_lives(revision):
    repository = revision.repository
    again = {
        "namespace": repository.namespace,
        "name": repository.name.upper(),
        "created_by": repository.created_by,
    }

    with refused_by("repository_name_is_unique_in_any_case"):
        Repository.objects.create(**again)
    Repository.objects.filter(pk=repository.pk).update(deleted_at=timezone.now())
    Repository.objects.create(**again)


def test_a_former_name_leads_to_one_repository(revision):
    former = {"type": "model", "namespace": revision.repository.namespace}
    FormerName.objects.create(**former, name="Old", repository=revision.repository)

    with refused_by("former_name_leads_to_one_repository"):
        FormerName.objects.create(**former, name="old", repository=revision.repository)


def test_a_person_likes_a_repository_once(revision):
    Like.objects.create(user=revision.author, repository=revision.repository)

    with refused_by("liked_once_by_a_person"):
        Like.objects.create(user=revision.author, repository=revision.repository)


def test_a_tree_is_there_once(revision):
    with refused_by("tree_once_in_a_repository"):
        Tree.objects.create(repository=revision.repository, oid=revision.tree.oid)


def test_a_git_blob_is_there_once(revision):
    blob = GitBlob.objects.filter(repository=revision.repository).first()

    with refused_by("git_blob_once_in_a_repository"):
        GitBlob.objects.create(
            repository=blob.repository, oid=blob.oid, blob=blob.blob, is_lfs=blob.is_lfs
        )


def test_a_name_stands_once_in_a_folder(revision):
    entry = revision.tree.entries.first()

    with refused_by("name_once_in_a_folder"):
        TreeEntry.objects.create(tree=entry.tree, name=entry.name, file=entry.file)


@pytest.mark.parametrize("both", [True, False])
def test_an_entry_is_either_a_file_or_a_folder(revision, both):
    entry = revision.tree.entries.first()

    with refused_by("entry_is_a_file_or_a_folder"):
        TreeEntry.objects.create(
            tree=entry.tree,
            name="odd",
            file=entry.file if both else None,
            folder=entry.tree if both else None,
        )


def test_a_revision_is_there_once(revision):
    with refused_by("revision_once_in_a_repository"):
        Revision.objects.create(
            repository=revision.repository,
            oid=revision.oid,
            tree=revision.tree,
            author=revision.author,
            committed_at=revision.committed_at,
        )


def test_a_ref_is_there_once(revision):
    with refused_by("ref_once_in_a_repository"):
        Ref.objects.create(repository=revision.repository, name="refs/heads/main", head=revision)


@pytest.mark.parametrize(
    "name", ["main", "refs/pr/", "refs/pr/0", "refs/pr/1/2", "refs/pr/x", "heads/main", ""]
)
def test_a_ref_is_a_branch_a_tag_or_a_pull_request(revision, name):
    with refused_by("ref_is_a_branch_a_tag_or_a_pull_request"):
        Ref.objects.create(repository=revision.repository, name=name, head=revision)


def test_a_blob_is_held_once_by_a_repository(revision):
    holding = Holding.objects.filter(repository=revision.repository).first()

    with refused_by("blob_held_once_by_a_repository"):
        Holding.objects.create(
            repository=holding.repository, blob=holding.blob, brought_by=holding.brought_by
        )
