"""Uploads with the real client, against the same client sending to a bare receiver; and how much
memory the server takes over what it takes when idle."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import contents, instance
from benchmarks.report import Table, median
from registry.instance.processes import free_port, stop

# The time is that of the upload alone: the client is imported, and its token known, before
UPLOAD = """
import sys, time
from huggingface_hub import HfApi
endpoint, token, name, folder = sys.argv[1:]
api = HfApi(endpoint=endpoint, token=token)
api.create_repo(name, exist_ok=True)
began = time.monotonic()
api.upload_folder(repo_id=name, folder_path=folder, commit_message="Add weights")
print("seconds", time.monotonic() - began)
"""
WAYS = {"LFS": {"HF_HUB_DISABLE_XET": "1"}, "Xet": {}}


@dataclass
class Memory:
    """Proportional set size of some processes, sampled while something happens."""

    pids: list[int]
    idle: int = 0
    peak: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def sample(self) -> int:
        return sum(_pss(pid) for pid in self.pids)

    @contextmanager
    def watched(self) -> Iterator[None]:
        self.idle = self.peak = self.sample()
        self._stop.clear()
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    @property
    def over_idle(self) -> float:
        return (self.peak - self.idle) / 1024**2

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self.peak = max(self.peak, self.sample())


def measure(
    folder: Path, *, quick: bool, size: int = 0, files: int = 4, rounds: int = 3
) -> list[Table]:
    size = size or (24 * 1024**2 if quick else 4 * 1000**3)
    rounds = 1 if quick else rounds
    source = folder / "source"
    source.mkdir(parents=True)
    for number in range(files if not quick else 1):
        part = size // (files if not quick else 1)
        contents.random_file(path=str(source / f"part-{number}.safetensors"), size=part)
    table = Table(
        f"Upload of {size / 10**6:,.0f} MB with the real client",
        [
            "way",
            "MB/s",
            "bare receiver MB/s",
            "ratio",
            "receiver that syncs MB/s",
            "ratio to it",
            "memory over idle MiB",
        ],
        notes=[
            f"Medians over {rounds} rounds, in which registry and receivers took turns. The bare "
            "receiver neither hashes nor waits for the disk; the one that syncs answers, as the "
            "registry does, once the bytes survive a loss of power. The memory is the highest sum "
            "over all processes of the web server, less that before."
        ],
    )
    with (
        instance.running(folder / "registry") as running,
        receiver(folder / "bare") as bare,
        receiver(folder / "synced", "sync=1") as synced,
    ):
        token = running.make("people")["publisher"]
        for way, variables in WAYS.items():
            ours, memory = [], 0.0
            theirs: dict[str, list[float]] = {bare.url: [], synced.url: []}
            for number in range(rounds):
                name = f"publisher/upload-{way.lower()}-{number}"
                watch = Memory(running.web_processes())
                with watch.watched():
                    ours.append(_upload(folder, running.url, token, name, source, variables))
                memory = max(memory, watch.over_idle)
                for other in (bare, synced):
                    took = _upload(folder, other.url, "bench", name, source, variables)
                    theirs[other.url].append(took)
                    other.forget()
                os.sync()  # so that nobody pays for what somebody else left to be written
            mine = size / median(ours) / 10**6
            plain, safe = (size / median(times) / 10**6 for times in theirs.values())
            table.add(way, mine, plain, mine / plain, safe, mine / safe, memory)
    return [table]


@dataclass(frozen=True)
class Bare:
    url: str
    folder: Path

    def forget(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()


@contextmanager
def receiver(folder: Path, *settings: str) -> Iterator[Bare]:
    """The bare receiver, in a process of its own."""
    port = free_port()
    folder.mkdir(parents=True)
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "benchmarks.bare_receiver", str(folder), str(port), *settings],
            cwd=instance.SOURCE,
            stdout=output,
            stderr=output,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            instance.wait_for(f"{url}/api/whoami-v2", process, log)
            yield Bare(url, folder)
        finally:
            stop(process, 9, seconds=5)  # type: ignore[arg-type]


def _upload(
    folder: Path, url: str, token: str, name: str, source: Path, variables: dict[str, str]
) -> float:
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    # The client keeps notes of what it sent beside the files
    shutil.rmtree(source / ".cache", ignore_errors=True)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("HF_")},
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        **variables,
    }
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", UPLOAD, url, token, name, str(source)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{name} after {time.monotonic() - began:.0f} s: {done.stderr[-3000:]}")
    return float(done.stdout.split()[-1])


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    line = next((one for one in text.splitlines() if one.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024
