"""Backups: what comes back is what was there, and damage is never passed over."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from registry.accounts import people
from registry.audit import keys, log
from registry.instance import backups, parts, secrets
from registry.instance.processes import InstanceError
from registry.storage import blobs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
CONTENT = b"weights" * 1000


def _quiet(_: str) -> None: ...


@pytest.fixture
def sha256() -> str:
    """An instance with a person, a signed audit log and a blob: the SHA-256 of the blob."""
    keys.ensure_key()
    people.create_person(username="ada", email="ada@example.org")
    log.checkpoint()
    return blobs.store(io.BytesIO(CONTENT), size=len(CONTENT)).sha256


@pytest.fixture
def backup(sha256: str, tmp_path: Path) -> Path:
    backups.back_up(tmp_path / "backup", tell=_quiet)
    return tmp_path / "backup"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty data folder, where no database is named."""
    monkeypatch.delenv("REGISTRY_DATABASE_URL")
    return tmp_path / "restored"


@contextmanager
def _running(data: Path) -> Iterator[str]:
    server = parts.postgres(data)
    with (data / "log").open("wb") as output:
        process = server.start(output)
    assert server.wait_until_ready(process)
    yield server.url()
    process.terminate()
    process.wait()


def test_a_restored_instance_has_the_people_the_bytes_and_a_whole_audit_log(
    backup: Path, elsewhere: Path, sha256: str
):
    backups.restore(backup, data=elsewhere, tell=_quiet)

    path = elsewhere / "blobs" / sha256[:2] / sha256[2:4] / sha256
    assert path.read_bytes() == CONTENT
    with _running(elsewhere) as url:
        with psycopg.connect(url) as connection:
            names = connection.execute("SELECT username FROM accounts_user").fetchall()
        env = {**os.environ, "REGISTRY_DATA_DIR": str(elsewhere)}
        verified = subprocess.run(
            [sys.executable, "manage.py", "audit", "verify"],
            cwd=parts.SOURCE,
            env=env,
            capture_output=True,
            text=True,
        )
    assert names == [("ada",)]
    assert verified.returncode == 0, verified.stderr
    assert verified.stdout.strip() == log.verify().head


def test_the_signing_key_and_the_secret_key_come_back_for_the_instance_alone(
    sha256: str, tmp_path: Path, elsewhere: Path
):
    secrets.make_data_folder(settings.DATA_DIR)
    secrets.write(settings.DATA_DIR, secrets.SESSION_KEY, "k" * 50)
    backups.back_up(tmp_path / "backup", tell=_quiet)

    backups.restore(tmp_path / "backup", data=elsewhere, tell=_quiet)

    key = elsewhere / "keys" / f"{keys.ensure_key().key_id}.key"
    assert key.read_bytes() == (settings.KEY_DIR / key.name).read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert secrets.read(elsewhere, secrets.SESSION_KEY) == "k" * 50


def test_a_damaged_blob_stops_the_backup_and_leaves_nothing(sha256: str, tmp_path: Path):
    (settings.BLOB_DIR / blobs.key_of(sha256)).write_bytes(b"other bytes")
    with pytest.raises(InstanceError, match=f"blob {sha256} is damaged"):
        backups.back_up(tmp_path / "backup", tell=_quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_blob_stops_the_backup(sha256: str, tmp_path: Path):
    blobs.delete(sha256)
    with pytest.raises(InstanceError, match=f"blob {sha256} is missing"):
        backups.back_up(tmp_path / "backup", tell=_quiet)


def test_a_damaged_backup_restores_nothing(backup: Path, elsewhere: Path, sha256: str):
    (backup / "blobs" / sha256[:2] / sha256[2:4] / sha256).write_bytes(b"other bytes")
    with pytest.raises(InstanceError, match="is damaged"):
        backups.restore(backup, data=elsewhere, tell=_quiet)
    assert [path.name for path in elsewhere.parent.iterdir()] == ["backup"]


def test_a_changed_database_dump_is_refused(backup: Path, elsewhere: Path):
    with (backup / "database.dump").open("ab") as dump:
        dump.write(b"more")
    with pytest.raises(InstanceError, match=r"database\.dump is not what it was"):
        backups.restore(backup, data=elsewhere, tell=_quiet)


def test_neither_a_backup_nor_an_instance_is_written_over(backup: Path, elsewhere: Path):
    elsewhere.mkdir()
    (elsewhere / "note").write_text("mine")
    with pytest.raises(InstanceError, match="which is not empty"):
        backups.restore(backup, data=elsewhere, tell=_quiet)
    with pytest.raises(InstanceError, match="which is not empty"):
        backups.back_up(backup, tell=_quiet)


def test_a_folder_that_is_no_backup_is_named_as_such(tmp_path: Path, elsewhere: Path):
    with pytest.raises(InstanceError, match="is not a backup"):
        backups.restore(tmp_path, data=elsewhere, tell=_quiet)


@pytest.mark.usefixtures("bucket")
def test_with_a_bucket_the_blobs_are_looked_up_there_and_none_is_copied(
    tmp_path: Path, elsewhere: Path
):
    sha256 = blobs.store(io.BytesIO(CONTENT), size=len(CONTENT)).sha256
    said: list[str] = []

    made = backups.back_up(tmp_path / "backup", tell=said.append)

    assert made.blobs >= 1
    assert any("none is copied" in line for line in said)
    assert not (tmp_path / "backup" / "blobs").exists()
    assert sha256 in (tmp_path / "backup" / "blobs.txt").read_text()
    blobs.delete(sha256)
    with pytest.raises(InstanceError, match=f"blob {sha256} of .* is missing in the bucket"):
        backups.back_up(tmp_path / "another", tell=_quiet)
    with pytest.raises(InstanceError, match=f"blob {sha256} of .* is missing in the bucket"):
        backups.restore(tmp_path / "backup", data=elsewhere, tell=_quiet)


def test_a_backup_is_restored_with_the_storage_it_was_made_with(
    backup: Path, elsewhere: Path, bucket: None
):
    with pytest.raises(InstanceError, match="REGISTRY_STORAGE=local; restore it with the same"):
        backups.restore(backup, data=elsewhere, tell=_quiet)
