"""Which revision a name means, and for whom it exists."""

import pytest

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope
from registry.catalog import branches, history, repositories, revisions
from registry.catalog.models import Ref, Repository, Visibility
from registry.errors import NotAllowed, RepositoryMissing, RevisionMissing
from registry.releases import workflow
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    """A released revision with one in quarantine above it."""
    release = factories.make_released()
    factories.make_commit(release.repository, {"notes.txt": "not for everybody yet"})
    return release


def _head(repository):
    return Ref.objects.get(repository=repository, name="refs/heads/main").head


def _found(release, name, caller):
    repository = Repository.objects.get(pk=release.repository.pk)
    return revisions.find(repository, name, caller=caller)


def test_main_is_the_head_for_those_who_write_and_the_public_position_for_all_others(release):
    owner, head = release.opened_by, _head(release.repository)

    for caller in (factories.as_caller(owner), Caller(user=owner, scope=Scope.WRITE)):
        assert _found(release, "main", caller) == head
    for caller in (
        NOBODY,
        factories.as_caller(factories.make_user()),
        factories.as_caller(factories.make_maintainer()),
        Caller(user=owner, scope=Scope.READ),
    ):
        assert _found(release, "main", caller) == release.revision


def test_maintainers_see_the_head_while_nothing_is_released():
    revision = factories.make_revision()

    found = revisions.find(
        revision.repository, "main", caller=factories.as_caller(factories.make_maintainer())
    )

    assert found == revision


def test_a_revision_in_quarantine_is_named_by_its_id_by_those_who_see_it(release):
    head = _head(release.repository)

    for caller in (
        factories.as_caller(release.opened_by),
        Caller(user=release.opened_by, scope=Scope.READ),
        factories.as_caller(factories.make_maintainer()),
    ):
        assert _found(release, head.oid, caller) == head
        assert _found(release, head.oid[:7].upper(), caller) == head


@pytest.mark.parametrize("length", [7, 12, 40])
def test_a_revision_in_quarantine_does_not_exist_for_others_by_any_name(release, length):
    name = _head(release.repository).oid[:length]

    for caller in (NOBODY, factories.as_caller(factories.make_user())):
        with pytest.raises(RevisionMissing):
            _found(release, name, caller)


def test_a_member_who_may_only_read_does_not_see_quarantine():
    organisation = factories.make_organisation()
    admin = organisation.memberships.get().user
    repository = factories.make_repository(admin, namespace=organisation.name)
    factories.make_revision(repository)
    reader = factories.as_caller(factories.make_member(organisation, Role.READ))

    assert not Repository.objects.visible_to(reader).filter(pk=repository.pk).exists()
    with pytest.raises(RevisionMissing):
        revisions.find(repository, "main", caller=reader)


@pytest.mark.parametrize(
    "name", ["", "no-such", "refs/heads/no", "0" * 40, "abc", "g" * 40, "HEAD"]
)
def test_a_name_that_means_nothing_is_refused(release, name):
    with pytest.raises(RevisionMissing):
        _found(release, name, factories.as_caller(release.opened_by))


def test_the_tag_of_a_release_is_its_revision_for_everybody(release):
    for name in ("v1.0", "refs/tags/v1.0"):
        assert _found(release, name, NOBODY) == release.revision


def test_nobody_moves_or_deletes_the_tag_of_a_release(release):
    with pytest.raises(NotAllowed):
        branches.delete_tag(release.repository, "v1.0", by=factories.as_caller(release.opened_by))


def test_a_tag_of_a_revision_in_quarantine_exists_only_for_those_who_see_it(release):
    owner = factories.as_caller(release.opened_by)
    head = _head(release.repository)
    branches.create_tag(release.repository, "early", start=head, by=owner)

    assert _found(release, "early", owner) == head
    with pytest.raises(RevisionMissing):
        _found(release, "early", NOBODY)
    names = [ref.short for ref, _ in revisions.refs_for(release.repository, caller=NOBODY)]
    assert sorted(names) == ["main", "v1.0"]


def test_what_was_withdrawn_last_answers_for_a_branch_where_nothing_is_released_any_more(release):
    maintainer = factories.as_caller(factories.make_maintainer())
    workflow.transition("suspend", release, by=maintainer, reason="A report")

    assert _found(release, "main", NOBODY) == release.revision


def test_history_shows_what_the_caller_may_know_of(release):
    repository, head = release.repository, _head(release.repository)

    public = history.line(repository, release.revision, caller=NOBODY)
    own = history.line(repository, head, caller=factories.as_caller(release.opened_by))

    assert history.revisions_at(public) == [release.revision]
    assert [one.title for one in history.revisions_at(own)] == [
        "Add files",
        "Add files",
        "initial commit",
    ]


# Repositories


def test_a_repository_exists_for_the_public_once_something_was_released(release):
    hidden = factories.make_revision().repository

    found = set(Repository.objects.visible_to(NOBODY))

    assert release.repository in found
    assert hidden not in found
    with pytest.raises(RepositoryMissing):
        repositories.find(hidden.full_name, caller=NOBODY)


def test_a_private_repository_exists_for_its_circle_alone():
    organisation = factories.make_organisation()
    admin = organisation.memberships.get().user
    repository = factories.make_repository(
        admin, namespace=organisation.name, visibility=Visibility.PRIVATE
    )
    factories.make_released(repository)
    member = factories.make_member(organisation, Role.READ)

    def sees(caller) -> bool:
        return Repository.objects.visible_to(caller).filter(pk=repository.pk).exists()

    assert sees(factories.as_caller(member))
    assert sees(factories.as_caller(admin))
    assert sees(factories.as_caller(factories.make_maintainer()))
    assert not sees(factories.as_caller(factories.make_user()))
    assert not sees(NOBODY)


def test_a_token_limited_to_other_repositories_does_not_see_this_one(release):
    owner = release.opened_by
    narrow = Caller(user=owner, scope=Scope.ADMIN, repositories=frozenset({"0" * 24}))

    assert not Repository.objects.visible_to(narrow).exists()
    assert not Repository.objects.writable_by(narrow).exists()
    assert not Repository.objects.quarantine_seen_by(narrow).exists()


def test_a_deleted_repository_that_was_never_released_frees_its_name():
    repository = factories.make_revision().repository
    owner = repository.created_by
    repositories.delete(repository, by=factories.as_caller(owner))

    for caller in (NOBODY, factories.as_caller(owner)):
        assert not Repository.objects.visible_to(caller).exists()
    assert factories.make_repository(owner, repository.name).pk != repository.pk


def test_what_is_released_is_not_deleted(release):
    with pytest.raises(NotAllowed, match="suspend or recall"):
        repositories.delete(release.repository, by=factories.as_caller(release.opened_by))

    assert Repository.objects.visible_to(NOBODY).get() == release.repository


@pytest.mark.parametrize("step", ["suspend", "recall"])
def test_the_name_of_a_deleted_model_that_was_released_is_never_taken_again(release, step):
    repository, owner = release.repository, release.opened_by
    maintainer = factories.as_caller(factories.make_maintainer())
    workflow.transition(step, release, by=maintainer, reason="A doubt about the data.")
    repositories.delete(repository, by=factories.as_caller(owner))

    assert not Repository.objects.visible_to(maintainer).exists()
    for name in (repository.name, repository.name.upper()):
        with pytest.raises(NotAllowed, match="was released and later deleted"):
            factories.make_repository(owner, name)
    elsewhere = factories.make_user()
    assert factories.make_repository(elsewhere, repository.name).namespace == elsewhere.namespace


def test_only_an_admin_deletes_a_repository(release):
    for caller in (
        factories.as_caller(factories.make_user()),
        factories.as_caller(factories.make_maintainer()),
        Caller(user=release.opened_by, scope=Scope.WRITE),
    ):
        with pytest.raises(NotAllowed):
            repositories.delete(release.repository, by=caller)


def test_a_repository_is_found_in_any_case(release):
    found = repositories.find(release.repository.full_name.upper(), caller=NOBODY)

    assert found == release.repository
    assert found.full_name == release.repository.full_name
