"""Malware scanners of others: what each says is recorded, and one that does not answer is no pass."""

import json
import os
import pickle
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.checks import engines
from registry.checks.engines import Ballot, EngineFailed, pickled
from registry.checks.findings import ModelFile
from tests.checks import models

MARKER = b"a text that the daemon takes for malware"
SOUND = b"a text like any other"


class Acts:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("echo opened >&2",)


class Daemon(socketserver.ThreadingUnixStreamServer):
    """Speaks as clamd does; `mood` is how it fails."""

    daemon_threads = True
    mood = ""
    limit = 1024 * 1024


class Session(socketserver.StreamRequestHandler):
    server: Daemon

    def handle(self) -> None:
        command = self._command()
        if command == b"zVERSION\0":
            self.wfile.write(b"Daemon 1.0\0")
        elif self.server.mood == "ends":
            return
        elif self.server.mood == "is silent":
            self.connection.recv(1)
            threading.Event().wait(5)
        else:
            self.wfile.write(self._judged())

    def _command(self) -> bytes:
        found = b""
        while not found.endswith(b"\0"):
            found += self.rfile.read(1)
        return found

    def _judged(self) -> bytes:
        data = b""
        while length := struct.unpack(">I", self.rfile.read(4))[0]:
            data += self.rfile.read(length)
            if len(data) > self.server.limit:
                return b"INSTREAM size limit exceeded. ERROR\0"
        return b"stream: Some.Signature FOUND\0" if MARKER in data else b"stream: OK\0"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    # A path of such a socket is short
    place = f"/tmp/{os.getpid()}-{tmp_path.name[-20:]}.ctl"  # noqa: S108
    with Daemon(place, Session) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
    Path(place).unlink()


def ballot(daemon: Daemon, **changes: Any) -> Ballot:
    settings: dict[str, Any] = {"seconds": 3, "clamd_mib": 1, **changes}
    return Ballot(("clamav",), clamd=f"unix:{daemon.server_address}", **settings)


def test_the_daemon_is_shown_every_file_and_its_signature_blocks(
    tmp_path: Path, daemon: Daemon
) -> None:
    files = models.put(tmp_path / "m", {"a.txt": SOUND, "b.txt": b"x" + MARKER, "c.txt": b""})

    judged = engines.judge(files, ballot(daemon), is_blocked=False)

    assert [(vote.file, vote.vote) for vote in judged.votes] == [
        ("a.txt", "clean"),
        ("b.txt", "hit"),
        ("c.txt", "clean"),
    ]
    assert models.message_of(judged.findings, "SEC-AV") == "b.txt matches Some.Signature (clamav)."
    assert engines.recorded(judged.votes)[0] == {
        "engine": "clamav",
        "version": "Daemon 1.0",
        "file": "b.txt",
        "vote": "hit",
        "detail": "Some.Signature",
    }


def test_of_weights_that_are_too_long_the_daemon_sees_both_ends(
    tmp_path: Path, daemon: Daemon
) -> None:
    long = b"\1" * (2 * 1024 * 1024)
    files = models.put(
        tmp_path / "m",
        {"a.safetensors": long + MARKER, "b.gguf": MARKER + long, "c.gguf": long, "d.txt": long},
    )

    votes = engines.votes_on(files, ballot(daemon))

    assert [vote.vote for vote in votes] == ["hit", "hit", "clean", "failed"]
    assert votes[2].detail == "the first and the last 1 MiB"


@pytest.mark.parametrize("mood", ["ends", "is silent"])
def test_a_daemon_that_does_not_answer_has_not_passed_the_file(
    tmp_path: Path, daemon: Daemon, mood: str
) -> None:
    daemon.mood = mood
    files = models.put(tmp_path / "m", {"a.txt": SOUND})

    with pytest.raises(EngineFailed, match="clamav failed on a.txt"):
        engines.judge(files, ballot(daemon, seconds=0.3), is_blocked=False)


def test_a_daemon_with_a_smaller_limit_has_not_passed_the_file(
    tmp_path: Path, daemon: Daemon
) -> None:
    daemon.limit = 8
    files = models.put(tmp_path / "m", {"a.txt": SOUND})

    with pytest.raises(EngineFailed, match="INSTREAM size limit exceeded"):
        engines.judge(files, ballot(daemon), is_blocked=False)


@pytest.mark.parametrize("where", ["unix:/nowhere/clamd.ctl", "127.0.0.1:1", "nowhere", ":1"])
def test_a_daemon_that_is_not_there_is_no_pass(tmp_path: Path, where: str) -> None:
    files = models.put(tmp_path / "m", {"a.txt": SOUND})

    with pytest.raises(EngineFailed, match="clamav failed: It cannot be reached"):
        engines.judge(files, Ballot(("clamav",), seconds=1, clamd=where), is_blocked=False)


def test_an_engine_that_nobody_knows_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="There is no engine of this name"):
        engines.judge([], Ballot(("hopeful",)), is_blocked=False)


@pytest.mark.parametrize("name", ["fickling", "modelscan"])
def test_an_engine_that_is_not_installed_is_no_pass(tmp_path: Path, name: str) -> None:
    pytest.importorskip("picklescan")
    files = models.put(tmp_path / "m", {"pytorch_model.bin": b"\x80\x02N."})

    with pytest.raises(EngineFailed, match=f"{name} failed on pytorch_model.bin"):
        engines.judge(files, Ballot((name,)), is_blocked=False)


def test_where_our_own_checks_block_a_failed_vote_is_only_recorded(tmp_path: Path) -> None:
    files = models.put(tmp_path / "m", {"pytorch_model.bin": b""})

    judged = engines.judge(files, Ballot(), is_blocked=True)

    assert [vote.vote for vote in judged.votes] == ["failed"]
    assert judged.findings == []


def test_picklescan_names_what_a_checkpoint_would_call(tmp_path: Path) -> None:
    files = models.put(
        tmp_path / "m",
        {
            "pytorch_model.bin": pickle.dumps({"a": Acts()}),
            "original/consolidated.00.pth": pickle.dumps({"a": 1}),
            "README.md": models.CARD,
        },
    )

    judged = engines.judge(files, Ballot(), is_blocked=False)

    assert [(vote.file, vote.vote) for vote in judged.votes] == [
        ("pytorch_model.bin", "hit"),
        ("original/consolidated.00.pth", "clean"),
    ]
    assert models.message_of(judged.findings, "SEC-AV") == (
        "pytorch_model.bin matches posix.system (picklescan)."
    )


def test_an_engine_that_takes_too_long_or_crashes_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "child.py"
    monkeypatch.setattr(pickled, "CHILD", program)
    files = models.put(tmp_path / "m", {"pytorch_model.bin": b"N."})
    for text, why in (
        ("import time; time.sleep(60)", "It took longer than 0.5 seconds"),
        ("import os; os.abort()", "It ended with -6"),
        ("print('all is well')", "It gave no answer"),
        ("print('[]')", "It gave no answer"),
        ('print(\'{"vote": "harmless"}\')', "It gave no answer"),
    ):
        program.write_text(text)
        (vote,) = engines.votes_on(files, Ballot(seconds=0.5 if "sleep" in text else 20))
        assert (vote.vote, vote.detail) == ("failed", why)


def test_an_engine_has_no_network_no_programs_and_no_other_files(tmp_path: Path) -> None:
    """The file is the engine here: what it tries is refused before it could matter."""
    planted = tmp_path / "planted"
    planted.write_text("secret")
    place = tmp_path / "look.py"
    place.write_text(PROBE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = json.loads(
            pickled.subprocess.run(
                [
                    pickled.sys.executable,
                    "-I",
                    str(place),
                    str(pickled.CHILD),
                    str(planted),
                    str(server.getsockname()[1]),
                ],
                capture_output=True,
                check=True,
                timeout=60,
            ).stdout
        )

    assert done == {
        "read": True,
        "network": False,
        "other": False,
        "program": False,
        "write": False,
    }


PROBE = """
import json, os, runpy, socket, sys
child, planted, port = sys.argv[1:]
space = runpy.run_path(child)
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(child)))))
space["_confine"](child, 2048)

def tried(act):
    try:
        act()
    except OSError:
        return False
    return True

print(json.dumps({
    "read": tried(lambda: open(child).read()),
    "network": tried(lambda: socket.create_connection(("127.0.0.1", int(port)))),
    "other": tried(lambda: open(planted).read()),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
    "write": tried(lambda: open(planted + "2", "w")),
}))
"""


def test_a_vote_is_safe_to_print(tmp_path: Path) -> None:
    vote = engines.Vote("clamav", "1\n", "a\u202eb", "hit", "\x1b[0m" + "x" * 900)

    told = vote.as_json()

    assert all(text.isprintable() for text in told.values())
    assert len(told["detail"]) <= 200
    (finding,) = engines.findings_of([vote])
    assert finding.message.isprintable()


def test_engines_look_into_every_file_that_our_own_walk_looks_into(tmp_path: Path) -> None:
    file = ModelFile("Weights.PKL", 2, "", tmp_path / "blob")
    file.local.write_bytes(b"N.")

    (vote,) = engines.votes_on([file], Ballot())

    assert (vote.file, vote.vote) == ("Weights.PKL", "clean")
