"""Large objects with the real client: by parts, resumed after the server was killed, and removed."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from registry.instance.processes import free_port, stop
from registry.storage import blobs
from registry.storage.models import Upload
from tests.factories import make_commit, make_repository, make_token
from tests.wire import clients

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]
SIZE = 200 * 1024**2


class Own:
    """A server of this test's own, that it may kill and start again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.start()

    def start(self) -> None:
        database = urlsplit(os.environ["REGISTRY_DATABASE_URL"])._replace(
            path="/" + str(connection.settings_dict["NAME"])
        )
        environment = {
            **os.environ,
            "REGISTRY_DATABASE_URL": urlunsplit(database),
            "REGISTRY_SECRET_KEY": settings.SECRET_KEY,
            "REGISTRY_LFS_PARTS_MIB": "64",
            "DJANGO_SETTINGS_MODULE": "registry.settings",
        }
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--config", str(ROOT / "registry/instance/gunicorn_conf.py")]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        clients_wait(self.url, self.process)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def clients_wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    import urllib.request

    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):  # noqa: S310 - ours
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def test_an_upload_by_parts_survives_a_server_that_is_killed(tmp_path: Path) -> None:
    repository = make_repository()
    source = tmp_path / "model.safetensors"
    source.write_bytes(random.Random(3).randbytes(1024**2) * (SIZE // 1024**2))  # noqa: S311
    own = Own(tmp_path)
    token = make_token(repository.created_by)
    upload = {
        "repo_id": repository.full_name,
        "path_or_fileobj": str(source),
        "path_in_repo": "model.safetensors",
    }
    api = clients.Client(clients.newest_python(), own.url, token, tmp_path / "home", by_lfs=True)
    killer = subprocess.Popen(
        [sys.executable, "-c", KILL, str(own.process.pid), str(_staged_folder())]
    )
    try:
        with pytest.raises(clients.ClientError) as broken_off:
            api("upload_file", **upload)
        assert killer.wait(60) == 0, broken_off.value
        assert Upload.objects.count() == 1
        own.process.wait()
        own.start()

        api("upload_file", **upload)

    finally:
        api.close()
        killer.kill()
        killer.wait()
        stop(own.process, signal.SIGTERM, seconds=10)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert hashlib.sha256(blobs.read(digest)).hexdigest() == digest
    assert Upload.objects.count() == 0
    assert list(_staged_folder().iterdir()) == []
    blobs.delete(digest)


KILL = """
import os, pathlib, signal, sys, time
pid, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
until = time.monotonic() + 50
while time.monotonic() < until:
    if folder.exists() and any(f.stat().st_size > 70 * 1024**2 for f in folder.iterdir()):
        break
    time.sleep(0.005)
os.killpg(pid, signal.SIGKILL)
"""


def _staged_folder() -> Path:
    return Path(settings.BLOB_DIR) / "objects" / "uploads"


def test_the_client_lists_large_files_and_removes_them_for_good(
    client_of: Callable[..., clients.Client],
) -> None:
    repository = make_repository()
    make_commit(repository, {"old.bin": b"old weights", "new.bin": b"new weights"})
    api = client_of(repository.created_by)
    if api.is_oldest:
        pytest.skip("this client has no such call")
    found: list[dict[str, Any]] = api("list_lfs_files", repo_id=repository.full_name)
    assert {one["filename"] for one in found} == {"old.bin", "new.bin"}

    api("remove_lfs_files", repo_id=repository.full_name, filename="old.bin")

    assert [one["filename"] for one in api("list_lfs_files", repo_id=repository.full_name)] == [
        "new.bin"
    ]
    assert api("list_repo_files", repo_id=repository.full_name) == [".gitattributes", "new.bin"]
