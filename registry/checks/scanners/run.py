"""Runs every static check over the files of a revision. A check that breaks breaks the run, never the verdict."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from registry.checks.catalogue import CATALOGUE, VERSIONS
from registry.checks.findings import Finding, ModelFile, first
from registry.checks.scanners import (
    adapters,
    amounts,
    card,
    code,
    config,
    config_keys,
    container,
    dtypes,
    gguf_meta,
    licenses,
    limits,
    magic,
    memory,
    names,
    paths,
    quantized,
    regexes,
    safetensors,
    secrets,
    shapes,
    shards,
    splits,
    strict_json,
    template_conflicts,
    templates,
    tokens,
    types,
)
from registry.checks.scanners.folder import Folder

SCANNER_VERSION = "3"
FINDINGS_PER_CHECK = 50

Scanner = Callable[[Folder], Iterator[Finding]]

# In the order in which an author wants to read the findings.
SCANNERS: dict[str, Scanner] = {
    "UPL-PATH": paths.check,
    "UPL-REPONAME": names.check,
    "UPL-TYPE": types.check,
    "UPL-SIZE": amounts.check_sizes,
    "UPL-LFS": amounts.check_pointers,
    "SEC-MAGIC": magic.check,
    "SEC-PICKLE": container.check,
    "SEC-CODE": code.check,
    "SEC-JSON": strict_json.check,
    "SEC-CONFIG": config_keys.check,
    "SEC-REGEX": regexes.check,
    "SEC-TEMPLATE": templates.check,
    "TPL-CONFLICT": template_conflicts.check,
    "SEC-SECRET": secrets.check,
    "CARD-PARSE": card.check,
    "CARD-LICENSE": licenses.check,
    "ST-HEADER": safetensors.check,
    "ST-INDEX": shards.check,
    "GG-HEADER": splits.check,
    "GG-META": gguf_meta.check,
    "CFG-PARSE": config.check_parse,
    "CFG-ARCH": config.check_arch,
    "CFG-LIMITS": limits.check,
    "CFG-DTYPE": dtypes.check,
    "CFG-SHAPE": shapes.check,
    "QUANT-CONFIG": quantized.check,
    "LORA-BASE": adapters.check_base,
    "LORA-SHAPE": adapters.check_shapes,
    "TOK-VOCAB": tokens.check,
}
# Those of them that look at the contents of one file at a time, for which its header is not enough
OF_CONTENTS = ("SEC-MAGIC", "SEC-PICKLE", "SEC-SECRET")
# Every check that they may find something for
CHECKS_OF_CONTENTS = (
    *("SEC-MAGIC", "SEC-NATIVE", "SEC-ARCHIVE", "SEC-SECRET"),
    *("SEC-PICKLE", "SEC-PICKLE-PARSE", "SEC-CONTAINER"),
)


class ScannerCrashed(Exception):
    """A scanner of ours failed: the run is an error and is tried again, and is never a pass."""

    def __init__(self, check: str, file: str, cause: Exception) -> None:
        super().__init__(f"{check} failed on {file or 'the revision'}: {cause!r}")
        self.check = check
        self.file = file
        self.cause = cause


@dataclass(frozen=True)
class ScanResult:
    """`clean` are the paths of files in whose contents no check found anything, now or before."""

    findings: list[Finding]
    seconds: float
    versions: dict[str, str | int] = field(default_factory=dict)
    clean: frozenset[str] = frozenset()


def scan(
    files: Sequence[ModelFile],
    *,
    repository: str,
    is_dataset: bool = False,
    known: Collection[str] = (),
    on_progress: Callable[[str, float], None] = lambda check, done: None,
) -> ScanResult:
    """Every static check over these files. `known` are the paths of those that came out `clean`
    before by these checks. `on_progress(check, share)` is called before each check."""
    started = monotonic()
    folder = Folder(files, repository=repository, is_dataset=is_dataset, known=known)
    findings: list[Finding] = []
    for number, (name, scanner) in enumerate(SCANNERS.items()):
        on_progress(name, number / len(SCANNERS))
        with memory.bounded():
            findings += _findings_of(name, scanner, folder)
    on_progress("", 1.0)
    clean = folder.known.union(set.intersection(*(folder.passed[check] for check in OF_CONTENTS)))
    return ScanResult(findings, round(monotonic() - started, 3), versions(), clean)


def versions() -> dict[str, str | int]:
    """Whatever, when it changes, makes an earlier result stale."""
    return {"catalogue": CATALOGUE, "scanner": SCANNER_VERSION, **VERSIONS}


def _findings_of(name: str, scanner: Scanner, folder: Folder) -> list[Finding]:
    folder.reading = ""
    try:
        return list(first(scanner(folder), FINDINGS_PER_CHECK))
    # The one place that may catch everything: hostile bytes found a hole in a parser of ours.
    except Exception as cause:
        raise ScannerCrashed(name, folder.reading, cause) from cause
