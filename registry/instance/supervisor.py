"""Keeps the parts of an instance running: restarts one that fell, stops all in order, shows their logs.

One thread, because the kernel ties a child's life to the thread that started it.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

from registry.instance.processes import InstanceError

FIRST_PAUSE = 0.5
MOST_QUICK_CRASHES = 5
QUICK_SECONDS = 15.0
LONGEST_LINE = 64 * 1024
COLOURS = (36, 32, 33, 35, 34, 31)


class StopAsked(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


@dataclass(frozen=True)
class Part:
    """One program of the instance: how it starts, how it is asked to end, and when that is."""

    name: str
    start: Callable[[int], subprocess.Popen[bytes]]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 10
    stops_in_round: int = 0
    noise: tuple[bytes, ...] = ()  # lines with one of these say nothing to anybody


@dataclass
class _Running:
    """A part as it is at the moment."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0
    quick_crashes: int = 0
    restart_at: float | None = None


@dataclass
class _Pipe:
    """The end of a program's output that is read here."""

    name: str
    reader: int
    noise: tuple[bytes, ...]
    rest: bytes = b""


@dataclass
class Supervisor:
    """Parts in the order they were started, and the loop that looks after them."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    _parts: list[_Running] = field(default_factory=list)
    _selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    _asked: int = 0
    _colours: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def listening(self) -> Iterator["Supervisor"]:
        """Within this, signals are noticed by the loop, and at the end nothing is left running."""
        reading, writing = socket.socketpair()
        writing.setblocking(False)
        reading.setblocking(False)
        handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
        before = {number: signal.signal(number, lambda *_: None) for number in handled}
        before_fd = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        self._selector.register(reading, selectors.EVENT_READ, reading)
        try:
            yield self
        finally:
            self.stop_all()
            signal.set_wakeup_fd(before_fd)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.unregister(reading)
            reading.close()
            writing.close()

    def say(self, text: str, name: str = "up") -> None:
        """Print lines under a part's name. A reader who went away does not stop the instance."""
        moment = datetime.now().astimezone().strftime("%H:%M:%S")
        with suppress(OSError):
            for line in text.splitlines() or [""]:
                self.out.write(self._line(moment, name, line) + "\n")
            self.out.flush()

    def start(self, part: Part, *, ready: Callable[[], bool], seconds: float) -> None:
        """Start a part, restarting it where it falls, and return once it is ready."""
        running = _Running(part)
        self._parts.append(running)
        self._launch(running)
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise InstanceError(f"{part.name} was not ready within {seconds:.0f} s.")
            self._turn(0.1)

    def run_step(self, name: str, start: Callable[[int], subprocess.Popen[bytes]]) -> None:
        """Run a program to its end, beside the parts, and raise unless it succeeded."""
        process = self._with_pipe(name, start, ())
        try:
            while process.poll() is None:
                self._turn(0.5)
        finally:
            self._end_group(process)
        self._read_rest(name)
        if process.returncode != 0:
            raise InstanceError(f"{name} failed; its last lines above say why.")

    def watch(self) -> None:
        """Look after the parts until somebody asks to stop, or a part cannot be kept running."""
        while True:
            self._turn(1.0)

    def stop_all(self) -> None:
        """End every part, one round after the other, the database last."""
        rounds = sorted({running.part.stops_in_round for running in self._parts})
        asked_before = self._asked
        for number in rounds:
            group = [r for r in self._parts if r.part.stops_in_round == number and r.process]
            self._stop_round(group, asked_before)
        self._parts.clear()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Pipe):
                self._close(key.data)

    # The loop

    def _turn(self, seconds: float) -> None:
        self._look(seconds)
        if self._asked:
            raise StopAsked
        for running in self._parts:
            self._look_after(running)

    def _look(self, seconds: float) -> None:
        """Wait for output or a signal, and take it."""
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, _Pipe):
                self._read(key.data)
            else:
                numbers = key.data.recv(4096)
                self._asked += sum(number != signal.SIGCHLD for number in numbers)

    def _look_after(self, running: _Running) -> None:
        now = time.monotonic()
        if running.restart_at is not None:
            if now >= running.restart_at:
                self._launch(running)
            return
        process = running.process
        if process is None or process.poll() is None:
            return
        self._end_group(process)
        if now - running.started_at > QUICK_SECONDS:
            running.quick_crashes = 0
        running.quick_crashes += 1
        name, how = running.part.name, _ending(process.returncode)
        if running.quick_crashes > MOST_QUICK_CRASHES:
            self._read_rest(name)
            raise InstanceError(
                f"{name} {how}, the {running.quick_crashes}th time in a row. "
                "Everything is stopped; its last lines above say why."
            )
        pause = FIRST_PAUSE * 2 ** (running.quick_crashes - 1)
        running.restart_at = now + pause
        self.say(f"{name} {how}; it starts again in {pause:g} s.")

    def _launch(self, running: _Running) -> None:
        running.restart_at = None
        running.started_at = time.monotonic()
        part = running.part
        running.process = self._with_pipe(part.name, part.start, part.noise)

    def _stop_round(self, group: list[_Running], asked_before: int) -> None:
        for running in group:
            if running.process and running.process.poll() is None:
                running.process.send_signal(running.part.stop_signal)
        now = time.monotonic()
        waiting = {id(r): now + r.part.stop_seconds for r in group}
        for running in group:
            process = running.process
            while process and process.poll() is None:
                # A second Ctrl-C means: now. The database alone is always given its time
                hurried = self._asked > asked_before and not self._is_last(running)
                if hurried or time.monotonic() > waiting[id(running)]:
                    self.say(f"{running.part.name} did not end in time and is killed.")
                    break
                self._look(0.1)
            if process:
                self._end_group(process)
                self._read_rest(running.part.name)

    def _is_last(self, running: _Running) -> bool:
        return running.part.stops_in_round == max(r.part.stops_in_round for r in self._parts)

    def _end_group(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what is left of a program and of the processes that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    # Output

    def _with_pipe(
        self, name: str, start: Callable[[int], subprocess.Popen[bytes]], noise: tuple[bytes, ...]
    ) -> subprocess.Popen[bytes]:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            process = start(writer)
        finally:
            os.close(writer)
        self._selector.register(reader, selectors.EVENT_READ, _Pipe(name, reader, noise))
        return process

    def _read(self, pipe: _Pipe) -> bool:
        """Print the lines that came. Whether there may be more."""
        try:
            piece = os.read(pipe.reader, 65536)
        except BlockingIOError:
            return False
        if not piece:
            self._close(pipe)
            return False
        *lines, pipe.rest = (pipe.rest + piece).split(b"\n")
        if len(pipe.rest) > LONGEST_LINE:
            lines, pipe.rest = [*lines, pipe.rest], b""
        self._show(lines, pipe)
        return True

    def _show(self, lines: list[bytes], pipe: _Pipe) -> None:
        for line in lines:
            if line.strip() and not any(noise in line for noise in pipe.noise):
                self.say(_harmless(line), pipe.name)

    def _read_rest(self, name: str) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Pipe) and key.data.name == name:
                while self._read(key.data):
                    pass

    def _close(self, pipe: _Pipe) -> None:
        self._show([pipe.rest], pipe)
        self._selector.unregister(pipe.reader)
        os.close(pipe.reader)

    def _line(self, moment: str, name: str, text: str) -> str:
        if os.environ.get("REGISTRY_LOG_FORMAT") != "json":
            return f"{self._prefix(moment, name)} {text}"
        if text.startswith("{"):  # a part that writes objects itself
            return text
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        return json.dumps({"at": at, "part": name, "message": text})

    def _prefix(self, moment: str, name: str) -> str:
        plain = f"{moment} {name:<9} |"
        if not self.out.isatty() or os.environ.get("NO_COLOR"):
            return plain
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{plain}\x1b[0m"


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _harmless(line: bytes) -> str:
    """A line that cannot play tricks on the terminal it is shown in."""
    text = line.decode(errors="replace").rstrip("\r").replace("\t", "    ")
    return "".join(letter if letter.isprintable() else "�" for letter in text)
