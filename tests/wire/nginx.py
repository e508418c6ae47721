"""The real nginx with the configuration that the repository ships."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from registry.instance.processes import free_port, spawn, stop

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
MAIN = """
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/registry.conf;
}}
"""


@contextmanager
def running(folder: Path, *, registry: str, blobs: Path) -> Iterator[str]:
    """nginx before the registry at this address; the address of nginx."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        reason = "nginx is not installed"
        if os.environ.get("REGISTRY_TESTS_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "registry.conf").write_text(_changed(urlsplit(registry).netloc, port, blobs))
    (folder / "nginx.conf").write_text(user + MAIN.format(folder=folder))
    command = [program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")]
    with (folder / "log").open("wb") as output:
        process = spawn(command, on_orphaned=signal.SIGTERM, output=output)
    try:
        _wait(port, process, folder)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process, signal.SIGTERM, seconds=5)


def _changed(registry: str, port: int, blobs: Path) -> str:
    """The shipped file with what an operator is told to change."""
    ours = {
        "server 127.0.0.1:8000;": f"server {registry};",
        "listen 80;": f"listen 127.0.0.1:{port};",
        "server_name models.example.org;": "server_name 127.0.0.1;",
        "alias /srv/registry/blobs/;": f"alias {blobs}/;",
    }
    text = CONFIGURATION.read_text()
    assert len(re.findall(r"; +# CHANGE", text)) == len(ours)
    for shipped, own in ours.items():
        assert f"{shipped}  # CHANGE" in text
        text = text.replace(shipped, own)
    return text


def _wait(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError((folder / "log").read_text(errors="replace"))
