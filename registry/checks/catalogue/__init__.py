"""Which checks there are: what each catches, what its author should do, and how grave it can be.

Ids are stable: reports, filters, mails and the page /docs/checks use them.
"""

from registry.checks.catalogue import formats, lineage, run, security, text, upload, weights
from registry.checks.catalogue.check import Check

__all__ = ["CATALOGUE", "CHECKS", "STAGES", "VERSIONS", "Check", "of_stage"]

CATALOGUE = "2026.2"
STAGES = ("upload", "scan", "weights", "text", "run", "lineage")

_PARTS = (upload, security, formats, weights, text, run, lineage)
_ALL = tuple(check for part in _PARTS for check in part.ALL)

CHECKS = {check.id: check for check in _ALL}
VERSIONS = {check.id: check.version for check in _ALL}


def of_stage(*stages: str) -> list[Check]:
    return [check for check in _ALL if check.stage in stages]
