"""What the model runs on: one CUDA device in bfloat16, or the processor in float32."""

import os
import platform
from pathlib import Path
from typing import Any

import torch

from registry.checks.smoke import nvml
from registry.checks.smoke.behaviour.subject import LONGEST

MIB = 1024 * 1024
GPU_SHARE = 0.95
# Less than this free before anything was loaded: somebody else is on the card.
FREE_SHARE = 0.85
LARGEST_ON_CPU = 3_000_000_000
# Weights, one layer's activations, and what the loader holds twice while it reads.
CPU_BYTES_EACH = {"gguf": 9}
GPU_BYTES_EACH = {"gguf": 4}
# What the driver says when the card, and not the model, has failed.
_LOST = (
    "device is lost",
    "gpu is lost",
    "fallen off the bus",
    "unspecified launch failure",
    # Of a table that was left it says so itself; here nobody can tell whose fault it was.
    "illegal memory access",
    "no cuda-capable device",
    "busy or unavailable",
    "uncorrectable",
    "ecc error",
    "initialization error",
    "driver shutting down",
    "driver version is insufficient",
    "system not yet initialized",
    "unknown error",
    "hardware",
    "illegal instruction",
    "nvlink",
    "operation not permitted on a device",
    "unable to initialize nvml",
)


class TooLarge(Exception):
    """The model is beyond what this machine can run; that says nothing about the model."""


class Lost(Exception):
    """The device failed; that says nothing about the model either."""


class Cpu:
    kind = "cpu"
    dtype = torch.float32
    window = LONGEST
    decoded = 8

    def __init__(self) -> None:
        self.torch = torch.device("cpu")

    def prepare(self) -> None:
        # Threads that wait for each other at every layer crawl as soon as anything else wants a core,
        # and all that the program may have are 256.
        torch.set_num_threads(min(64, max(1, (os.cpu_count() or 1) // 2)))

    def fits(self, kind: str, parameters: int, *, memory_mib: int) -> None:
        """Raises TooLarge where trying would only tell about this machine."""
        if parameters > LARGEST_ON_CPU:
            raise TooLarge(
                f"it has {parameters / 1e9:.1f} billion parameters, and without a GPU "
                f"at most {LARGEST_ON_CPU // 10**9} billion are run"
            )
        needed = parameters * CPU_BYTES_EACH.get(kind, 5) // MIB + 768
        if needed > memory_mib:
            raise TooLarge(f"it needs about {needed} MiB of memory, and {memory_mib} are allowed")

    def wait(self) -> None:
        """Nothing runs beside the program."""

    def peak_mib(self) -> int | None:
        return None

    def millijoules(self) -> int | None:
        return None

    def facts(self) -> dict[str, Any]:
        return {
            "kind": "cpu",
            "name": _processor(),
            "driver": "",
            "threads": torch.get_num_threads(),
        }


class Cuda:
    """Each call of the driver is a method of its own."""

    kind = "cuda"
    dtype = torch.bfloat16
    window = 8192
    decoded = 128

    def __init__(self) -> None:
        self.torch = torch.device("cuda", 0)

    def prepare(self) -> None:
        self.limit()
        free, total = self.memory()
        if free < FREE_SHARE * total:
            raise Lost(
                f"another program uses the device: {free // MIB} of {total // MIB} MiB are free"
            )

    def limit(self) -> None:
        torch.cuda.set_per_process_memory_fraction(GPU_SHARE)

    def memory(self) -> tuple[int, int]:
        free, total = torch.cuda.mem_get_info()
        return int(free), int(total)

    def fits(self, kind: str, parameters: int, *, memory_mib: int) -> None:
        total = int(self.memory()[1] * GPU_SHARE) // MIB
        needed = parameters * GPU_BYTES_EACH.get(kind, 2) * 11 // 10 // MIB + 1024
        if needed > total:
            raise TooLarge(f"it needs about {needed} MiB, and this GPU gives {total}")

    def wait(self) -> None:
        torch.cuda.synchronize()

    def peak_mib(self) -> int | None:
        return int(torch.cuda.max_memory_allocated()) // MIB

    def millijoules(self) -> int | None:
        card = nvml.card()
        return card.millijoules() if card else None

    def name(self) -> str:
        return torch.cuda.get_device_name(0)

    def facts(self) -> dict[str, Any]:
        return {
            "kind": "cuda",
            "name": self.name(),
            "driver": _driver(),
            "cuda": torch.version.cuda or "",
            "memory_mb": self.memory()[1] // MIB,
        }


Device = Cpu | Cuda


def pick() -> Device:
    return Cuda() if torch.cuda.is_available() else Cpu()


def is_lost(error: BaseException) -> bool:
    """Whether this error is of the device and not of the model.

    An index beyond a table ("device-side assert") is the model's own fault."""
    text = str(error).lower()
    is_cuda = "cuda" in text or "nvml" in text or isinstance(error, torch.AcceleratorError)
    return isinstance(error, Lost) or (is_cuda and any(words in text for words in _LOST))


def _driver() -> str:
    try:
        line = Path("/proc/driver/nvidia/version").read_text().splitlines()[0]
    except OSError:
        return "unknown"
    words = line.split()
    return next((word for word in words if word[0].isdigit() and "." in word), "unknown")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
