"""Reading a xorb as it arrives: every chunk is unpacked and hashed before its bytes are kept."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from registry.errors import Invalid, TooLarge
from registry.storage.xet import chunks, hashes
from registry.storage.xet.chunks import HEADER

# Clients count 64 MiB without the headers of the chunks, and older ones add a footer
MAX_XORB = 65 * 1024**2
MAX_CHUNKS = 8192
PIECE = 1024 * 1024
FOOTER = b"XETBLOB"

# What is remembered of a chunk: where it ends in the stored xorb, and how long it is unpacked
CHUNK = np.dtype([("hash", "V32"), ("end", "<u4"), ("length", "<u4")])

Table = NDArray[np.void]


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def table_of(stored: bytes | memoryview) -> Table:
    return np.frombuffer(stored, dtype=CHUNK)


def verify(stream: Stream, *, digest: bytes, keep: Callable[[memoryview], object]) -> Table:
    """Read a xorb to its end and give what `keep` is handed to the disk: its chunks, and no footer.

    Raises Invalid (TooLarge) where it is damaged or not the xorb of this hash.
    """
    reader = _Reader(keep)
    received = 0
    while piece := stream.read(PIECE):
        received += len(piece)
        if received > MAX_XORB:
            raise TooLarge(f"A xorb has at most {MAX_XORB} bytes.")
        reader.feed(piece)
    table = reader.finish()
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
        self._rest = b""
        self._kept = 0
        self._at_footer = False
        self.hashes: list[bytes] = []
        self.lengths: list[int] = []
        self._ends: list[int] = []

    def feed(self, piece: bytes) -> None:
        if self._at_footer:
            return
        data = self._rest + piece
        view = memoryview(data)
        at = 0
        while (end := self._chunk(view, at)) is not None:
            at = end
        if at:
            self._keep(view[:at])
            self._kept += at
        self._rest = data[at:]

    def finish(self) -> Table:
        if self._rest and not self._at_footer:
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
        if len(view) - at < HEADER:
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
