"""Mail domains of organisations: asked for, confirmed by a steward, ended at once."""

import pytest
from django.utils import timezone

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope
from registry.agreements import domains
from registry.agreements.models import Domain
from registry.audit.models import Entry
from registry.errors import Conflict, Invalid, NotAllowed, NotNow
from registry.outbox.models import Message
from tests import factories
from tests.agreements.organisations import make_domain
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return factories.make_user("ada")


@pytest.fixture
def lab(ada):
    return factories.make_organisation("lab", owner=ada)


@pytest.fixture
def steward():
    return factories.as_caller(factories.make_user(site_role="steward"))


@pytest.fixture
def asked(lab, ada):
    return domains.ask(lab, domain=" Lab.Example ", by=factories.as_caller(ada))


def test_a_domain_that_was_asked_for_waits(lab, asked):
    assert (asked.domain, asked.confirmed_at, asked.ended_at) == ("lab.example", None, None)
    entry = Entry.objects.get(event="domain.ask")
    assert entry.subject == asked.public_id
    assert entry.details == {"organisation": lab.public_id}
    assert list(domains.open_of(lab)) == [asked]


def test_a_steward_confirms_and_the_one_who_asked_is_told(asked, steward, ada):
    found = domains.confirm(asked, words=" Its site names it. ", by=steward)

    assert found.confirmed_by == steward.user
    assert Entry.objects.get(event="domain.confirm").details["reason"] == "Its site names it."
    mail = Message.objects.get()
    assert mail.body["to"] == ada.email
    assert "confirmed" in mail.body["subject"]
    with pytest.raises(NotNow, match="decided already"):
        domains.confirm(asked, words="Again.", by=steward)
    with pytest.raises(NotNow, match="decided already"):
        domains.refuse(asked, words="No.", by=steward)


def test_a_refused_domain_can_be_asked_for_again(lab, asked, steward, ada):
    domains.refuse(asked, words="The site names another owner.", by=steward)

    assert "another owner" in Message.objects.get().body["text"]
    assert domains.ask(lab, domain="lab.example", by=factories.as_caller(ada)) != asked


def test_ending_needs_a_confirmed_one_and_a_reason(lab, asked, steward):
    with pytest.raises(NotNow):
        domains.end(asked, words="It was sold.", by=steward)
    domains.confirm(asked, words="Its site names it.", by=steward)
    with pytest.raises(Invalid):
        domains.end(asked, words="  ", by=steward)

    domains.end(asked, words="It was sold.", by=steward)

    assert not domains.open_of(lab).exists()
    with pytest.raises(NotNow):
        domains.end(asked, words="It was sold.", by=steward)


def test_an_admin_takes_back_what_waits_and_nothing_else(lab, asked, steward, ada):
    member = factories.as_caller(factories.make_member(lab, Role.WRITE))
    with pytest.raises(NotAllowed):
        domains.withdraw(asked, by=member)
    domains.withdraw(asked, by=factories.as_caller(ada))
    again = make_domain(lab)

    with pytest.raises(NotNow):
        domains.withdraw(again, by=factories.as_caller(ada))


def test_only_an_admin_asks(lab, ada, steward):
    for by in (
        NOBODY,
        steward,
        factories.as_caller(factories.make_member(lab, Role.WRITE)),
        Caller(user=ada, scope=Scope.WRITE),
    ):
        with pytest.raises(NotAllowed):
            domains.ask(lab, domain="lab.example", by=by)
    with pytest.raises(Invalid, match="is a person"):
        domains.ask(ada.namespace, domain="lab.example", by=factories.as_caller(ada))


def test_only_a_steward_decides_and_not_on_what_they_asked_for(lab, asked, ada, steward):
    for by in (
        NOBODY,
        factories.as_caller(ada),
        factories.as_caller(factories.make_maintainer()),
        Caller(user=steward.user, scope=Scope.WRITE),
    ):
        for step in (domains.confirm, domains.refuse, domains.end):
            with pytest.raises(NotAllowed):
                step(asked, words="Because.", by=by)
    ada.site_role = "steward"
    ada.save()
    with pytest.raises(NotAllowed, match="another steward"):
        domains.confirm(asked, words="I know it.", by=factories.as_caller(ada))


@pytest.mark.parametrize("domain", ["gmail.com", "GMX.de", "co.uk", "printer.local", "com", "a b"])
def test_a_domain_that_shows_nothing_is_refused(lab, ada, domain):
    with pytest.raises(Invalid):
        domains.ask(lab, domain=domain, by=factories.as_caller(ada))

    assert not Domain.objects.exists()


def test_an_organisation_has_so_many_domains_and_each_once(lab, ada, asked, monkeypatch):
    by = factories.as_caller(ada)
    with pytest.raises(Conflict, match="already"):
        domains.ask(lab, domain="LAB.example", by=by)
    monkeypatch.setattr(domains, "MAX_OPEN", 1)
    with pytest.raises(NotNow, match="at most 1"):
        domains.ask(lab, domain="other.example", by=by)


def test_a_domain_is_confirmed_for_one_organisation(lab, asked, steward):
    make_domain(other := factories.make_organisation("other"), "lab.example")

    with pytest.raises(Conflict, match="another organisation"):
        domains.confirm(asked, words="It says so.", by=steward)

    assert [one.organisation for one in domains.others_with(asked)] == [other]


@pytest.mark.django_db(transaction=True)
def test_two_stewards_confirm_a_domain_for_two_organisations_at_once():
    stewards = [factories.make_user(site_role="steward") for _ in range(2)]
    asked = []
    for _ in range(2):
        owner = factories.make_user()
        organisation = factories.make_organisation(owner=owner)
        by = factories.as_caller(owner)
        asked.append(domains.ask(organisation, domain="lab.example", by=by))

    def confirm(number):
        by = factories.as_caller(stewards[number])
        return lambda: domains.confirm(asked[number], words="Looked at it.", by=by)

    outcomes = at_once(confirm(0), confirm(1))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Domain"]
    assert Domain.objects.filter(confirmed_at__isnull=False).count() == 1
    assert Entry.objects.filter(event="domain.confirm").count() == 1


def test_who_sees_a_domain(lab, asked, ada, steward):
    def seen(by):
        return list(domains.visible_to(by))

    assert seen(steward) == seen(factories.as_caller(ada)) == [asked]
    for by in (
        NOBODY,
        factories.as_caller(factories.make_member(lab, Role.WRITE)),
        factories.as_caller(factories.make_maintainer()),
        Caller(user=ada, scope=Scope.READ),
    ):
        assert seen(by) == []


def test_the_database_keeps_domains_apart(lab, asked, ada, steward):
    now = timezone.now()
    rest = {"asked_by": ada, "asked_at": now}

    with refused_by("domain_once_of_an_organisation"):
        Domain.objects.create(organisation=lab, domain="LAB.example", **rest)
    with refused_by("domain_is_confirmed_by_somebody"):
        Domain.objects.filter(pk=asked.pk).update(confirmed_at=now)
    domains.confirm(asked, words="It says so.", by=steward)
    with refused_by("confirmed_domain_is_of_one_organisation"):
        Domain.objects.create(
            organisation=factories.make_organisation(),
            domain="LAB.example",
            confirmed_by=steward.user,
            confirmed_at=now,
            **rest,
        )
