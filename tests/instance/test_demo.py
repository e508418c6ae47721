"""The main job on real weights, with the real client, while its parts are killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from registry.instance.demo import model
from registry.instance.parts import SOURCE
from registry.instance.processes import InstanceError
from tests.instance import prepared
from tests.instance.instances import Instance, environment, running

pytestmark = pytest.mark.slow


@pytest.fixture
def real_model(tmp_path: Path) -> None:
    try:
        model.prepare(tmp_path / "uploads", tell=lambda _: None)
    except InstanceError as error:
        if os.environ.get("REGISTRY_TESTS_REQUIRE_ALL"):
            raise
        pytest.skip(f"the real model cannot be fetched here: {error}")


def _read_until(output: IO[str], words: str) -> None:
    for line in output:
        if words in line:
            return
    raise AssertionError(f"the demonstration ended before {words!r}")


def _kill(instance: Instance, *words: str) -> None:
    instance.part(*words).send_signal(signal.SIGKILL)


@pytest.mark.usefixtures("real_model")
def test_the_main_job_ends_right_though_worker_database_and_broker_are_killed(tmp_path: Path):
    data = tmp_path / "data"
    prepared.copy_to(data)
    with running(data, "--demo") as instance:
        demo = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--data", str(data)],
            cwd=SOURCE,
            env=environment(data),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with demo:
            assert demo.stdout
            _read_until(demo.stdout, "contributor uploads")
            _kill(instance, "postgres", "-D")
            _read_until(demo.stdout, "smoke test running (safetensors: forward)")
            _kill(instance, "celery", "smoke")
            _read_until(demo.stdout, "attempt 2")
            _kill(instance, "valkey-server")
            _kill(instance, "postgres", "-D")
            rest = demo.stdout.read()

    assert demo.returncode == 0, rest
    assert "SmolLM2-135M-Instruct.Q4_1.gguf: 98362432 bytes, the same SHA-256" in rest
    assert "Done in" in rest
