"""Who may do what: the role, the site role and the token together."""

import itertools

import pytest

from registry.accounts import permissions
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Namespace, Role, Scope
from registry.accounts.permissions import BY_ROLE, Permission
from tests import factories

pytestmark = pytest.mark.django_db

NEEDS_WRITE = {Permission.WRITE, Permission.PROPOSE, Permission.MANAGE}
SITE = {Permission.REVIEW, Permission.GOVERN}


@pytest.mark.parametrize(
    ("role", "scope"), list(itertools.product([*Role.values, None], Scope.values))
)
def test_a_role_gives_what_the_table_says_within_the_scope_of_the_token(role, scope):
    organisation = factories.make_organisation()
    user = factories.make_member(organisation, role) if role else factories.make_user()
    caller = Caller(user=user, scope=scope)

    for permission in Permission:
        expected = permission in BY_ROLE.get(role, frozenset())
        if permission in NEEDS_WRITE:
            expected &= scope in {Scope.WRITE, Scope.ADMIN}
        if permission is Permission.ADMIN:
            expected &= scope == Scope.ADMIN
        assert permissions.may(caller, permission, organisation) == expected, permission


@pytest.mark.parametrize(
    ("site_role", "scope"),
    list(itertools.product(["", "maintainer", "steward"], Scope.values)),
)
def test_reviewing_and_governing_need_a_site_role_and_scope_admin(site_role, scope):
    caller = Caller(user=factories.make_user(site_role=site_role), scope=scope)
    organisation = factories.make_organisation()

    reviews = permissions.may(caller, Permission.REVIEW, organisation)
    governs = permissions.may(caller, Permission.GOVERN, organisation)

    assert reviews == (site_role != "" and scope == "admin")
    assert governs == (site_role == "steward" and scope == "admin")
    assert not permissions.may(caller, Permission.WRITE, organisation)


def test_ones_own_namespace_is_ones_own():
    user = factories.make_user()

    assert permissions.role_in(factories.as_caller(user), user.namespace) == Role.ADMIN


def test_nobody_and_closed_accounts_may_nothing():
    user = factories.make_user(site_role="steward")
    user.is_active = False
    user.save()

    for caller in (NOBODY, factories.as_caller(user)):
        for permission in Permission:
            assert not permissions.may(caller, permission, user.namespace)
            found = Namespace.objects.filter(
                permissions.namespaces_with(caller, permission, field="person__namespace")
            )
            assert not found.exists()
