"""One process for each device, devices that the driver names, and work that takes too long."""

import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from registry.checks import deadlines, devices, slots
from registry.checks.smoke import isolation

ANSWER = "0, GPU-aa, NVIDIA H100 80GB HBM3, 81559, 580.95\n1, GPU-bb, NVIDIA H100, [N/A], 580.95\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path, monkeypatch):
    settings.CACHE_DIR = tmp_path
    settings.WORKER_NAME = "machine"
    monkeypatch.setattr(slots, "_mine", None)


def test_a_device_belongs_to_one_process_of_the_machine_for_as_long_as_it_lives(tmp_path):
    program = textwrap.dedent(f"""
        import fcntl, pathlib, sys
        place = pathlib.Path({str(tmp_path)!r}) / "slots"
        place.mkdir(parents=True)
        held = (place / "machine.cuda:0").open("w")
        fcntl.flock(held, fcntl.LOCK_EX)
        print("held", flush=True)
        sys.stdin.read()
    """)
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"

        mine = slots.take(["cuda:0", "cuda:1"], patience=0)
        assert (mine.device, mine.may_work) == ("cuda:1", True)
        none = slots.take(["cuda:0"], patience=0)
        assert (none.device, none.may_work, slots.mine()) == ("", False, none)

        other.kill()
    assert slots.take(["cuda:0"]).device == "cuda:0"


def test_each_process_of_a_worker_has_a_device_of_the_kind_that_its_queues_want():
    of = slots.devices_for

    assert of(["smoke.gpu"], processes=9, gpus=["cuda:0", "cuda:2"]) == ["cuda:0", "cuda:2"]
    assert of(["scan", "smoke.cpu"], processes=1, gpus=["cuda:0"]) == ["cpu:0"]
    assert of(["scan"], processes=2, gpus=[]) == ["scan:0", "scan:1"]


def _program(tmp_path: Path, body: str) -> str:
    path = tmp_path / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def kernel(tmp_path) -> Path:
    """What the kernel's module shows of one GPU."""
    place = tmp_path / "proc" / "gpus" / "0000:0b:00.0"
    place.mkdir(parents=True)
    (place / "information").write_text("Model: \t\t NVIDIA H100\nGPU UUID: \t GPU-aa\n")
    return tmp_path / "proc"


def test_the_driver_says_which_devices_there_are(tmp_path):
    program = _program(tmp_path, f"printf '{ANSWER}'")

    first, second = devices.found(program=program, proc=tmp_path)

    assert first == {
        "id": "cuda:0",
        "uuid": "GPU-aa",
        "kind": "cuda",
        "name": "NVIDIA H100 80GB HBM3",
        "memory_mb": 81559,
        "driver": "580.95",
        "healthy": True,
        "note": "",
    }
    assert (second["id"], second["memory_mb"]) == ("cuda:1", None)


@pytest.mark.parametrize("body", ["exit 9", "exec sleep 60", "printf 'Failed to initialize NVML'"])
def test_a_driver_that_was_lost_leaves_devices_that_nobody_counts_on(
    tmp_path, kernel, monkeypatch, body
):
    monkeypatch.setattr(devices, "SECONDS", 0.5)

    (device,) = devices.found(program=_program(tmp_path, body), proc=kernel)

    assert (device["id"], device["uuid"], device["healthy"]) == ("cuda:0", "GPU-aa", False)
    assert device["note"] == "The driver does not answer."


def test_without_a_gpu_there_is_none(tmp_path):
    assert devices.found(program=str(tmp_path / "absent"), proc=tmp_path) == []
    assert devices.found("cpu", program=_program(tmp_path, f"printf '{ANSWER}'")) == []


def test_the_site_may_name_its_devices_and_hears_of_one_that_is_not_there(tmp_path):
    program = _program(tmp_path, f"printf '{ANSWER}'")

    found = devices.found("cuda:1, cuda:7", program=program, proc=tmp_path)

    assert [(one["id"], one["healthy"], one["note"]) for one in found] == [
        ("cuda:1", True, ""),
        ("cuda:7", False, "It is not there."),
    ]


def test_work_that_takes_too_long_is_told_to_stop():
    def work() -> None:
        while True:
            pass

    with pytest.raises(SoftTimeLimitExceeded), deadlines.within(1):
        work()


def test_work_in_time_is_left_alone():
    with deadlines.within(1):
        pass
    assert deadlines.signal.getitimer(deadlines.signal.ITIMER_REAL) == (0.0, 0.0)


def test_work_that_does_not_listen_is_ended_with_its_process():
    program = textwrap.dedent("""
        import ctypes, signal
        from registry.checks import deadlines
        deadlines.GRACE_SECONDS = 0
        stuck = ctypes.PyDLL(None).sleep  # keeps the interpreter to itself
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        with deadlines.within(1):
            stuck(60)
    """)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30)

    assert ended.returncode == 1
    assert b"Timeout" in ended.stderr


@pytest.mark.parametrize(
    ("device", "number"),
    [("cuda:0", 0), ("cuda:3", 3), ("cpu:0", None), ("scan:1", None), ("", None), ("cuda:x", None)],
)
def test_a_process_opens_models_on_its_own_gpu_or_on_none(monkeypatch, device, number):
    monkeypatch.setenv(isolation.DEVICE_VARIABLE, device)

    assert isolation.gpu_number() == number
    if number is None:
        assert isolation.gpu_nodes() == []
