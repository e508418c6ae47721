"""Watches one run of the sandboxed program: reads what it says, and ends it at a limit."""

import json
import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import psutil  # type: ignore[import-untyped]

from registry.checks.findings import Finding, block, escaped
from registry.checks.smoke import cgroups, nvml, report
from registry.checks.smoke.isolation import Isolation, gpu_nodes, gpu_number
from registry.checks.smoke.limits import Limits, SmokeError

LOOK_SECONDS = 0.1
PULSE_SECONDS = 5.0
LOG_BYTES = 16 * 1024
STARTING = "start"
# The program keeps itself to less than this of the card, unless something got around the library.
CARD_SHARE = 0.98


@dataclass
class Watched:
    """What was seen of one run. Times, memory and the way it ended are our own measurements."""

    findings: list[Finding] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, str]] = field(default_factory=list)
    device: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    held: dict[str, Any] = field(default_factory=dict)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    log: str = ""
    seconds: float = 0.0
    peak_mib: int = 0
    peak_card_mib: int = 0


class _Stop(Exception):
    """The program has to be ended; `check` is what that means for the model."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(reason)
        self.check = check
        self.reason = reason


def watch(
    command: Sequence[str],
    *,
    spec: Mapping[str, Any],
    folder: Path,
    environment: Mapping[str, str],
    limits: Limits,
    isolation: Isolation,
    on_event: Callable[[dict[str, Any]], None],
) -> Watched:
    """Run the command to its end or its limit. Raises SmokeError if it never got to the model."""
    ground = cgroups.ground(limits.cgroup)
    with (
        cgroups.job(ground, memory_mib=limits.memory_mib, cpus=limits.cpus) as group,
        _started([*group.entry, *command], spec, folder, environment) as (process, result, output),
    ):
        session = _Session(process, group, limits, isolation, on_event)
        try:
            session.follow(result, output)
            session.ended()
        except _Stop as stop:
            session.stopped(stop)
        finally:
            _kill(process)
        return session.conclude()


@contextmanager
def _started(
    command: Sequence[str],
    spec: Mapping[str, Any],
    folder: Path,
    environment: Mapping[str, str],
) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    result, result_end = os.pipe()
    output, output_end = os.pipe()
    process = None
    try:
        with tempfile.TemporaryFile(dir=folder) as spec_file:
            spec_file.write(json.dumps(spec).encode())
            spec_file.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                    [*command, str(spec_file.fileno()), str(result_end)],
                    env=dict(environment),
                    cwd=folder / "work",
                    stdin=subprocess.DEVNULL,
                    stdout=output_end,
                    stderr=output_end,
                    pass_fds=(spec_file.fileno(), result_end),
                    start_new_session=True,
                )
            except OSError as error:
                raise SmokeError(f"The sandbox cannot be started: {error}.") from error
            finally:
                os.close(result_end)
                os.close(output_end)
        yield process, result, output
    finally:
        if process is not None:
            _kill(process)
        os.close(result)
        os.close(output)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The whole group, also where the first of it is gone; what bubblewrap started dies with it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Session:
    """One run, from its first line to its end."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        group: cgroups.Group,
        limits: Limits,
        isolation: Isolation,
        on_event: Callable[[dict[str, Any]], None],
    ) -> None:
        self.process = process
        self.group = group
        self.limits = limits
        self.isolation = isolation
        self.on_event = on_event
        self.seen = Watched()
        self.started = self._pulsed = monotonic()
        self.phase = STARTING
        self.is_ready = False
        self.is_done = False
        self._card = nvml.card(gpu_number() or 0) if gpu_nodes() else None
        total = self._card.total_mib() if self._card else None
        self._card_limit = int(CARD_SHARE * total) if total else 0
        self._received = 0
        self._line = b""
        self._log = b""

    def follow(self, result: int, output: int) -> None:
        """Until both pipes are closed."""
        with selectors.DefaultSelector() as selector:
            selector.register(result, selectors.EVENT_READ, self._hear)
            selector.register(output, selectors.EVENT_READ, self._keep)
            looked = 0.0
            while selector.get_map():
                for key, _ in selector.select(LOOK_SECONDS):
                    data = os.read(key.fd, 65_536)
                    if data:
                        key.data(data)
                    else:
                        selector.unregister(key.fd)
                if monotonic() - looked >= LOOK_SECONDS:
                    self._look()
                    looked = monotonic()
        self._hear(b"\n")

    def ended(self) -> None:
        """Both pipes are closed: it has ended, or pretends to."""
        while (code := self._code()) is None:
            self._look()
        self._look_at_memory()
        if self.isolation.level == 3 and code > 128:
            code = 128 - code  # bubblewrap answers as a shell does
        if code == 0 and self.is_done:
            return
        if not self.is_ready:
            log = escaped(self._log[-500:].decode(errors="replace"), limit=500)
            raise SmokeError(f"The sandbox ended before it was ready (code {code}): {log}")
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            raise _Stop("RUN-CRASH", f"the program was ended by {name}{self._crowd()}")
        raise _Stop("RUN-CRASH", f"the program ended with code {code}{self._crowd()}")

    def stopped(self, stop: _Stop) -> None:
        if not self.is_ready:
            raise SmokeError(f"The sandbox did not start: {stop.reason}.")
        self.seen.findings.append(
            block(
                stop.check,
                f"The test was stopped: {stop.reason} during {self.phase}.",
                where=self.phase,
                value=self.seen.peak_mib if stop.check == "RUN-OOM" else None,
                threshold=self._threshold(stop.check),
            )
        )
        seconds = round(monotonic() - self.started, 3)
        if self.seen.stages and self.seen.stages[-1]["status"] == "started":
            self.seen.stages[-1].update(status="failed", seconds=seconds, reason=stop.reason)

    def conclude(self) -> Watched:
        self.seen.seconds = round(monotonic() - self.started, 3)
        log = self._log[-LOG_BYTES:].decode(errors="replace")
        self.seen.log = "\n".join(escaped(line, limit=1000) for line in log.splitlines())
        self.seen.stages = [stage for stage in self.seen.stages if stage["status"] != "started"]
        return self.seen

    def _code(self) -> int | None:
        try:
            return self.process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def _look(self) -> None:
        if monotonic() - self._pulsed >= PULSE_SECONDS:
            self._pulsed = monotonic()
            self.on_event({"event": "pulse"})
        if monotonic() - self.started > self.limits.seconds:
            raise _Stop("RUN-TIMEOUT", self._out_of_time())
        used = _memory_mib(self.process.pid)
        self.seen.peak_mib = max(self.seen.peak_mib, used)
        self._look_at_memory(used)
        if self._card and (on_card := self._card.used_mib()) is not None:
            self.seen.peak_card_mib = max(self.seen.peak_card_mib, on_card)
            if on_card > self._card_limit:
                raise _Stop("RUN-OOM", f"more than {self._card_limit} MiB of the GPU were used")

    def _look_at_memory(self, used: int = 0) -> None:
        """The kernel may have been faster, and have ended any part of it. That it did so for a lack
        of memory elsewhere says nothing about the model."""
        if self.group.was_robbed():
            raise SmokeError("The machine ran out of memory beside the test.")
        if self.group.ran_out():
            used = self.seen.peak_mib = max(self.limits.memory_mib + 1, self.seen.peak_mib)
        if used > self.limits.memory_mib:
            raise _Stop("RUN-OOM", f"more than {self.limits.memory_mib} MiB of memory were used")

    def _crowd(self) -> str:
        if not self.group.was_crowded():
            return ""
        return f", which had {cgroups.MOST_PROCESSES} processes and threads and wanted more,"

    def _out_of_time(self) -> str:
        return f"{self.limits.seconds:.0f} seconds were over"

    def _threshold(self, check: str) -> float | int | None:
        return {"RUN-OOM": self.limits.memory_mib, "RUN-TIMEOUT": self.limits.seconds}.get(check)

    def _keep(self, data: bytes) -> None:
        self._log = (self._log + data)[-2 * LOG_BYTES :]

    def _hear(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > report.MAX_BYTES:
            raise _Stop("RUN-CRASH", "the program said more than it may")
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            if line:
                self._take(line)

    def _take(self, line: bytes) -> None:
        match report.event_of(line):
            case None:
                self._keep(line + b"\n")
            case report.Refused(reason=reason):
                raise SmokeError(f"The sandbox is not tight: {escaped(reason)}")
            case report.Lost(reason=reason):
                raise SmokeError(f"The device failed during {self.phase}: {escaped(reason)}")
            case report.Ready() as ready:
                self._ready(ready)
            case report.Facts() as facts:
                self.seen.device = report.plain(facts.device.model_dump(exclude_unset=True))
                self.seen.versions = report.plain(facts.versions)
            case report.StageChange() as change:
                self._stage(change)
            case report.Progress() as progress:
                self.on_event({**progress.model_dump(), "note": escaped(progress.note)})
            case report.Found(finding=said):
                if finding := report.finding_of(said):
                    self._found(finding)
            case report.Metrics(metrics=metrics):
                self.seen.metrics = report.plain(metrics)
            case report.Sample(prompt=prompt, output=output):
                if len(self.seen.samples) < report.MAX_SAMPLES:
                    limit = report.MAX_SAMPLE
                    texts = {"prompt": prompt, "output": output}
                    self.seen.samples.append(
                        {name: escaped(text, limit=limit) for name, text in texts.items()}
                    )
            case report.Record(kind=kind, data=data):
                if sum(map(len, self.seen.records.values())) < report.MAX_RECORDS:
                    self.seen.records.setdefault(kind, []).append(data)
            case report.Done():
                self.is_done = True

    def _ready(self, ready: report.Ready) -> None:
        held = (ready.landlock, ready.seccomp)
        if held != (self.isolation.landlock, self.isolation.seccomp):
            raise SmokeError("The sandbox is not as tight as the self-test found.")
        self.is_ready = True
        self.seen.held = ready.model_dump(exclude={"event"})

    def _found(self, finding: Finding) -> None:
        """So many of each severity: no number of warnings hides what blocks."""
        alike = sum(one.severity is finding.severity for one in self.seen.findings)
        if alike < report.MAX_FINDINGS:
            self.seen.findings.append(finding)

    def _stage(self, change: report.StageChange) -> None:
        reason = None if change.reason is None else escaped(change.reason)
        stage = {"name": change.stage, "status": change.status, "seconds": change.seconds}
        if self.seen.stages and self.seen.stages[-1]["name"] == change.stage:
            self.seen.stages.pop()
        self.seen.stages.append({**stage, "reason": reason})
        self.phase = change.stage
        self.on_event({"event": "stage", "stage": change.stage, **stage, "reason": reason})


def _memory_mib(pid: int) -> int:
    """Memory that cannot be dropped, of the program and all below it: mapped weights do not count."""
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(("RssAnon:", "RssShmem:")):
                total += int(line.split()[1])
    return total // 1024
