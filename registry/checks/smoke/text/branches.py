"""What a template compares messages and the clock with, read from its syntax tree; nothing is rendered."""

import re
from collections.abc import Callable, Iterator

from jinja2 import Environment, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser

CLOCK = "the date"
CHANCE = "chance"

# Marks that structure a message, such as <think>, /no_think, [INST], <|image|> or ```: no words.
_TAG = re.compile(r"\W*|\s*(<{1,2}/?[^<>\s]{1,60}>{1,2}|\[/?[\w:]{1,40}\]|/\w{1,30})\s*")
_TEXTS = ("content", "text", "reasoning_content", "thinking", "reasoning")
_SEARCHES: tuple[str, ...] = (
    "startswith",
    "endswith",
    "find",
    "rfind",
    "index",
    "rindex",
    "count",
    "split",
)
_SEARCHES += ("rsplit", "partition", "rpartition", "removeprefix", "removesuffix", "replace")
_TESTS = ("eq", "equalto", "==", "ne", "!=", "in", "gt", "ge", "lt", "le", "sameas")
_WHOLE = ("string", "tojson", "join", "pprint")
_ROOTS = ("messages", "message")

Holds = Callable[[nodes.Node, set[str]], bool]


class _Generation(Extension):
    """The library's own tag around what the assistant says."""

    tags = {"generation"}  # noqa: RUF012 - as the base class has it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def of(template: str) -> Iterator[str]:
    """The literals that content is compared with, and CLOCK or CHANCE where those decide."""
    tree = Environment(extensions=[_Generation, loopcontrols]).parse(template)  # noqa: S701
    content = _names(tree, _holds)
    for node in tree.find_all((nodes.Compare, nodes.Test, nodes.Call, nodes.Filter, nodes.Getitem)):
        for literal in _compared(node, content):
            if isinstance(literal, str) and not _TAG.fullmatch(literal):
                yield literal
    clock = _names(tree, _ticks)
    for place in tree.find_all((nodes.If, nodes.CondExpr, nodes.Compare, nodes.For, nodes.Getitem)):
        if any(_ticks(part, clock) for part in _deciding(place)):
            yield CLOCK
    if any(node.name == "random" for node in tree.find_all(nodes.Filter)):
        yield CHANCE


def _compared(node: nodes.Node, content: set[str]) -> Iterator[object]:
    """The literals in a comparison, a test, a search or a table of which another side is content."""
    sides: list[nodes.Node] = []
    match node:
        case nodes.Compare():
            sides = [node.expr, *(operand.expr for operand in node.ops)]
        case nodes.Test() if node.name in _TESTS:
            sides = [node.node, *node.args]
        case nodes.Call(node=nodes.Getattr() as method) if method.attr in _SEARCHES:
            sides = [method.node, *node.args]
        case nodes.Filter(name="replace") if node.node:
            sides = [node.node, *node.args]
        case nodes.Filter(name="selectattr" | "rejectattr") if node.args:
            if _key(node.args[0]) in _TEXTS:
                yield from (item for side in node.args[2:] for item in _constants(side))
        case nodes.Getitem(node=nodes.Dict() as table):
            sides = [node.arg, *(pair.key for pair in table.items)]
    if any(_holds(side, content) for side in sides):
        for side in sides:
            yield from _constants(side)


def _constants(side: nodes.Node) -> Iterator[object]:
    """Literals that stand for themselves, also in lists and joined: not keys or arguments."""
    match side:
        case nodes.Const():
            yield side.value
        case nodes.List() | nodes.Tuple() | nodes.Add() | nodes.Concat():
            for child in side.iter_child_nodes():
                yield from _constants(child)


def _holds(node: nodes.Node, names: set[str]) -> bool:
    """Whether this expression may have the text of a message in it."""
    match node:
        case nodes.Name():
            return node.name in names
        case nodes.Getattr() | nodes.Getitem():
            key = node.attr if isinstance(node, nodes.Getattr) else _key(node.arg)
            if isinstance(key, str):
                owner = node.node.name if isinstance(node.node, nodes.Name) else ""
                return key in _TEXTS or f"{owner}.{key}" in names
            return _holds(node.node, names)
        case nodes.Call(node=nodes.Getattr() as method):
            if method.attr == "get" and node.args:
                return _key(node.args[0]) in _TEXTS
            return _holds(method.node, names) or any(_holds(part, names) for part in node.args)
        case nodes.Filter(name="map"):
            return any(_key(pair.value) in _TEXTS for pair in node.kwargs) or _in_parts(node, names)
        case nodes.Filter() if node.name in _WHOLE and isinstance(node.node, nodes.Name):
            return node.node.name in (*_ROOTS, *names)
        case nodes.Test() | nodes.Compare() | nodes.Const():
            return False
        case nodes.CondExpr():
            return any(_holds(part, names) for part in (node.expr1, node.expr2) if part)
    return _in_parts(node, names)


def _in_parts(node: nodes.Node, names: set[str]) -> bool:
    return any(_holds(child, names) for child in node.iter_child_nodes())


def _ticks(node: nodes.Node, names: set[str]) -> bool:
    """Whether this expression may tell the time."""
    match node:
        case nodes.Test() if node.name in ("defined", "undefined", "none"):
            return False
        case nodes.Name():
            return node.name in names
        case nodes.Call(node=nodes.Name(name="strftime_now")):
            return True
        case nodes.Getattr(node=nodes.Name() as owner):
            return f"{owner.name}.{node.attr}" in names
    return any(_ticks(child, names) for child in node.iter_child_nodes())


def _deciding(node: nodes.Node) -> list[nodes.Node]:
    match node:
        case nodes.If() | nodes.CondExpr():
            return [node.test]
        case nodes.For():
            return [node.test] if node.test else []
        case nodes.Getitem():
            return [node.arg]
    return [node]


def _names(tree: nodes.Template, holds: Holds) -> set[str]:
    """Variables that may have such a value, however often it was passed on."""
    found: set[str] = set()
    macros = {macro.name: macro for macro in tree.find_all(nodes.Macro)}
    bindings = [
        (node, node.target)
        for node in tree.find_all((nodes.Assign, nodes.For, nodes.AssignBlock))
        if isinstance(node, nodes.Assign | nodes.For | nodes.AssignBlock)
    ]
    calls = [
        (call.node.name, call)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name)
    ]
    while True:
        before = len(found)
        for node, target in bindings:
            if _gives(node, found, holds):
                found |= set(_targets(target))
        for name, call in calls:
            if macro := macros.get(name):
                found |= set(_filled(macro, call, found, holds))
        if len(found) == before:
            return found


def _gives(node: nodes.Node, names: set[str], holds: Holds) -> bool:
    match node:
        case nodes.Assign():
            return holds(node.node, names)
        case nodes.For():
            return holds(node.iter, names)
        case nodes.AssignBlock():
            return any(
                holds(part, names) for body in node.body for part in body.find_all(nodes.Expr)
            )
    return False


def _targets(target: nodes.Node) -> Iterator[str]:
    match target:
        case nodes.Name():
            yield target.name
        case nodes.NSRef():
            yield f"{target.name}.{target.attr}"
        case nodes.Tuple():
            for item in target.items:
                yield from _targets(item)


def _filled(macro: nodes.Macro, call: nodes.Call, names: set[str], holds: Holds) -> Iterator[str]:
    for argument, value in zip(macro.args, call.args, strict=False):
        if holds(value, names):
            yield argument.name
    for pair in call.kwargs:
        if holds(pair.value, names):
            yield pair.key


def _key(node: nodes.Node) -> object:
    return node.value if isinstance(node, nodes.Const) else None
