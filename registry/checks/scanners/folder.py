"""The files of a revision as the scanners see them; what several scanners need is parsed once."""

import re
from collections.abc import Callable, Iterator, Sequence
from posixpath import dirname
from typing import Any

from registry.checks.findings import ModelFile

# The JSON of a dataset that libraries read as settings; all other is data, of any size and shape
_SETTINGS = re.compile(
    r"(.*/)?([a-z_]*config|dataset_infos?|dataset_dict|state)\.json", re.IGNORECASE
)


class Folder:
    """`reading` names the file at hand, so that a crash can say where. A dataset is judged without
    what only a model has to have."""

    def __init__(
        self, files: Sequence[ModelFile], *, repository: str, is_dataset: bool = False
    ) -> None:
        self.files = sorted(files, key=lambda file: file.path)
        self.by_path = {file.path: file for file in self.files}
        self.repository = repository
        self.is_dataset = is_dataset
        self.reading = ""
        self._parsed: dict[tuple[str, str], tuple[Any, Problem | None]] = {}

    def ending(self, *endings: str) -> Iterator[ModelFile]:
        for file in self.files:
            if file.path.lower().endswith(endings):
                self.reading = file.path
                yield file

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
        from registry.checks.scanners import strict_json

        def read(file: ModelFile) -> Any:
            limit = strict_json.limit_of(file.path)
            with file.local.open("rb") as stream:
                return strict_json.parse(stream.read(limit + 1), max_bytes=limit)

        return self.parsed("json", path, read)

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
