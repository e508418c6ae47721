"""Overriding a check and fetching the signed statement, by programs."""

import pytest

from registry.accounts.models import Scope
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db
WHY = "The tensor is a buffer that no layer reads; measured by hand."


def _blocked() -> tuple[object, str]:
    revision = factories.make_revision()
    factories.finish_checks(revision, "blocked")
    return revision, f"/models/{revision.repository.full_name}/checks/{revision.oid}"


def test_two_maintainers_override_and_one_withdraws():
    revision, address = _blocked()
    first, second = As(factories.make_maintainer()), As(factories.make_maintainer())
    body = {"check": "W-FINITE", "reason": WHY}

    made = first.post(f"{address}/overrides", body)
    assert made.status_code == 201
    assert made.json()["check"] == "W-FINITE"
    assert first.post(f"{address}/overrides", body).status_code == 409
    assert second.post(f"{address}/overrides", body).status_code == 201

    shown = As(revision.author).get(address).json()
    assert [one["reason"] for one in shown["overrides"]] == [WHY, WHY]
    assert shown["verdict"] == "blocked"
    withdraw = f"{address}/overrides/{made.json()['id']}/withdraw"
    assert As(revision.author).post(withdraw).status_code == 404
    assert second.post(withdraw).status_code == 200
    assert len(second.get(address).json()["overrides"]) == 1


def test_others_do_not_override_and_unknown_checks_are_refused():
    revision, address = _blocked()
    body = {"check": "W-FINITE", "reason": WHY}
    maintainer = factories.make_maintainer()

    assert As(revision.author).post(f"{address}/overrides", body).status_code == 403
    assert As(maintainer, Scope.WRITE).post(f"{address}/overrides", body).status_code == 403
    assert As(factories.make_user()).post(f"{address}/overrides", body).status_code == 404
    assert As(maintainer).post(f"{address}/overrides", body | {"check": "X"}).status_code == 403
    assert As(maintainer).post(f"{address}/overrides", body | {"reason": "ok"}).status_code == 422
    assert As(maintainer).get(address).json()["overrides"] == []


def test_the_statement_is_given_with_the_files_and_reasons_to_insiders_alone():
    release = factories.make_released()
    address = f"/models/{release.repository.full_name}/checks/{release.revision.oid}"
    owner, anybody = As(release.repository.created_by), As()

    assert owner.get(f"{address}/attestation").json()["payloadType"].endswith("in-toto+json")
    assert anybody.get(f"{address}/attestation").status_code == 404
    assert anybody.get(address).json()["overrides"] == []
