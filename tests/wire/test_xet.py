"""Uploads by Xet with the newest client, which is told nothing but the address and the token."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.utils import timezone

from registry.accounts.models import User
from registry.catalog.models import Ref
from registry.instance.processes import stop
from registry.storage.models import Blob, XetSpace, Xorb
from registry.storage.xet import spaces
from tests.factories import make_facts, make_released, make_repository, make_token, make_user
from tests.wire.clients import Client, newest_python
from tests.wire.test_large_objects import Own
from tests.wire.test_round_trip import CARD, ClientOf

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = 100_000_000  # of which a xorb takes two thirds


@pytest.fixture
def python() -> Path:
    return newest_python()


@pytest.fixture
def ada() -> User:
    make_facts()
    return make_user("ada")


@pytest.fixture
def client(client_of: ClientOf, ada: User) -> Client:
    return client_of(ada)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("large") / "large.bin"
    path.write_bytes(os.urandom(LARGE))
    yield path
    path.unlink()


def _folder(tmp_path: Path, **files: bytes) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    for name, content in files.items():
        (folder / f"{name}.bin").write_bytes(content)
    return folder


def _same(client: Client, repo_id: str, folder: Path, out: Path, *options: str) -> bool:
    done = client.hf("download", repo_id, "--local-dir", str(out), *options)
    assert done.returncode == 0, done.stderr
    return all(
        (out / path.name).read_bytes() == path.read_bytes()
        for path in folder.iterdir()
        if path.is_file()
    )


def _write_token(client: Client) -> dict[str, str]:
    request = urllib.request.Request(  # noqa: S310 - our own
        f"{client.url}/api/models/ada/tiny/xet-write-token/main",
        headers={"Authorization": f"Bearer {client.environment['HF_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
        found: dict[str, str] = json.load(answer)
    return found


def _upload(client: Client, folder: Path, *options: str, repo_id: str = "ada/tiny") -> None:
    done = client.hf("upload", repo_id, str(folder), *options)
    assert done.returncode == 0, done.stderr


def test_files_of_every_kind_arrive_as_they_are(
    client: Client, tmp_path: Path, large: Path
) -> None:
    floats = np.random.default_rng(1).standard_normal(2_000_000, dtype=np.float32)
    folder = _folder(
        tmp_path,
        floats=floats.tobytes(),
        halves=floats.astype(np.float16).tobytes() + b"odd",
        zeros=bytes(30_000_000),
        repeated=os.urandom(3_000_000) * 3,
        small=b"\0small",
        empty=b"",
    )
    (folder / large.name).hardlink_to(large)

    _upload(client, folder)

    assert _same(client, "ada/tiny", folder, tmp_path / "out")
    assert Xorb.objects.count() > 1
    assert not Xorb.objects.filter(is_used=False).exists()


def test_many_small_files_arrive(client: Client, tmp_path: Path) -> None:
    folder = _folder(tmp_path, **{f"part{at}": b"\0" + os.urandom(2_000 + at) for at in range(60)})

    _upload(client, folder)

    assert _same(client, "ada/tiny", folder, tmp_path / "out")


def test_what_was_sent_before_is_not_sent_again(client: Client, tmp_path: Path) -> None:
    content = os.urandom(5_000_000)
    folder = _folder(tmp_path, one=content)
    _upload(client, folder)
    assert Xorb.objects.count() == 1

    (folder / "two.bin").write_bytes(content[::-1] + content)
    _upload(client, folder)

    sizes = Xorb.objects.order_by("pk").values_list("size", flat=True)
    assert [size // 1_000_000 for size in sizes] == [5, 5]
    assert _same(client, "ada/tiny", folder, tmp_path / "out")


def test_a_client_that_was_killed_is_run_again(client: Client, tmp_path: Path, large: Path) -> None:
    folder = _folder(tmp_path)
    (folder / large.name).hardlink_to(large)
    command = [str(client.python.parent / "hf"), "upload", "ada/tiny", str(folder)]
    killed = subprocess.Popen(
        command, env=client.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not Xorb.objects.exists() and time.monotonic() < until:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert Xorb.objects.exists()

    _upload(client, folder)

    assert _same(client, "ada/tiny", folder, tmp_path / "out")


def test_a_xorb_that_is_there_is_known_before_it_is_sent(client: Client, tmp_path: Path) -> None:
    """And who sends it nonetheless is listened to."""
    content = b"\0" + os.urandom(300_000)
    _upload(client, _folder(tmp_path, one=content))
    (xorb,) = Xorb.objects.all()
    given = _write_token(client)
    where = urlsplit(given["casUrl"])
    head = (
        f"POST {where.path}/v1/xorbs/default/{xorb.hash} HTTP/1.1\r\nHost: {where.netloc}\r\n"
        f"Authorization: Bearer {given['accessToken']}\r\nContent-Length: 20000000\r\n\r\n"
    )

    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(10_000), b""))
        connection.sendall(bytes(20_000_000))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b'{"was_inserted": false}')


def test_a_server_that_was_killed_goes_on(ada: User, tmp_path: Path, large: Path) -> None:
    """Each process of it, while xorbs arrive; the client is run again where it gave up."""
    folder = _folder(tmp_path)
    (folder / large.name).hardlink_to(large)
    make_repository(ada, "tiny")
    own = Own(tmp_path)
    client = Client(newest_python(), own.url, make_token(ada), tmp_path / "home")
    command = [str(client.python.parent / "hf"), "upload", "ada/tiny", str(folder)]
    try:
        running = subprocess.Popen(
            command, env=client.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while not Xorb.objects.exists() and time.monotonic() < until:
            time.sleep(0.02)
        own.kill()
        assert Xorb.objects.filter(is_used=False).exists()
        own.start()
        if running.wait(timeout=120) != 0:
            _upload(client, folder)

        assert _same(client, "ada/tiny", folder, tmp_path / "out")
    finally:
        client.close()
        stop(own.process, signal.SIGTERM, seconds=10)
    assert not Xorb.objects.filter(is_used=False).exists()


def test_after_xorbs_were_cleared_a_client_that_remembers_them_uploads_again(
    client: Client, tmp_path: Path
) -> None:
    content = os.urandom(5_000_000)
    folder = _folder(tmp_path, one=content)
    _upload(client, folder)
    assert spaces.clear(keep=timedelta(days=3), now=timezone.now() + timedelta(days=4)) == 1
    assert not Xorb.objects.exists()

    (folder / "two.bin").write_bytes(content + b"more")
    _upload(client, folder)

    assert list(XetSpace.objects.order_by("epoch").values_list("epoch", flat=True)) == [1, 2]
    assert _same(client, "ada/tiny", folder, tmp_path / "out")


def test_a_lost_xorb_fails_one_upload_and_not_the_next(client: Client, tmp_path: Path) -> None:
    content = os.urandom(5_000_000)
    folder = _folder(tmp_path, one=content)
    _upload(client, folder)
    Xorb.objects.all().delete()
    (folder / "two.bin").write_bytes(content + b"more")

    failed = client.hf("upload", "ada/tiny", str(folder))
    assert failed.returncode != 0

    _upload(client, folder)
    assert _same(client, "ada/tiny", folder, tmp_path / "out")


def test_two_clients_upload_the_same_file_at_once(
    client_of: ClientOf, ada: User, tmp_path: Path
) -> None:
    folder = _folder(tmp_path, one=os.urandom(8_000_000))
    make_repository(ada, "tiny")
    clients = [client_of(ada), client_of(ada)]
    running = [
        subprocess.Popen(
            [str(client.python.parent / "hf"), "upload", "ada/tiny", str(folder), ".", *branch],
            env=client.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for client, branch in zip(clients, ([], ["--revision", "other"]), strict=True)
    ]

    said = [process.communicate(timeout=60)[1].decode() for process in running]

    assert [process.returncode for process in running] == [0, 0], said
    assert Xorb.objects.count() == 1
    assert _same(clients[0], "ada/tiny", folder, tmp_path / "out")
    assert _same(clients[1], "ada/tiny", folder, tmp_path / "other", "--revision", "other")


def test_a_stranger_sends_files_for_a_pull_request(
    client_of: ClientOf, ada: User, tmp_path: Path
) -> None:
    content = os.urandom(3_000_000)
    repository = make_repository(ada, "tiny")
    make_released(repository, files={"README.md": CARD, "known.bin": content})
    stranger = client_of(make_user("bob"))
    folder = _folder(tmp_path, known=content, own=b"\0" + content[::-1])

    _upload(stranger, folder, "--create-pr")

    (space,) = XetSpace.objects.all()
    assert space.person == User.objects.get(username="bob").public_id
    digest = hashlib.sha256(b"\0" + content[::-1]).hexdigest()
    assert Blob.objects.filter(sha256=digest).exists()
    ref = Ref.objects.get(name__startswith="refs/pr/").name
    out = tmp_path / "out"
    down = stranger.hf(
        "download", "ada/tiny", "own.bin", "--revision", ref, "--local-dir", str(out)
    )
    assert down.returncode == 0, down.stderr
    assert (out / "own.bin").read_bytes() == b"\0" + content[::-1]
