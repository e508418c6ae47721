"""The pages for what went wrong."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.utils import override_settings

from tests import factories

pytestmark = pytest.mark.django_db
AWAY = {"bucket": "b", "endpoint": "http://127.0.0.1:9", "access_key": "a", "secret_key": "s"}


def test_a_missing_page_names_the_request(client: Client) -> None:
    page = client.get("/nobody/nothing", headers={"X-Request-Id": "request-of-the-test"})

    assert page.status_code == 404
    assert "request-of-the-test" in page.text


def test_missing_and_hidden_get_the_same_answer(client: Client) -> None:
    """Somebody without a role cannot tell a model in quarantine from one that never was."""
    hidden = factories.make_revision().repository
    client.force_login(factories.make_user("carol"))

    there = client.get(f"/{hidden.full_name}", headers={"X-Request-Id": "one-and-the-same"})
    not_there = client.get("/nobody/nothing", headers={"X-Request-Id": "one-and-the-same"})

    assert there.status_code == not_there.status_code == 404
    assert _without_tokens(there.text, hidden.full_name) == _without_tokens(
        not_there.text, "nobody/nothing"
    )


@override_settings(ROOT_URLCONF="tests.web.broken_urls")
def test_a_forbidden_page_says_why_and_names_the_request(client: Client) -> None:
    page = client.get("/forbidden", headers={"X-Request-Id": "request-of-the-test"})

    assert page.status_code == 403
    assert "Only a steward may do this." in page.text
    assert "request-of-the-test" in page.text


def test_a_form_without_its_token_is_refused_with_a_page_of_ours() -> None:
    page = Client(enforce_csrf_checks=True).post("/settings/tokens", {"name": "x"})

    assert page.status_code == 403
    assert "Nothing was changed." in page.text
    assert page["X-Request-Id"] in page.text


def test_a_page_that_needs_bytes_of_a_store_that_is_away_is_to_be_tried_again(
    client: Client, settings: Any
) -> None:
    release = factories.make_released()
    settings.STORAGE = "s3"
    settings.S3 = {**settings.S3, **AWAY}
    away = f"/{release.repository.full_name}/blob/main/README.md"

    page = client.get(away, headers={"Accept": "text/html"})

    assert (page.status_code, page["Retry-After"]) == (503, "10")
    assert "Something broke on our side" in page.text


@pytest.mark.parametrize("path", ["/settings/tokens", "/review"])
def test_who_is_not_signed_in_is_asked_to(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={path}"


def _without_tokens(text: str, name: str) -> str:
    lines = [line for line in text.splitlines() if "csrfmiddlewaretoken" not in line]
    return "\n".join(lines).replace(name, "NAME").replace(name.replace("/", "%2F"), "NAME")


@override_settings(ROOT_URLCONF="tests.web.broken_urls")
@pytest.mark.parametrize("accept", ["text/html,*/*;q=0.8", "*/*"])
def test_what_broke_is_named_by_the_request_and_never_told(accept: str) -> None:
    client = Client(raise_request_exception=False)

    answer = client.get(
        "/broken", headers={"Accept": accept, "X-Request-Id": "request-of-the-test"}
    )

    assert answer.status_code == 500
    assert answer["X-Request-Id"] == "request-of-the-test"
    assert "a secret of the inside" not in answer.text
    if accept == "*/*":
        assert "Try again" in answer.json()["error"]
    else:
        assert "request-of-the-test" in answer.text


def test_files_that_somebody_adds_to_a_form_are_written_nowhere(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    """No form has any, and whoever asks may send endless ones."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "none")
    large = SimpleUploadedFile("large.bin", bytes(4_000_000))

    answer = client.post("/accounts/login/", {"login": "ada", "password": "x", "file": large})

    assert answer.status_code == 200
