"""The page "Why?": any person, any moment that has passed, and who may ask; rules where it says no."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from registry.agreements import endings
from registry.agreements.models import EndingEvent
from registry.releases.models import Release
from tests import factories
from tests.factories import as_caller

pytestmark = pytest.mark.django_db
HERE = "/steward/why"


@pytest.fixture
def release() -> Release:
    return factories.make_released()


def signed_in(**rest: str) -> Client:
    client = Client()
    client.force_login(factories.make_user(**rest))
    return client


def test_only_stewards_ask_about_others(client, release):
    asked = {"repository": release.repository.full_name}

    assert client.get(HERE, asked).status_code == 302
    assert signed_in().get(HERE, asked).status_code == 404
    assert signed_in(site_role="maintainer").get(HERE, asked).status_code == 404
    assert signed_in(site_role="steward").get(HERE, asked).status_code == 200
    assert signed_in(site_role="steward").get(HERE).status_code == 200


def test_the_answer_is_that_of_the_moment_with_its_evidence(release):
    ada = factories.make_user("ada")
    before = timezone.now()
    acceptance = factories.accept_terms(release, ada)
    between = timezone.now() + timedelta(milliseconds=1)
    by = as_caller(ada)
    later = between + timedelta(milliseconds=1)
    endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=by, now=later)
    steward = signed_in(site_role="steward")
    asked = {"person": "ada", "repository": release.repository.full_name}

    def at(moment) -> str:
        form = asked | {"at": moment.replace(tzinfo=None).isoformat()}
        return steward.get(HERE, form).text

    was_not, was, is_over = at(before), at(between), steward.get(HERE, asked).text

    assert "The terms are accepted" in was_not
    assert acceptance.public_id not in was_not
    assert acceptance.public_id in was
    assert release.public_id in was
    assert "license-ended" in is_over
    assert acceptance.public_id not in is_over


@pytest.mark.parametrize(
    "wrong",
    [
        {"repository": "no/such"},
        {"person": "nobody-such"},
        {"revision": "v99"},
        {"at": "2199-01-01T00:00"},
        {"at": "the day before"},
        {"repository": ""},
    ],
)
def test_what_cannot_be_asked_is_said_and_kept(release, wrong):
    asked = {"repository": release.repository.full_name} | wrong

    answer = signed_in(site_role="steward").get(HERE, asked)

    assert answer.status_code == 422
    assert all(f'value="{typed}"' in answer.text for typed in wrong.values() if typed)


def test_a_page_that_says_no_lists_each_rule_for_who_looks(client, release):
    page = f"{release.repository.get_absolute_url()}/license"

    refused = client.get(page).text
    ada = factories.make_user()
    factories.accept_terms(release, ada)
    client.force_login(ada)
    let_in = client.get(page).text

    assert "Somebody is signed in" in refused
    assert "Why? Each rule" not in let_in
