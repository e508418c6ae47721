"""The real nginx: serving a folder and nothing else, or in front of the registry with the
configuration that the repository ships."""

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

from registry.instance.processes import free_port, spawn, stop

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"
MAIN = """
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/errors warn;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/accesses;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
FOLDER = "sendfile on; server {{ listen 127.0.0.1:{port}; location / {{ root {root}; }} }}\n"


def program() -> str | None:
    """Where nginx is on this machine."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def plain(folder: Path, root: Path) -> Iterator[str]:
    """The address of an nginx that serves the files of `root`."""
    port = free_port()
    with _started(folder, FOLDER.format(port=port, root=root), port) as url:
        yield url


@contextmanager
def in_front(folder: Path, *, registry: str, blobs: Path) -> Iterator[str]:
    """The address of an nginx before the registry at this address."""
    port = free_port()
    with _started(folder, _changed(urlsplit(registry).netloc, port, blobs), port) as url:
        yield url


@contextmanager
def _started(folder: Path, site: str, port: int) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    # Else its workers are somebody who cannot read the files
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(user + MAIN.format(folder=folder))
    command = [program() or "nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")]
    with (folder / "log").open("wb") as output:
        process = spawn(command, on_orphaned=signal.SIGTERM, output=output)
    try:
        _wait(port, process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process, signal.SIGTERM, seconds=10)


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


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace"))
