"""What operators ask: does it live, and can it work?"""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from registry.celery import app

pytestmark = pytest.mark.django_db


def test_alive_asks_nothing_of_anybody(client: Client, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"alive\n")


def test_ready_when_every_part_answers(client: Client, blob_folder: Path) -> None:
    answer = client.get("/readyz")

    assert answer.json() == {
        "status": "ready",
        "parts": {"database": "ok", "broker": "ok", "storage": "ok"},
    }
    assert answer.status_code == 200


def test_not_ready_without_a_place_for_bytes(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.BLOB_DIR = tmp_path / "nowhere"

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["parts"]["storage"] == "failed: FileNotFoundError"
    assert answer.json()["parts"]["database"] == "ok"


def test_not_ready_without_a_broker(client: Client, blob_folder: Path) -> None:
    before = app.conf.broker_write_url
    app.conf.broker_write_url = "redis://127.0.0.1:1/0"
    try:
        answer = client.get("/readyz")
    finally:
        app.conf.broker_write_url = before

    assert answer.status_code == 503
    assert answer.json()["parts"]["broker"].startswith("failed")
    assert answer.json()["parts"]["storage"] == "ok"


@pytest.fixture
def blob_folder(settings: Settings, tmp_path: Path) -> Path:
    settings.BLOB_DIR = tmp_path
    return tmp_path
