"""How an instance comes up: its secrets, its database and broker, its tables, then its parts."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.instance import parts, secrets
from registry.instance.parts import Address
from registry.instance.postgres import RECOVERY_SECONDS, let_in
from registry.instance.processes import InstanceError, port_is_free
from registry.instance.supervisor import StopAsked, Supervisor

PORT_SECONDS = 8
READY_SECONDS = 60
FOR_DEMO_PEOPLE = (
    "Sign in as contributor, maintainer, steward1, steward2 or reader. Their passwords were printed "
    "when they were made; `.venv/bin/python manage.py changepassword NAME` sets another."
)


def up(*, data: Path, address: Address, with_demo_people: bool) -> int:
    """Run an instance until somebody stops it. The exit code says whether it ended well."""
    with sole_user_of(data), Supervisor().listening() as supervisor:
        try:
            _wait_for_port(address)
            if not os.environ.get("REGISTRY_SECRET_KEY"):
                secrets.ensure_secret_key(data)
            env = parts.environment(data, address)
            start_database(supervisor, data)
            start_broker(supervisor, data)
            step = ["manage.py", "prepare", *(["--demo"] if with_demo_people else [])]
            supervisor.run_step("prepare", parts.program(step, env))
            web = parts.web_part(address, env)
            supervisor.start(web, ready=address.answers, seconds=READY_SECONDS)
            for part in [*parts.worker_parts(env), parts.scheduler_part(data, env)]:
                supervisor.start(part, ready=lambda: True, seconds=READY_SECONDS)
            secrets.write(data, secrets.ADDRESS, address.url)
            supervisor.say(f"The registry is ready at {address.url}/")
            supervisor.say(f"Its data is in {data}. Ctrl-C stops it.")
            if with_demo_people:
                supervisor.say(FOR_DEMO_PEOPLE)
            supervisor.watch()
        except StopAsked:
            supervisor.say("Stopping.")
            supervisor.stop_all()
            supervisor.say("Stopped. Nothing is lost; start again with the same command.")
            return 0
        except InstanceError as error:
            supervisor.say(str(error))
            return 1
    return 0


def is_running(data: Path) -> bool:
    """Whether somebody runs the data folder now."""
    try:
        descriptor = os.open(data / "run" / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def address_of(data: Path) -> str:
    """Where the running instance of the data folder answers."""
    return secrets.read(data, secrets.ADDRESS)


def start_database(supervisor: Supervisor, data: Path) -> None:
    """Start the embedded PostgreSQL, unless the site names one of its own."""
    if os.environ.get("REGISTRY_DATABASE_URL"):
        return
    let_in(data)
    server = parts.postgres(data)
    server.end_leftover()
    if not server.exists():
        supervisor.say("Making the database.")
    server.create()
    part = parts.database_part(server)
    supervisor.start(part, ready=server.answers, seconds=RECOVERY_SECONDS)
    server.ensure_database()


def start_broker(supervisor: Supervisor, data: Path) -> None:
    """Start the embedded Valkey, unless the site names a broker of its own."""
    if os.environ.get("REGISTRY_BROKER_URL"):
        return
    server = parts.valkey(data)
    supervisor.start(parts.broker_part(server), ready=server.answers, seconds=READY_SECONDS)


@contextmanager
def sole_user_of(data: Path) -> Iterator[None]:
    """Within this, nobody else runs the data folder. The kernel lets go of it whatever happens."""
    secrets.make_data_folder(data)
    descriptor = os.open(data / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = os.read(descriptor, 32).decode().strip()
            raise InstanceError(
                f"The instance in {data} is running already (process {other or 'unknown'}). "
                "Stop it first, or give another folder with --data."
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _wait_for_port(address: Address) -> None:
    """Raise unless the port is free, or becomes so: the parts of a killed instance need a moment."""
    deadline = time.monotonic() + PORT_SECONDS
    while not port_is_free(address.host, address.port):
        if time.monotonic() > deadline:
            raise InstanceError(
                f"Port {address.port} of {address.host} is taken by another program. "
                "Choose another one: `make run PORT=8001`, or `up --port 8001`."
            )
        time.sleep(0.25)
