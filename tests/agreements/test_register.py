"""The register of an organisation: what was signed, and who is covered by it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.accounts import people
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope
from registry.agreements import coverage, organisations, register
from registry.errors import Missing
from tests import factories
from tests.agreements.organisations import end, make_service, make_signing, sign

pytestmark = pytest.mark.django_db


@pytest.fixture
def signing():
    return make_signing("lab")


def _rows(lab, user):
    return list(register.all_rows(lab, caller=factories.as_caller(user)))


def test_it_says_who_is_covered_by_what_and_who_is_not(signing):
    lab, ada = signing
    release = factories.make_released()
    service = make_service(lab)
    bob, eve = (factories.make_member(lab, Role.READ) for _ in range(2))
    signature = sign(release, lab, ada)
    organisations.adhere(signature, by=factories.as_caller(bob))

    (row,) = _rows(lab, ada)

    assert row.acceptance == signature
    assert row.repository == release.repository.full_name
    assert row.state == "in force"
    assert len(row.documents) == len(release.terms["documents"])
    assert {cover.user: cover.by for cover in row.covered} == {
        ada: "signatory",
        service: "service",
        bob: "joined",
    }
    assert [cover.user for cover in row.uncovered] == [eve]
    for cover in row.covered + row.uncovered:
        covering = coverage.of(
            user=cover.user.pk,
            repository=release.repository.pk,
            hashes=[release.terms_hash],
            now=signature.accepted_at.replace(year=signature.accepted_at.year + 1),
        )
        assert covering.exists() == bool(cover.by)


def test_who_left_is_not_in_it_and_after_the_end_nobody_is_covered(signing):
    lab, ada = signing
    bob = factories.make_member(lab, Role.READ)
    signature = sign(factories.make_released(), lab, ada)
    organisations.adhere(signature, by=factories.as_caller(bob))
    people.leave(namespace=lab, by=factories.as_caller(bob))

    (row,) = _rows(lab, ada)
    assert [cover.user for cover in row.covered + row.uncovered] == [ada]
    people.set_role(namespace=lab, user=bob, role=Role.READ, by="")
    (row,) = _rows(lab, ada)
    assert [cover.user for cover in row.uncovered] == [bob]
    end(signature)
    (row,) = _rows(lab, ada)
    assert (row.state, row.covered) == ("ended", [])


def test_admins_and_stewards_read_it_and_nobody_else(signing):
    lab, ada = signing
    signature = sign(factories.make_released(), lab, ada)
    steward = factories.make_user(site_role="steward")

    for user in (ada, steward):
        assert list(register.signatures(lab, caller=factories.as_caller(user))) == [signature]
    for caller in (
        NOBODY,
        factories.as_caller(factories.make_user()),
        factories.as_caller(factories.make_maintainer()),
        factories.as_caller(factories.make_member(lab, Role.WRITE)),
        factories.as_caller(make_service(lab)),
        Caller(user=ada, scope=Scope.WRITE),
        Caller(user=steward, scope=Scope.WRITE),
    ):
        with pytest.raises(Missing):
            register.signatures(lab, caller=caller)
        with pytest.raises(Missing):
            register.all_rows(lab, caller=caller)


def test_a_repository_that_the_looker_may_not_know_of_is_not_named(signing):
    lab, ada = signing
    release = factories.make_released()
    sign(release, lab, ada)
    release.repository.visibility = "private"
    release.repository.save()

    (row,) = _rows(lab, ada)

    assert row.repository == ""


def test_its_queries_do_not_grow_with_it(signing):
    lab, ada = signing
    caller = factories.as_caller(ada)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            list(register.all_rows(lab, caller=caller))
        return len(captured)

    sign(factories.make_released(), lab, ada)
    one = queries()
    for _ in range(2):
        sign(factories.make_released(), lab, ada)
        factories.make_member(lab, Role.READ)

    assert queries() == one
