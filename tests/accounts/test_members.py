"""Members of an organisation: who changes them, and that somebody stays to do it."""

import pytest
from allauth.account.models import EmailAddress

from registry.accounts import domains, members, people
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Membership, Role, Scope
from registry.audit.models import Entry
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow, SignInRequired
from tests import factories
from tests.refusals import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return factories.make_user("ada")


@pytest.fixture
def lab(ada):
    return factories.make_organisation("lab", owner=ada)


def test_an_admin_takes_somebody_in_gives_a_role_and_lets_them_go(lab, ada):
    bob, by = factories.make_user("bob"), factories.as_caller(ada)

    members.add(lab, username=" BOB ", role=Role.READ, by=by)
    members.change_role(lab, user=bob, role=Role.WRITE, by=by)
    assert [(one.user.username, one.role) for one in members.of(lab)] == [
        ("ada", "admin"),
        ("bob", "write"),
    ]
    members.remove(lab, user=bob, by=by)

    assert not Membership.objects.filter(user=bob).exists()
    entry = Entry.objects.get(event="member.remove")
    assert (entry.actor, entry.subject) == (ada.public_id, lab.public_id)
    assert entry.details == {"member": bob.public_id, "role": "write"}


@pytest.mark.parametrize("role", [None, Role.READ, Role.CONTRIBUTOR, Role.WRITE])
def test_who_is_no_admin_changes_nobody(lab, ada, role):
    bob = factories.make_member(lab, role) if role else factories.make_user()
    by = factories.as_caller(bob)

    with pytest.raises(NotAllowed):
        members.add(lab, username=factories.make_user().username, role=Role.READ, by=by)
    with pytest.raises(NotAllowed):
        members.change_role(lab, user=bob, role=Role.ADMIN, by=by)
    with pytest.raises(NotAllowed):
        members.remove(lab, user=ada, by=by)


def test_a_token_without_the_scope_changes_nobody(lab, ada):
    by = Caller(user=ada, scope=Scope.WRITE)

    with pytest.raises(NotAllowed):
        members.add(lab, username=factories.make_user().username, role=Role.READ, by=by)
    with pytest.raises(NotAllowed):
        people.leave(namespace=lab, by=by)


def test_nobody_is_taken_in_twice_or_when_they_are_not_there(lab, ada):
    by, closed = factories.as_caller(ada), factories.make_user("closed")
    closed.is_active = False
    closed.save()

    with pytest.raises(Conflict, match="already"):
        members.add(lab, username="ada", role=Role.READ, by=by)
    for name in ("nobody", "", "closed"):
        with pytest.raises(Invalid, match="nobody called"):
            members.add(lab, username=name, role=Role.READ, by=by)
    with pytest.raises(Invalid, match="not a role"):
        members.add(lab, username=factories.make_user().username, role="king", by=by)
    with pytest.raises(Missing):
        members.remove(lab, user=factories.make_user(), by=by)
    with pytest.raises(Missing):
        members.change_role(lab, user=factories.make_user(), role=Role.READ, by=by)


def test_a_member_leaves(lab):
    bob = factories.make_member(lab)

    people.leave(namespace=lab, by=factories.as_caller(bob))

    assert not Membership.objects.filter(user=bob).exists()
    assert Entry.objects.get(event="member.remove").actor == bob.public_id
    with pytest.raises(Missing):
        people.leave(namespace=lab, by=factories.as_caller(bob))
    with pytest.raises(SignInRequired):
        people.leave(namespace=lab, by=NOBODY)


def test_the_last_admin_stays_and_is_told_what_to_do(lab, ada):
    by = factories.as_caller(ada)
    closed = factories.make_member(lab, Role.ADMIN)
    closed.is_active = False
    closed.save()
    people.set_role(
        namespace=lab, user=people.create_service_account(username="ci-job"), role="admin", by=""
    )

    for step in (
        lambda: people.leave(namespace=lab, by=by),
        lambda: members.remove(lab, user=ada, by=by),
        lambda: members.change_role(lab, user=ada, role=Role.WRITE, by=by),
        lambda: people.set_role(namespace=lab, user=ada, role=Role.READ, by=""),
    ):
        with pytest.raises(NotNow, match="Make somebody else an admin"):
            step()
    factories.make_member(lab, Role.ADMIN)
    people.leave(namespace=lab, by=by)

    assert not Membership.objects.filter(user=ada).exists()


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_both_leave_at_once():
    ada, bob = factories.make_user(), factories.make_user()
    lab = factories.make_organisation(owner=ada)
    people.set_role(namespace=lab, user=bob, role=Role.ADMIN, by="")

    outcomes = at_once(
        lambda: people.leave(namespace=lab, by=factories.as_caller(ada)),
        lambda: people.leave(namespace=lab, by=factories.as_caller(bob)),
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "NotNow"]
    assert Membership.objects.filter(namespace=lab, role=Role.ADMIN).count() == 1


def test_stewards_take_over_where_no_admin_is_left(lab, ada):
    steward, bob = factories.make_user(site_role="steward"), factories.make_user("bob")
    by = factories.as_caller(steward)

    with pytest.raises(NotAllowed):
        members.add(lab, username="bob", role=Role.ADMIN, by=by)
    ada.is_active = False
    ada.save()
    with pytest.raises(NotAllowed):
        members.add(
            lab, username="bob", role="admin", by=factories.as_caller(factories.make_maintainer())
        )
    members.add(lab, username="bob", role=Role.ADMIN, by=by)

    assert Membership.objects.get(user=bob).role == Role.ADMIN
    assert not members.may_manage(lab, by)


def test_an_organisation_is_found_by_those_who_are_told_its_members(lab, ada):
    bob = factories.make_member(lab, Role.READ)

    assert members.find("LAB", caller=factories.as_caller(bob)) == lab
    assert members.find("lab", caller=factories.as_caller(factories.make_maintainer())) == lab
    for name, user in (("lab", factories.make_user()), ("ada", ada), ("none", ada)):
        with pytest.raises(Missing):
            members.find(name, caller=factories.as_caller(user))
    with pytest.raises(Missing):
        members.find("lab", caller=NOBODY)


def test_only_verified_addresses_show_a_domain(ada):
    for address, verified in [
        ("ada@LAB.Example", True),
        ("ada@bücher.example", True),
        ("ada@other.example", False),
    ]:
        EmailAddress.objects.create(user=ada, email=address, verified=verified)

    assert people.verified_domains(ada) == {"lab.example", "xn--bcher-kva.example"}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" Lab.Example. ", "lab.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_is_kept_in_lower_case_ascii(written, kept):
    assert domains.normalised(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        "com",
        "ada@lab.example",
        "https://lab.example",
        "lab example",
        "-lab.example",
        "lab_1.example",
        "lab..example",
        "127.0.0.1",
        "straße.example",
        "xn--a.example\0",
        "a" * 64 + ".example",
        ".".join(["label"] * 60),
        "xn--\ud800.example",
    ],
)
def test_what_is_no_domain_is_refused(written):
    with pytest.raises(Invalid):
        domains.normalised(written)

    assert domains.of_address(f"ada@{written}") in {"", "lab.example"}
