"""The Hub client in a process of its own, in the version under test."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OLDEST = "0.20.3"
DRIVER = Path(__file__).with_name("driver.py")


class ClientError(Exception):
    """What the client raised: the names of its classes, and every message on the way."""

    def __init__(self, kinds: list[str], message: str) -> None:
        super().__init__(f"{kinds[0]}: {message}")
        self.kinds = kinds
        self.message = message


class Client:
    """One person's client: every method of `HfApi`, run in the driver."""

    def __init__(self, python: Path, url: str, token: str, home: Path) -> None:
        self.home = home
        self.url = url
        self.python = python
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("HF_")},
            "HF_ENDPOINT": url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_COLOR": "1",
        }
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
        return OLDEST in self.python.parts

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


def oldest_python() -> Path:
    """The interpreter of an environment that holds the oldest client; made on first use."""
    folder = ROOT / ".cache" / "clients" / OLDEST
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python"
    with (folder.parent / f"{OLDEST}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, f"huggingface_hub=={OLDEST}"], check=True)
            (folder / "made").touch()
    return python
