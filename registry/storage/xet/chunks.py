"""One chunk as it is sent: a header of 8 bytes, then its bytes, perhaps compressed.

Nothing here believes a header: what comes out of a decompressor is bounded before it comes.
"""

from typing import NamedTuple

import lz4.frame
import numpy as np

from registry.errors import Invalid

MAX_CHUNK = 128 * 1024
HEADER = 8
# An LZ4 frame around bytes that cannot be compressed is a little longer than these
MAX_PACKED = MAX_CHUNK + 4096

_PLAIN, _LZ4, _REGROUPED = range(3)

Buffer = bytes | bytearray | memoryview


class Header(NamedTuple):
    packed: int
    scheme: int
    length: int


def header(sent: Buffer, at: int = 0) -> Header:
    """The header that begins at this place; Invalid unless it can be true."""
    version, scheme = sent[at], sent[at + 4]
    packed = int.from_bytes(sent[at + 1 : at + 4], "little")
    length = int.from_bytes(sent[at + 5 : at + 8], "little")
    if version != 0:
        raise Invalid(f"A chunk has the version {version}; only 0 is known here.")
    if scheme > _REGROUPED:
        raise Invalid(f"A chunk is compressed in a way ({scheme}) that is not known here.")
    if not 0 < length <= MAX_CHUNK:
        raise Invalid(f"A chunk has 1 to {MAX_CHUNK} bytes; this one says {length}.")
    if not 0 < packed <= MAX_PACKED or (scheme == _PLAIN and packed != length):
        raise Invalid(f"A chunk of {length} bytes cannot be sent as {packed} bytes.")
    return Header(packed, scheme, length)


class Unpacker:
    """Gives the bytes of chunks, one after the other, with one decompressor."""

    def __init__(self) -> None:
        self._lz4 = lz4.frame.LZ4FrameDecompressor()

    def unpack(self, chunk: Header, sent: Buffer) -> Buffer:
        """The bytes of a chunk from those after its header. Invalid unless it is as long as the
        header says."""
        if chunk.scheme == _PLAIN:
            return sent
        content = self._decompress(sent, chunk.length)
        return content if chunk.scheme == _LZ4 else regrouped(content)

    def _decompress(self, sent: Buffer, length: int) -> bytes:
        # Every attribute is looked at below, so whatever an earlier chunk left must go first
        self._lz4.reset()
        try:
            # One byte more than can be right, so that the end of the frame is read too
            content: bytes = self._lz4.decompress(sent, max_length=length + 1)
        except (RuntimeError, EOFError) as error:
            raise Invalid("A chunk cannot be decompressed.") from error
        if len(content) != length or not self._lz4.eof or self._lz4.unused_data:
            raise Invalid(f"A chunk does not decompress to the {length} bytes that it announces.")
        return content


def regrouped(content: Buffer) -> bytes:
    """Bytes that were sent by their position modulo 4, in their own order again."""
    sent = np.frombuffer(content, dtype=np.uint8)
    found = np.empty(len(sent), dtype=np.uint8)
    begin = 0
    for position in range(4):
        end = begin + len(found[position::4])
        found[position::4] = sent[begin:end]
        begin = end
    return found.tobytes()
