"""A running `manage.py up`, seen from outside, and commands for its operator."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from registry.instance.parts import SOURCE
from registry.instance.processes import free_port

READY_SECONDS = 300


class Instance:
    """One `up` on a port of its own."""

    def __init__(self, data: Path, *options: str, env: dict[str, str]) -> None:
        self.data = data
        self.port = free_port()
        self.log = data.parent / f"{data.name}.log"
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "manage.py",
                    "up",
                    "--data",
                    data,
                    "--port",
                    str(self.port),
                    *options,
                ],
                cwd=SOURCE,
                env=environment(data) | env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/readyz", timeout=20
            ) as answer:
                return bool(json.load(answer)["status"] == "ready")
        except (OSError, urllib.error.URLError):
            return False

    def tree(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), *self._children()]

    def part(self, *words: str) -> psutil.Process:
        for process in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):  # it has just ended, or is a zombie still
                if all(any(word in argument for argument in process.cmdline()) for word in words):
                    return process
        raise AssertionError(f"no part {words}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def _children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def environment(data: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return {**own, "REGISTRY_DATA_DIR": str(data)}


def manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=SOURCE,
        env=environment(data),
        capture_output=True,
        text=True,
    )


@contextmanager
def running(data: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[Instance]:
    instance = Instance(data, *options, env=env or {})
    try:
        instance.wait_until_ready()
        yield instance
    finally:
        if instance.process.poll() is None:
            instance.stop()
