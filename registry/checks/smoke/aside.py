"""Helpers of the sandboxed program: what may hang or eat memory is done by one of them, which may die of it.

They are forked before the locks go on, since nothing can be started afterwards, and put the same
locks on themselves. The kernel ends one that uses too much processor time, also where it is deep in
a library that answers no signal handler.
"""

import importlib
import json
import os
import resource
import select
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, NoReturn

from registry.checks.smoke.confine import MIB, confine

COUNT = 4
JOBS = "registry.checks.smoke.jobs"
LONGEST_ANSWER = 4 * MIB
# Beside the processor time that a job may use: waiting for a processor that others keep busy.
PATIENCE = 60


class NoAnswer(Exception):
    """The job brought nothing; the text says why."""


class Gone(NoAnswer):
    """The helper died of the job."""


class Late(Gone):
    """It was ended, since it took too long."""


class Failed(NoAnswer):
    """The job raised; the text is what it said."""


@dataclass
class _Helper:
    process: int
    requests: BinaryIO
    answers: int


_helpers: list[_Helper] = []


def prepare(
    locks: Mapping[str, Any] | None, *, count: int = COUNT, close: tuple[int, ...] = ()
) -> None:
    """Fork the helpers. `locks` are those of `confine`; `close` are descriptors that are not theirs."""
    for number in range(count):
        requests, requests_end = os.pipe()
        answers, answers_end = os.pipe()
        parent = os.getpid()
        process = os.fork()
        if process == 0:
            theirs = [each.requests.fileno() for each in _helpers]
            theirs += [each.answers for each in _helpers]
            for descriptor in (requests_end, answers, *theirs, *close):
                os.close(descriptor)
            own = locks and {**locks, "parent": parent}
            _live(own, requests, answers_end, is_first=number == 0)
        os.close(requests)
        os.close(answers_end)
        _helpers.append(_Helper(process, os.fdopen(requests_end, "wb"), answers))


def call(job: str, *, seconds: float, memory_mib: int, **arguments: Any) -> Any:
    """What this function of the jobs answers. Raises Gone or Failed.

    As long as none dies it is the same helper, which may remember what an earlier job left."""
    if not _helpers:
        raise Gone("it was not tried again after several failures")
    helper = _helpers[0]
    request = {"job": job, "seconds": seconds, "memory_mib": memory_mib, "arguments": arguments}
    with suppress(BrokenPipeError):
        helper.requests.write(json.dumps(request).encode() + b"\n")
        helper.requests.flush()
    line, is_late = _line(helper, monotonic() + seconds + PATIENCE)
    if not line.endswith(b"\n"):
        raise _given_up(helper, seconds, is_late=is_late)
    answer = json.loads(line)
    if "failed" in answer:
        raise Failed(str(answer["failed"]))
    return answer["result"]


def _line(helper: _Helper, until: float) -> tuple[bytes, bool]:
    """Its answer, not a whole line if it died; and whether the time was over."""
    found = b""
    while not found.endswith(b"\n") and len(found) <= LONGEST_ANSWER:
        ready, _, _ = select.select([helper.answers], [], [], max(0.0, until - monotonic()))
        if not ready:
            return found, True
        data = os.read(helper.answers, 65_536)
        if not data:
            break
        found += data
    return found, False


def _given_up(helper: _Helper, seconds: float, *, is_late: bool) -> Gone:
    _helpers.remove(helper)
    with suppress(BrokenPipeError):
        helper.requests.close()
    os.close(helper.answers)
    if is_late:
        # Landlock may forbid it; the helper then ends at its own limit, or with this program.
        with suppress(PermissionError):
            os.kill(helper.process, signal.SIGKILL)
        return Late(f"it takes longer than {seconds:g} seconds")
    _, status = os.waitpid(helper.process, 0)
    if os.waitstatus_to_exitcode(status) == -signal.SIGPROF:
        return Late(f"it takes longer than {seconds:g} seconds")
    return Gone("it needs too much memory or crashes")


def _live(
    locks: Mapping[str, Any] | None, requests: int, answers: int, *, is_first: bool
) -> NoReturn:
    """The life of a helper, until its parent closes the pipe."""
    try:
        if locks:
            confine(**locks)
        if is_first:
            importlib.import_module(JOBS)  # while the parent is still busy with the weights
        with os.fdopen(requests, "rb") as source, os.fdopen(answers, "wb") as sink:
            for line in source:
                sink.write(json.dumps(_answer(json.loads(line))).encode() + b"\n")
                sink.flush()
    finally:
        os._exit(0)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    work = getattr(importlib.import_module(JOBS), request["job"])
    try:
        with _limited(request["seconds"], request["memory_mib"]):
            return {"result": work(**request["arguments"])}
    except MemoryError:
        return {"failed": "it needs too much memory"}
    # A program of the author's, or a library that panics over his file: it may raise anything.
    except BaseException as error:
        return {"failed": f"{type(error).__name__}: {error}"[:1000]}


@contextmanager
def _limited(seconds: float, memory_mib: int) -> Iterator[None]:
    """So much processor time and so much more memory than now; the first is lethal."""
    before = {kind: resource.getrlimit(kind) for kind in _MEMORY}
    used = _used()
    for kind, name in _MEMORY.items():
        hard = before[kind][1]
        most = used[name] + memory_mib * MIB
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(kind, (most, hard))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        for kind, limits in before.items():
            resource.setrlimit(kind, limits)


_MEMORY = {resource.RLIMIT_DATA: "VmData", resource.RLIMIT_AS: "VmSize"}


def _used() -> dict[str, int]:
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) * 1024 for name in _MEMORY.values()}
