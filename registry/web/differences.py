"""What is different between two revisions, file by file."""

from dataclasses import dataclass, replace

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
        if self.after is None:
            return "removed"
        return "changed" if self.before.path == self.after.path else "renamed"


def between(before: list[FileEntry], after: list[FileEntry]) -> list[Change]:
    old = {file.path: file for file in before}
    new = {file.path: file for file in after}
    return [
        Change(path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
        if _bytes(old.get(path)) != _bytes(new.get(path))
    ]


def renamed(changes: list[Change]) -> list[Change]:
    """The same, where a file that went and one of the same bytes that came are one change."""
    gone: dict[str, list[Change]] = {}
    for change in changes:
        if change.kind == "removed" and change.before is not None and change.before.size:
            gone.setdefault(change.before.sha256, []).append(change)
    found, moved = [], set()
    for change in changes:
        if change.kind == "added" and change.after is not None and gone.get(change.after.sha256):
            old = gone[change.after.sha256].pop(0)
            moved.add(old.path)
            change = replace(change, before=old.before)
        found.append(change)
    return [change for change in found if change.kind != "removed" or change.path not in moved]


def unchanged(before: list[FileEntry], after: list[FileEntry]) -> int:
    old = {file.path: file for file in before}
    return sum(1 for file in after if _bytes(old.get(file.path)) == file.sha256)


def _bytes(file: FileEntry | None) -> str:
    return file.sha256 if file else ""
