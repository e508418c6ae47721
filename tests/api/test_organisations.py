"""The register of an organisation and joining what was signed, from a terminal."""

import pytest

from registry.accounts.models import Role, Scope
from registry.agreements import organisations
from registry.agreements.models import Adherence
from tests import factories
from tests.agreements.organisations import make_service, make_signing, sign
from tests.api.calls import As

pytestmark = pytest.mark.django_db


@pytest.fixture
def signing():
    return make_signing("lab")


@pytest.fixture
def signature(signing):
    return sign(factories.make_released(), *signing)


def _body(signature):
    return {
        "repository": signature.repository.full_name,
        "terms_hash": signature.terms_hash,
    }


def test_an_admin_and_a_steward_read_the_register(signing, signature):
    lab, ada = signing
    bob = factories.make_member(lab, Role.READ)
    organisations.adhere(signature, by=factories.as_caller(bob))

    for user in (ada, factories.make_user(site_role="steward")):
        got = As(user).get("/organisations/lab/register").json()
        assert (got["count"], got["next"]) == (1, "")
        (item,) = got["items"]
        assert item["id"] == signature.public_id
        assert item["state"] == "in force"
        assert {one["user"]: one["by"] for one in item["members"]} == {
            ada.username: "signatory",
            bob.username: "joined",
        }


def test_the_register_has_pages(signing, signature):
    second = sign(factories.make_released(), *signing)
    caller = As(signing[1])

    first = caller.get("/organisations/lab/register", limit=1).json()
    rest = caller.get("/organisations/lab/register", limit=1, page=2).json()
    beyond = caller.get("/organisations/lab/register", page=9).json()

    assert [one["id"] for one in first["items"]] == [second.public_id]
    assert "page=2" in first["next"]
    assert [one["id"] for one in rest["items"]] == [signature.public_id]
    assert (rest["next"], beyond["items"], beyond["count"]) == ("", [], 2)


def test_everybody_else_has_no_register(signing, signature):
    lab, ada = signing
    for caller in (
        As(factories.make_user()),
        As(factories.make_maintainer()),
        As(factories.make_member(lab, Role.WRITE)),
        As(ada, Scope.WRITE),
    ):
        assert caller.get("/organisations/lab/register").status_code == 404
    assert As().get("/organisations/lab/register").status_code == 401
    assert As(ada).get("/organisations/none/register").status_code == 404


def test_a_member_joins_with_a_write_token(signing, signature):
    bob = factories.make_member(signing[0], Role.READ)

    got = As(bob, Scope.WRITE).post("/organisations/lab/adherences", _body(signature))
    again = As(bob, Scope.WRITE).post("/organisations/lab/adherences", _body(signature))

    assert got.status_code == again.status_code == 201
    assert got.json() == again.json()
    assert got.json()["acceptance"] == signature.public_id
    assert Adherence.objects.get().user == bob


def test_who_cannot_join_does_not(signing, signature):
    lab, ada = signing
    body = _body(signature)
    bob = factories.make_member(lab, Role.READ)
    other = body | {"terms_hash": "0" * 64}

    def status(caller, body=body):
        return caller.post("/organisations/lab/adherences", body).status_code

    assert status(As(bob, Scope.READ)) == 403
    assert status(As(make_service(lab), Scope.WRITE)) == 403
    assert status(As(factories.make_user(), Scope.WRITE)) == 404
    assert status(As()) == 401
    assert status(As(ada)) == 409
    assert status(As(bob), other) == 404
    assert status(As(bob), body | {"repository": "none"}) == 404
    assert status(As(bob), {}) == 422
    assert not Adherence.objects.exists()
