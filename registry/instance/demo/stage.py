"""Where the demonstration takes place: beside a running instance, or one that it starts itself."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.instance import launch
from registry.instance.demo import model
from registry.instance.demo.client import Person
from registry.instance.demo.story import Story
from registry.instance.parts import SOURCE, Address
from registry.instance.processes import InstanceError, free_port, port_is_free, spawn, stop

SCOPES = {"contributor": "admin", "maintainer": "admin", "steward1": "admin", "reader": "write"}
SITE_ROLES = {"maintainer": "maintainer", "steward1": "steward"}
START_SECONDS = 180


def perform(*, data: Path, port: int, tell: Callable[[str], None]) -> None:
    """Carry both forms of the model through, and verify the receipts and the log of it all."""
    began = time.monotonic()
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    logging.getLogger("huggingface_hub").propagate = False  # it shows its warnings by itself
    with tempfile.TemporaryDirectory(prefix="registry-demo-") as name:
        work = Path(name)
        uploads = model.prepare(work / "uploads", tell=tell)
        with _instance(data, port, tell=tell) as site:
            people = {
                person: Person(person, site=site, token=token, home=work / person)
                for person, token in {"anonymous": "", **_tokens(data)}.items()
            }
            # The second author could review the work of others, and may not decide on their own
            casts = [("contributor", ["maintainer", "steward1"]), ("maintainer", ["steward1"])]
            for upload, (author, reviewers) in zip(uploads, casts, strict=True):
                story = Story(
                    author=people[author],
                    reviewers=[people[name] for name in reviewers],
                    reader=people["reader"],
                    anonymous=people["anonymous"],
                    tell=tell,
                    began=began,
                )
                story.carry(upload)
                for receipt in story.receipts:
                    tell("The reader's receipt is verified")
                    tell(f"              {_manage(data, 'receipt', 'verify', str(receipt))[:44]}")
            tell("The operator verifies the audit log")
            tell(f"              head {_manage(data, 'audit', 'verify')}")
    tell(f"Done in {time.monotonic() - began:.0f} s: every byte came back as it was uploaded.")


@contextmanager
def _instance(data: Path, port: int, *, tell: Callable[[str], None]) -> Iterator[str]:
    if launch.is_running(data):
        site = launch.address_of(data)
        tell(f"Using the instance that runs at {site}/")
        yield site
        return
    address = Address("127.0.0.1", port if port_is_free("127.0.0.1", port) else free_port())
    log = data.with_name(data.name + "-demo.log")
    tell(f"Starting an instance at {address.url}/ (its log is {log})")
    command = ["manage.py", "up", "--data", str(data), "--port", str(address.port), "--demo"]
    with log.open("wb") as output:
        process = spawn(
            [sys.executable, *command], on_orphaned=signal.SIGTERM, output=output, cwd=SOURCE
        )
    try:
        _wait_until_ready(process, address, log)
        yield address.url
    finally:
        stop(process, signal.SIGTERM, seconds=90)


def _wait_until_ready(process: subprocess.Popen[bytes], address: Address, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not address.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise InstanceError(f"The instance did not start; {log} says why.")
        time.sleep(0.5)


def _tokens(data: Path) -> dict[str, str]:
    """A fresh token for each, after making those who are not there yet."""
    tokens = {}
    for name, scope in SCOPES.items():
        role = ["--site-role", SITE_ROLES[name]] if name in SITE_ROLES else []
        email = f"{name}@localhost.localdomain"
        made = _try_manage(data, "user", "add", name, "--email", email, *role)
        if made.returncode != 0 and "registered already" not in made.stderr:
            raise InstanceError(made.stderr.strip())
        wanted = ["--scope", scope, "--label", "demo", "--days", "1"]
        tokens[name] = _manage(data, "token", "add", name, *wanted)
    return tokens


def _manage(data: Path, *arguments: str) -> str:
    done = _try_manage(data, *arguments)
    if done.returncode != 0:
        raise InstanceError(f"manage.py {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout.strip()


def _try_manage(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", *arguments],
        cwd=SOURCE,
        env={**os.environ, "REGISTRY_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
