"""`manage.py storage collect`, as an operator types it."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.storage import blobs
from registry.storage.models import Blob
from tests.factories import make_commit, make_repository

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def blob_folder(settings: Any, tmp_path: Path) -> None:
    settings.BLOB_DIR = tmp_path / "blobs"


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    call_command("storage", "collect", "--json", *arguments)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_dry_run_reports_and_a_real_one_removes(capsys: pytest.CaptureFixture[str]) -> None:
    blob = blobs.store(io.BytesIO(b"nobody needs this"), size=17)

    assert report(capsys, "--dry-run")["marked"] == {"files": 1, "bytes": 17}
    assert report(capsys)["removed"]["files"] == 0
    Blob.objects.update(unneeded_since=timezone.now() - timedelta(hours=5))
    assert report(capsys, "--grace", "6")["waiting"]["files"] == 1
    assert report(capsys, "--grace", "4")["removed"] == {"files": 1, "bytes": 17}
    assert not blobs.exists(blob.sha256)


def test_lost_bytes_make_it_fail_with_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    revision = make_commit(make_repository(), {"m.bin": b"weights"})
    blob = revision.repository.holdings.get(blob__size=7).blob
    blobs.delete(blob.sha256)

    with pytest.raises(CommandError, match="1 lost"):
        call_command("storage", "collect", "--verify")

    assert f"lost: {blob.sha256}" in capsys.readouterr().out


def test_a_grace_is_not_negative() -> None:
    with pytest.raises(CommandError, match="not negative"):
        call_command("storage", "collect", "--grace=-1")
