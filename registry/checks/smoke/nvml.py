"""What the driver of an NVIDIA card says of it: energy drawn and memory used. Nothing where there is none."""

import ctypes
import functools
from typing import Protocol

MIB = 1024 * 1024
LIBRARY = "libnvidia-ml.so.1"


class Card(Protocol):
    """The edge to the driver, which tests put their own in place of."""

    def millijoules(self) -> int | None: ...

    def used_mib(self) -> int | None: ...

    def total_mib(self) -> int | None: ...


class _Memory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


class _Driver:
    """One card; other processes' cards are not looked at."""

    def __init__(self, library: ctypes.CDLL, number: int) -> None:
        self._library = library
        self._handle = ctypes.c_void_p()
        if library.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(self._handle)):
            raise OSError("the driver names no card")

    def millijoules(self) -> int | None:
        found = ctypes.c_ulonglong()
        failed = self._library.nvmlDeviceGetTotalEnergyConsumption(
            self._handle, ctypes.byref(found)
        )
        return None if failed else int(found.value)

    def used_mib(self) -> int | None:
        found = self._memory()
        return int(found.used) // MIB if found else None

    def total_mib(self) -> int | None:
        found = self._memory()
        return int(found.total) // MIB if found else None

    def _memory(self) -> _Memory | None:
        found = _Memory()
        failed = self._library.nvmlDeviceGetMemoryInfo(self._handle, ctypes.byref(found))
        return None if failed else found


@functools.cache
def card(number: int = 0) -> Card | None:
    """The card of that number, as the driver counts those that this process may see."""
    try:
        library = ctypes.CDLL(LIBRARY)
        if library.nvmlInit_v2():
            return None
        return _Driver(library, number)
    except (OSError, AttributeError):
        return None
