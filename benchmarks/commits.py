"""Commits: many files at once, into large repositories, and many of them."""

import base64
import http.client
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import instance
from benchmarks.report import Table, median

CONTENT = b"a line of text that says nothing\n" * 30
_numbers = itertools.count()


def measure(folder: Path, *, quick: bool) -> list[Table]:
    step, most, many = (20, 60, 10) if quick else (1000, 10_000, 1000)
    with instance.running(folder) as running:
        token = running.make("people")["publisher"]
        wire = Wire(running.url, token)
        names = [running.make("scratch", name=f"scratch-{n}")["name"] for n in range(3)]
        return [
            _at_once(wire, names[0], step, rounds=1 if quick else 3),
            _growing(wire, names[1], step, most),
            _one_after_another(wire, names[2], many),
        ]


class Wire:
    """One connection that commits."""

    def __init__(self, url: str, token: str) -> None:
        self._line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-ndjson",
        }

    def commit(self, name: str, paths: Iterator[str]) -> float:
        """Commit new files of about 1 KB at these paths; the seconds that the answer took."""
        lines = [json.dumps({"key": "header", "value": {"summary": "Add files"}})]
        for path in paths:
            content = base64.b64encode(b"%d\n" % next(_numbers) + CONTENT).decode()
            value = {"path": path, "content": content, "encoding": "base64"}
            lines.append(json.dumps({"key": "file", "value": value}))
        body = "\n".join(lines).encode()
        began = time.monotonic()
        self._line.request("POST", f"/api/models/{name}/commit/main", body, self._headers)
        answer = self._line.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {said[:500]!r}")
        return time.monotonic() - began


def _at_once(wire: Wire, name: str, count: int, *, rounds: int) -> Table:
    table = Table(f"A commit of {count} small files", ["commit", "seconds", "files a second"])
    for number in range(rounds):
        paths = (f"set{number}/part{n // 100}/file-{n:04}.txt" for n in range(count))
        seconds = wire.commit(name, paths)
        table.add(number + 1, seconds, count / seconds)
    return table


def _growing(wire: Wire, name: str, step: int, most: int) -> Table:
    """Each folder holds 1,000 files; the commits of one file go into the first and the root."""
    table = Table(
        "A repository that grows",
        ["files before", f"commit of {step} files s", "one file in the root ms",
         "one file in a folder ms"],
    )  # fmt: skip
    # The files that are measured one by one and the first one count towards the bound too
    most -= 10 * (most // step + 1) + 1
    there = 0
    while there <= most:
        root = [wire.commit(name, iter([f"one-{there}-{n}.txt"])) for n in range(5)]
        inside = [wire.commit(name, iter([f"folder-0/one-{there}-{n}.txt"])) for n in range(5)]
        count = min(step, most - there)
        paths = (f"folder-{(there + n) // 1000}/file-{there + n:05}.txt" for n in range(count))
        seconds = wire.commit(name, paths) if count > 0 else "–"
        table.add(there, seconds, median(root) * 1000, median(inside) * 1000)
        there += count or most + 1
    return table


def _one_after_another(wire: Wire, name: str, count: int) -> Table:
    table = Table(
        f"{count} commits of one file each",
        ["commits", "median ms", "slowest ms"],
    )
    seconds = [wire.commit(name, iter([f"logs/entry-{n:05}.txt"])) for n in range(count)]
    share = max(count // 10, 1)
    for first in (0, count // 2 - share // 2, count - share):
        part = seconds[first : first + share]
        table.add(f"{first + 1} to {first + share}", median(part) * 1000, max(part) * 1000)
    return table
