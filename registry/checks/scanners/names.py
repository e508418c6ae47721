"""UPL-REPONAME over the name that a folder is checked under. The rule is that of the accounts."""

from collections.abc import Iterator

from registry.accounts import names
from registry.checks.findings import Finding, block, show
from registry.checks.scanners.folder import Folder


def check(folder: Folder) -> Iterator[Finding]:
    for part in folder.repository.split("/") if folder.repository else ():
        if why := names.problem(part):
            yield block("UPL-REPONAME", f"The name {show(part)} cannot be used: {why}.", value=part)
