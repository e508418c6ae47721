"""The places for bytes that tests run on: a folder, and a bucket of a real S3 server."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from registry.instance.processes import free_port, spawn, stop

ACCESS_KEY, SECRET_KEY, BUCKET = "registry-key", "registry-secret", "registry"
PARTS = ("master", "volume", "filer")
ATTEMPTS = 3


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """An S3 server with an empty bucket; what `settings.S3` is to use it.

    Links name it `localhost` while it is reached at 127.0.0.1: to clients another host.
    """
    process, port = _started(folder)
    try:
        yield {
            "bucket": BUCKET,
            "endpoint": f"http://127.0.0.1:{port}",
            "public_endpoint": f"http://localhost:{port}",
            "region": "us-east-1",
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "addressing": "path",
        }
    finally:
        stop(process, signal.SIGKILL, seconds=5)  # nothing in it is worth a tidy end


def variables(address: dict[str, str], prefix: str) -> dict[str, str]:
    """The same as the variables that a program of ours reads."""
    named = {f"REGISTRY_S3_{name.upper()}": value for name, value in address.items()}
    return {"REGISTRY_STORAGE": "s3", "REGISTRY_S3_PREFIX": prefix, **named}


def _started(folder: Path) -> "tuple[subprocess.Popen[bytes], int]":
    """The server and its port, on the ports that nobody else took meanwhile."""
    for attempt in range(ATTEMPTS):
        place = folder / str(attempt)
        (place / "data").mkdir(parents=True)
        port = free_port()
        with (place / "log").open("wb") as output:
            process = spawn(_command(place, port), on_orphaned=signal.SIGKILL, output=output)
        if _has_bucket(port, process):
            return process, port
        stop(process, signal.SIGKILL, seconds=5)
        log = (place / "log").read_text(errors="replace")
        if "address already in use" not in log:
            break
    raise AssertionError(log[-4000:])


def _command(folder: Path, port: int) -> list[str]:
    keys = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    who = {"name": "registry", "credentials": [keys], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [who]}))
    ports = []
    for name in PARTS:
        ports += [f"-{name}.port={free_port()}", f"-{name}.port.grpc={free_port()}"]
    return [
        str(Path(sys.executable).with_name("weed")), "-logtostderr=true", "-v=-1", "server",
        f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *ports,
        "-master.volumeSizeLimitMB=256", "-volume.max=0", "-master.telemetry=false", "-filer",
        f"-filer.localSocket={folder / 'filer.sock'}", "-s3", f"-s3.port={port}",
        f"-s3.localSocket={folder / 's3.sock'}", f"-s3.port.grpc={free_port()}",
        "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={folder / 's3.json'}",
    ]  # fmt: skip


def _has_bucket(port: int, process: "subprocess.Popen[bytes]") -> bool:
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            client.create_bucket(Bucket=BUCKET)
            # The first bytes wait until the server has made room; a test should not
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
            return True
        except (BotoCoreError, ClientError):
            time.sleep(0.2)
    return False


def key_prefix(name: str) -> str:
    """A folder of the bucket that no other test uses."""
    return f"{os.getpid()}-{name}-{time.monotonic_ns()}"
