"""The files of a revision as the scanners see them; what several scanners need is parsed once."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from posixpath import dirname
from typing import Any

from registry.checks.findings import Finding, ModelFile

# The JSON of a dataset that libraries read as settings; all other is data, of any size and shape
_SETTINGS = re.compile(
    r"(.*/)?([a-z_]*config|dataset_infos?|dataset_dict|state)\.json", re.IGNORECASE
)


# Of the JSON whose values are kept, which take some ten times the room of their text
KEPT_JSON = 32 * 1024 * 1024


class Folder:
    """`reading` names the file at hand, so that a crash can say where. A dataset is judged without
    what only a model has to have. `known` are paths of files whose contents passed before, each
    check that looks at one file at a time; `passed` says which files passed which of these now."""

    def __init__(
        self,
        files: Sequence[ModelFile],
        *,
        repository: str,
        is_dataset: bool = False,
        known: Collection[str] = (),
    ) -> None:
        self.files = sorted(files, key=lambda file: file.path)
        self.by_path = {file.path: file for file in self.files}
        self.repository = repository
        self.is_dataset = is_dataset
        self.known = frozenset(known)
        self.passed: defaultdict[str, set[str]] = defaultdict(set)
        self.reading = ""
        self._parsed: dict[tuple[str, str], tuple[Any, Problem | None]] = {}
        self._values: dict[str, Any] = {}
        self._kept = 0

    def ending(self, *endings: str) -> Iterator[ModelFile]:
        for file in self.files:
            if file.path.lower().endswith(endings):
                self.reading = file.path
                yield file

    def contents(
        self, check: str, judge: Callable[[ModelFile], Iterable[Finding]]
    ) -> Iterator[Finding]:
        """What a check finds that looks at the bytes and the path of one file at a time. Files that
        are known to have passed are not read for it."""
        for file in self.files:
            if file.path in self.known:
                continue
            self.reading = file.path
            is_clean = True
            for finding in judge(file):
                is_clean = False
                yield finding
            if is_clean:
                self.passed[check].add(file.path)

    def settings(self) -> Iterator[ModelFile]:
        """The JSON files that loaders read."""
        for file in self.ending(".json"):
            if not self.is_dataset or _SETTINGS.fullmatch(file.path):
                yield file

    def beside(self, path: str, name: str) -> ModelFile | None:
        """The file of that plain name in the same folder."""
        return self.by_path.get(joined(dirname(path), name))

    def json(self, path: str) -> Any:
        """The parsed file; raises JsonProblem, which SEC-JSON has reported."""
        if path in self._values:
            self.reading = path
        else:
            self.parsed("json", path, self._read_json)
        # The one used last stands last
        value = self._values[path] = self._values.pop(path)
        return value

    def _read_json(self, file: ModelFile) -> None:
        """Keep its value; of many files those that were used last, and the others are read again."""
        from registry.checks.scanners import strict_json

        limit = strict_json.limit_of(file.path)
        while self._values and self._kept + file.size > KEPT_JSON:
            oldest = next(iter(self._values))
            del self._values[oldest], self._parsed["json", oldest]
            self._kept -= self.by_path[oldest].size
        with file.local.open("rb") as stream:
            value = strict_json.parse(stream.read(limit + 1), max_bytes=limit)
        self._values[file.path] = value
        self._kept += file.size

    def parsed(self, kind: str, path: str, read: Callable[[ModelFile], Any]) -> Any:
        """What `read` made of the file, or the problem that it raised, the first time."""
        self.reading = path
        key = (kind, path)
        if key not in self._parsed:
            try:
                self._parsed[key] = (read(self.by_path[path]), None)
            except Problem as problem:
                self._parsed[key] = (None, problem)
        value, known = self._parsed[key]
        if known is not None:
            raise known
        return value


class Problem(Exception):
    """A file that a parser of ours does not fully understand; the text ends a sentence."""


def joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
