"""UPL-PATH over a whole folder: names that no repository may hold. The rule is the catalog's."""

from collections.abc import Iterator

from registry.catalog.paths import folder_problem, path_problem
from registry.checks.findings import Finding, block, show
from registry.checks.scanners.folder import Folder

__all__ = ["check", "folder_problem", "path_problem"]


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.files:
        if why := path_problem(file.path):
            yield _finding(file.path, why)
    if clash := folder_problem(file.path for file in folder.files):
        yield _finding(*clash)


def _finding(path: str, why: str) -> Finding:
    return block("UPL-PATH", f"{show(path)} is not an allowed file name: {why}.", file=path)
