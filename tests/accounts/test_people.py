"""Making people, service accounts and organisations."""

import pytest

from registry.accounts import people
from registry.accounts.models import Membership, Namespace, NamespaceKind, Role, User
from registry.audit.models import Entry
from registry.errors import Conflict, Invalid
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def _another_namespace() -> Namespace:
    return Namespace.objects.create(name="other", kind=NamespaceKind.PERSON)


def test_a_person_has_a_namespace_of_their_own_and_an_entry_without_personal_data():
    user = people.create_person(username="ada", email="ada@example.org", full_name="Ada E.")

    assert user.namespace.name == "ada"
    assert not user.has_usable_password()
    entry = Entry.objects.get(event="person.create")
    assert entry.subject == user.public_id
    assert "ada" not in str(entry.details)


@pytest.mark.parametrize("email", ["", "no-address", "a@", "a b@example.org"])
def test_an_address_that_is_none_is_refused(email):
    with pytest.raises(Invalid):
        people.create_person(username="ada", email=email)


def test_an_address_is_registered_once_in_any_case():
    people.create_person(username="ada", email="ada@example.org")

    with pytest.raises(Conflict):
        people.create_person(username="bob", email="ADA@example.org")

    assert not Namespace.objects.filter(name="bob").exists()


@pytest.mark.parametrize("password", ["short", "password12", "ada-ada-ada"])
def test_a_weak_password_makes_no_account(password):
    with pytest.raises(Invalid):
        people.create_person(username="ada-ada", email="ada@example.org", password=password)

    assert not User.objects.exists()
    assert not Namespace.objects.exists()


def test_an_unknown_site_role_is_refused():
    with pytest.raises(Invalid):
        people.create_person(username="ada", email="ada@example.org", site_role="king")


def test_a_service_account_has_neither_password_nor_site_role():
    service = people.create_service_account(username="ci-job")

    assert service.is_service
    assert not service.has_usable_password()
    assert service.site_role == ""


def test_the_owner_of_an_organisation_is_its_admin():
    ada = factories.make_user()

    organisation = people.create_organisation(name="lab", owner=ada)

    assert Membership.objects.get(namespace=organisation).role == Role.ADMIN


def test_a_role_replaces_the_one_before():
    organisation = factories.make_organisation()
    bob = factories.make_member(organisation, Role.READ)

    people.set_role(namespace=organisation, user=bob, role=Role.WRITE, by="")

    assert Membership.objects.get(namespace=organisation, user=bob).role == Role.WRITE
    with pytest.raises(Invalid):
        people.set_role(namespace=organisation, user=bob, role="king", by="")


def test_the_database_keeps_usernames_unique_in_any_case():
    factories.make_user("ada")

    with refused_by("username_is_unique_in_any_case"):
        User.objects.create(username="ADA", email="x@example.org", namespace=_another_namespace())


def test_the_database_keeps_addresses_unique_in_any_case_but_allows_many_without():
    user = factories.make_user()
    people.create_service_account(username="ci-one")
    people.create_service_account(username="ci-two")

    with refused_by("email_is_unique_in_any_case"):
        User.objects.create(
            username="other", email=user.email.upper(), namespace=_another_namespace()
        )


def test_the_database_gives_service_accounts_no_site_role():
    service = people.create_service_account(username="ci-job")

    with refused_by("service_account_has_no_site_role"):
        User.objects.filter(pk=service.pk).update(site_role="maintainer")


def test_the_database_keeps_one_role_of_a_person_in_a_namespace():
    organisation = factories.make_organisation()
    bob = factories.make_member(organisation, Role.READ)

    with refused_by("one_role_of_a_person_in_a_namespace"):
        Membership.objects.create(user=bob, namespace=organisation, role=Role.ADMIN)
