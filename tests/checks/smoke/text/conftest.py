"""The text stage in a process of its own, for all tests of this folder: it imports torch once."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checks import models

Found = dict[str, list[dict[str, Any]]]
Ask = Callable[..., Found]


@pytest.fixture(scope="session")
def program() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-B", "-m", "tests.checks.smoke.text.program"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def ask(program: subprocess.Popen[str], tmp_path: Path) -> Ask:
    """What the text stage says of these files, by check; `base` are the files of the declared base."""

    def put(name: str, files: dict[str, bytes]) -> str:
        folder = Path(tempfile.mkdtemp(prefix=name, dir=tmp_path))
        for path, data in files.items():
            (folder / path).write_bytes(data)
        return str(folder)

    def asked(
        files: dict[str, bytes] | None = None,
        *,
        chat: bool = True,
        file: str = "",
        base: dict[str, bytes] | None = None,
        record: dict[str, Any] | None = None,
        **changes: bytes | None,
    ) -> Found:
        request: dict[str, Any] = {
            "folder": put("model", models.llama(**changes) if files is None else files),
            "file": file,
            "chat": chat,
            "base": None,
        }
        if base is not None or record is not None:
            place = put("base", base) if base is not None else None
            request["base"] = {"repository": "lab/base", "folder": place, "record": record or {}}
        assert program.stdin
        assert program.stdout
        program.stdin.write(json.dumps(request) + "\n")
        program.stdin.flush()
        answer = json.loads(program.stdout.readline())
        found: Found = {"records": answer["records"]}
        for finding in answer["findings"]:
            found.setdefault(finding["id"], []).append(finding)
        return found

    return asked
