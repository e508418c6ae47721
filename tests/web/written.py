"""The sentences that modules write: their texts, with a word in each place that a value goes to."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from registry import checks
from registry.agreements import duties

_SENTENCE = re.compile(r"(?s)[A-Z“\x00].* .*[.:\x00]")
_WORDS = re.compile(r"[\w\x00].*[\w\x00)] .*[\w\x00.]", re.ASCII)
HOLE = "\x00"


def sentences(path: Path) -> Iterator[str]:
    """What stands in the module as a text of one or more sentences. Docstrings are left out."""
    tree = ast.parse(path.read_text())
    skipped = {id(part) for node in ast.walk(tree) for part in _within(node)}
    for node in ast.walk(tree):
        if id(node) not in skipped:
            text = _text(node)
            if _SENTENCE.fullmatch(text):
                yield text


def words(path: Path) -> Iterator[str]:
    """Every text of two words or more that the module has, of one line: sentences and their parts."""
    tree = ast.parse(path.read_text())
    skipped = {id(part) for node in ast.walk(tree) for part in _within(node)}
    for node in ast.walk(tree):
        text = _text(node)
        if id(node) not in skipped and _WORDS.fullmatch(text):
            yield text


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """What is no text of its own: docstrings, and the parts of a text with values in it."""
    match node:
        case ast.Module(body=[ast.Expr(first), *_]) | ast.ClassDef(body=[ast.Expr(first), *_]):
            yield first
        case ast.FunctionDef(body=[ast.Expr(first), *_]):
            yield first
        case ast.JoinedStr(values=parts):
            for part in parts:
                yield from ast.walk(part)


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else HOLE for part in parts
            )
    return ""


DUTIES = sorted(Path(duties.__file__).parent.glob("checks*.py"))
OF_CHECKS = sorted(
    path
    for part in ("scanners", "engines", "lineage", "smoke")
    for path in (Path(checks.__file__).parent / part).rglob("*.py")
)
