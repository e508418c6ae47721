"""Backups: database, keys and blobs as of one moment, in a folder; and an instance made from one."""

import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from registry.audit.models import Entry
from registry.instance import parts, secrets
from registry.instance.launch import sole_user_of
from registry.instance.postgres import embedded_bindir, let_in
from registry.instance.processes import InstanceError, stop
from registry.storage import blobs, streams
from registry.storage.models import Blob

FORMAT = "registry.backup/1"
Keep = Callable[[str, int], None]


@dataclass(frozen=True)
class Summary:
    """What a backup holds."""

    folder: Path
    blobs: int
    bytes: int


def back_up(folder: Path, *, tell: Callable[[str], None]) -> Summary:
    """Write a backup of the running instance to a new folder: all of it, or none."""
    _refuse_unless_empty(folder, "The backup")
    with blobs.removal_paused(), _whole_or_nothing(folder) as new, transaction.atomic():
        with connection.cursor() as cursor:
            # Rows and blobs are those of one moment, while people go on working
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
        tell("Writing the database.")
        _dump(new / "database.dump", snapshot)
        _copy_keys(Path(settings.KEY_DIR), new / "keys")
        if key := secrets.read(settings.DATA_DIR, secrets.SESSION_KEY):
            secrets.write_private(new / "keys" / secrets.SESSION_KEY, key + "\n")
        if settings.STORAGE == "local":
            tell("Copying the blobs.")
            count, size = _list_blobs(new, _copied(Path(settings.BLOB_DIR), new))
        else:
            tell(
                f"The blobs stay in the bucket {settings.S3['bucket']}: each is looked up there, "
                "and none is copied. Keep copies of them by the bucket's own means."
            )
            count, size = _list_blobs(new, _in_bucket())
        _write_manifest(new, count=count, size=size)
    return Summary(folder, count, size)


def restore(source: Path, *, data: Path, tell: Callable[[str], None]) -> Summary:
    """Make an instance in an empty data folder from a backup: all of it, verified, or none."""
    manifest = _read_manifest(source)
    _refuse_other_storage(manifest)
    _refuse_unless_empty(data, "The data folder")
    with _whole_or_nothing(data) as new, sole_user_of(new):
        if settings.STORAGE == "local":
            tell("Copying and verifying the blobs.")
            keep = _copied(source / "blobs", new)
        else:
            tell(f"Looking up each blob in the bucket {settings.S3['bucket']}.")
            keep = _in_bucket()
        for sha256, size in _listed(source):
            keep(sha256, size)
        _copy_keys(source / "keys", new / "keys")
        if (new / "keys" / secrets.SESSION_KEY).exists():
            (new / "keys" / secrets.SESSION_KEY).rename(new / "run" / secrets.SESSION_KEY)
        tell("Reading the database back.")
        with _database_of(new) as url:
            _load(source / "database.dump", url)
            tell("Verifying the audit log.")
            _verify(new, url)
    return Summary(data, manifest["blobs"], manifest["bytes"])


# The database


def _dump(target: Path, snapshot: str) -> None:
    _run_tool(
        "pg_dump", connection.get_connection_params(),
        f"--snapshot={snapshot}", "--format=custom", "--no-owner", "--no-privileges",
        "--exclude-table-data=cache_entries", f"--file={target}",
    )  # fmt: skip


def _load(dump: Path, url: str) -> None:
    address = conninfo_to_dict(url)
    options = ["--no-owner", "--exit-on-error", "--single-transaction"]
    _run_tool("pg_restore", address, *options, str(dump))


def _run_tool(name: str, address: Mapping[str, Any], *arguments: str) -> None:
    known = {key: address.get(key) for key in ("host", "port", "user", "password", "dbname")}
    with psycopg.connect(make_conninfo("", **known)) as connection:
        major = connection.info.server_version // 10_000
    where = [
        f"--host={known['host']}",
        f"--port={known['port'] or 5432}",
        f"--username={known['user']}",
        f"--dbname={known['dbname']}",
    ]
    done = subprocess.run(  # noqa: S603
        [_tool(name, major), *where, "--no-password", *arguments],
        env={**os.environ, "PGPASSWORD": known["password"] or ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise InstanceError(f"{name} failed: {done.stderr.strip()}")


def _tool(name: str, major: int) -> str:
    """The program of the server's own version where it is installed, else the embedded one."""
    embedded = str(embedded_bindir() / name)
    for path in filter(None, [embedded, shutil.which(name)]):
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        if re.search(rf"\) {major}\.", said.stdout):
            return path
    return embedded


@contextmanager
def _database_of(data: Path) -> Iterator[str]:
    """The empty database to restore into: the site's own, or a new embedded one in the folder."""
    if url := os.environ.get("REGISTRY_DATABASE_URL"):
        yield url
        return
    let_in(data)
    server = parts.postgres(data)
    server.create()
    process = server.start_and_wait(data / "run" / "restore.log")
    try:
        server.ensure_database()
        yield server.url()
    finally:
        stop(process, signal.SIGINT, seconds=60)


def _verify(data: Path, url: str) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", "audit", "verify"],
        cwd=parts.SOURCE,
        env={
            **os.environ,
            "REGISTRY_DATA_DIR": str(data),
            "REGISTRY_DATABASE_URL": url,
            "REGISTRY_SECRET_KEY": secrets.new_secret(),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise InstanceError(f"The restored audit log is not whole: {done.stderr.strip()}")


# Keys and blobs


def _copy_keys(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700)
    for path in sorted(source.iterdir()) if source.is_dir() else []:
        with path.open("rb") as file, _new_private_file(target / path.name) as copy:
            shutil.copyfileobj(file, copy)


def _copied(source: Path, new: Path) -> Keep:
    def keep(sha256: str, size: int) -> None:
        _copy_verified(_in(source, sha256), _in(new / "blobs", sha256), sha256, size)

    return keep


def _in_bucket() -> Keep:
    """The bucket verified each blob when it came; here its listing has to have them all."""
    stored = dict(blobs.stored())

    def keep(sha256: str, size: int) -> None:
        if stored.get(sha256) != size:
            found = f"has {stored[sha256]} bytes" if sha256 in stored else "is missing"
            raise InstanceError(
                f"The blob {sha256} of {size} bytes {found} in the bucket {settings.S3['bucket']}."
            )

    return keep


def _list_blobs(new: Path, keep: Keep) -> tuple[int, int]:
    count = total = 0
    with (new / "blobs.txt").open("w") as listing:
        rows = Blob.objects.filter(removed_at=None).order_by("pk").values_list("sha256", "size")
        for sha256, size in rows.iterator(chunk_size=2000):
            keep(sha256, size)
            listing.write(f"{sha256} {size}\n")
            count, total = count + 1, total + size
    return count, total


def _copy_verified(source: Path, target: Path, sha256: str, size: int) -> None:
    """Copy a blob while hashing it, and raise unless it is the one it should be."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hasher, copied = hashlib.sha256(), 0
    try:
        with source.open("rb") as file, _new_private_file(target) as copy:
            for piece in streams.pieces(file):
                hasher.update(piece)
                copied += len(piece)
                copy.write(piece)
    except FileNotFoundError as error:
        raise InstanceError(f"The blob {sha256} is missing: there is no {source}.") from error
    if (hasher.hexdigest(), copied) != (sha256, size):
        raise InstanceError(f"The blob {sha256} is damaged: {source} holds other bytes.")


@contextmanager
def _new_private_file(path: Path) -> Iterator[io.BufferedWriter]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _in(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256[2:4] / sha256


# The folder


def _write_manifest(new: Path, *, count: int, size: int) -> None:
    last = Entry.objects.order_by("-sequence").first()
    manifest = {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "database_sha256": _sha256_of(new / "database.dump"),
        "listing_sha256": _sha256_of(new / "blobs.txt"),
        "blobs": count,
        "bytes": size,
        "storage": settings.STORAGE,
        "audit_head": last.hash if last else "",
    }
    (new / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _read_manifest(source: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((source / "manifest.json").read_text())
    except (OSError, ValueError) as error:
        raise InstanceError(
            f"{source} is not a backup: it has no readable manifest.json."
        ) from error
    if manifest.get("format") != FORMAT:
        raise InstanceError(f"{source} is a backup of another format than {FORMAT}.")
    for name, field in (("database.dump", "database_sha256"), ("blobs.txt", "listing_sha256")):
        if not (source / name).is_file() or _sha256_of(source / name) != manifest[field]:
            raise InstanceError(f"The backup is damaged: {source / name} is not what it was.")
    return manifest


def _refuse_other_storage(manifest: Mapping[str, Any]) -> None:
    """The bytes are where the backup was made, so an instance that looks elsewhere has none."""
    made_with = manifest.get("storage", "local")
    if made_with != settings.STORAGE:
        raise InstanceError(
            f"The backup is of an instance with REGISTRY_STORAGE={made_with}; restore it with the "
            "same. Its blobs are in the bucket if that is s3, else in the folder of the backup."
        )


def _listed(source: Path) -> Iterator[tuple[str, int]]:
    with (source / "blobs.txt").open() as listing:
        for line in listing:
            sha256, size = line.split()
            yield sha256, int(size)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_unless_empty(folder: Path, what: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InstanceError(f"{what} would be {folder}, which is not empty. Name a new folder.")


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    """A folder beside the wanted one, which takes its name when all went well, else vanishes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    new.mkdir(mode=0o700)
    try:
        yield new
        new.rename(folder)
    except BaseException:
        shutil.rmtree(new)
        raise
