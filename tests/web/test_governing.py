"""Pages of ended licenses, exports and privacy: forms without JavaScript, each for whom it is."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.accounts.models import User
from registry.agreements import endings
from registry.agreements.models import Deletion, Ending, EndingEvent
from registry.audit.models import Entry
from registry.catalog.models import Repository
from registry.releases.models import Release
from tests import factories
from tests.factories import as_caller
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db
STEWARDS = ["/steward/endings", "/steward/exports", "/steward/people"]


@pytest.fixture
def release() -> Release:
    return factories.make_released()


@pytest.fixture
def steward(client: Client) -> Client:
    client.force_login(factories.make_user(site_role="steward"))
    return client


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def body_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("address", STEWARDS)
def test_pages_of_stewards_are_there_for_stewards_alone(client, address):
    assert client.get(address).status_code == 302
    for role, status in (("", 404), ("maintainer", 404), ("steward", 200)):
        visitor = signed_in(factories.make_user(site_role=role))
        assert visitor.get(address).status_code == status
        assert visitor.post(address, {}).status_code == (422 if status == 200 else 404)


def test_a_steward_sees_the_numbers_before_a_license_ends(steward, release):
    ada = factories.make_user("ada")
    factories.accept_terms(release, ada)
    page = steward.get("/steward/endings").text
    typed = form_to(page, "/steward/endings").filled(
        license="llama3-1", party="ada", reason="Shared the weights."
    ) | {"event": "breach_confirmed"}

    counted = steward.post("/steward/endings", typed | {"act": "count"}).text

    assert "1 acceptance" in counted
    assert not Ending.objects.exists()
    again = form_to(counted, "/steward/endings")
    assert again.values["expected"] == "1"
    assert again.values["reason"].strip() == "Shared the weights."

    factories.accept_terms(factories.make_released(), ada)
    form = again.values | {"event": "breach_confirmed", "act": "end"}
    stale = steward.post("/steward/endings", form).text
    assert "Nothing was ended" in stale
    fresh = form_to(stale, "/steward/endings").values | {"event": "breach_confirmed", "act": "end"}
    ended = steward.post("/steward/endings", fresh, follow=True).text

    assert Ending.objects.count() == 2
    assert "2 acceptances were ended." in ended
    assert "not confirmed" in ended


def test_an_unknown_party_ends_nothing_and_keeps_what_was_typed(steward, release):
    factories.accept_terms(release, factories.make_user())
    sent = {
        "license": "llama3-1",
        "party": "nobody-such",
        "event": "breach_confirmed",
        "reason": "Typed before",
        "act": "end",
        "expected": "1",
    }

    answer = steward.post("/steward/endings", sent)

    assert answer.status_code == 422
    assert "nobody-such" in answer.text
    assert "Typed before" in answer.text
    assert not Ending.objects.exists()


def test_a_licensee_gives_a_license_back_by_typing_its_name_and_confirms_the_deletion(release):
    ada = factories.make_user()
    acceptance = factories.accept_terms(release, ada)
    here = f"/settings/agreements/{acceptance.public_id}"
    client, other = signed_in(ada), signed_in(factories.make_user())

    assert other.get(f"{here}/give-back").status_code == 404
    assert other.post(f"{here}/give-back", {"name": "x"}).status_code == 404
    assert client.post(f"{here}/give-back", {"name": "x"}).status_code == 422
    assert not Ending.objects.exists()
    name = release.repository.full_name
    assert client.post(f"{here}/give-back", {"name": name}).status_code == 302
    assert Ending.objects.get().event == EndingEvent.LICENSEE
    assert client.get(f"{here}/give-back").status_code == 404

    asks = client.get("/settings/agreements").text
    assert form_to(asks, f"{here}/deleted")
    assert other.post(f"{here}/deleted").status_code == 404
    assert client.post(f"{here}/deleted").status_code == 302
    assert Deletion.objects.get().by == ada
    assert f"{here}/deleted" not in client.get("/settings/agreements").text


def test_a_steward_downloads_rows_and_names_only_when_asked(steward, release):
    ada = factories.make_user("ada-lastname")
    factories.accept_terms(release, ada)
    page = steward.get("/steward/exports").text
    form = form_to(page, "/steward/exports")
    form = form.filled(repository=release.repository.full_name, license="llama3-1")

    plain = steward.post("/steward/exports", form)
    named = steward.post("/steward/exports", form | {"personal": "on", "format": "jsonl"})

    assert plain.streaming
    assert plain["Content-Disposition"].startswith("attachment")
    text = body_of(plain)
    assert text.startswith("acceptance,person,")
    assert ada.public_id in text
    assert "lastname" not in text
    assert json.loads(body_of(named))["user"] == "ada-lastname"
    assert Entry.objects.filter(event="export.take").count() == 2


@pytest.mark.parametrize(
    "wrong", [{"repository": "no/such"}, {"since": "yesterday"}, {"kind": "x"}, {"license": "x"}]
)
def test_a_wrong_filter_downloads_nothing(steward, wrong):
    answer = steward.post("/steward/exports", {"kind": "grants", "format": "csv"} | wrong)

    assert answer.status_code == 422
    assert not Entry.objects.filter(event="export.take").exists()


def test_a_publisher_downloads_the_requests_of_their_repository_alone(release):
    owner = release.repository.created_by
    Repository.objects.filter(pk=release.repository_id).update(gated="manual")
    here = f"{release.repository.get_absolute_url()}/requests/export"

    got = signed_in(owner).post(here, {"kind": "requests", "format": "jsonl"})

    assert got.status_code == 200
    assert body_of(got) == ""
    assert signed_in(owner).post(here, {"kind": "acceptances"}).status_code == 404
    assert signed_in(factories.make_user()).post(here, {"kind": "requests"}).status_code == 404


def test_a_person_downloads_their_data_and_erases_themselves(release):
    ada = factories.make_user("ada-lastname")
    factories.accept_terms(release, ada)
    client = signed_in(ada)
    page = client.get("/settings/privacy").text

    held = json.loads(body_of(client.post("/settings/privacy/export")))
    refused = client.post("/settings/privacy", form_to(page, "/settings/privacy").filled(name="x"))
    ada.refresh_from_db()
    assert held["account"][0]["user"] == "ada-lastname"
    assert refused.status_code == 422
    assert ada.is_active

    typed = form_to(page, "/settings/privacy").filled(name="ada-lastname")
    gone = client.post("/settings/privacy", typed, follow=True)

    ada.refresh_from_db()
    assert not ada.is_active
    assert "Your account is erased" in gone.text
    assert client.get("/settings/privacy").status_code == 302


def test_privacy_is_for_who_is_signed_in(client):
    for page in ("/settings/privacy", "/settings/privacy/export"):
        assert client.post(page).status_code == 302


def test_a_steward_erases_somebody_by_typing_the_name_twice(steward):
    ada = factories.make_user("ada-lastname")

    once = steward.post("/steward/people", {"name": "ada-lastname", "again": ""})
    nobody = steward.post("/steward/people", {"name": "nobody", "again": "nobody"})
    ada.refresh_from_db()
    assert (once.status_code, nobody.status_code, ada.is_active) == (422, 422, True)

    steward.post("/steward/people", {"name": "ada-lastname", "again": "ada-lastname"})
    ada.refresh_from_db()
    assert not ada.is_active


def test_the_list_of_endings_asks_as_much_for_many_as_for_one(
    steward, release, django_assert_num_queries
):
    def end_one() -> None:
        acceptance = factories.accept_terms(release, user := factories.make_user())
        endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=as_caller(user))

    end_one()
    with CaptureQueriesContext(connection) as few:
        steward.get("/steward/endings")
    end_one()
    end_one()
    with django_assert_num_queries(len(few)):
        steward.get("/steward/endings")
