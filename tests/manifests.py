"""What a manifest is, in Python: the database builds the same text where the rows are."""

from collections.abc import Iterable

from registry.catalog.files import FileEntry


def manifest_of(files: Iterable[FileEntry]) -> list[dict[str, str | int]]:
    """Paths, sizes and SHA-256 of all files, in path order: what a release is an offer of."""
    return [
        {"path": file.path, "size": file.size, "sha256": file.sha256}
        for file in sorted(files, key=lambda file: file.path.encode())
    ]
