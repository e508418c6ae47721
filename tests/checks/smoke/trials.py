"""Whole trials of tiny models: how the tests start one, and how they end it."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from registry.checks.findings import Severity
from registry.checks.smoke import isolation, launcher
from registry.checks.smoke.limits import Limits, SmokeResult
from tests.checks import models
from tests.checks.smoke import warm

LIMITS = Limits(seconds=240, memory_mib=4096, min_isolation=2)


def tried(folder: Path, files: dict[str, bytes], **rest: Any) -> SmokeResult:
    rest = {"profile": "structural", "repository": "lab/tiny", "limits": LIMITS, **rest}
    return launcher.run(models.put(folder / "blobs", files), scratch=folder / "scratch", **rest)


def blocks(result: SmokeResult) -> dict[str, str]:
    return {f.check: f.message for f in result.findings if f.severity is Severity.BLOCK}


def kill_the_program(event: dict[str, Any]) -> None:
    """As a model does to its loader, or a machine to every program."""
    if event["event"] == "pulse" or event.get("stage") == "load":
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                words = set(process.cmdline())
                if "-I" in words and words & {str(isolation.PROGRAM), warm.__file__}:
                    process.kill()
