"""Names what a stream would call if somebody opened it as a pickle, also where it is broken or disguised."""

import pickletools
import re
import struct
from collections.abc import Container

from registry.checks.scanners.pickles import (
    CALLABLE,
    DTYPES,
    STORAGES,
    PickleBroken,
    PickleCalls,
    Walked,
    walk,
)

_OF_WEIGHTS = CALLABLE | {f"torch.{name}" for name in (*STORAGES, *DTYPES)}
_NAME = re.compile(r"[A-Za-z_][\w.]*")


def walk_or_name(data: bytes) -> Walked:
    """`walk`, which for a broken stream rather says what the part before the break would call."""
    try:
        return walk(data)
    except PickleBroken:
        if what := hidden_call(data, apart_from=_OF_WEIGHTS):
            raise PickleCalls(what) from None
        raise


def hidden_call(data: bytes, *, apart_from: Container[str] = CALLABLE) -> str | None:
    """What these bytes would call if somebody opened them as a pickle, or None.

    For files that are not meant to be pickles: it must read as one up to a call of a proper name,
    and on to an end, since ordinary prose can begin like a call.
    """
    called: list[str] = []
    texts: list[str] = []
    calls = False
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count > 100_000:
                break
            if opcode.name in ("GLOBAL", "INST"):
                called.append(str(argument).replace(" ", ".", 1))
            elif "UNICODE" in opcode.name or "STRING" in opcode.name:
                texts = [*texts[-1:], str(argument)]
            elif opcode.name == "STACK_GLOBAL":
                called.append(".".join(texts))
            calls |= opcode.name in ("REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD")
            if called and not all(_NAME.fullmatch(name) for name in called):
                return None
    # Ordinary text is not a pickle: genops says so with these.
    except (ValueError, UnicodeDecodeError, IndexError, struct.error, OverflowError):
        # A stream that breaks after its call has already acted.
        pass
    bad = [name for name in called if name not in apart_from]
    return bad[0] if bad and calls else None
