"""JSON as one and only one reading (SEC-JSON): small, shallow, without duplicate keys, NaN or huge numbers."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from registry.checks.findings import Finding, block, show
from registry.checks.scanners.folder import Folder, Problem

MIB = 1024 * 1024
MAX_BYTES = MIB
MAX_VOCABULARY_BYTES = 64 * MIB
# A line for each tensor: of experts there are tens of thousands
INDEX, MAX_INDEX_BYTES = ".index.json", 8 * MIB
VOCABULARIES = ("tokenizer.json", "vocab.json")
MAX_DEPTH = 64
MAX_DIGITS = 20
# Of a number with its point, zeros in front and exponent
MAX_NUMBER = 40
# Tokenizers write int(1e30) for "no limit".
NO_LIMIT = str(int(1e30)).encode()
# Twice what the largest vocabularies hold, and little enough for the memory of a scan
MAX_CONTAINERS = 1_200_000
MAX_STRINGS = 2_500_000
MAX_COMMAS = 4_000_000

# Strings are skipped whole; possessive, so that no input makes the scan go back.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]|[-+0-9.eE]{21,}+', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class JsonProblem(Problem):
    """Why these bytes are not JSON that every reader reads alike, and where."""

    def __init__(self, why: str, at: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.at = at

    def __str__(self) -> str:
        return self.why if self.at is None else f"{self.why} at byte {self.at}"


def parse(data: bytes, *, max_bytes: int = MAX_BYTES) -> Any:
    """The value of these bytes, or JsonProblem. Depth and numbers are bounded before the parser runs."""
    if len(data) > max_bytes:
        raise JsonProblem(f"it is larger than {max_bytes // MIB} MiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonProblem("it is not UTF-8", error.start) from None
    _bounded(data)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        at = len(text[: error.pos].encode())
        raise JsonProblem(f"it is not JSON ({error.msg})", at) from None
    if _SURROGATE.search(data):
        _no_lone_surrogate(value)
    return value


def limit_of(path: str) -> int:
    name = path.rsplit("/", 1)[-1]
    if name.endswith(INDEX):
        return MAX_INDEX_BYTES
    return MAX_VOCABULARY_BYTES if name in VOCABULARIES else MAX_BYTES


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.settings():
        try:
            folder.json(file.path)
        except JsonProblem as problem:
            yield block("SEC-JSON", f"{show(file.path)}: {show(str(problem))}.", file=file.path)


def _bounded(data: bytes) -> None:
    if data.count(b",") > MAX_COMMAS:
        raise JsonProblem("it holds too many values")
    depth = containers = strings = 0
    for match in _TOKEN.finditer(data):
        first = data[match.start()]
        if first == 0x22:
            strings += 1
            if strings > MAX_STRINGS:
                raise JsonProblem("it holds too many texts", match.start())
        elif first in b"[{":
            depth += 1
            containers += 1
            if depth > MAX_DEPTH:
                raise JsonProblem(f"it is nested deeper than {MAX_DEPTH}", match.start())
            if containers > MAX_CONTAINERS:
                raise JsonProblem("it holds too many lists and objects", match.start())
        elif first in b"]}":
            depth -= 1
        elif _is_too_long(match[0]):
            raise JsonProblem(f"a number has more than {MAX_DIGITS} digits", match.start())


def _is_too_long(number: bytes) -> bool:
    """Zeros in front and the exponent say how large it is, and are no digits of it."""
    mantissa = re.split(rb"[eE]", number, maxsplit=1)[0]
    digits = mantissa.lstrip(b"+-0.").replace(b".", b"")
    return number != NO_LIMIT and (len(number) > MAX_NUMBER or len(digits) > MAX_DIGITS)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonProblem(f"the key {show(key)} appears twice")
            seen.add(key)
    return value


def _no_constant(name: str) -> NoReturn:
    raise JsonProblem(f"it holds {name}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise JsonProblem(f"the number {show(text)} is too large")
    return value


def _no_lone_surrogate(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise JsonProblem("a text holds half a character") from None
