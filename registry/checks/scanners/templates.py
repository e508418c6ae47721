"""Chat templates that could reach out of their sandbox, or make more text than fits (SEC-TEMPLATE).

A template is taken apart as the loader takes it apart, and never rendered. Its literal text means
nothing here: `__` between quotation marks is fine.
"""

import re
from collections.abc import Iterator
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from registry.checks.findings import Finding, block, show
from registry.checks.scanners import gguf
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.scanners.walk import keys_of

MAX_BYTES = 64 * 1024
MAX_RANGE = 10_000
MAX_TIMES = 1000
MAX_BITS = 128
KEY = "chat_template"

_NAMES = frozenset({"self", "lipsum", "cycler", "joiner"})
_ELSEWHERE: dict[type[nodes.Node], str] = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Extends: "extends",
}
# Filters that are told the name of an attribute, and those that are told how much to make.
_BY_ATTRIBUTE = frozenset(
    [
        "map",
        "groupby",
        "selectattr",
        "rejectattr",
        "sort",
        "sum",
        "unique",
        "min",
        "max",
        "dictsort",
    ]
)
_SIZED = frozenset(["center", "ljust", "rjust", "zfill", "expandtabs", "indent", "batch", "slice"])
_NUMBERS = frozenset({"length", "count", "int", "float", "round", "abs", "sum"})
_WIDTH = re.compile(r"[%:{][^%{}]{0,20}?\d{4,}")


class TemplateProblem(Problem):
    """What a template uses, or why it cannot be taken apart."""


class _Generation(Extension):
    """The loader's own tag around what the assistant says."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, "jinja2.ext.loopcontrols"]
)


def check(folder: Folder) -> Iterator[Finding]:
    for path, template in templates_of(folder):
        try:
            used = list(dict.fromkeys(used_by(template)))
        except TemplateProblem as problem:
            yield block(
                "SEC-TEMPLATE",
                f"The chat template in {show(path)} cannot be read: {problem}.",
                file=path,
            )
            continue
        for what in used:
            yield block(
                "SEC-TEMPLATE",
                f"The chat template uses {show(what)}, which is not allowed.",
                file=path,
                where=what,
            )


def templates_of(folder: Folder) -> Iterator[tuple[str, str]]:
    """Every chat template of a revision, with the file that it stands in."""
    for file in folder.ending(".jinja"):
        with file.local.open("rb") as stream:
            # One byte more tells check that the rest is missing.
            yield file.path, stream.read(MAX_BYTES + 1).decode("utf-8", "replace")
    for file in folder.settings():
        try:
            value = folder.json(file.path)
        except Problem:
            continue
        for key, item in keys_of(value):
            if key == KEY:
                yield from ((file.path, text) for text in _texts(item))
    for file in folder.ending(".gguf"):
        try:
            values = folder.parsed("gguf", file.path, gguf.header_of).values
        except Problem:
            continue
        for key, item in values.items():
            if key.startswith(gguf.TEMPLATE) and isinstance(item, str):
                yield file.path, item


def _texts(item: Any) -> Iterator[str]:
    """One template, or several by their names."""
    if isinstance(item, str):
        yield item
    elif isinstance(item, dict):
        yield from (text for text in item.values() if isinstance(text, str))
    elif isinstance(item, list):
        for one in item:
            if isinstance(one, dict) and isinstance(one.get("template"), str):
                yield one["template"]


def used_by(template: str) -> Iterator[str]:
    """What a template uses that none may; raises TemplateProblem where it cannot be taken apart."""
    if len(template.encode("utf-8", "replace")) > MAX_BYTES:
        raise TemplateProblem(f"it is larger than {MAX_BYTES // 1024} KiB")
    try:
        tree = _ENVIRONMENT.parse(template)
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"line {error.lineno}: {show(error.message or 'syntax')}") from None
    except RecursionError:
        raise TemplateProblem("it is nested too deep") from None
    # Numbers of more digits than Python converts
    except ValueError as error:
        raise TemplateProblem(show(str(error))) from None
    stack: list[nodes.Node] = [tree]
    while stack:
        node = stack.pop()
        if what := _judged(node):
            yield what
        stack += reversed(list(node.iter_child_nodes()))


def _judged(node: nodes.Node) -> str | None:
    match node:
        case nodes.Getattr(attr=str(name)) if name.startswith("_"):
            return name
        case nodes.Getitem():
            item = _constant(node.arg)
            return item if isinstance(item, str) and item.startswith("_") else None
        case nodes.Name(name=name) if name in _NAMES:
            return str(name)
        case nodes.Filter():
            return _filter(node)
        case nodes.Call():
            return _call(node)
        case nodes.Mul() | nodes.Pow():
            return _product(node)
        case nodes.Mod(left=nodes.Const(value=str(text))) if _WIDTH.search(text):
            return f"the width in {text}"
    return _ELSEWHERE.get(type(node))


def _filter(node: nodes.Filter) -> str | None:
    if node.name == "attr":
        return "attr"
    given = [*node.args, *(pair.value for pair in node.kwargs)]
    texts = [text for one in given if isinstance(text := _constant(one), str)]
    if node.name in _BY_ATTRIBUTE:
        for text in texts:
            if text == "attr" or any(part.startswith("_") for part in text.split(".")):
                return text
    if node.name in _SIZED and any(_is_above(one, MAX_TIMES) for one in given):
        return f"{node.name} of more than {MAX_TIMES}"
    text = _constant(node.node) if node.node is not None else None
    if node.name == "format" and isinstance(text, str) and _WIDTH.search(text):
        return f"the width in {text}"
    return None


def _call(node: nodes.Call) -> str | None:
    if isinstance(node.node, nodes.Name) and node.node.name == "range":
        return _range(node)
    if not isinstance(node.node, nodes.Getattr):
        return None
    given = [*node.args, *(pair.value for pair in node.kwargs)]
    if node.node.attr in _SIZED and any(_is_above(one, MAX_TIMES) for one in given):
        return f"{node.node.attr} of more than {MAX_TIMES}"
    text = _constant(node.node.node)
    if node.node.attr == "format" and isinstance(text, str) and _WIDTH.search(text):
        return f"the width in {text}"
    return None


def _range(node: nodes.Call) -> str | None:
    numbers = [_constant(one) for one in node.args]
    known = [number for number in numbers if isinstance(number, int)]
    if len(known) == len(numbers) and 1 <= len(known) <= 3 and known[2:] != [0]:
        steps = range(*known)
        is_long = bool(steps) and abs(steps[-1] - steps[0]) // abs(steps.step) >= MAX_RANGE
    else:
        is_long = any(abs(number) > MAX_RANGE for number in known)
    return f"range of more than {MAX_RANGE}" if is_long else None


def _product(node: nodes.Mul | nodes.Pow) -> str | None:
    left, right = _constant(node.left), _constant(node.right)
    if isinstance(node, nodes.Pow):
        is_large = isinstance(right, int) and abs(right) > MAX_BITS // 2
        return "a power that large" if is_large else None
    for times, other, value in ((left, node.right, right), (right, node.left, left)):
        is_number = isinstance(value, int | float) or _makes_number(other)
        if isinstance(times, int) and times > MAX_TIMES and not is_number:
            return f"a text more than {MAX_TIMES} times"
    return None


def _makes_number(node: nodes.Node) -> bool:
    match node:
        case nodes.Filter(name=name):
            return name in _NUMBERS
        case nodes.Getattr(node=nodes.Name(name="loop")):
            return True
        case nodes.Add() | nodes.Sub() | nodes.Mul() | nodes.Div() | nodes.FloorDiv():
            return _makes_number(node.left) or _makes_number(node.right)
    return isinstance(node, nodes.Const) and isinstance(node.value, int | float)


def _is_above(node: nodes.Node, limit: int) -> bool:
    value = _constant(node)
    return isinstance(value, int) and value > limit


def _constant(node: nodes.Node, depth: int = 0) -> int | float | str | None:
    """The value where it is written out, and None otherwise. What grows too large stays bounded."""
    if depth > 20:
        return None
    match node:
        case nodes.Const(value=int() | float() | str() as value):
            return value
        case nodes.Neg():
            known = _constant(node.node, depth + 1)
            return -known if isinstance(known, int | float) else None
        case nodes.Concat():
            parts = [_constant(one, depth + 1) for one in node.nodes]
            texts = [part for part in parts if isinstance(part, str)]
            return "".join(texts)[:MAX_BYTES] if len(texts) == len(parts) else None
        case nodes.Add() | nodes.Mul() | nodes.Pow():
            return _combined(
                node, _constant(node.left, depth + 1), _constant(node.right, depth + 1)
            )
    return None


def _combined(node: nodes.BinExpr, left: Any, right: Any) -> int | str | None:
    if isinstance(node, nodes.Add) and isinstance(left, str) and isinstance(right, str):
        return (left + right)[:MAX_BYTES]
    if not isinstance(left, int) or not isinstance(right, int):
        return None
    bits = left.bit_length() + right.bit_length()
    if isinstance(node, nodes.Pow):
        bits = left.bit_length() * max(right, 0)
    if bits > MAX_BITS:
        return 1 << MAX_BITS
    if isinstance(node, nodes.Pow):
        return left**right if right >= 0 else None
    return left + right if isinstance(node, nodes.Add) else left * right
