"""Every check by the name that the data calls it, whichever module has it."""

from registry.agreements.duties import checks, checks_of_files, checks_of_licenses
from registry.agreements.duties.checks import Check

_MODULES = (checks, checks_of_files, checks_of_licenses)
CHECKS: dict[str, Check] = {name: one for part in _MODULES for name, one in part.CHECKS.items()}
