"""What is different between two revisions, file by file."""

from dataclasses import dataclass

from registry.catalog.files import FileEntry


@dataclass(frozen=True)
class Change:
    """One path that is not the same. `before` or `after` is None where it is new or gone."""

    path: str
    before: FileEntry | None
    after: FileEntry | None

    @property
    def kind(self) -> str:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def between(before: list[FileEntry], after: list[FileEntry]) -> list[Change]:
    old = {file.path: file for file in before}
    new = {file.path: file for file in after}
    return [
        Change(path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
        if _bytes(old.get(path)) != _bytes(new.get(path))
    ]


def unchanged(before: list[FileEntry], after: list[FileEntry]) -> int:
    old = {file.path: file for file in before}
    return sum(1 for file in after if _bytes(old.get(file.path)) == file.sha256)


def _bytes(file: FileEntry | None) -> str:
    return file.sha256 if file else ""
