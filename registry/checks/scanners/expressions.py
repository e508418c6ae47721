"""Regular expressions as trees, read as tokenizers and adapters write them; nothing is matched."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from registry.checks.scanners.folder import Problem

MAX_LENGTH = 2000
MAX_DEPTH = 50

_HEX = {"x": 2, "u": 4, "U": 8}
_SHORTHANDS = "dDwWsShHRXN"
_ANCHORS = "bBAzZGyY"
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b", "0": "\0"}
ENDLESS = "it repeats what is repeated without end"
_FLAGS = set("imsxaLu-WDSP")


class Refused(Problem):
    """Why the expression is not taken, as the end of a sentence."""


@dataclass(frozen=True)
class Set:
    """One character of these. As a mask over the probes."""

    mask: int


@dataclass(frozen=True)
class Sequence:
    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Either:
    branches: tuple["Node", ...]


@dataclass(frozen=True)
class Repeat:
    """`most` is None where there is no end. A possessive one never gives back what it took."""

    body: "Node"
    least: int
    most: int | None
    possessive: bool


@dataclass(frozen=True)
class Aside:
    """What matches without taking a character: it is judged by itself."""

    body: "Node"


Node = Set | Sequence | Either | Repeat | Aside


def tree_of(text: str) -> Node:
    """The expression as a tree, or Refused."""
    if len(text) > MAX_LENGTH:
        raise Refused(f"it is longer than {MAX_LENGTH} characters")
    return _Parser(text).parse()


class Probes:
    """Characters that stand for all: each of Latin, some of each category, and those written."""

    def __init__(self, text: str) -> None:
        self.characters = sorted({*_common(), *text, *text.swapcase()})
        self.all = (1 << len(self.characters)) - 1

    def of(self, holds: object) -> int:
        assert callable(holds)  # noqa: S101 - a predicate of one character
        return sum(1 << at for at, one in enumerate(self.characters) if holds(one))


@cache
def _common() -> frozenset[str]:
    found: dict[str, list[str]] = {}
    for code in range(0x3000):
        if len(few := found.setdefault(unicodedata.category(chr(code)), [])) < 4:
            few.append(chr(code))
    spread = [chr(code) for code in (0x3042, 0x30A2, 0x4E00, 0xAC00, 0x1F600, 0xFF21)]
    return frozenset(
        [*map(chr, range(0x180)), *spread, *(one for few in found.values() for one in few)]
    )


class _Parser:
    """Reads what tokenizers and adapters write. What it does not know is refused."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.probes = Probes(text)
        is_any = re.search(r"\(\?[a-zA-Z]*[sm]", text)
        self.ignores_case = re.search(r"\(\?[a-zA-Z]*i", text) is not None
        self.dot = self.probes.all if is_any else self.probes.of(lambda one: one != "\n")

    def parse(self) -> Node:
        node = self._either()
        if self.at < len(self.text):
            raise Refused("a bracket closes that was not opened")
        return node

    def _either(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused(f"it is nested deeper than {MAX_DEPTH}")
        branches = [self._sequence()]
        while self._next("|"):
            branches.append(self._sequence())
        self.depth -= 1
        return _either(branches)

    def _sequence(self) -> Sequence:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return Sequence(tuple(parts))

    def _repeated(self, node: Node) -> Node:
        while (bounds := self._bounds()) is not None:
            # After braces, the matcher of tokenizers takes the sign for one more repeat.
            counted = self.text[self.at - 1] == "}"
            possessive = not counted and self._next("+")
            if not possessive:
                self._next("?")
            if isinstance(node, Repeat) and node.most is None and bounds[1] is None:
                raise Refused(ENDLESS)
            node = Repeat(node, *bounds, possessive)
        return node

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._next(sign):
                return bounds
        if not self._peek("{"):
            return None
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, self.at + 1)].partition(",")
        if (
            end < 0
            or not (low or high)
            or not all(not n or n.isascii() and n.isdigit() for n in (low, high))
        ):
            return None  # a brace that stands for itself
        self.at = end + 1
        least = int(low or 0)
        most = int(high) if high else None if comma else least
        if least > 1000 or (most or 0) > 100_000 or (most is not None and most < least):
            raise Refused("it counts farther than patterns need")
        return least, most

    def _atom(self) -> Node:
        sign = self.text[self.at]
        self.at += 1
        if sign == "(":
            return self._group()
        if sign == "[":
            return Set(self._class())
        if sign == "\\":
            return self._escape()
        if sign == ".":
            return Set(self.dot)
        if sign in "^$":
            return Sequence(())
        if sign in "*+?":
            raise Refused("it repeats nothing")
        return self._literal(sign)

    def _literal(self, sign: str) -> Set:
        """Case may be ignored: both are taken."""
        if self.ignores_case and len(sign.casefold()) > 1:
            raise Refused("it ignores the case of a letter that stands for two")
        alike = {sign, sign.lower(), sign.upper(), sign.swapcase()}
        return Set(self.probes.of(alike.__contains__))

    def _group(self) -> Node:
        if not self._next("?"):
            if self._peek("*"):
                raise Refused("it gives the matcher orders")
            return self._closed(self._either())
        for sign in ("=", "!", "<=", "<!"):
            if self._next(sign):
                return Aside(self._closed(self._either()))
        if self._next("#"):
            self.at = self.text.find(")", self.at) + 1
            if not self.at:
                raise Refused("a bracket does not close")
            return Sequence(())
        if self._next(">"):
            return Repeat(self._closed(self._either()), 1, 1, True)
        if self._next(":"):
            return self._closed(self._either())
        if self._next("P<") or self._next("<"):
            self._name(">")
            return self._closed(self._either())
        if self.text[self.at : self.at + 2] in ("P=", "P>") or self.text[self.at : self.at + 1] in (
            "&",
            "R",
        ):
            raise Refused("it refers back to what it matched")
        return self._flags()

    def _flags(self) -> Node:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in _FLAGS:
            self.at += 1
        if self.at > start and self._next(")"):
            return Sequence(())
        if self.at > start and self._next(":"):
            return self._closed(self._either())
        raise Refused("it holds a group of an unknown kind")

    def _closed(self, node: Node) -> Node:
        if not self._next(")"):
            raise Refused("a bracket does not close")
        return node

    def _name(self, end: str) -> str:
        close = self.text.find(end, self.at)
        name = self.text[self.at : close]
        if close < 0 or len(name) > 64 or not name.replace("_", "a").replace(" ", "a").isalnum():
            raise Refused("it holds a name that is none")
        self.at = close + 1
        return name

    def _escape(self) -> Node:
        if self.at == len(self.text):
            raise Refused("it ends in the middle of an escape")
        sign = self.text[self.at]
        if sign in _ANCHORS:
            self.at += 1
            return Sequence(())
        if sign == "K":
            raise Refused("it moves where the match begins")
        if sign in "kg" or sign in "123456789":
            raise Refused("it refers back to what it matched")
        if sign in "RX":
            self.at += 1
            return Set(self.probes.all)
        return Set(self._escaped())

    def _escaped(self) -> int:
        """The characters of the escape at hand, in a class or outside."""
        sign = self.text[self.at]
        self.at += 1
        if sign in "pP":
            return self._property(negated=sign == "P")
        if sign in _SHORTHANDS:
            return self._shorthand(sign)
        return self._literal(self._escaped_character(sign)).mask

    def _escaped_character(self, sign: str) -> str:
        if sign in _PLAIN:
            return _PLAIN[sign]
        if sign in _HEX:
            if sign == "x" and self._next("{"):
                digits, self.at = self._until("}")
            else:
                digits = self.text[self.at : self.at + _HEX[sign]]
                self.at += _HEX[sign]
            try:
                return chr(int(digits, 16))
            except (ValueError, OverflowError):
                raise Refused("it holds a broken escape") from None
        if sign.isalnum() and sign.isascii():
            raise Refused("it holds an unknown escape")
        return sign

    def _until(self, end: str) -> tuple[str, int]:
        close = self.text.find(end, self.at)
        if close < 0:
            raise Refused("it holds a broken escape")
        return self.text[self.at : close], close + 1

    def _shorthand(self, sign: str) -> int:
        of = self.probes.of
        kind = sign.lower()
        if sign in "RXN":
            return self.probes.all
        if kind == "d":
            mask = of(lambda one: unicodedata.category(one) == "Nd")
        elif kind == "w":
            mask = of(
                lambda one: (
                    unicodedata.category(one)[0] in "LNM" or unicodedata.category(one) == "Pc"
                )
            )
        elif kind == "s":
            mask = of(lambda one: one.isspace())
        else:
            mask = of("0123456789abcdefABCDEF".__contains__)
        return self.probes.all & ~mask if sign.isupper() else mask

    def _property(self, *, negated: bool) -> int:
        if self._next("{"):
            negated ^= self._next("^")
            name = self._name("}")
        else:
            name, self.at = self.text[self.at : self.at + 1], self.at + 1
        categories = {unicodedata.category(one) for one in self.probes.characters}
        if name in categories or name in {category[0] for category in categories}:
            mask = self.probes.of(lambda one: unicodedata.category(one).startswith(name))
            return self.probes.all & ~mask if negated else mask
        # A script, or a name of a kind of characters: they might be any, so nothing is ruled out.
        return self.probes.all

    def _class(self) -> int:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refused(f"it is nested deeper than {MAX_DEPTH}")
        negated = self._next("^")
        mask, first = 0, True
        while first or not self._peek("]"):
            if self.at >= len(self.text):
                raise Refused("a class does not close")
            mask |= self._class_item()
            first = False
            if self._next("&&"):
                mask = self.probes.all
        self.at += 1
        self.depth -= 1
        # Where a part of it is not known exactly, its opposite is not known either.
        return mask if mask == self.probes.all or not negated else self.probes.all & ~mask

    def _class_item(self) -> int:
        if self.text.startswith("[:", self.at) and ":]" in self.text[self.at : self.at + 20]:
            self.at = self.text.index(":]", self.at) + 2
            return self.probes.all
        if self._next("["):
            return self._class()
        start = self._class_character()
        if isinstance(start, int):
            return start
        if self._peek("-") and not self._peek("-]"):
            self.at += 1
            end = self._class_character()
            if isinstance(end, int) or end < start:
                raise Refused("it holds a range that is none")
            return self.probes.of(
                lambda one: any(start <= alike <= end for alike in (one, one.lower(), one.upper()))
            )
        return self._literal(start).mask

    def _class_character(self) -> str | int:
        """One character, or the mask of an escape that means several."""
        if self.at >= len(self.text):
            raise Refused("a class does not close")
        sign = self.text[self.at]
        self.at += 1
        if sign != "\\":
            return sign
        if self.at >= len(self.text):
            raise Refused("it ends in the middle of an escape")
        escaped = self.text[self.at]
        if escaped in "pP" or escaped in _SHORTHANDS:
            return self._escaped()
        self.at += 1
        return "\b" if escaped == "b" else self._escaped_character(escaped)

    def _peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def _next(self, text: str) -> bool:
        if self._peek(text):
            self.at += len(text)
            return True
        return False


def _either(branches: list[Sequence]) -> Node:
    """The choice, with what branches begin with in common taken out: `foo|far` is `f(oo|ar)`."""
    if len(branches) == 1:
        return branches[0]
    groups: dict[Node | None, list[Sequence]] = {}
    for branch in branches:
        groups.setdefault(branch.parts[0] if branch.parts else None, []).append(branch)
    found: list[Node] = []
    for start, group in groups.items():
        if start is None or len(group) == 1:
            found += group
        else:
            rest = _either([Sequence(branch.parts[1:]) for branch in group])
            found.append(Sequence((start, rest)))
    return found[0] if len(found) == 1 else Either(tuple(found))
