"""Engines that look into pickles, each in a process of its own without network (see `child`)."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from registry.checks.engines.vote import Ballot, Vote
from registry.checks.findings import ModelFile
from registry.checks.scanners.container import ENDINGS
from registry.checks.smoke import cgroups

NAMES = ("picklescan", "fickling", "modelscan")
CHILD = Path(__file__).with_name("child.py")
MOST_ANSWER = 64 * 1024


def engine(name: str) -> Callable[[Sequence[ModelFile], Ballot], list[Vote]]:
    def votes_on(files: Sequence[ModelFile], ballot: Ballot) -> list[Vote]:
        asked = [file for file in files if file.path.lower().endswith(ENDINGS)]
        return [ballot.known.get((name, file.path)) or _vote(name, file, ballot) for file in asked]

    return votes_on


def _vote(name: str, file: ModelFile, ballot: Ballot) -> Vote:
    with tempfile.TemporaryDirectory(prefix="engine-") as folder:
        # Engines go by the ending of the name, and blobs have none.
        place = Path(folder, "model" + PurePosixPath(file.path.lower()).suffix)
        place.symlink_to(file.local.resolve())
        answer = _ask([name, str(place), str(ballot.memory_mib)], ballot, folder)
    if isinstance(answer, str):
        return Vote(name, "", file.path, "failed", answer)
    vote, version, detail = (answer.get(key, "") for key in ("vote", "version", "detail"))
    if vote not in ("clean", "hit"):
        return Vote(name, str(version), file.path, "failed", str(detail) or "It gave no answer")
    return Vote(name, str(version), file.path, vote, str(detail))


def _ask(arguments: list[str], ballot: Ballot, folder: str) -> dict[str, object] | str:
    """The last line that the child printed as JSON, or why there is none."""
    with (
        cgroups.job(cgroups.ground(ballot.cgroup), memory_mib=ballot.memory_mib) as group,
        subprocess.Popen(  # noqa: S603 - our own program
            [*group.entry, sys.executable, "-I", "-B", str(CHILD), *arguments],
            env={"PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process,
    ):
        try:
            out, _ = process.communicate(timeout=ballot.seconds)
        except subprocess.TimeoutExpired:
            return f"It took longer than {ballot.seconds:g} seconds"
        finally:
            _end(process)
    if process.returncode:
        return f"It ended with {process.returncode}"
    try:
        answer = json.loads(out[-MOST_ANSWER:].splitlines()[-1])
    except (ValueError, IndexError):
        return "It gave no answer"
    return answer if isinstance(answer, dict) else "It gave no answer"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """It and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
