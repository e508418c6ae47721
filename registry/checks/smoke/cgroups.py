"""A control group for each job, where this process may make some: memory, processes, processor time.

The kernel then holds the limits over everything that a job starts, also between two looks of the
watchdogs. Where no group can be made, the watchdogs remain alone, and the report says why.
"""

import fcntl
import functools
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from registry.checks.smoke.confine import MIB
from registry.checks.smoke.hierarchies import OFF, Hierarchy, Unusable, hierarchy

MOST_PROCESSES = 256
PREFIX = "registry-check-"
END_SECONDS = 10.0
_TRIES = 5
_PERIOD = 100_000
_TRIAL_MIB, _TRIAL_PROCESSES, _TRIAL_SECONDS = 64, 8, 30
# Enters each of the groups, then becomes the program: its every descendant is in them from the start.
_ENTER = 'until [ "$1" = -- ]; do echo 0 > "$1" || exit 126; shift; done; shift; exec "$@"'
# Starts processes until it is refused one, and takes memory until it is ended.
_TRY = """
import os, time
started = 0
try:
    while started < 64:
        if os.fork() == 0:
            os.close(1)
            time.sleep(60)
            os._exit(0)
        started += 1
except OSError:
    os.write(1, b"refused")
hog = [bytes([7]) * 2 ** 20 for _ in range(512)]
os.write(1, b"more")
"""


@dataclass(frozen=True)
class Ground:
    """Where groups can be made, or why nowhere. Found once for each process."""

    hierarchy: Hierarchy | None = None
    reason: str = ""

    def as_json(self, *, cpus: float) -> dict[str, Any]:
        if self.hierarchy is None:
            return {"cgroup": None, "cgroup_reason": self.reason}
        found: dict[str, Any] = {"cgroup": self.hierarchy.version, "pids_max": MOST_PROCESSES}
        if "cpu" in self.hierarchy.parents:
            found["cpus"] = cpus or None
        return found


@dataclass
class Group:
    """One group, or none at all: then it limits and ends nothing."""

    version: str = ""
    folders: Mapping[str, Path] = field(default_factory=dict)
    _locks: list[int] = field(default_factory=list)

    @property
    def entry(self) -> list[str]:
        """What a command has to begin with to run in this group."""
        if not self.folders:
            return []
        places = [f"{folder}/cgroup.procs" for folder in _once(self.folders)]
        return ["/bin/sh", "-c", _ENTER, "sh", *places, "--"]

    def ran_out(self) -> bool:
        """Whether the kernel ended something in it because it had all the memory that it may have."""
        return self._lost_a_process() and self._was_full()

    def was_robbed(self) -> bool:
        """Whether the kernel ended something in it for a lack of memory elsewhere: of the machine's,
        or of a group above."""
        return self._lost_a_process() and not self._was_full()

    def was_crowded(self) -> bool:
        """Whether it was refused a process or a thread."""
        return self._counted("pids", "pids.events", "max")

    def _lost_a_process(self) -> bool:
        name = "memory.events" if self.version == "v2" else "memory.oom_control"
        return self._counted("memory", name, "oom_kill")

    def _was_full(self) -> bool:
        """Version 1 counts no ends for lack of its own memory, and takes it by some pages at once."""
        if self.version == "v2":
            return self._counted("memory", "memory.events", "oom")
        for kind in ("memory", "memory.memsw"):
            most, limit = (
                _read(self.folders["memory"] / f"{kind}.{name}_in_bytes")
                for name in ("max_usage", "limit")
            )
            if most and limit and int(most) > int(limit) - MIB:
                return True
        return False

    def _counted(self, controller: str, name: str, key: str) -> bool:
        if controller not in self.folders:
            return False
        lines = _read(self.folders[controller] / name).splitlines()
        return any(line.split()[0] == key and line.split()[1] != "0" for line in lines if line)


@functools.cache
def ground(parent: str = "") -> Ground:
    """Where this process may make groups, tried out. `parent` is the operator's wish, `off` for none."""
    if parent == OFF:
        return Ground(reason="it is switched off")
    try:
        found = hierarchy(parent)
        _remove_left_behind(found)
        _try(found)
    except (OSError, Unusable) as problem:
        return Ground(reason=str(problem))
    return Ground(found)


@contextmanager
def job(place: Ground, *, memory_mib: int, cpus: float = 0) -> Iterator[Group]:
    """A group for one job. Whatever is still in it at the end is killed."""
    if place.hierarchy is None:
        yield Group()
        return
    with _made(place.hierarchy) as group:
        _limit(group, memory_mib, MOST_PROCESSES, cpus)
        yield group


@contextmanager
def _made(where: Hierarchy) -> Iterator[Group]:
    group = _new(where)
    try:
        yield group
    finally:
        _close(group)


def _new(where: Hierarchy) -> Group:
    """A worker that starts may take one for left behind in the moment before it is held: then
    another is made."""
    for _ in range(_TRIES - 1):
        with suppress(BlockingIOError, FileNotFoundError):
            return _begun(where)
    return _begun(where)


def _begun(where: Hierarchy) -> Group:
    name = f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
    folders = {controller: parent / name for controller, parent in where.parents.items()}
    group = Group(where.version, folders)
    try:
        for folder in _once(folders):
            os.mkdir(folder)
            # Tells others that its maker lives; what nobody holds was left behind.
            group._locks.append(_held(folder))
            folder.stat()
    except OSError:
        _close(group)
        raise
    return group


def _close(group: Group) -> None:
    for folder in _once(group.folders):
        _end(folder)
    for lock in group._locks:
        os.close(lock)


def _held(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _limit(group: Group, memory_mib: int, processes: int, cpus: float) -> None:
    memory, pids = group.folders["memory"], group.folders["pids"]
    most = str(memory_mib * MIB)
    if group.version == "v2":
        _write(memory / "memory.max", most)
        _write(memory / "memory.swap.max", "0", may_lack=True)
        _write(memory / "memory.oom.group", "1", may_lack=True)
    else:
        _write(memory / "memory.limit_in_bytes", most)
        _write(memory / "memory.memsw.limit_in_bytes", most, may_lack=True)
        _write(memory / "memory.swappiness", "0", may_lack=True)
    _write(pids / "pids.max", str(processes))
    if cpus and "cpu" in group.folders:
        quota = max(1000, int(cpus * _PERIOD))
        if group.version == "v2":
            _write(group.folders["cpu"] / "cpu.max", f"{quota} {_PERIOD}")
        else:
            _write(group.folders["cpu"] / "cpu.cfs_period_us", str(_PERIOD))
            _write(group.folders["cpu"] / "cpu.cfs_quota_us", str(quota))


def _end(folder: Path) -> None:
    """Kill what is in the group until nothing is, and remove it. What resists is left to the next start."""
    until = monotonic() + END_SECONDS
    while monotonic() < until:
        with suppress(OSError):
            _write(folder / "pids.max", "0", may_lack=True)  # a bomb grows no further
        with suppress(OSError):
            _write(folder / "cgroup.kill", "1", may_lack=True)
        for pid in _members(folder):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            return
        except OSError:
            sleep(0.01)
        else:
            return


def _members(folder: Path) -> list[int]:
    """0 stands for a process that cannot be seen from here, and means oneself to `kill`."""
    return [int(pid) for pid in _read(folder / "cgroup.procs").split() if pid != "0"]


def _remove_left_behind(where: Hierarchy) -> None:
    """The groups of workers that were killed, with what may still be in them."""
    for parent in _once(where.parents):
        for folder in parent.glob(f"{PREFIX}*"):
            with suppress(OSError):  # a living worker's, or gone in this moment
                lock = _held(folder)
                try:
                    _end(folder)
                finally:
                    os.close(lock)


def _try(where: Hierarchy) -> None:
    """Raises Unusable if a program can get around the limits."""
    with _made(where) as group:
        _limit(group, _TRIAL_MIB, _TRIAL_PROCESSES, 0)
        try:
            said = subprocess.run(  # noqa: S603 - our own program
                [*group.entry, sys.executable, "-I", "-S", "-c", _TRY],
                env={"PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_TRIAL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise Unusable("a program in a group did not end") from late
        if said.stdout != b"refused" or not group.ran_out():
            raise Unusable("a program in a group got around its limits")


def _once(folders: Mapping[str, Path]) -> list[Path]:
    """Several controllers may share a folder."""
    return list(dict.fromkeys(folders.values()))


def _read(place: Path) -> str:
    """What it says; nothing where it is not there."""
    try:
        return place.read_text().strip()
    except OSError:
        return ""


def _write(place: Path, value: str, *, may_lack: bool = False) -> None:
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        if may_lack:
            return
        raise
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
