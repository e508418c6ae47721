"""Locks up the process that calls it: limits, Landlock, seccomp. Applied by the sandboxed program to itself.

Runs before the program has imported any library or opened any uploaded byte.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
from collections.abc import Mapping, Sequence
from typing import Any

MIB = 1024 * 1024
LARGEST_FILE = 16 * MIB
DESCRIPTORS = 256

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


class NotConfined(Exception):
    """A lock that was asked for could not be put on."""


def confine(
    *,
    level: int,
    parent: int,
    seconds: float,
    data_bytes: int | None,
    read: Sequence[str],
    write: Sequence[str],
    devices: Sequence[str],
) -> dict[str, Any]:
    """Put on every lock of this level, or raise, and say which hold."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent and os.getppid() != parent:
        raise NotConfined("the program that started this one is gone")
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if level >= 2:
        _drop_capabilities()
    _limit(seconds, data_bytes)
    held: dict[str, Any] = {"uid": os.getuid(), "landlock": 0, "seccomp": False}
    if level >= 2:
        held["landlock"] = landlock(read, write, devices)
        is_kept_in = held["landlock"] >= _KEEPS_IN
        held["seccomp"] = seccomp(allow_memfd=bool(devices), is_kept_in=is_kept_in)
    if level == 2 and not (held["landlock"] and held["seccomp"]):
        raise NotConfined("Landlock or seccomp is missing")
    return held


def _limit(seconds: float, data_bytes: int | None) -> None:
    cpu = int(seconds * (os.cpu_count() or 1)) + 60
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
        (resource.RLIMIT_CPU, cpu),
        # Not RLIMIT_AS, and neither of them beside a GPU, whose driver reserves far more than it uses.
        (resource.RLIMIT_DATA, data_bytes),
    ):
        if most is not None:
            hard = resource.getrlimit(kind)[1]
            bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (bound, bound))


def _drop_capabilities() -> None:
    """For a worker that runs as root: no right goes beyond those of the owner of the files."""
    header, nothing = struct.pack("<Ii", 0x20080522, 0), bytes(24)
    capset = {"x86_64": 126, "aarch64": 91}.get(platform.machine())
    if capset is None:
        raise NotConfined("this processor is unknown")
    if _libc.syscall(capset, ctypes.c_char_p(header), ctypes.c_char_p(nothing)):
        raise NotConfined(f"capset: {os.strerror(ctypes.get_errno())}")


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        raise NotConfined(f"prctl {option}: {os.strerror(ctypes.get_errno())}")


# Landlock: which files may be opened. The numbers are the kernel's, the same on every processor.

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_DIR, _WRITE_FILE, _TRUNCATE, _IOCTL = 1 << 2, 1 << 3, 1 << 1, 1 << 14, 1 << 15
# From this version on it keeps signals and abstract sockets in.
_KEEPS_IN = 6
# Rights that the kernel learnt with each version of the interface.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


def landlock_version() -> int:
    """The interface of this kernel, or 0 where it has none."""
    return max(0, _libc.syscall(_CREATE_RULESET, None, 0, 1))


def landlock(read: Sequence[str], write: Sequence[str], devices: Sequence[str]) -> int:
    """Only these may be read, and only those written; nothing may be executed. 0 where unsupported."""
    version = landlock_version()
    if not version:
        return 0
    handled = (1 << _RIGHTS.get(version, 16)) - 1
    network = 3 if version >= 4 else 0
    scopes = 3 if version >= _KEEPS_IN else 0
    form = struct.pack("<QQQ", handled, network, scopes)
    size = 24 if version >= _KEEPS_IN else 16 if version >= 4 else 8
    ruleset = _libc.syscall(_CREATE_RULESET, ctypes.c_char_p(form), size, 0)
    if ruleset < 0:
        raise NotConfined(f"Landlock: {os.strerror(ctypes.get_errno())}")
    try:
        execute = 1
        for paths, rights in (
            (read, _READ_FILE | _READ_DIR),
            (write, handled & ~execute & ~(_IOCTL if version >= 5 else 0)),
            (devices, (_READ_FILE | _WRITE_FILE | _READ_DIR | _IOCTL) & handled),
        ):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        if _libc.syscall(_RESTRICT_SELF, ruleset, 0):
            raise NotConfined(f"Landlock: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL
        rule = struct.pack("<Qi", rights, place)
        if _libc.syscall(_ADD_RULE, ruleset, 1, ctypes.c_char_p(rule), 0):
            raise NotConfined(f"Landlock on {path}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(place)


# Seccomp: which calls the kernel answers. What is refused says EPERM, so that libraries can go on.

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 0x00050000 | 1, 0x00050000 | 38
_CLONE_THREAD = 0x00010000
_AF_UNIX = 1

# name: (x86_64, aarch64); None where the processor's table has no such call
_CALLS: dict[str, tuple[int | None, int | None]] = {
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "personality": (135, 92),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    # Who leaves the group of processes is not ended with it.
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
# Refused besides where Landlock does not keep them in.
_REACHING_OUT: dict[str, tuple[int, int]] = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "connect": (42, 203),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
}
_PROCESSORS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_SOCKET, _SOCKETPAIR = (41, 198), (53, 199)
_CLONE, _CLONE3 = (56, 220), (435, 435)
_MEMFD = (319, 279)
_SECCOMP = (317, 277)
_PRLIMIT, _TGKILL = (302, 261), (234, 131)
# What has a file send signals to somebody: F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP.
_OWNERS = (((72, 25), (8, 10, 15)), ((16, 29), (0x8901, 0x8902)))


def seccomp(*, allow_memfd: bool, is_kept_in: bool) -> bool:
    """Filter the calls of this process and all its threads. False on a processor we have no table for."""
    if platform.machine() not in _PROCESSORS:
        return False
    column, processor = _PROCESSORS[platform.machine()]
    refused = [numbers[column] for numbers in _CALLS.values()]
    refused += [] if allow_memfd else [_MEMFD[column]]
    # The one value that the first argument may have; oneself is also who aborts.
    only = {_SOCKET[column]: _AF_UNIX, _SOCKETPAIR[column]: _AF_UNIX, _PRLIMIT[column]: 0}
    if not is_kept_in:
        refused += [numbers[column] for numbers in _REACHING_OUT.values()]
        only[_TGKILL[column]] = os.getpid()
    code = _program(column, processor, refused, only)
    program = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(program))
    set_filter, all_threads = 1, 1
    if _libc.syscall(_SECCOMP[column], set_filter, all_threads, ctypes.c_char_p(header)):
        raise NotConfined(f"seccomp: {os.strerror(ctypes.get_errno())}")
    return True


def _program(
    column: int, processor: int, refused: Sequence[int | None], only: Mapping[int, int]
) -> bytes:
    load, equal, bits, at_least, answer = 0x20, 0x15, 0x45, 0x35, 0x06
    number, machine, first, second = 0, 4, 16, 24
    lines = [
        (load, 0, 0, machine),
        (equal, 1, 0, processor),
        (answer, 0, 0, _KILL),
        (load, 0, 0, number),
        # The 32-bit table of x86_64 has other numbers for the same calls.
        (at_least, 0, 1, 0x40000000),
        (answer, 0, 0, _EPERM),
    ]
    for call in refused:
        if call is not None:
            lines += [(equal, 0, 1, call), (answer, 0, 0, _EPERM)]
    # Its flags lie in memory, where a filter cannot look; told that it is missing, libc uses clone.
    lines += [(equal, 0, 1, _CLONE3[column]), (answer, 0, 0, _ENOSYS)]
    lines += [
        (equal, 0, 4, _CLONE[column]),
        (load, 0, 0, first),
        (bits, 1, 0, _CLONE_THREAD),
        (answer, 0, 0, _EPERM),
        (answer, 0, 0, _ALLOW),
    ]
    for call, value in only.items():
        lines += [
            (equal, 0, 4, call),
            (load, 0, 0, first),
            (equal, 1, 0, value),
            (answer, 0, 0, _EPERM),
            (answer, 0, 0, _ALLOW),
        ]
    for calls, orders in _OWNERS:
        lines += [(equal, 0, 2 * len(orders) + 2, calls[column]), (load, 0, 0, second)]
        for order in orders:
            lines += [(equal, 0, 1, order), (answer, 0, 0, _EPERM)]
        lines.append((answer, 0, 0, _ALLOW))
    lines.append((answer, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *line) for line in lines)
