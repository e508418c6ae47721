"""The Hub client in a process of its own, in the version under test.

Each version lives in an environment of its own under `.cache/clients`, made on first use, or for
all of them by `python -m tests.wire.clients`.
"""

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Version:
    """A release of the client that people still run, with the Xet library of its time."""

    client: str
    xet: str = ""
    is_in_every_run: bool = False

    @property
    def packages(self) -> list[str]:
        wanted = [f"huggingface_hub=={self.client}"]
        return [*wanted, f"hf_xet=={self.xet}"] if self.xet else wanted


NEWEST = "newest"
OLDEST = Version("0.20.3", is_in_every_run=True)
# 0.30 to 1.19 ask the server how to upload; from 1.20 on they upload by Xet without asking
OLDER = [
    OLDEST,
    Version("0.30.2", xet="1.0.5"),
    Version("0.36.2", xet="1.2.0", is_in_every_run=True),
    Version("1.10.2", xet="1.4.3"),
    Version("1.20.1", xet="1.5.2", is_in_every_run=True),
    Version("1.33.0", xet="1.8.0"),
]
DRIVER = Path(__file__).with_name("driver.py")


class ClientError(Exception):
    """What the client raised: the names of its classes, and every message on the way."""

    def __init__(self, kinds: list[str], message: str) -> None:
        super().__init__(f"{kinds[0]}: {message}")
        self.kinds = kinds
        self.message = message


class Client:
    """One person's client: every method of `HfApi`, run in the driver."""

    def __init__(
        self, python: Path, url: str, token: str, home: Path, *, by_lfs: bool = False
    ) -> None:
        self.home = home
        self.url = url
        self.python = python
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("HF_")},
            "HF_ENDPOINT": url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_COLOR": "1",
        }
        if by_lfs:
            self.environment["HF_HUB_DISABLE_XET"] = "1"
        if token:
            self.environment["HF_TOKEN"] = token
        self.process = subprocess.Popen(
            [str(python), str(DRIVER), url, token],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self, method: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"method": method, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        while not (line := self.process.stdout.readline()).startswith("\x1e"):
            assert line, "the client's process ended"
        answer = json.loads(line[1:])
        if "error" in answer:
            raise ClientError(answer["error"], answer["message"])
        return answer["result"]

    @property
    def is_oldest(self) -> bool:
        return OLDEST.client in self.python.parts

    @property
    def asks_for_the_rest(self) -> bool:
        """Whether it goes on by itself after a download that broke off, as all do from 1.20 on."""
        return not any(one.client in self.python.parts for one in OLDER if one.client < "1.20")

    def hf(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The command of the newest client."""
        return subprocess.run(
            [str(self.python.parent / "hf"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()


def newest_python() -> Path:
    return Path(sys.executable)


def drives_all() -> bool:
    """Whether this run is of every version on every place for bytes, as `make clients` asks."""
    return os.environ.get("REGISTRY_TEST_CLIENTS") == "all"


def under_test() -> list[Version]:
    """The older versions that this run drives."""
    return [version for version in OLDER if version.is_in_every_run or drives_all()]


def python_of(version: Version) -> Path:
    """The interpreter of an environment that holds this version; made on first use."""
    folder = ROOT / ".cache" / "clients" / version.client
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python"
    with (folder.parent / f"{version.client}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *version.packages], check=True)
            (folder / "made").touch()
    return python


if __name__ == "__main__":
    for one in OLDER:
        print(one.client, python_of(one))  # noqa: T201 - what `make clients` says
