"""Which tensors of two revisions differ: by name, type and shape from the headers of their files, and
by content where the checks measured both."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from registry.catalog.files import FileEntry
from registry.catalog.models import Revision
from registry.checks.scanners.folder import Problem
from registry.releases.line_diff import readable
from registry.web import headers, tensor_stats
from registry.web.differences import Change
from registry.web.headers import TensorRow
from registry.web.tensor_stats import TensorStats

MAX_FILES = 200
MAX_HEADERS = 64 * 1024 * 1024
MAX_ROWS = 200
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?=\.)")

Note = Callable[[FileEntry, int], None]


@dataclass(frozen=True, slots=True)
class TensorDelta:
    """A tensor with type and shape on both sides; None where it is not there."""

    name: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True)
class TensorChange:
    """`rows` are tensors that came, went or have another form; `same` have the same name and form.
    `contents` names those of another content among the `measured` that the checks read in both
    revisions. `problems` says which files could not be compared, and why."""

    rows: list[TensorDelta] = field(default_factory=list)
    left_out: int = 0
    same: int = 0
    measured: int = 0
    contents: list[str] = field(default_factory=list)
    contents_left_out: int = 0
    problems: list[str] = field(default_factory=list)
    stats: TensorStats = field(default_factory=TensorStats)

    @property
    def contents_count(self) -> int:
        return len(self.contents) + self.contents_left_out


def of(
    before: Revision,
    after: Revision,
    changes: Iterable[Change],
    *,
    note_before: Note,
    note_after: Note,
) -> TensorChange | None:
    """What differs in files of weights that both revisions have; None where none of these does."""
    changed = [
        one
        for one in changes
        if one.kind != "renamed" and headers.has_header(one.path) and not _is_empty(one)
    ]
    groups: dict[str, list[Change]] = {}
    for one in changed[:MAX_FILES]:
        groups.setdefault(_SHARD.sub("", one.path), []).append(one)
    both = {
        name: found
        for name, found in groups.items()
        if any(one.before for one in found) and any(one.after for one in found)
    }
    if not both:
        return None
    reading = _Reading(note_before, note_after)
    deltas: list[TensorDelta] = []
    same = 0
    for found in both.values():
        old, new = reading.tensors([one.before for one in found], [one.after for one in found])
        if old is None or new is None:
            continue
        deltas += _deltas(old, new)
        same += sum(1 for name in new if name in old and old[name].form == new[name].form)
    stats = tensor_stats.of(before, after)
    contents = stats.differing
    return TensorChange(
        rows=deltas[:MAX_ROWS],
        left_out=max(len(deltas) - MAX_ROWS, 0),
        same=same,
        measured=stats.measured,
        contents=contents[:MAX_ROWS],
        contents_left_out=max(len(contents) - MAX_ROWS, 0),
        problems=reading.problems,
        stats=stats,
    )


def _is_empty(change: Change) -> bool:
    return not any(file and file.size for file in (change.before, change.after))


class _Reading:
    """Reads the headers of both sides, as far as a page has time for it."""

    def __init__(self, note_before: Note, note_after: Note) -> None:
        self._notes = note_before, note_after
        self._left = MAX_HEADERS
        self.problems: list[str] = []

    def tensors(
        self, old: Iterable[FileEntry | None], new: Iterable[FileEntry | None]
    ) -> list[dict[str, TensorRow] | None]:
        """Those of each side by name; None for a side with a file that cannot be read."""
        return [self._side(*pair) for pair in zip((old, new), self._notes, strict=True)]

    def _side(self, files: Iterable[FileEntry | None], note: Note) -> dict[str, TensorRow] | None:
        found: dict[str, TensorRow] = {}
        for file in filter(None, files):
            try:
                if self._left < 0:
                    raise Problem("so many tensors were compared that it was left out")
                header = headers.read(file)
            except Problem as problem:
                self.problems.append(f"{file.path}: {readable(str(problem))}.")
                return None
            self._left -= header.length
            note(file, header.length)
            found |= {tensor.name: tensor for tensor in header.tensors}
        return found


def _deltas(old: dict[str, TensorRow], new: dict[str, TensorRow]) -> Iterator[TensorDelta]:
    for name in sorted(old.keys() | new.keys()):
        was = old[name].form if name in old else None
        now = new[name].form if name in new else None
        if was != now:
            yield TensorDelta(name, was, now)
