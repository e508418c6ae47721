"""`hf auth login` without a token: a code, a click of a person elsewhere, and later a renewal."""

import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest
from django.test import Client as Browser

from registry.accounts.models import AccessToken
from tests.factories import make_user
from tests.hub.calls import Wire
from tests.wire.clients import newest_python
from tests.wire.test_round_trip import ClientOf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def python() -> Path:
    return newest_python()


def test_a_person_signs_in_the_command_and_its_token_is_renewed(client_of: ClientOf) -> None:
    ada, client = make_user("ada"), client_of(None)
    command = [str(client.python.parent / "hf"), "auth", "login"]
    environment = client.environment | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        said = ""
        while not (found := re.search(r"\b([B-Z]{4}-[B-Z]{4})\b", said)):
            piece = os.read(process.stdout.fileno(), 4096).decode()
            assert piece, said
            said += piece
        browser = Browser()
        browser.force_login(ada)
        decision = {"code": found[1], "scope": "write", "decision": "allow"}
        assert browser.post("/device", decision).status_code == 302
        said += process.stdout.read()
        assert process.wait(timeout=60) == 0, said

    who = client.hf("auth", "whoami")
    first = (client.home / "token").read_text()
    stored = configparser.ConfigParser()
    stored.read(client.home / "stored_tokens")
    (name,) = stored.sections()
    stored[name]["expires_at"] = "1"
    with (client.home / "stored_tokens").open("w") as file:
        stored.write(file)
    renewed = client.hf("auth", "whoami")

    assert "ada" in who.stdout, who.stderr
    assert "ada" in renewed.stdout, renewed.stderr
    assert (client.home / "token").read_text() != first
    assert first.startswith("hf_")
    assert AccessToken.objects.filter(user=ada).count() == 2


def test_other_grants_are_refused_as_oauth_does() -> None:
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "x",
    }
    wire = Wire()

    for answer in (
        wire.post("/oauth/token", exchange),
        wire("POST", "/oauth/token", b"grant_type=password"),
        wire("POST", "/oauth/token", b"\xff\xfe=%00&grant_type"),
        wire("POST", "/oauth/token", b"x" * 70_000),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"] == "unsupported_grant_type"
        assert answer["Cache-Control"] == "no-store"


def test_the_codes_are_for_this_site() -> None:
    answer = Wire()(
        "POST", "/oauth/device", b"client_id=any", user_agent="hf/2.4.0; evil<b>/1"
    ).json()

    assert (
        answer["verification_uri_complete"]
        == f"http://testserver/device?code={answer['user_code']}"
    )
    assert (answer["interval"], answer["expires_in"]) == (5, 900)
