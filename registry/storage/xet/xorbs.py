"""Reading a xorb as it arrives: every chunk is unpacked and hashed before its bytes are kept."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from registry.errors import Invalid, TooLarge
from registry.storage.streams import PIECE, Stream, fill
from registry.storage.xet import chunks, hashes
from registry.storage.xet.chunks import HEADER, MAX_PACKED

# Clients count 64 MiB without the headers of the chunks, and older ones add a footer
MAX_XORB = 65 * 1024**2
TOO_LARGE = f"A xorb has at most {MAX_XORB} bytes."
MAX_CHUNKS = 8192
FOOTER = b"XETBLOB"

# What is remembered of a chunk: where it ends in the stored xorb, and how long it is unpacked
CHUNK = np.dtype([("hash", "V32"), ("end", "<u4"), ("length", "<u4")])

Table = NDArray[np.void]


def table_of(stored: bytes | memoryview) -> Table:
    return np.frombuffer(stored, dtype=CHUNK)


def verify(stream: Stream, *, digest: bytes, keep: Callable[[memoryview], object]) -> Table:
    """Read a xorb to its end and give what `keep` is handed to the disk: its chunks, and no footer.

    Raises Invalid (TooLarge) where it is damaged or not the xorb of this hash.
    """
    reader = _Reader(keep)
    buffer = memoryview(bytearray(PIECE + HEADER + MAX_PACKED))
    received = rest = 0
    while count := fill(buffer[rest:], stream):
        received += count
        if received > MAX_XORB:
            raise TooLarge(TOO_LARGE)
        there = buffer[: rest + count]
        done = reader.feed(there)
        rest = len(there) - done
        buffer[:rest] = there[done:]
    table = reader.finish(rest)
    found = hashes.root(zip(reader.hashes, reader.lengths, strict=True))
    if found != digest:
        raise Invalid(
            f"The xorb that arrived has the hash {hashes.text(found)}, not {hashes.text(digest)}. "
            "Nothing was kept; send it again."
        )
    return table


class _Reader:
    def __init__(self, keep: Callable[[memoryview], object]) -> None:
        self._keep = keep
        self._unpacker = chunks.Unpacker()
        self._kept = 0
        self._at_footer = False
        self.hashes: list[bytes] = []
        self.lengths: list[int] = []
        self._ends: list[int] = []

    def feed(self, view: memoryview) -> int:
        """Take the whole chunks at the beginning. Returns where the rest begins."""
        at = 0
        while (end := self._chunk(view, at)) is not None:
            at = end
        if at:
            self._keep(view[:at])
            self._kept += at
        return len(view) if self._at_footer else at

    def finish(self, rest: int) -> Table:
        if rest:
            raise Invalid("The xorb ends in the middle of a chunk. Send it again.")
        if not self.hashes:
            raise Invalid("A xorb has at least one chunk.")
        table = np.empty(len(self.hashes), dtype=CHUNK)
        table["hash"] = np.frombuffer(b"".join(self.hashes), dtype="V32")
        table["end"] = self._ends
        table["length"] = self.lengths
        return table

    def _chunk(self, view: memoryview, at: int) -> int | None:
        """Read the chunk that begins here and say where it ends; None if it is not all there."""
        if self._at_footer or len(view) - at < HEADER:
            return None
        if view[at] and view[at : at + len(FOOTER)] == FOOTER:
            self._at_footer = True
            return None
        head = chunks.header(view, at)
        end = at + HEADER + head.packed
        if end > len(view):
            return None
        if len(self.hashes) == MAX_CHUNKS:
            raise TooLarge(f"A xorb has at most {MAX_CHUNKS} chunks.")
        content = self._unpacker.unpack(head, view[at + HEADER : end])
        self.hashes.append(hashes.chunk(content))
        self.lengths.append(head.length)
        self._ends.append(self._kept + end)
        return end
