"""Services that last as long as one command: `python -m registry.instance.throw_away COMMAND ...`.

For tests and for tools that look at the source through Django. Nothing is synced to the disk.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from registry.instance.postgres import Postgres, embedded_bindir, let_in
from registry.instance.processes import InstanceError, free_port, stop
from registry.instance.valkey import Valkey, embedded_binary


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The address of a running PostgreSQL with an empty database."""
    server = Postgres(
        folder=folder / "postgres",
        port=free_port(),
        password=secrets.token_urlsafe(24),
        bindir=embedded_bindir(),
        throw_away=True,
    )
    let_in(folder)
    server.create()
    process = server.start_and_wait(folder / "postgres.log")
    try:
        server.ensure_database()
        yield server.url()
    finally:
        stop(process, signal.SIGINT, seconds=10)


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """The address of a running Valkey."""
    server = Valkey(
        folder=folder / "valkey",
        port=free_port(),
        password=secrets.token_urlsafe(24),
        binary=embedded_binary(),
    )
    log = folder / "valkey.log"
    with log.open("wb") as output:
        process = server.start(output)
    try:
        if not server.wait_until_ready(process):
            raise InstanceError(f"Valkey did not start: {log.read_text(errors='replace')}")
        yield server.url()
    finally:
        stop(process, signal.SIGTERM, seconds=10)


def environment(folder: Path, *, database_url: str, broker_url: str) -> dict[str, str]:
    """What tells our settings to use these services and nothing of a developer's own instance."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    return {
        "REGISTRY_DATA_DIR": str(data),
        "REGISTRY_SECRET_KEY": secrets.token_urlsafe(48),
        "REGISTRY_DATABASE_URL": database_url,
        "REGISTRY_BROKER_URL": broker_url,
        "REGISTRY_RATE_LIMITS": "off",
    }


def main(command: list[str]) -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="registry-")))
        database_url = stack.enter_context(database(folder))
        own = {name: value for name, value in os.environ.items() if "REGISTRY_" not in name}
        used = environment(folder, database_url=database_url, broker_url="redis://127.0.0.1:1/0")
        done = subprocess.run(command, env={**own, **used}, check=False)  # noqa: S603
        return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
