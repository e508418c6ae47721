"""The program that lets one engine look at one file: `child.py ENGINE FILE MEMORY_MIB`.

It takes every right away from itself before the file is opened, and prints one line of JSON. The
engine may say anything; the parent believes only `clean`, and that only beside our own checks.
"""

import io
import json
import os
import resource
import sys
import zipfile
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

MIB = 1024 * 1024
LARGEST = 64 * MIB
SECONDS = 3600.0

Look = Callable[[str], str]


def main(name: str, file: str, memory_mib: int) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    answer: dict[str, str] = {"vote": "failed", "version": "", "detail": ""}
    out = os.dup(1)
    os.dup2(2, 1)  # what an engine prints is no answer
    try:
        answer["version"] = version(name)
        look = LOOKS[name]()
        _confine(file, memory_mib)
        found = look(file)
        answer |= {"vote": "hit" if found else "clean", "detail": found}
    # Whatever an engine raises about a hostile file means the same: it has not passed it.
    except Exception as error:
        answer["detail"] = f"{type(error).__name__}: {error}"[:300]
    os.write(out, json.dumps(answer).encode() + b"\n")


def _confine(file: str, memory_mib: int) -> None:
    """No network, no new program, no file but this one and the libraries."""
    confine = import_module("registry.checks.smoke.confine")
    places = {sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", os.path.dirname(file)}
    has_locks = bool(confine.landlock_version())
    confine.confine(
        level=2 if has_locks else 3,
        parent=0,
        seconds=SECONDS,
        data_bytes=memory_mib * MIB,
        read=[*sorted(places), os.path.realpath(file), "/proc/self", "/dev/urandom"],
        write=[],
        devices=["/dev/null"],
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _picklescan() -> Look:
    scanner = import_module("picklescan.scanner")

    def look(file: str) -> str:
        with open(file, "rb") as stream:
            result = scanner.scan_bytes(stream, "model", os.path.splitext(file)[1])
        found = [
            f"{one.module}.{one.name}"
            for one in result.globals
            if one.safety is scanner.SafetyLevel.Dangerous
        ]
        if found or result.infected_files:
            return ", ".join(sorted(found)) or "a dangerous import"
        if result.scan_err:
            raise ValueError("it could not read the file to its end")
        return ""

    return look


def _fickling() -> Look:
    analysis = import_module("fickling.analysis")
    fickle = import_module("fickling.fickle")

    def look(file: str) -> str:
        found = []
        for data in _streams(file):
            for pickled in fickle.StackedPickle.load(io.BytesIO(data)):
                result = analysis.check_safety(pickled)
                # Below this it means every import that is not of the standard library, as torch's is.
                if result.severity >= analysis.Severity.LIKELY_OVERTLY_MALICIOUS:
                    found.append(f"{result.severity.name}: {result}"[:150])
        return ", ".join(found)

    return look


def _streams(file: str) -> list[bytes]:
    """The pickles of a checkpoint; of a file without a container, its beginning."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            members = [one for one in archive.infolist() if one.filename.endswith(".pkl")]
            if any(one.file_size > LARGEST for one in members):
                raise ValueError("its pickle is too large")
            return [archive.read(one) for one in members]
    with open(file, "rb") as stream:
        return [stream.read(LARGEST)]


def _modelscan() -> Look:
    modelscan = import_module("modelscan.modelscan")
    scan = modelscan.ModelScan()

    def look(file: str) -> str:
        told = scan.scan(file)
        issues = told.get("issues", [])
        if issues:
            return ", ".join(sorted({f"{one['module']}.{one['operator']}" for one in issues}))
        if told.get("errors") or not told.get("summary", {}).get("scanned", {}).get(
            "total_scanned"
        ):
            raise ValueError("it did not scan the file")
        return ""

    return look


LOOKS: dict[str, Callable[[], Look]] = {
    "picklescan": _picklescan,
    "fickling": _fickling,
    "modelscan": _modelscan,
}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
