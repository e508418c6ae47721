"""The files of a revision as the scanners see them; what several scanners need is parsed once."""

from collections.abc import Sequence

from registry.checks.findings import ModelFile


class Folder:
    """`reading` names the file at hand, so that a crash can say where."""

    def __init__(self, files: Sequence[ModelFile], *, repository: str) -> None:
        self.files = sorted(files, key=lambda file: file.path)
        self.by_path = {file.path: file for file in self.files}
        self.repository = repository
        self.reading = ""
