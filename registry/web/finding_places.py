"""Where a finding leads: the file that it names, at the line, the key or the tensor that it names."""

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from django.urls import reverse

from registry.accounts.callers import Caller
from registry.catalog import files
from registry.catalog.files import FileEntry
from registry.catalog.models import Revision
from registry.checks.models import CheckRun, FindingRow
from registry.checks.reports import Group
from registry.releases import evidence

SHOWN = 20
_LINE = re.compile(r"line ([1-9][0-9]{0,6})")


def tell(groups: Sequence[Group], run: CheckRun, *, is_open: bool, by: Caller) -> None:
    """Make the findings ready for this visitor: without names that they may not know, and where the
    files are open to them with the address of each place."""
    rows = [row for group in groups for row in group.rows]
    evidence.told(rows, run, by=by)
    shown = [row for group in groups for row in group.rows[:SHOWN]]
    paths = {row.file for row in shown if row.file} if is_open else set()
    there = files.at(run.revision, paths) if paths else {}
    for row in shown:
        is_file = isinstance(there.get(row.file), FileEntry)
        row.address = _address(run.revision, row) if is_file else ""  # type: ignore[attr-defined]


def _address(revision: Revision, row: FindingRow) -> str:
    """A line has an address of its own; whatever else a finding names is looked for by the page of
    the file, which knows the header or the text."""
    repository = revision.repository
    page = reverse(
        "repository-blob", args=[repository.place, repository.name, revision.oid, row.file]
    )
    asked = {"view": "source"} if row.file.lower().endswith((".md", ".markdown")) else {}
    anchor = ""
    if line := _LINE.fullmatch(row.where):
        anchor = f"#L{line[1]}"
    elif row.where:
        asked["at"] = row.where
        anchor = "#at"
    return f"{page}{'?' if asked else ''}{urlencode(asked)}{anchor}"
