"""A data folder as the first start of an instance leaves it: made once for all tests and copied, for
those that look at what comes after."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from registry.instance import launch, parts, secrets
from registry.instance.parts import SOURCE, Address
from registry.instance.supervisor import Supervisor


def folder() -> Path:
    """The prepared folder; whoever asks first makes it, and nobody starts it."""
    shared = Path(os.environ["REGISTRY_TESTS_FOLDER"])
    made = shared / "instance"
    with (shared / "instance.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _make(shared / "instance.new")
            (shared / "instance.new").rename(made)
    return made


def copy_to(data: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", folder(), data], check=True)


def _make(data: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.instance.prepared", data],
        cwd=SOURCE,
        env=own,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def main(data: Path) -> None:
    """Do what `up` does before the first part of the site is started."""
    with launch.sole_user_of(data), Supervisor().listening() as supervisor:
        secrets.ensure_secret_key(data)
        launch.start_database(supervisor, data)
        launch.start_broker(supervisor, data)
        env = parts.environment(data, Address("127.0.0.1", 0))
        supervisor.run_step("prepare", parts.program(["manage.py", "prepare"], env))
        supervisor.stop_all()
    # Copies that are started together would all take the port that was free
    for name in (secrets.DATABASE_URL, secrets.BROKER_URL):
        url = urlsplit(secrets.read(data, name))
        without = url.netloc.removesuffix(f":{url.port}")
        secrets.write(data, name, urlunsplit(url._replace(netloc=without)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
