"""The sandboxed program: `python -I .../registry/checks/smoke SPEC_FD RESULT_FD`.

Started by path, so that the package `registry`, which brings Django and Celery along, is never
imported. Empty stand-ins take its place and that of the packages on the way, and the modules
below them are found as usual.
"""

import sys
from pathlib import Path
from types import ModuleType


def stand_in() -> None:
    folder = Path(__file__).resolve().parents[2]
    for name in ("registry", "registry.checks", "registry.checks.scanners"):
        package = ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package


if __name__ == "__main__":
    if "registry" not in sys.modules:
        stand_in()
    from registry.checks.smoke import child

    child.main(int(sys.argv[1]), int(sys.argv[2]))
