"""The program that opens a model, started once for the tests that ask what it finds."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.checks.smoke import isolation
from tests.checks.smoke import warm as program


@pytest.fixture(scope="session")
def warmed() -> Iterator[tuple[isolation.Isolation, list[str]]]:
    """What its locks reach here, and the command for one trial."""
    broken, level = isolation.probe(isolation.Isolation(2))
    if broken:
        pytest.skip("this kernel has no Landlock")
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        place = str(Path(folder) / "socket")
        with subprocess.Popen(
            [sys.executable, "-B", program.__file__, place],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=isolation.environment(level, scratch=Path(folder)),
        ) as server:
            assert server.stdin
            assert server.stdout
            assert server.stdout.readline() == b"listening\n"
            yield level, [sys.executable, "-I", "-S", program.__file__, place]
            server.stdin.close()


@pytest.fixture
def warm(warmed: tuple[isolation.Isolation, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials take no time to start; those in `test_trial.py` prove that it makes no difference."""
    level, command = warmed
    monkeypatch.setattr(isolation, "self_test", lambda: level)
    monkeypatch.setattr(isolation, "command", lambda *_, **__: command)
