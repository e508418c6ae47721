"""Groups of repositories: made by admins, asked for as one, opened as one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace, Role, Scope, User
from registry.agreements import grants, groups, requests, scopes
from registry.agreements.models import AccessGroup, AccessGroupEntry, AccessRequest, Grant
from registry.audit.models import Entry
from registry.catalog.models import Gated, Repository
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow
from tests import factories
from tests.agreements.access import ask, set_mode
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Namespace:
    return factories.make_organisation("lab")


@pytest.fixture
def admin(lab: Namespace) -> Caller:
    return factories.as_caller(lab.memberships.get().user)


@pytest.fixture
def bob() -> User:
    return factories.make_user("bob")


@pytest.fixture
def group(lab: Namespace, admin: Caller) -> AccessGroup:
    """A group with two repositories, which a person lets into."""
    made = groups.make(lab, "Medical models", by=admin)
    for number in range(2):
        one = factories.make_repository(admin.user, namespace="lab", name=f"model{number}")
        groups.put(made, one, by=admin)
    groups.set_mode(made, Gated.MANUAL, by=admin)
    return made


def _first(group: AccessGroup) -> Repository:
    return groups.repositories_in(group)[0]


def _second(group: AccessGroup) -> Repository:
    return groups.repositories_in(group)[1]


def _is_in(repository: Repository, user: User, now=None) -> bool:
    return bool(grants.opening(repository, factories.as_caller(user), now))


def test_one_act_sets_the_lock_of_all_that_is_in_a_group(group):
    assert [one.gated for one in groups.repositories_in(group)] == ["manual", "manual"]
    assert Entry.objects.filter(event="repository.set-gated").count() == 2
    assert Entry.objects.get(event="access-group.set-gated").subject == group.public_id


def test_a_request_for_one_is_for_the_group_and_its_grant_opens_all_of_it(group, admin, bob):
    request = ask(_first(group), bob)
    assert request.group == group
    assert ask(_second(group), bob) == request
    assert list(requests.listed(_second(group), "pending")) == [request]

    requests.handle(_second(group), status="accepted", user="bob", by=admin)

    assert Grant.objects.get().group == group
    assert _is_in(_first(group), bob)
    assert _is_in(_second(group), bob)
    assert Entry.objects.get(event="access.accept").details["group"] == group.public_id


def test_a_grant_opens_what_is_put_in_later_and_not_what_is_taken_out(group, admin, bob):
    first, later = _first(group), factories.make_repository(admin.user, namespace="lab")
    ask(first, bob)
    requests.handle(first, status="accepted", user="bob", by=admin)

    groups.put(group, later, by=admin)
    groups.take_out(group, first, by=admin)

    assert _is_in(later, bob)
    assert not _is_in(first, bob)
    assert list(requests.listed(first)) == []
    assert requests.newest(later, bob).state == "accepted"
    assert ask(first, bob).group is None
    assert AccessGroupEntry.objects.filter(repository=first, until=None).count() == 0
    assert AccessGroupEntry.objects.filter(repository=first).count() == 1


def test_putting_twice_is_putting_once_and_two_groups_share_nothing(group, lab, admin):
    first = _first(group)
    groups.put(group, first, by=admin)
    other = groups.make(lab, "Others", by=admin)

    with pytest.raises(Conflict, match="Medical models"):
        groups.put(other, first, by=admin)
    groups.take_out(other, first, by=admin)

    assert Entry.objects.filter(event="access-group.put").count() == 2
    assert Entry.objects.filter(event="access-group.take-out").count() == 0


def test_a_request_of_before_stands_beside_that_for_the_group(group, lab, admin, bob):
    alone = factories.make_repository(admin.user, namespace="lab")
    set_mode(alone, Gated.MANUAL)
    ask(alone, bob)
    requests.handle(alone, status="accepted", user="bob", by=admin)
    groups.put(group, alone, by=admin)

    assert ask(alone, bob).group == group
    assert len(requests.listed(alone)) == 2
    requests.handle(alone, status="accepted", user="bob", by=admin)
    assert len(grants.opening(alone, factories.as_caller(bob))) == 2
    requests.handle(alone, status="rejected", user="bob", by=admin)

    assert not _is_in(alone, bob)
    assert not _is_in(_first(group), bob)
    assert {one.state for one in AccessRequest.objects.all()} == {"rejected"}


def test_a_group_grant_names_no_releases_of_one_repository(group, admin, bob):
    ask(_first(group), bob)

    with pytest.raises(Invalid, match="group"):
        requests.handle(
            _first(group),
            status="accepted",
            user="bob",
            scope=scopes.Scope(first_release="0" * 24),
            by=admin,
        )


def test_who_may_write_only_some_of_a_group_decides_nothing_about_it(group, admin, bob):
    first = _first(group)
    request = ask(first, bob)
    narrow = Caller(user=admin.user, scope=Scope.ADMIN, repositories=frozenset({first.public_id}))

    with pytest.raises(NotAllowed):
        requests.handle(first, status="accepted", user="bob", by=narrow)
    with pytest.raises(NotAllowed):
        requests.ask_back(first, request_id=request.public_id, question="?", by=narrow)
    requests.handle(first, status="accepted", user="bob", by=admin)
    with pytest.raises(NotAllowed):
        grants.revoke(Grant.objects.get(), by=narrow)
    with pytest.raises(NotAllowed):
        groups.set_mode(group, Gated.NO, by=narrow)


@pytest.mark.parametrize("who", ["outsider", "writer", "write token", "maintainer"])
def test_only_admins_manage_groups(group, lab, admin, who):
    caller = {
        "outsider": lambda: factories.as_caller(factories.make_user()),
        "writer": lambda: factories.as_caller(factories.make_member(lab, Role.WRITE)),
        "write token": lambda: Caller(user=admin.user, scope=Scope.WRITE),
        "maintainer": lambda: factories.as_caller(factories.make_maintainer()),
    }[who]()

    for act in (
        lambda: groups.make(lab, "Mine", by=caller),
        lambda: groups.put(group, _first(group), by=caller),
        lambda: groups.take_out(group, _first(group), by=caller),
        lambda: groups.set_mode(group, Gated.NO, by=caller),
        lambda: groups.close(group, by=caller),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert not groups.may_manage(lab, caller)


def test_a_group_holds_repositories_of_its_own_namespace(group, admin):
    with pytest.raises(Invalid):
        groups.put(group, factories.make_repository(admin.user), by=admin)
    for name in ("", "  ", "x" * 101):
        with pytest.raises(Invalid):
            groups.make(group.namespace, name, by=admin)
    with pytest.raises(Conflict):
        groups.make(group.namespace, "medical MODELS", by=admin)


def test_an_empty_group_is_closed_and_its_name_is_free(group, lab, admin):
    with pytest.raises(NotNow):
        groups.close(group, by=admin)
    for one in list(groups.repositories_in(group)):
        groups.take_out(group, one, by=admin)
    groups.close(group, by=admin)

    assert list(groups.of_namespace(lab)) == []
    assert groups.make(lab, "Medical models", by=admin) != group
    with pytest.raises(NotNow):
        groups.put(group, factories.make_repository(admin.user, namespace="lab"), by=admin)


def test_a_person_outside_learns_of_nothing_through_a_group(group, admin, bob):
    stranger = factories.make_repository()
    set_mode(stranger, Gated.MANUAL)
    request = ask(_first(group), bob)

    with pytest.raises(Missing):
        requests.handle(
            stranger,
            status="accepted",
            request_id=request.public_id,
            by=factories.as_caller(stranger.created_by),
        )


def test_the_database_keeps_groups_consistent(group, lab, bob):
    now = timezone.now()
    first, second = _first(group), _second(group)
    rest = {"user": bob, "asked_at": now, "mode": "manual", "group": group}
    AccessRequest.objects.create(repository=first, **rest)

    with refused_by("one_living_request_for_a_group"):
        AccessRequest.objects.create(repository=second, **rest)
    with refused_by("access_group_once_in_a_namespace"):
        AccessGroup.objects.create(namespace=lab, name="MEDICAL models", created_at=now)
    with refused_by("repository_in_one_group"):
        AccessGroupEntry.objects.create(group=group, repository=first, since=now)
    with refused_by("group_entry_ends_after_its_start"):
        AccessGroupEntry.objects.update(until=now - timedelta(days=1))


def test_an_automatic_yes_opens_no_group_into_which_a_person_lets(group, admin, bob):
    set_mode(_first(group), Gated.AUTO)

    request = ask(_first(group), bob)

    assert (request.state, request.mode) == ("pending", Gated.MANUAL)
    assert not _is_in(_second(group), bob)
    assert ask(_first(group), bob).state == "pending"
    set_mode(_second(group), Gated.AUTO)
    assert ask(_second(group), factories.make_user("ada")).state == "accepted"
