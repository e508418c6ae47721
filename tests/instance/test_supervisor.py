"""The supervisor: what falls is started again, what keeps falling stops all, nothing stays behind."""

import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from registry.instance import supervisor as supervisors
from registry.instance.parts import program
from registry.instance.processes import InstanceError
from registry.instance.supervisor import Part, StopAsked, Supervisor


def _part(name: str, code: str, **more: object) -> Part:
    return Part(name=name, start=program(["-c", code], os.environ), **more)  # type: ignore[arg-type]


def _writes(path: Path) -> Callable[[], bool]:
    return lambda: path.exists() and path.read_text() != ""


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def test_a_part_that_falls_is_started_again(out: io.StringIO, tmp_path: Path):
    note = tmp_path / "pid"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with Supervisor(out).listening() as supervisor:
        supervisor.start(_part("web", code), ready=_writes(note), seconds=10)
        first = int(note.read_text())
        note.unlink()
        os.kill(first, signal.SIGKILL)
        supervisor.start(
            _part("other", "import time; time.sleep(60)"), ready=_writes(note), seconds=10
        )
        second = int(note.read_text())

    assert second != first
    assert "web was ended by SIGKILL; it starts again in 0.5 s." in out.getvalue()
    assert not psutil.pid_exists(second)


def test_a_part_that_keeps_falling_stops_all_and_says_why(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervisors, "FIRST_PAUSE", 0.01)
    with Supervisor(out).listening() as supervisor:
        code = "import sys; sys.exit('the disk is on fire')"
        supervisor.start(_part("web", code), ready=lambda: True, seconds=10)
        with pytest.raises(InstanceError, match="web ended with exit code 1, the 6th time"):
            supervisor.watch()
    assert out.getvalue().count("web       | the disk is on fire") == 6


def test_parts_end_in_their_order_and_with_all_that_they_started(out: io.StringIO, tmp_path: Path):
    note = tmp_path / "child"
    parent = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    with Supervisor(out).listening() as supervisor:
        supervisor.start(_part("web", parent), ready=_writes(note), seconds=10)
    child = int(note.read_text())
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_part_that_does_not_listen_is_killed(out: io.StringIO, tmp_path: Path):
    note = tmp_path / "ready"
    deaf = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(note)!r}, 'w').write('1')\n"
        "time.sleep(60)\n"
    )
    with Supervisor(out).listening() as supervisor:
        part = _part("web", deaf, stop_seconds=0.3)
        supervisor.start(part, ready=_writes(note), seconds=10)
    assert "web did not end in time and is killed." in out.getvalue()


def test_a_signal_asks_to_stop(out: io.StringIO):
    with Supervisor(out).listening() as supervisor:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(StopAsked):
            supervisor.watch()


def test_a_step_that_fails_says_so_with_its_output(out: io.StringIO):
    code = "print('no tables'); raise SystemExit(3)"
    step = program(["-c", code], os.environ)
    failure = pytest.raises(InstanceError, match="prepare failed")
    with Supervisor(out).listening() as supervisor, failure:
        supervisor.run_step("prepare", step)
    assert "prepare   | no tables" in out.getvalue()


def test_a_log_line_cannot_play_tricks_on_the_terminal(out: io.StringIO):
    code = r"import sys; sys.stdout.write('\x1b]0;owned\x07\n')"
    with Supervisor(out).listening() as supervisor:
        supervisor.run_step("web", program(["-c", code], os.environ))
    assert "\x1b" not in out.getvalue()
