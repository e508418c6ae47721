"""Only a maintainer may have the checks ask less of a repository."""

import pytest
from django.core.management import CommandError, call_command

from registry.accounts import callers, tokens
from registry.accounts.models import Scope
from registry.audit.models import Entry
from registry.checks import profiles, runs
from registry.checks.models import CheckRun
from registry.errors import Invalid, NotAllowed
from tests import factories

pytestmark = pytest.mark.django_db


def test_without_a_choice_everything_is_asked():
    assert profiles.of(factories.make_repository()) == "full"


def test_a_maintainer_chooses_and_it_is_on_record():
    repository, maintainer = factories.make_repository(), factories.make_maintainer()

    profiles.assign(repository, "structural", by=factories.as_caller(maintainer))

    run = CheckRun.objects.get(revision=factories.make_revision(repository))
    assert run.profile == "structural"
    entry = Entry.objects.get(event="checks.profile")
    assert (entry.actor, entry.subject) == (maintainer.public_id, repository.public_id)
    assert entry.details == {"profile": "structural"}


def test_the_owner_of_a_repository_cannot_choose():
    repository = factories.make_repository()

    with pytest.raises(NotAllowed):
        profiles.assign(repository, "structural", by=factories.as_caller(repository.created_by))

    assert profiles.of(repository) == "full"


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_a_maintainers_token_of_another_scope_than_admin_cannot_choose(scope):
    token, _ = tokens.issue(user=factories.make_maintainer(), name="test", scope=scope)

    with pytest.raises(NotAllowed):
        profiles.assign(factories.make_repository(), "structural", by=callers.of_token(token))


def test_an_unknown_profile_is_refused():
    with pytest.raises(Invalid, match="full or structural"):
        profiles.assign(
            factories.make_repository(),
            "none",
            by=factories.as_caller(factories.make_maintainer()),
        )


def test_a_lenient_run_does_not_count_once_the_repository_is_checked_in_full_again():
    repository = factories.make_repository()
    maintainer = factories.as_caller(factories.make_maintainer())
    profiles.assign(repository, "structural", by=maintainer)
    revision = factories.make_revision(repository)
    factories.finish_checks(revision)
    assert runs.holds(revision) == []

    profiles.assign(repository, "full", by=maintainer)

    assert "run them again" in runs.holds(revision)[0]


def test_the_command_prints_the_profile(capsys):
    repository = factories.make_repository()

    call_command("checks", "profile", repository.full_name.upper(), "structural")

    assert capsys.readouterr().out == "structural\n"
    assert profiles.of(repository) == "structural"
    assert Entry.objects.get(event="checks.profile").actor == ""


def test_the_command_names_a_repository_that_does_not_exist():
    with pytest.raises(CommandError, match="no/such"):
        call_command("checks", "profile", "no/such", "structural")
