"""Writes down what was measured, as JSON and as a page."""

import json
import os
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent


@dataclass
class Table:
    """One table of a report, with what it shows."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: Any) -> None:
        self.rows.append(cells)

    def markdown(self) -> str:
        lines = [f"### {self.title}", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("| " + " | ".join("---" for _ in self.columns) + " |")
        lines += ["| " + " | ".join(_text(cell) for cell in row) + " |" for row in self.rows]
        lines += ["", *(f"{note}\n" for note in self.notes)]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": self.notes}


def machine() -> str:
    """The machine in general terms."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB of memory, over loopback"


def revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607
        cwd=SOURCE,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def as_json(tables: list[Table], *, quick: bool) -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "revision": revision(),
        "quick": quick,
        "load": [round(one, 2) for one in os.getloadavg()],
        "tables": [table.as_json() for table in tables],
    }


def as_markdown(found: dict[str, Any], tables: list[Table]) -> str:
    head = (
        "# Benchmarks\n\n"
        f"Measured on {found['measured_at'][:10]} at revision `{found['revision']}` on a machine "
        f"with {found['machine']}. Ratios are of one run, in which both sides took turns. "
        "`make bench` measures again; the scripts are in `benchmarks/`.\n"
    )
    if found["quick"]:
        head += "\nThis was a quick run, which shows that the scripts work and nothing else.\n"
    return head + "\n" + "\n".join(table.markdown() for table in tables)


def rewritten(page: str, found: dict[str, Any], tables: list[Table]) -> str:
    """The page with these tables in the place of those of the same title, or at its end. What was
    written by hand stays."""
    said = (
        f"Measured on {found['measured_at'][:10]} at revision `{found['revision']}` with "
        f"{found['machine']}; the load average was {found['load'][0]} at the end."
    )
    for table in tables:
        head, rest = table.markdown().split("\n", 1)
        new = [head, "", said, *rest.rstrip().split("\n")]
        lines = page.rstrip().split("\n")
        if head not in lines:
            page = "\n".join([*lines, "", *new, ""])
            continue
        first = lines.index(head)
        last = next(
            (at for at in range(first + 1, len(lines)) if lines[at].startswith("#")), len(lines)
        )
        kept = _by_hand("\n".join(lines[first + 1 : last]), table)
        page = "\n".join([*lines[:first], *new, "", *kept, *lines[last:], ""])
    return page.rstrip() + "\n"


def _by_hand(section: str, table: Table) -> list[str]:
    """The paragraphs of a section that are neither a table nor what is said with it."""
    known = {note.strip() for note in table.notes}
    found: list[str] = []
    for paragraph in filter(None, (one.strip("\n") for one in section.split("\n\n"))):
        if not paragraph.startswith(("|", "Measured on ")) and paragraph.strip() not in known:
            found += [*paragraph.split("\n"), ""]
    return found


def write(folder: Path, found: dict[str, Any], tables: list[Table]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(found, indent=2) + "\n")
    (folder / "benchmarks.md").write_text(as_markdown(found, tables))


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:,.2f}" if abs(cell) < 10 else f"{cell:,.0f}"
    return str(cell)
