"""Which devices this machine has for smoke tests. Asked of the driver's own program, never of torch."""

import csv
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

PROC = Path("/proc/driver/nvidia")
SECONDS = 20
FIELDS = "index,uuid,name,memory.total,driver_version"
_Device = dict[str, Any]


def found(wanted: str = "auto", *, program: str = "nvidia-smi", proc: Path = PROC) -> list[_Device]:
    """The GPUs as `{"id", "uuid", "kind", "name", "memory_mb", "driver", "healthy", "note"}`.

    `wanted` is `auto` for all of them, `cpu` for none, or ids such as `cuda:0,cuda:2`. One that was
    named and is not there is listed as not healthy, as is one that only the kernel still knows.
    """
    if wanted == "cpu":
        return []
    there = _of_program(program) or _of_kernel(proc)
    if wanted == "auto":
        return there
    by_id = {device["id"]: device for device in there}
    return [by_id.get(name) or _lost(name) for name in re.split(r"\s*,\s*", wanted.strip())]


def _of_program(program: str) -> list[_Device]:
    command = [program, f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(  # noqa: S603 (the driver's own program)
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if answer.returncode:
        return []
    rows = csv.reader(answer.stdout.splitlines(), skipinitialspace=True)
    return [_device(*row) for row in rows if len(row) == len(FIELDS.split(","))]


def _device(index: str, uuid: str, name: str, memory: str, driver: str) -> _Device:
    megabytes = int(memory) if memory.isdigit() else None
    return _as_device(
        f"cuda:{index}", uuid=uuid, name=name, memory_mb=megabytes, driver=driver, healthy=True
    )


def _of_kernel(proc: Path) -> list[_Device]:
    """Where the driver's program does not answer, what the kernel's module knows: the devices are
    there, but nobody should count on them."""
    if not (proc / "gpus").is_dir():
        return []
    facts = [_facts(path) for path in sorted((proc / "gpus").glob("*/information"))]
    note = "The driver does not answer."
    make = partial(_as_device, memory_mb=None, driver="", healthy=False, note=note)
    return [
        make(f"cuda:{number}", uuid=fact.get("GPU UUID", ""), name=fact.get("Model", ""))
        for number, fact in enumerate(facts)
    ]


def _facts(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _lost(name: str) -> _Device:
    return _as_device(
        name, uuid="", name="", memory_mb=None, driver="", healthy=False, note="It is not there."
    )


def _as_device(
    device: str,
    *,
    uuid: str,
    name: str,
    memory_mb: int | None,
    driver: str,
    healthy: bool,
    note: str = "",
) -> _Device:
    return {
        "id": device,
        "uuid": uuid,
        "kind": "cuda",
        "name": name,
        "memory_mb": memory_mb,
        "driver": driver,
        "healthy": healthy,
        "note": note,
    }
