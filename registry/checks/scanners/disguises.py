"""Whether a file that is meant as something else would also open as a pickle (SEC-MAGIC).

The walk follows lengths and the stack as the stock reader does, and decodes no argument: where a
decoder is stricter than that reader, a stream could hide behind it.
"""

import pickletools
import re
from dataclasses import dataclass
from typing import BinaryIO

from registry.checks.findings import ModelFile, show

MAX_OPCODES = 100_000
# A stream as short as this says nothing: `N.` is a pickle, and a word.
SHORT = 4
LINE_PART = 64 * 1024
KEPT = 256

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_CALLS = {"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"}
_TWO_LINES = {"GLOBAL", "INST"}
_LENGTH_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


class _Ends(Exception):
    """The stock reader would give up here."""


@dataclass(frozen=True)
class _Opcode:
    """`takes` from the stack; from above the last mark as many as `above`, where that is not None."""

    name: str
    argument: int | None
    takes: int
    above: int | None
    leaves: int


def _opcode(info: pickletools.OpcodeInfo) -> _Opcode:
    before = info.stack_before
    at = before.index(pickletools.markobject) if pickletools.markobject in before else None
    items = before[at + 1 :] if at is not None else []
    return _Opcode(
        info.name,
        info.arg.n if info.arg else None,
        len(before) if at is None else at,
        None if at is None else sum(item is not pickletools.stackslice for item in items),
        len(info.stack_after),
    )


_OPCODES = {ord(info.code): _opcode(info) for info in pickletools.opcodes}


def pickle_in(file: ModelFile) -> str | None:
    """What the file is as a pickle ("a pickle that calls os.system"), or None where it is none."""
    size = file.local.stat().st_size
    with file.local.open("rb") as stream:
        walk = _Walk(stream, size)
        try:
            # Readers of old checkpoints open one stream after the other.
            while stream.tell() < size:
                walk.stream_to_stop()
        except _Ends:
            whole = False
        else:
            whole = walk.steps > SHORT
    if walk.called:
        return f"a pickle that calls {show(walk.called)}"
    if walk.steps > MAX_OPCODES:
        return f"a pickle of more than {MAX_OPCODES} steps"
    return "a pickle" if whole else None


class _Walk:
    """`piles` counts the values above each mark, below all marks first."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream = stream
        self.size = size
        self.steps = 0
        self.called = ""
        self.piles = [0]
        self._imported = ""

    def stream_to_stop(self) -> None:
        """Raises _Ends where no reader would go on, or where enough is known."""
        self.piles = [0]
        name = ""
        while name != "STOP":
            self.steps += 1
            opcode = _OPCODES.get(self._read(1)[0])
            if opcode is None or self.steps > MAX_OPCODES:
                raise _Ends
            name = opcode.name
            self._stack(opcode)
            self._argument(opcode)
            if name in _CALLS and self._imported:
                self.called = self._imported
                raise _Ends

    def _stack(self, opcode: _Opcode) -> None:
        if opcode.name == "MARK":
            self.piles.append(0)
            return
        if opcode.name == "POP" and not self.piles[-1] and len(self.piles) > 1:
            self.piles.pop()
            return
        if opcode.above is not None and (len(self.piles) == 1 or self.piles.pop() < opcode.above):
            raise _Ends
        if self.piles[-1] < opcode.takes:
            raise _Ends
        self.piles[-1] += opcode.leaves - opcode.takes

    def _argument(self, opcode: _Opcode) -> None:
        if opcode.name == "STACK_GLOBAL":
            # Its names may come from anywhere; only a reader could tell them.
            self._imported = self._imported or "a name that is computed"
        elif opcode.name in _TWO_LINES:
            self._import(self._line(), self._line())
        elif opcode.argument == pickletools.UP_TO_NEWLINE:
            self._line()
        elif opcode.argument in _LENGTH_BYTES:
            signed = opcode.argument == pickletools.TAKEN_FROM_ARGUMENT4
            length = self._read(_LENGTH_BYTES[opcode.argument])
            self._skip(int.from_bytes(length, "little", signed=signed))
        elif opcode.argument:
            self._skip(opcode.argument)

    def _import(self, module: bytes, name: bytes) -> None:
        """Ordinary text goes on with words here; no module has such a name."""
        texts = (module.decode("utf-8", "replace"), name.decode("utf-8", "replace"))
        if not all(_MODULE.fullmatch(text) for text in texts):
            raise _Ends
        self._imported = self._imported or ".".join(texts)

    def _read(self, count: int) -> bytes:
        data = self.stream.read(count)
        if len(data) < count:
            raise _Ends
        return data

    def _skip(self, count: int) -> None:
        after = self.stream.tell() + count
        if count < 0 or after > self.size:
            raise _Ends
        self.stream.seek(after)

    def _line(self) -> bytes:
        """The beginning of the line; a line of any length is passed in little memory."""
        kept = part = self.stream.readline(LINE_PART)
        while part and not part.endswith(b"\n"):
            part = self.stream.readline(LINE_PART)
        if not part:
            raise _Ends
        return kept[:KEPT].removesuffix(b"\n")
