"""Exports over the API and at the console, and the rules beside the answer about access."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from registry.audit.models import Entry
from registry.catalog.models import Repository
from registry.releases.models import Release
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return factories.make_released()


def lines_of(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()
    return [json.loads(line) for line in text.splitlines()]


def test_a_steward_takes_rows_away_by_a_program(release):
    ada = factories.make_user("ada")
    factories.accept_terms(release, ada)
    steward = As(factories.make_user(site_role="steward"))
    name = release.repository.full_name

    (plain,) = lines_of(steward.get("/exports/acceptances", repository=name, license="llama3-1"))
    (named,) = lines_of(steward.get("/exports/acceptances", personal="1"))
    nothing = lines_of(steward.get("/exports/acceptances", until="2020-01-01T00:00:00"))
    csv = steward.get("/exports/acceptances", format="csv")

    assert plain["person"] == ada.public_id
    assert "user" not in plain
    assert named["user"] == "ada"
    assert nothing == []
    assert csv["Content-Type"] == "text/csv; charset=utf-8"
    assert csv["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("role", "scope", "status"),
    [("", "admin", 403), ("maintainer", "admin", 403), ("steward", "write", 403)],
)
def test_the_site_is_for_stewards_who_govern(role, scope, status):
    caller = As(factories.make_user(site_role=role), scope)

    assert caller.get("/exports/grants").status_code == status
    assert As().get("/exports/grants").status_code == 401
    assert not Entry.objects.filter(event="export.take").exists()


def test_a_publisher_takes_requests_and_grants_of_their_own_repository(release):
    owner = As(release.repository.created_by)
    here = f"/models/{release.repository.full_name}/exports"

    assert lines_of(owner.get(f"{here}/requests")) == []
    assert lines_of(owner.get(f"{here}/grants")) == []
    assert owner.get(f"{here}/acceptances").status_code == 403
    assert owner.get(f"{here}/nothing").status_code == 422
    assert As(factories.make_user()).get(f"{here}/requests").status_code == 403
    Repository.objects.filter(pk=release.repository_id).update(visibility="private")
    assert As(factories.make_user()).get(f"{here}/requests").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"repository": "no/such"},
        {"organisation": "nobody"},
        {"license": "none"},
        {"since": "yesterday"},
        {"format": "xlsx"},
    ],
)
def test_wrong_filters_are_refused(wrong):
    steward = As(factories.make_user(site_role="steward"))

    assert steward.get("/exports/acceptances", **wrong).status_code == 422


def test_the_operator_exports_at_the_console(release):
    ada = factories.make_user("ada")
    factories.accept_terms(release, ada)
    out = StringIO()

    call_command(
        "export",
        "acceptances",
        "--format=jsonl",
        f"--repository={release.repository.full_name}",
        "--since=2020-01-01",
        stdout=out,
    )

    assert json.loads(out.getvalue())["person"] == ada.public_id
    assert Entry.objects.get(event="export.take").actor == ""
    for wrong in ("--repository=no/such", "--organisation=nobody", "--license=none"):
        with pytest.raises(CommandError):
            call_command("export", "acceptances", wrong)


def test_the_answer_about_access_lists_each_rule(release):
    here = f"/models/{release.repository.full_name}/access"
    ada = factories.make_user()

    refused = As(ada).get(here).json()
    factories.accept_terms(release, ada)
    let_in = As(ada).get(here).json()

    decisive = [rule for rule in refused["rules"] if rule["decides"]]
    assert [rule["id"] for rule in decisive] == ["terms"]
    assert decisive[0]["outcome"] == "closes"
    assert decisive[0]["next_url"].endswith("/terms")
    assert not refused["is_open"]
    assert let_in["is_open"]
    assert [rule["outcome"] for rule in let_in["rules"] if rule["id"] == "terms"] == ["met"]
