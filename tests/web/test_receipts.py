"""Receipts on pages and over the API: for the holder, the organisation's admins and stewards."""

import json

import pytest
from django.test import Client

from registry.accounts.models import Role, Scope
from registry.agreements import organisations, receipts
from registry.agreements.models import AcceptanceWords, Ending, EndingEvent
from registry.audit.models import SigningKey
from registry.releases import offers
from tests import factories
from tests.agreements.organisations import make_signing
from tests.api.calls import As

pytestmark = pytest.mark.django_db


@pytest.fixture
def carol():
    return factories.make_user("carol")


@pytest.fixture
def acceptance(carol):
    return factories.accept_terms(factories.make_released(), carol)


def _status(user, path: str) -> int:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client.get(path).status_code


def test_the_holder_reads_prints_and_downloads_the_receipt(client: Client, acceptance, carol):
    client.force_login(carol)
    path = acceptance.receipt.get_absolute_url()

    page = client.get(path)
    file = client.get(f"{path}.json")

    assert "Some Body" in page.text
    assert acceptance.terms_hash in page.text
    assert bytes(acceptance.receipt.signature).hex() in page.text
    assert receipts.verify(file.content, receipts.public_keys()).words is not None
    assert file["Content-Disposition"].startswith("attachment")
    assert "no-store" in file["Cache-Control"]


def test_the_receipt_of_another_person_is_not_there(acceptance, carol):
    path = acceptance.receipt.get_absolute_url()
    others = [
        factories.make_user(),
        factories.make_maintainer(),
        acceptance.repository.created_by,
    ]
    steward = factories.make_user(site_role="steward")

    for one in others:
        assert _status(one, path) == _status(one, f"{path}.json") == 404
        assert (
            As(one, Scope.ADMIN).get(f"/receipts/{acceptance.receipt.public_id}").status_code == 404
        )
    assert _status(None, path) == _status(None, f"{path}.json") == 302
    assert _status(carol, f"/receipts/{'0' * 24}") == 404
    assert _status(steward, path) == _status(steward, f"{path}.json") == 200
    api = f"/receipts/{acceptance.receipt.public_id}"
    assert As(steward, Scope.READ).get(api).status_code == 404
    assert As(steward, Scope.ADMIN).get(api).status_code == 200


def test_the_admins_of_an_organisation_see_its_receipts_and_members_do_not():
    lab, ada = make_signing("lab")
    release = factories.make_released()
    limit = {one["id"]: True for one in release.terms.get("attestations", [])}
    made = offers.accept(
        release.repository,
        shown_hash=release.terms_hash,
        typed_name="Ada",
        by=factories.as_caller(ada),
        organisation=lab,
        attested=limit | {organisations.AUTHORITY: True},
    )
    path = made.receipt.get_absolute_url()

    assert _status(ada, path) == 200
    assert _status(factories.make_member(lab, Role.ADMIN), path) == 200
    assert _status(factories.make_member(lab, Role.WRITE), path) == 404


def test_erased_words_are_not_shown_and_the_file_still_verifies(client: Client, acceptance, carol):
    client.force_login(carol)
    path = acceptance.receipt.get_absolute_url()
    AcceptanceWords.objects.filter(acceptance=acceptance).update(typed_name="", salt="")

    page, file = client.get(path).text, client.get(f"{path}.json").content

    assert "were erased" in page
    assert "Some Body" not in page
    assert receipts.verify(file, receipts.public_keys()).words is None


def test_what_i_accepted_is_listed_with_its_state(client: Client, acceptance, carol):
    client.force_login(carol)
    path = "/settings/agreements"

    current = client.get(path).text
    Ending.objects.create(acceptance=acceptance, event=EndingEvent.SUIT, at=acceptance.accepted_at)
    ended = client.get(path).text
    client.force_login(factories.make_user())
    nothing = client.get(path).text

    assert acceptance.receipt.get_absolute_url() in current
    assert "counts" in current
    assert "license ended" in ended
    assert "You have accepted no terms yet" in nothing
    assert _status(None, path) == 302


def test_anybody_reads_the_keys(client: Client, acceptance):
    key = SigningKey.objects.get()

    page, text = client.get("/keys").text, client.get(f"/keys/{key.key_id}")

    assert bytes(key.public_key).hex() in page
    assert text.text == bytes(key.public_key).hex() + "\n"
    assert text["Content-Type"].startswith("text/plain")
    assert client.get("/keys/nothing").status_code == 404


def test_a_program_gets_the_receipt_byte_for_byte_and_its_own_acceptances(acceptance, carol):
    asking = As(carol, Scope.READ)

    file = asking.get(f"/receipts/{acceptance.receipt.public_id}")
    listed = asking.get("/acceptances").json()

    assert receipts.verify(file.content, receipts.public_keys())
    assert json.loads(file.content)["receipt"]["id"] == acceptance.receipt.public_id
    assert listed["count"] == 1
    assert listed["items"][0]["receipt"] == acceptance.receipt.public_id
    assert listed["items"][0]["state"] == "current"
    assert As(factories.make_user()).get("/acceptances").json()["count"] == 0
    assert As().get("/acceptances").status_code == 401
