"""nginx as the yardstick: serving a folder and nothing else, and in front of the registry."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.instance import Instance
from registry.instance.processes import free_port, stop

PLAIN = """
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    sendfile on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ root {root}; }}
    }}
}}
"""

SITE = Path(__file__).resolve().parent.parent / "deploy" / "nginx.conf"
AROUND = """
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@contextmanager
def plain(folder: Path, root: Path) -> Iterator[str]:
    """The address of an nginx that serves the files of a folder."""
    port = free_port()
    folder.mkdir(parents=True)
    with started(folder, PLAIN.format(folder=folder, port=port, root=root), port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def started(folder: Path, configuration: str, port: int) -> Iterator[None]:
    """nginx with this configuration, once it listens."""
    if os.geteuid() == 0:  # else its workers are somebody who cannot read the files
        configuration = f"user root;\n{configuration}"
    (folder / "nginx.conf").write_text(configuration)
    command = ["nginx", "-e", str(folder / "error.log"), "-p", str(folder), "-c", "nginx.conf"]
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603
        try:
            _wait(port, process, folder / "log")
            yield
        finally:
            stop(process, signal.SIGTERM, seconds=10)


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(log.read_text(errors="replace"))


@contextmanager
def in_front(folder: Path, running: Instance) -> Iterator[str]:
    """The address of an nginx in front of a registry, configured by the file in `deploy/`."""
    port = free_port()
    folder.mkdir(parents=True)
    site = SITE.read_text()
    for theirs, ours in (
        ("server 127.0.0.1:8000;", f"server {urlsplit(running.url).netloc};"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("server_name models.example.org;", "server_name 127.0.0.1;"),
        ("alias /srv/registry/blobs/;", f"alias {running.data}/blobs/;"),
    ):
        if theirs not in site:
            raise RuntimeError(f"{SITE} has no {theirs!r} any more; mend this script.")
        site = site.replace(theirs, ours)
    (folder / "site.conf").write_text(site)
    with started(folder, AROUND.format(folder=folder), port):
        yield f"http://127.0.0.1:{port}"
