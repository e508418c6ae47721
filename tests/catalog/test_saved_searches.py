"""Searches that people keep: whose they are, how many, and what the database refuses."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts import callers
from registry.accounts.callers import NOBODY
from registry.agreements import personal_data, privacy
from registry.catalog import saved_searches
from registry.catalog.models import SavedSearch
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow, SignInRequired
from tests import factories
from tests.factories import as_caller
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def test_a_search_is_kept_looked_at_and_forgotten_by_its_owner_alone():
    ada, bob = as_caller(factories.make_user()), as_caller(factories.make_user())
    kept = saved_searches.keep("  Small   ones ", "parameters=max%3A3B", by=ada)

    assert kept.name == "Small ones"
    assert not saved_searches.of(bob).exists()
    assert not saved_searches.of(NOBODY).exists()
    for act in (saved_searches.look, saved_searches.forget):
        with pytest.raises(Missing):
            act(kept.public_id, by=bob)
    later = timezone.now() + timedelta(days=1)
    saved_searches.look(kept.public_id, by=ada, now=later)
    assert SavedSearch.objects.get().seen_at == later
    saved_searches.forget(kept.public_id, by=ada)
    assert not saved_searches.of(ada).exists()


def test_a_search_needs_a_person_a_name_of_its_own_and_room(monkeypatch):
    user = factories.make_user()
    ada = as_caller(user)
    saved_searches.keep("mine", "", by=ada)

    with pytest.raises(SignInRequired):
        saved_searches.keep("mine", "", by=NOBODY)
    with pytest.raises(NotAllowed):
        saved_searches.keep("other", "", by=callers.Caller(user=user, scope="read"))
    for name, query in ((" ", ""), ("n" * 101, ""), ("long", "q=" + "x" * 2000)):
        with pytest.raises(Invalid):
            saved_searches.keep(name, query, by=ada)
    with pytest.raises(Conflict):
        saved_searches.keep("mine", "q=x", by=ada)
    monkeypatch.setattr(saved_searches, "MAX_SEARCHES", 1)
    with pytest.raises(NotNow):
        saved_searches.keep("another", "", by=ada)


def test_the_database_refuses_a_second_of_a_name_and_one_without():
    kept = saved_searches.keep("mine", "", by=as_caller(factories.make_user()))
    again = {"user": kept.user, "query": "", "seen_at": timezone.now()}

    with refused_by("search_saved_once_by_a_name"):
        SavedSearch.objects.create(name="mine", **again)
    with refused_by("saved_search_has_a_name"):
        SavedSearch.objects.create(name="", **again)


def test_kept_searches_are_taken_away_with_ones_data_and_go_with_the_account():
    user = factories.make_user()
    ada = as_caller(user)
    saved_searches.keep("Hunting for a new job", "q=jobs", by=ada)

    assert "Hunting for a new job" in "".join(personal_data.export(user, by=ada))
    privacy.erase(user, by=ada, confirmed=user.username)

    assert not SavedSearch.objects.exists()
