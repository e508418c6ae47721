"""What a pickle would do if it were opened (SEC-PICKLE, SEC-PICKLE-PARSE), found without opening it.

The opcodes are walked with values that only stand for things. Whatever the list here does not
allow is refused: there is no list of bad names to be clever about.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from time import monotonic
from typing import Any

from registry.checks.findings import show
from registry.checks.scanners.folder import Problem

MAX_OPCODES = 5_000_000
MAX_SECONDS = 30.0
MAX_TEXT = 1024 * 1024
MAX_DEPTH = 8
# Each tensor comes with one, and some hold others
MAX_MAPPINGS = 500_000

ORDERED_DICT = "collections.OrderedDict"
TENSOR = "torch._utils._rebuild_tensor_v2"
PARAMETER = "torch._utils._rebuild_parameter"
CALLABLE = frozenset({ORDERED_DICT, TENSOR, PARAMETER, "torch.Size", "torch.device"})
STORAGES = {
    **dict.fromkeys(("ByteStorage", "CharStorage", "BoolStorage"), 1),
    **dict.fromkeys(("HalfStorage", "BFloat16Storage", "ShortStorage"), 2),
    **dict.fromkeys(("FloatStorage", "IntStorage"), 4),
    **dict.fromkeys(("DoubleStorage", "LongStorage", "ComplexFloatStorage"), 8),
    "ComplexDoubleStorage": 16,
    "UntypedStorage": 1,
}
DTYPES = frozenset(
    [
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "half",
        "float",
        "double",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "bool",
        "short",
        "int",
        "long",
        "complex64",
        "complex128",
        "float8_e4m3fn",
        "float8_e5m2",
    ]
)


class PickleCalls(Problem):
    """Opening the pickle would call or build something that is not allowed."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class PickleBroken(Problem):
    """The stream is cut off, lies about itself, or is built to confuse."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.why = why
        self.at = at


class NotWeights(PickleBroken):
    """The stream is sound, and holds something that is no weight."""


@dataclass(frozen=True)
class Global:
    name: str


@dataclass(frozen=True)
class Storage:
    """`key` names its bytes: the member data/<key>, or the entry of the legacy format."""

    key: str
    kind: str
    items: int

    @property
    def item_bytes(self) -> int:
        return STORAGES[self.kind]


@dataclass(frozen=True)
class Tensor:
    """Offset and stride count items of the storage, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass
class Mapping:
    """`plain` is a dict; the other kind is an OrderedDict, which alone may get a state."""

    plain: bool
    pairs: list[tuple[Any, Any]] = field(default_factory=list)


class _Mark:
    pass


MARK = _Mark()


@dataclass(frozen=True)
class Walked:
    """`end` is the first byte after STOP."""

    value: Any
    storages: dict[str, Storage]
    end: int


def walk(data: bytes, *, start: int = 0, whole: bool = True) -> Walked:
    """What the pickle at `start` would build, or PickleCalls or PickleBroken. Never imports anything."""
    return _Walk(data, start).run(whole=whole)


def state_problem(value: Any) -> str | None:
    """Why this is not a mapping of texts to tensors, numbers and mappings of the same, or None."""
    if not isinstance(value, Mapping):
        return "it does not hold a mapping of names to tensors"
    level: list[Mapping] = [value]
    seen: set[int] = set()
    for _ in range(MAX_DEPTH):
        deeper: list[Mapping] = []
        for mapping in level:
            if id(mapping) in seen:
                return "a mapping stands in two places"
            seen.add(id(mapping))
            names: set[str] = set()
            for key, item in mapping.pairs:
                if not isinstance(key, str):
                    return "it has a key that is not text"
                if key in names:
                    return f"the key {show(key)} appears twice"
                names.add(key)
                if isinstance(item, Mapping):
                    deeper.append(item)
                elif not _is_leaf(item):
                    return f"{show(key)} is neither a tensor nor a number"
        if not deeper:
            return None
        level = deeper
    return f"it is nested deeper than {MAX_DEPTH}"


def _is_leaf(item: Any) -> bool:
    if isinstance(item, Global):
        return item.name.startswith("torch.") and item.name[6:] in DTYPES
    return item is None or isinstance(item, Tensor | bool | int | float | str)


class _Walk:
    """One stream, one stack, one memo. Each `_op` method is one opcode, or a family of them."""

    def __init__(self, data: bytes, start: int) -> None:
        self.data = data
        self.at = start
        self.opcode_at = start
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}
        self.mappings = 0

    def run(self, *, whole: bool) -> Walked:
        deadline = monotonic() + MAX_SECONDS
        data, length, operations = self.data, len(self.data), OPERATIONS
        for count in range(MAX_OPCODES):
            if count % 65_536 == 0 and monotonic() > deadline:
                raise self.broken("it takes too long to read")
            self.opcode_at = at = self.at
            if at >= length:
                raise self.broken("it is cut off")
            code = data[at]
            self.at = at + 1
            if code == 0x2E:  # STOP
                return self._stopped(whole=whole)
            operation = operations.get(code)
            if operation is None:
                raise self._refused(code)
            operation(self)
        raise self.broken(f"it has more than {MAX_OPCODES} instructions")

    def broken(self, why: str) -> PickleBroken:
        return PickleBroken(why, self.opcode_at)

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise self.broken("it is cut off")
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + 1024)
        if end < 0:
            raise self.broken("a name has no end")
        return self._text(self.take(end + 1 - self.at)[:-1])

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is MARK:
            raise self.broken("it takes from an empty stack")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        stack = self.stack
        for place in range(len(stack) - 1, -1, -1):
            if stack[place] is MARK:
                items = stack[place + 1 :]
                del stack[place:]
                return items
        raise self.broken("a mark is missing")

    def _stopped(self, *, whole: bool) -> Walked:
        value = self.pop()
        if self.stack:
            raise self.broken("values are left on its stack")
        if whole and self.at != len(self.data):
            raise PickleBroken("bytes follow its end", self.at)
        return Walked(value, self.storages, self.at)

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise self.broken("a text is not UTF-8") from None

    def _refused(self, code: int) -> Problem:
        if code == 0x69:  # INST names what it calls
            return PickleCalls(f"{self.line()}.{self.line()}")
        if code in FORBIDDEN:
            return PickleCalls(FORBIDDEN[code])
        return self.broken(f"the instruction {code:#04x} is not one that weights need")

    # Values

    def op_proto(self) -> None:
        if self.number("<B") > 5:
            raise self.broken("its protocol is unknown")

    def op_frame(self) -> None:
        if self.number("<Q") > len(self.data) - self.at:
            raise self.broken("a frame is longer than the file")

    def op_mark(self) -> None:
        self.stack.append(MARK)

    def op_text(self, form: str) -> None:
        length = self.number(form)
        if length > MAX_TEXT:
            raise self.broken("a text is too long")
        self.stack.append(self._text(self.take(length)))

    def op_long(self) -> None:
        length = self.number("<B")
        if length > 16:
            raise self.broken("a number is too long")
        self.stack.append(int.from_bytes(self.take(length), "little", signed=True))

    # Containers

    def mapping(self, *, plain: bool) -> Mapping:
        self.mappings += 1
        if self.mappings > MAX_MAPPINGS:
            raise self.broken(f"it makes more than {MAX_MAPPINGS} mappings")
        return Mapping(plain)

    def op_tuple(self) -> None:
        self.stack.append(tuple(self.pop_to_mark()))

    def op_tuple_of(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def op_append(self) -> None:
        item = self.pop()
        self._top(list).append(item)

    def op_appends(self) -> None:
        items = self.pop_to_mark()
        self._top(list).extend(items)

    def op_setitem(self) -> None:
        value, key = self.pop(), self.pop()
        self._top(Mapping).pairs.append((key, value))

    def op_setitems(self) -> None:
        items = self.pop_to_mark()
        if len(items) % 2:
            raise self.broken("a key has no value")
        self._top(Mapping).pairs.extend(zip(items[::2], items[1::2], strict=True))

    def _top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise self.broken("it fills something that is no container")
        return self.stack[-1]

    # Memo

    def op_put(self, form: str) -> None:
        self._put(self.number(form))

    def op_memoize(self) -> None:
        self._put(len(self.memo))

    def op_get(self, form: str) -> None:
        place = self.number(form)
        if place not in self.memo:
            raise self.broken("it recalls what it never kept")
        self.stack.append(self.memo[place])

    def _put(self, place: int) -> None:
        if place > len(self.memo):
            raise self.broken("it keeps values out of order")
        if not self.stack or self.stack[-1] is MARK:
            raise self.broken("it keeps nothing")
        self.memo[place] = self.stack[-1]

    # What would act

    def op_global(self) -> None:
        module = self.line()
        self._push_global(module, self.line())

    def op_stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise PickleCalls("a name that is computed")
        self._push_global(module, name)

    def _push_global(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if full not in CALLABLE and not (
            module == "torch" and (name in STORAGES or name in DTYPES)
        ):
            raise PickleCalls(full)
        self.stack.append(Global(full))

    def op_reduce(self) -> None:
        arguments, target = self.pop(), self.pop()
        if not isinstance(target, Global) or target.name not in CALLABLE:
            raise PickleCalls(target.name if isinstance(target, Global) else "a value")
        if not isinstance(arguments, tuple):
            raise self.broken("it calls without a list of arguments")
        self.stack.append(self._built(target.name, arguments))

    def _built(self, name: str, arguments: tuple[Any, ...]) -> Any:
        match name, arguments:
            case "collections.OrderedDict", () | ([],):
                return self.mapping(plain=False)
            case "torch._utils._rebuild_tensor_v2", (
                Storage() as storage,
                offset,
                size,
                stride,
                *rest,
            ):
                self._check_view(storage, offset, size, stride, rest)
                return Tensor(storage, offset, size, stride)
            case "torch._utils._rebuild_parameter", (Tensor() as tensor, bool(), Mapping(pairs=[])):
                return tensor
            case "torch.Size", (tuple() as sizes,) if all(type(size) is int for size in sizes):
                return sizes
            case "torch.device", (str(), *rest) if all(type(item) is int for item in rest):
                return "device"
        raise self.broken(f"it calls {name} with arguments that no weights need")

    def _check_view(
        self, storage: Storage, offset: Any, size: Any, stride: Any, rest: list[Any]
    ) -> None:
        counts = (offset, *size, *stride) if _tuples(size, stride) else ()
        if not counts or len(size) != len(stride) or not all(_is_count(n) for n in counts):
            raise self.broken("a tensor has no proper shape")
        match rest:
            case [bool(), Mapping(pairs=[])] | [bool(), Mapping(pairs=[]), None]:
                pass
            case _:
                raise self.broken("a tensor comes with more than its numbers")
        if 0 in size:
            return
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if last >= storage.items:
            raise self.broken("a tensor reaches beyond its storage")
        if prod(size) > storage.items:
            raise self.broken("a tensor has more numbers than its storage")

    def op_build(self) -> None:
        state = self.pop()
        if not self.stack or not isinstance(self.stack[-1], Mapping) or self.stack[-1].plain:
            raise PickleCalls("__setstate__ of a value")
        # torch keeps the versions of modules here; any other attribute would hide a method.
        if not isinstance(state, Mapping) or any(key != "_metadata" for key, _ in state.pairs):
            raise PickleCalls("attributes of OrderedDict")

    def op_storage(self) -> None:
        match self.pop():
            case ("storage", Global(name), str(key), str(), int(items), *rest) if (
                rest in ([], [None]) and name.removeprefix("torch.") in STORAGES and items >= 0
            ):
                storage = Storage(key, name.removeprefix("torch."), items)
            case _:
                raise self.broken("a storage is not described as torch does")
        if self.storages.setdefault(key, storage) != storage:
            raise self.broken("a storage is described in two ways")
        self.stack.append(storage)


def _tuples(*values: Any) -> bool:
    return all(isinstance(value, tuple) for value in values)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**60


def _push(value: Callable[[_Walk], Any]) -> Callable[[_Walk], None]:
    def operation(walk: _Walk) -> None:
        walk.stack.append(value(walk))

    return operation


OPERATIONS: dict[int, Callable[[_Walk], None]] = {
    0x80: _Walk.op_proto,
    0x95: _Walk.op_frame,
    ord("("): _Walk.op_mark,
    ord("N"): _push(lambda walk: None),
    0x88: _push(lambda walk: True),
    0x89: _push(lambda walk: False),
    ord("J"): _push(lambda walk: walk.number("<i")),
    ord("K"): _push(lambda walk: walk.number("<B")),
    ord("M"): _push(lambda walk: walk.number("<H")),
    ord("G"): _push(lambda walk: walk.number(">d")),
    0x8A: _Walk.op_long,
    ord("X"): lambda walk: walk.op_text("<I"),
    0x8C: lambda walk: walk.op_text("<B"),
    0x8D: lambda walk: walk.op_text("<Q"),
    ord(")"): _push(lambda walk: ()),
    ord("]"): _push(lambda walk: []),
    ord("}"): _push(lambda walk: walk.mapping(plain=True)),
    ord("t"): _Walk.op_tuple,
    0x85: lambda walk: walk.op_tuple_of(1),
    0x86: lambda walk: walk.op_tuple_of(2),
    0x87: lambda walk: walk.op_tuple_of(3),
    ord("a"): _Walk.op_append,
    ord("e"): _Walk.op_appends,
    ord("s"): _Walk.op_setitem,
    ord("u"): _Walk.op_setitems,
    ord("q"): lambda walk: walk.op_put("<B"),
    ord("r"): lambda walk: walk.op_put("<I"),
    0x94: _Walk.op_memoize,
    ord("h"): lambda walk: walk.op_get("<B"),
    ord("j"): lambda walk: walk.op_get("<I"),
    ord("c"): _Walk.op_global,
    0x93: _Walk.op_stack_global,
    ord("R"): _Walk.op_reduce,
    ord("b"): _Walk.op_build,
    ord("Q"): _Walk.op_storage,
}

FORBIDDEN = {
    ord("o"): "a class instance (OBJ)",
    0x81: "a class instance (NEWOBJ)",
    0x92: "a class instance (NEWOBJ_EX)",
    0x82: "the extension registry (EXT1)",
    0x83: "the extension registry (EXT2)",
    0x84: "the extension registry (EXT4)",
    ord("P"): "a persistent name (PERSID)",
}
