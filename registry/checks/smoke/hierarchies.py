"""Below which control groups this process may make its own, by what the kernel has mounted and granted."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("memory", "pids")
CONTROLLERS = (*NEEDED, "cpu")
OFF = "off"
# Where the processes of a group go whose children are to have limits: it may hold none itself.
REST = "registry-rest"
PROC = Path("/proc/self")


class Unusable(Exception):
    """No group can be made here; the text says why."""


@dataclass(frozen=True)
class Hierarchy:
    """The folder of each controller in which groups are made; in version 2 it is one for all."""

    version: str
    parents: Mapping[str, Path]


@dataclass(frozen=True)
class _Mount:
    kind: str
    root: str
    folder: Path
    options: frozenset[str]

    def at(self, group: str) -> Path:
        """The folder of a group; a container sees a part of the hierarchy, from its root on."""
        below = group.removeprefix(self.root) if self.root != "/" else group
        return self.folder / below.strip("/")


def hierarchy(parent: str = "", *, proc: Path | None = None) -> Hierarchy:
    """The place for groups. `parent` is one that the operator gave, below the mount; else it is the
    group of this process. Raises Unusable."""
    proc = proc or PROC
    try:
        mounts = _mounts((proc / "mountinfo").read_text())
        own = _own((proc / "cgroup").read_text())
    except OSError as error:
        raise Unusable("this system has no control groups") from error
    unified = next((mount for mount in mounts if mount.kind == "cgroup2"), None)
    if unified and set(NEEDED) <= _words(unified.folder / "cgroup.controllers"):
        return Hierarchy("v2", _unified(unified, own.get("", "/"), parent))
    return Hierarchy("v1", _separate(mounts, own, parent))


def _mounts(text: str) -> list[_Mount]:
    found = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        root, folder = before.split()[3:5]
        kind, *_, options = after.split()
        if kind in ("cgroup", "cgroup2"):
            place = Path(folder.encode().decode("unicode_escape"))
            found.append(_Mount(kind, root, place, frozenset(options.split(","))))
    return found


def _own(text: str) -> dict[str, str]:
    """The group of this process by controller; that of version 2 under no name."""
    found = {}
    for line in text.splitlines():
        _, controllers, group = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), group))
    return found


def _separate(mounts: list[_Mount], own: Mapping[str, str], parent: str) -> dict[str, Path]:
    parents = {}
    for name in CONTROLLERS:
        mount = next((one for one in mounts if one.kind == "cgroup" and name in one.options), None)
        folder = mount and mount.at(parent or own.get(name, "/"))
        if folder and parent:
            with suppress(OSError):
                folder.mkdir(exist_ok=True)
        if folder and os.access(folder, os.W_OK):
            parents[name] = folder
        elif name in NEEDED:
            missing = "may not be changed" if folder else "is not mounted"
            raise Unusable(f"the control groups of {name} {missing}")
    return parents


def _unified(mount: _Mount, own: str, parent: str) -> dict[str, Path]:
    """The first group in the order of preference that lets its children have limits."""
    if parent:
        wanted = mount.at(parent)
        with suppress(OSError):
            wanted.mkdir(exist_ok=True)
        tries = [wanted]
    else:
        here = mount.at(own)
        # systemd, or a worker before this one, has put this process into a leaf.
        tries = [here.parent, here] if here != mount.folder else [here]
        # All that a container sees is its own.
        whole = mount.folder if here in (mount.folder, mount.folder / REST) else None
        tries = [one for one in tries if _is_granted(one, whole)]
    for folder in tries:
        granted = _open_up(folder)
        if set(NEEDED) <= granted:
            return {name: folder for name in CONTROLLERS if name in granted}
    raise Unusable("no control group is delegated to this process")


def _is_granted(folder: Path, whole: Path | None) -> bool:
    """Whether it is this process's to divide: by systemd's mark, or since it is all that it sees."""
    if not os.access(folder, os.W_OK):
        return False
    if folder == whole:
        return True
    for mark in ("user.delegate", "trusted.delegate"):
        with suppress(OSError):
            if os.getxattr(folder, mark) == b"1":
                return True
    return False


def _open_up(folder: Path) -> set[str]:
    """Let the children of the group have limits; which of them they can have afterwards."""
    control = folder / "cgroup.subtree_control"
    wanted = [name for name in CONTROLLERS if name in _words(folder / "cgroup.controllers")]
    missing = [name for name in wanted if name not in _words(control)]
    if missing:
        with suppress(OSError):
            # The root of all, which has no type, may keep its processes.
            if _words(folder / "cgroup.procs") and (folder / "cgroup.type").exists():
                _move_out(folder)
            control.write_text(" ".join(f"+{name}" for name in missing))
    return _words(control) & set(wanted)


def _move_out(folder: Path) -> None:
    rest = folder / REST
    rest.mkdir(exist_ok=True)
    for _ in range(10):
        pids = _words(folder / "cgroup.procs")
        for pid in pids:
            # It may have ended since.
            with suppress(ProcessLookupError):
                (rest / "cgroup.procs").write_text(pid)
        if not pids:
            break


def _words(place: Path) -> set[str]:
    try:
        return set(place.read_text().split())
    except OSError:
        return set()
