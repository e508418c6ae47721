"""Control groups: what a job starts is in its group, held by the kernel, and gone with it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from registry.checks.smoke import cgroups, hierarchies
from registry.checks.smoke.hierarchies import Hierarchy, Unusable
from registry.checks.smoke.isolation import Isolation
from registry.checks.smoke.limits import Limits
from tests.checks.smoke.test_watch import FORWARD, READY, only, watched

GROUND = cgroups.ground()
real = pytest.mark.skipif(
    GROUND.hierarchy is None, reason=f"no control groups here: {GROUND.reason}"
)


def left() -> list[Path]:
    assert GROUND.hierarchy is not None
    mine = []
    for parent in GROUND.hierarchy.parents.values():
        mine += [one for one in parent.glob(f"{cgroups.PREFIX}*") if str(os.getpid()) in one.name]
    return mine


@real
def test_a_fork_bomb_is_stopped_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    """Each process leaves the group of its starter, and so would outlive a kill of that."""
    program = """
    started = 0
    try:
        while started < 1000:
            if os.fork() == 0:
                for descriptor in (int(sys.argv[2]), 1, 2):
                    os.close(descriptor)
                os.setsid()
                time.sleep(60)
            started += 1
    except BlockingIOError:
        send(event="metrics", metrics={"started": started})
    os._exit(3)
    """

    found = watched(tmp_path, READY + FORWARD + textwrap.dedent(program))

    check, message = only(found)
    assert check == "RUN-CRASH"
    assert "code 3, which had 256 processes and threads and wanted more" in message
    assert 200 < found.metrics["started"] < 256
    assert left() == []


@real
def test_memory_of_all_processes_counts_together(tmp_path: Path) -> None:
    """Each is small and lives shortly: what a watchdog that looks now and then would miss."""
    program = """
    for _ in range(8):
        if os.fork() == 0:
            hog = bytes([7]) * (64 * 1024 * 1024)
            time.sleep(60)
    time.sleep(60)
    """

    found = watched(tmp_path, READY + FORWARD + textwrap.dedent(program), memory_mib=256)

    assert only(found) == (
        "RUN-OOM",
        "The test was stopped: more than 256 MiB of memory were used during forward.",
    )
    assert left() == []


@real
def test_what_the_kernel_ends_before_anybody_looks_is_out_of_memory_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.checks.smoke.watch.LOOK_SECONDS", 30.0)

    found = watched(tmp_path, READY + FORWARD + "bytes([7]) * (512 * 1024 * 1024)", memory_mib=128)

    assert only(found)[0] == "RUN-OOM"


@real
def test_a_bound_on_processors_holds(tmp_path: Path) -> None:
    busy = "import time; e = time.monotonic() + 0.5\nwhile time.monotonic() < e: pass\n"
    busy += "print(time.process_time())"

    with cgroups.job(GROUND, memory_mib=128, cpus=0.2) as group:
        said = subprocess.check_output([*group.entry, sys.executable, "-I", "-S", "-c", busy])

    assert float(said) < 0.35


@real
def test_the_groups_of_a_killed_worker_are_removed_and_those_of_a_living_one_kept() -> None:
    assert GROUND.hierarchy is not None
    starter = """
    import os, subprocess, sys
    from registry.checks.smoke import cgroups
    ground = cgroups.ground()
    with cgroups.job(ground, memory_mib=64) as group:
        child = subprocess.Popen([*group.entry, "sleep", "60"], stdout=subprocess.DEVNULL)
        print(child.pid, group.folders["memory"], flush=True)
        os.kill(os.getpid(), 9)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(starter)], stdout=subprocess.PIPE, text=True
    )
    pid, folder = killed.stdout.split()
    assert Path(folder).exists()

    with cgroups.job(GROUND, memory_mib=64) as living:
        cgroups.ground.cache_clear()
        assert cgroups.ground() == GROUND
        assert living.folders["memory"].exists()

    assert not Path(folder).exists()
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


@real
def test_memory_that_a_group_above_lacks_is_no_fault_of_the_model(tmp_path: Path) -> None:
    assert GROUND.hierarchy is not None
    if GROUND.hierarchy.version == "v2":
        pytest.skip("a group above would have to be divided first")
    with cgroups.job(GROUND, memory_mib=128) as above:
        parents = {**GROUND.hierarchy.parents, "memory": above.folders["memory"]}
        below = cgroups.Ground(Hierarchy("v1", parents))
        with cgroups.job(below, memory_mib=512) as group:
            hog = [*group.entry, sys.executable, "-I", "-S", "-c", "bytes([7]) * 2 ** 28"]
            assert subprocess.run(hog, check=False).returncode == -9
            assert (group.ran_out(), group.was_robbed()) == (False, True)


@real
def test_a_group_that_a_starting_worker_takes_for_left_behind_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert GROUND.hierarchy is not None
    held, seen = cgroups._held, []

    def late(folder: Path) -> int:
        seen.append(folder)
        if len(seen) < 3:  # the other one removes it: before it is opened, or after
            os.rmdir(folder) if len(seen) == 1 else None
            descriptor = held(folder)
            os.rmdir(folder)
            return descriptor
        return held(folder)

    monkeypatch.setattr(cgroups, "_held", late)
    with cgroups.job(GROUND, memory_mib=64) as group:
        assert group.folders["memory"].exists()
        assert seen[0] not in group.folders.values()
    assert left() == []


def test_where_no_group_can_be_made_the_report_says_why(tmp_path: Path) -> None:
    ground = cgroups.ground("off")

    with cgroups.job(ground, memory_mib=64) as group:
        assert group.entry == []
        assert not group.ran_out()
    said = Isolation(2).as_json(Limits(memory_mib=64, cgroup="off"))
    assert (said["cgroup"], said["cgroup_reason"]) == (None, "it is switched off")
    assert "cgroup" not in said["memory_cap_by"]
    with pytest.raises(Unusable, match="memory is not mounted"):
        hierarchy(tmp_path, "", own="0::/")


# Version 2 of the interface, with a folder that stands for the kernel's file system.

CONTROL = ("cgroup.procs", "cgroup.subtree_control", "cgroup.type", "memory.max", "memory.swap.max")
CONTROL += ("memory.oom.group", "memory.events", "pids.max", "pids.events", "cpu.max")
CONTROL += ("cgroup.kill",)


@pytest.fixture
def unified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """New groups have the kernel's files at once, and go with them; controllers are added."""
    make, remove, write, at = os.mkdir, os.rmdir, Path.write_text, tmp_path / "cgroup"

    def mkdir(path: Path, *rest: object) -> None:
        make(path)
        for name in CONTROL:
            Path(path, name).touch()
        Path(path, "cgroup.controllers").write_text("cpu io memory pids\n")

    def rmdir(path: Path, **_: object) -> None:
        for one in Path(path).iterdir():
            one.unlink()
        remove(path)

    def written(path: Path, text: str) -> int:
        if path.name == "cgroup.subtree_control":
            text = f"{path.read_text()} {text}".replace("+", "").strip()
        if path.name == "cgroup.procs" and path.parent.name == hierarchies.REST:
            write(path.parent.parent / "cgroup.procs", "")
        return write(path, text)

    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(Path, "write_text", written)
    monkeypatch.setattr(os, "rmdir", rmdir)
    for folder in (at, at / "registry.service", at / "registry.service" / "main"):
        mkdir(folder)
    return at


def hierarchy(at: Path, parent: str, *, own: str, granted: Path | None = None) -> Hierarchy:
    proc = at.parent / "proc"
    proc.mkdir(exist_ok=True)
    (proc / "cgroup").write_text(own + "\n")
    kind = "cgroup2" if (at / "cgroup.controllers").exists() else "tmpfs"
    (proc / "mountinfo").write_text(f"30 1 0:26 / {at} rw - {kind} none rw,nsdelegate\n")
    if granted:
        os.setxattr(granted, "user.delegate", b"1")
    return hierarchies.hierarchy(parent, proc=proc)


def test_a_delegated_group_is_emptied_into_a_leaf_before_its_children_get_limits(
    unified: Path,
) -> None:
    service = unified / "registry.service"
    os.rmdir(service / "main")
    (service / "cgroup.procs").write_text(str(os.getpid()))

    with pytest.raises(Unusable, match="delegated"):
        hierarchy(unified, "", own="0::/registry.service")
    found = hierarchy(unified, "", own="0::/registry.service", granted=service)

    assert found == Hierarchy("v2", dict.fromkeys(hierarchies.CONTROLLERS, service))
    assert (service / hierarchies.REST / "cgroup.procs").read_text() == str(os.getpid())
    assert (service / "cgroup.subtree_control").read_text() == "memory pids cpu"


def test_a_worker_in_a_leaf_uses_the_delegated_group_above(unified: Path) -> None:
    service = unified / "registry.service"
    (service / "cgroup.subtree_control").write_text("memory pids")

    found = hierarchy(unified, "", own="0::/registry.service/main", granted=service)

    assert set(found.parents.values()) == {service}
    assert not (service / hierarchies.REST).exists()


def test_the_operator_names_another_group(unified: Path) -> None:
    found = hierarchy(unified, "/registry", own="0::/registry.service")

    assert set(found.parents.values()) == {unified / "registry"}


def test_a_job_gets_its_limits_before_its_program_and_is_ended_as_a_whole(unified: Path) -> None:
    service = unified / "registry.service"
    (service / "cgroup.subtree_control").write_text("cpu memory pids")
    found = hierarchy(unified, "", own="0::/registry.service/main", granted=service)

    with cgroups.job(cgroups.Ground(found), memory_mib=2, cpus=1.5) as group:
        folder = group.folders["memory"]
        said = subprocess.check_output([*group.entry, "cat", str(folder / "cgroup.procs")])
        assert said == b"0\n"  # who writes it is meant
        kept = ("memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max")
        limits = [(folder / name).read_text() for name in kept]
        assert limits == ["2097152", "0", "1", "256", "150000 100000"]
        assert not group.ran_out()
        (folder / "memory.events").write_text("low 0\nmax 3\noom 0\noom_kill 1\n")
        assert (group.ran_out(), group.was_robbed()) == (False, True)
        (folder / "memory.events").write_text("low 0\nmax 3\noom 1\noom_kill 1\n")
        (folder / "pids.events").write_text("max 2\n")
        assert (group.ran_out(), group.was_robbed()) == (True, False)
        assert group.was_crowded()

    assert not folder.exists()
