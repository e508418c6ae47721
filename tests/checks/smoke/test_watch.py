"""Watching: a program that hangs, dies, grows or lies becomes a finding, and never a pass."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.checks.smoke.isolation import Isolation
from registry.checks.smoke.limits import Limits, SmokeError
from registry.checks.smoke.watch import Watched, watch

PREFACE = """
import json, os, sys, time
result = os.fdopen(int(sys.argv[2]), "w")
def send(**event):
    result.write(json.dumps(event) + "\\n")
    result.flush()
"""
READY = 'send(event="ready", landlock=0, seccomp=False, uid=0)\n'
FORWARD = 'send(event="stage", stage="forward", status="started")\n'


def watched(
    folder: Path,
    program: str,
    on_event: Callable[[dict[str, Any]], None] = lambda event: None,
    **limits: Any,
) -> Watched:
    """What is seen of a program that stands in for the sandboxed one."""
    (folder / "work").mkdir()
    return watch(
        [sys.executable, "-I", "-c", PREFACE + textwrap.dedent(program)],
        spec={},
        folder=folder,
        environment={"PATH": os.defpath},
        limits=Limits(**{"seconds": 20, "memory_mib": 1024, **limits}),
        isolation=Isolation(1),
        on_event=on_event,
    )


def only(found: Watched) -> tuple[str, str]:
    [finding] = found.findings
    assert finding.severity == "block"
    return finding.check, finding.message


def test_a_program_that_ends_well_leaves_what_it_said(tmp_path: Path) -> None:
    found = watched(tmp_path, READY + 'send(event="metrics", metrics={"x": 1})\nsend(event="done")')

    assert found.findings == []
    assert found.metrics == {"x": 1}


def test_a_program_that_hangs_is_ended_at_the_limit(tmp_path: Path) -> None:
    started = time.monotonic()

    found = watched(tmp_path, READY + FORWARD + "time.sleep(60)", seconds=3)

    assert only(found) == (
        "RUN-TIMEOUT",
        "The test was stopped: 3 seconds were over during forward.",
    )
    assert time.monotonic() - started < 30
    assert found.stages[-1]["status"] == "failed"


def test_a_program_that_closes_its_pipes_and_hangs_is_ended_too(tmp_path: Path) -> None:
    program = READY + FORWARD + "result.close(); os.closerange(0, 64); time.sleep(60)"

    assert only(watched(tmp_path, program, seconds=3))[0] == "RUN-TIMEOUT"


def test_a_silent_program_ends_as_soon_as_nobody_wants_it_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unwanted(Exception):
        pass

    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "pulse":
            raise Unwanted

    monkeypatch.setattr("registry.checks.smoke.watch.PULSE_SECONDS", 0.5)
    mark = tmp_path / "pid"
    program = f"open({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"

    with pytest.raises(Unwanted):
        watched(tmp_path, READY + FORWARD + program, hear)

    assert not mark.exists() or not _lives(int(mark.read_text()))


def test_a_program_that_closes_its_pipes_is_watched_on(tmp_path: Path) -> None:
    program = """
    result.close()
    os.closerange(0, 64)
    hog = bytearray(os.urandom(1)) * (300 * 1024 * 1024)
    time.sleep(60)
    """

    found = watched(tmp_path, READY + FORWARD + textwrap.dedent(program), memory_mib=128)

    assert only(found)[0] == "RUN-OOM"


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGKILL", "SIGABRT"])
def test_a_program_ended_by_a_signal_is_a_crash(tmp_path: Path, name: str) -> None:
    program = f"import signal\nos.kill(os.getpid(), signal.{name})"

    assert only(watched(tmp_path, READY + FORWARD + program)) == (
        "RUN-CRASH",
        f"The test was stopped: the program was ended by {name} during forward.",
    )


def test_a_program_that_ends_early_is_a_crash_even_with_a_good_code(tmp_path: Path) -> None:
    assert only(watched(tmp_path, READY + FORWARD + "sys.exit(0)"))[0] == "RUN-CRASH"


def test_a_program_that_grows_beyond_its_memory_is_ended(tmp_path: Path) -> None:
    program = "hog = bytearray(os.urandom(1)) * (300 * 1024 * 1024)\ntime.sleep(60)"

    found = watched(tmp_path, READY + FORWARD + program, memory_mib=128)

    assert only(found) == (
        "RUN-OOM",
        "The test was stopped: more than 128 MiB of memory were used during forward.",
    )
    assert found.peak_mib > 128


def test_what_a_program_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    program = """
    left = os.fork()
    if left == 0:
        for descriptor in (int(sys.argv[2]), 1, 2):
            os.close(descriptor)
        time.sleep(60)
    send(event="metrics", metrics={"left": left})
    send(event="done")
    """
    found = watched(tmp_path, READY + textwrap.dedent(program))

    assert found.findings == []
    place = Path(f"/proc/{found.metrics['left']}/stat")
    until = time.monotonic() + 5
    while place.exists() and place.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < until, "it goes on"


def test_a_program_that_never_gets_ready_is_our_fault(tmp_path: Path) -> None:
    with pytest.raises(SmokeError, match="ended before it was ready"):
        watched(tmp_path, "sys.exit(3)")


def test_a_program_that_is_less_tight_than_the_self_test_is_our_fault(tmp_path: Path) -> None:
    with pytest.raises(SmokeError, match="not as tight"):
        watched(tmp_path, READY.replace("landlock=0", "landlock=5"))


def test_what_does_not_fit_the_schema_is_log_text(tmp_path: Path) -> None:
    program = """
        send(event="stage", stage="invented", status="done")
        send(event="stage", stage="load", status="done", seconds=float("nan"))
        send(event="metrics", metrics={"x": [1, 2]})
        result.write("no json\\x1b[31m\\n")
        send(event="done")
    """

    found = watched(tmp_path, READY + textwrap.dedent(program))

    assert found.stages == []
    assert found.metrics == {}
    assert "no json\\x1b[31m" in found.log
    assert "\x1b" not in found.log


def test_findings_of_unknown_checks_or_severities_are_dropped(tmp_path: Path) -> None:
    finding = {"severity": "block", "message": "it is \x1b[31mred", "file": "a", "more": 1}
    sent = [
        {**finding, "id": "RUN-FINITE"},
        {**finding, "id": "NO-SUCH"},
        {**finding, "id": "RUN-FINITE", "severity": "info"},
    ]
    lines = "".join(f'send(event="finding", finding={json.loads(json.dumps(s))!r})\n' for s in sent)

    found = watched(tmp_path, READY + lines + 'send(event="done")')

    assert [(f.check, f.message) for f in found.findings] == [("RUN-FINITE", "it is \\x1b[31mred")]


def test_no_number_of_warnings_hides_what_blocks(tmp_path: Path) -> None:
    program = """
    for number in range(250):
        finding = {"id": "RUN-PADDING", "severity": "warn", "message": str(number)}
        send(event="finding", finding=finding)
    send(event="finding", finding={"id": "RUN-FINITE", "severity": "block", "message": "last"})
    send(event="done")
    """

    found = watched(tmp_path, READY + textwrap.dedent(program))

    assert [f.severity for f in found.findings] == [*["warn"] * 200, "block"]


def test_a_program_that_talks_without_end_is_ended(tmp_path: Path) -> None:
    program = "while True: result.write('x' * 100_000)"

    assert only(watched(tmp_path, READY + FORWARD + program))[0] == "RUN-CRASH"


def test_the_log_is_kept_short(tmp_path: Path) -> None:
    program = "print('x' * 500_000)\nprint('the end', flush=True)\nsend(event='done')"

    found = watched(tmp_path, READY + program)

    assert found.log.endswith("the end")
    assert len(found.log) <= 16 * 1024


def test_the_program_dies_with_the_one_that_watches_it(tmp_path: Path) -> None:
    """The starter is killed without a chance to clean up; the sandboxed program still ends."""
    (tmp_path / "model").mkdir()
    (tmp_path / "scratch").mkdir()
    (tmp_path / "read").write_text("")
    starter = textwrap.dedent(
        f"""
        import json, os, subprocess, sys, tempfile
        from pathlib import Path
        from registry.checks.smoke import isolation, confine
        root = Path({str(tmp_path)!r})
        chosen = isolation.self_test()
        locks = isolation.locks(chosen, model=root / "model", scratch=root / "scratch", files=(),
                                seconds=60, memory_mib=256, model_bytes=0)
        command = isolation.command(chosen, model=root / "model", scratch=root / "scratch", files=())
        # In place of the program: put its locks on, and wait.
        wait = ("import sys, time; sys.path.insert(0, {str(Path(isolation_folder()))!r}); import confine;"
                "confine.confine(**" + repr(locks) + "); print('in', flush=True); time.sleep(60)")
        child = subprocess.Popen([*command[:-1], "-c", wait], stdout=subprocess.PIPE,
                                 env=isolation.environment(chosen, scratch=root / "scratch"))
        child.stdout.readline()
        print(child.pid, flush=True)
        child.wait()
        """
    )
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())

    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    deadline = time.monotonic() + 60
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(child)


def isolation_folder() -> str:
    from registry.checks.smoke import isolation

    return str(isolation.PROGRAM)


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def test_a_program_that_invents_a_device_is_not_believed(tmp_path: Path) -> None:
    program = """
    send(event="facts", device={"kind": "abacus", "name": "x" * 10}, versions={})
    send(event="facts", device={"kind": "cpu", "name": "a processor"}, versions={})
    send(event="facts", device={"kind": "cpu", "threads": 10 ** 30}, versions={})
    send(event="done")
    """

    found = watched(tmp_path, READY + FORWARD + textwrap.dedent(program))

    assert found.device == {"kind": "cpu", "name": "a processor"}


def test_a_device_that_failed_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    program = READY + FORWARD + 'send(event="lost", reason="CUDA error: device is lost\\x1b")'

    with pytest.raises(SmokeError, match="The device failed during forward: CUDA error"):
        watched(tmp_path, program)
