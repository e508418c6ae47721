"""Advising against a repository: who may, what may be named in its place, and who reads of it."""

import pytest
from django.utils import timezone

from registry.accounts.models import Role
from registry.audit.models import Entry
from registry.catalog import deprecations
from registry.catalog.models import Deprecation
from registry.errors import Invalid, NotAllowed, SignInRequired
from tests import factories
from tests.factories import as_caller
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def test_an_admin_advises_against_a_repository_and_takes_it_back() -> None:
    ada = factories.make_user("ada")
    old, new = (factories.make_repository(ada, name) for name in ("old", "new"))
    by = as_caller(ada)

    deprecations.deprecate(old, by=by, successor="ADA/new", note=" Slow. ")
    advice = deprecations.of(old, caller=by)

    assert advice is not None
    assert (advice.note, advice.successor) == ("Slow.", new)
    told = deprecations.of(old, caller=as_caller(factories.make_user()))
    assert told is not None
    assert told.successor is None  # in quarantine: nobody else knows of it
    with pytest.raises(Invalid, match="as its successor"):
        deprecations.deprecate(new, by=by, successor="ada/old")
    for name in ("ada/old", "ada/none"):
        with pytest.raises(Invalid):
            deprecations.deprecate(old, by=by, successor=name)
    deprecations.take_back(old, by=by)
    deprecations.take_back(old, by=by)
    assert deprecations.of(old, caller=by) is None
    events = Entry.objects.filter(event__contains="deprecate").order_by("pk")
    assert [one.event for one in events] == ["repository.deprecate", "repository.undeprecate"]


def test_only_an_admin_of_the_namespace_may() -> None:
    lab = factories.make_organisation("lab", owner=(ada := factories.make_user("ada")))
    repository = factories.make_repository(ada, namespace="lab")
    for person in (factories.make_member(lab, Role.WRITE), factories.make_maintainer()):
        for act in (deprecations.deprecate, deprecations.take_back):
            with pytest.raises(NotAllowed):
                act(repository, by=as_caller(person))
    with pytest.raises(SignInRequired):
        deprecations.deprecate(repository, by=factories.Caller())


def test_nothing_succeeds_itself_whatever_the_code_says() -> None:
    repository = factories.make_repository(ada := factories.make_user())
    with refused_by("nothing_succeeds_itself"):
        Deprecation.objects.create(
            repository=repository, successor=repository, by=ada, at=timezone.now()
        )
