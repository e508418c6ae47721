"""How the numbers of each dtype are read from raw bytes, mostly without turning them into floats."""

from dataclasses import dataclass
from typing import Any

import numpy
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

Array = numpy.ndarray[Any, numpy.dtype[Any]]

BF16_INFINITY = 0x7F80


@dataclass(frozen=True)
class Float:
    """A dtype of which each item is one number.

    `magnitude` is every bit but the sign, and a magnitude of `beyond` or more is not a number. A
    magnitude shifted by `shift` is a 32-bit float that is too small by 2 to the power of `scale`."""

    item: Any
    magnitude: int
    beyond: int
    shift: int = 0
    scale: int = 0

    @property
    def bytes(self) -> int:
        return int(numpy.dtype(self.item).itemsize)


FLOATS = {
    "F64": Float(numpy.uint64, 2**63 - 1, 0x7FF0000000000000),
    "F32": Float(numpy.uint32, 2**31 - 1, 0x7F800000),
    "F16": Float(numpy.uint16, 0x7FFF, 0x7C00, 13, 112),
    "BF16": Float(numpy.uint16, 0x7FFF, BF16_INFINITY, 16),
    "F8_E5M2": Float(numpy.uint8, 0x7F, 0x7C, 21, 112),
    # This one has no infinity, and one pattern alone that is not a number.
    "F8_E4M3": Float(numpy.uint8, 0x7F, 0x7F, 20, 120),
    # These two write it as a zero with a sign.
    "F8_E4M3FNUZ": Float(numpy.uint8, 0x7F, 0x80, 20, 119),
    "F8_E5M2FNUZ": Float(numpy.uint8, 0x7F, 0x80, 21, 111),
    # A power of two without a sign.
    "F8_E8M0": Float(numpy.uint8, 0xFF, 0xFF, 23),
}
SIGNED_ZERO = {"F8_E4M3FNUZ", "F8_E5M2FNUZ"}
# Two numbers each, one after the other.
COMPLEX = {"C64": "F32", "C128": "F64"}
INTEGERS = {
    **{"I8": "<i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "BOOL": "<u1"},
    **{"U8": "<u1", "U16": "<u2", "U32": "<u4", "U64": "<u8"},
}
_F4 = numpy.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], "float32")

# Numbers of GGUF that are no blocks.
_PLAIN_OF_GGUF = {0: "F32", 1: "F16", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64"}
_PLAIN_OF_GGUF |= {30: "BF16"}
# Where in a block its 16-bit scales stand, and the largest number that each of them is multiplied by.
SCALES: dict[str, tuple[tuple[int, int], ...]] = {
    "Q4_0": ((0, 8),),
    "Q4_1": ((0, 15), (2, 1)),
    "Q5_0": ((0, 16),),
    "Q5_1": ((0, 31), (2, 1)),
    "Q8_0": ((0, 128),),
    "Q2_K": ((80, 45), (82, 15)),
    "Q3_K": ((108, 128),),
    "Q4_K": ((0, 945), (2, 63)),
    "Q5_K": ((0, 1953), (2, 63)),
    "Q6_K": ((208, 4096),),
    "IQ4_NL": ((0, 127),),
    "IQ4_XS": ((0, 4064),),
    **dict.fromkeys(("IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ1_S"), ((0, 256),)),
    **dict.fromkeys(("IQ3_XXS", "IQ3_S"), ((0, 1024),)),
    "TQ1_0": ((52, 1),),
    "TQ2_0": ((64, 2),),
}


def of_gguf(number: int) -> str:
    """The dtype's name; of blocks it is that of the format."""
    return _PLAIN_OF_GGUF.get(number) or GGMLQuantizationType(number).name


def block_of(dtype: str) -> tuple[int, int] | None:
    """How many numbers stand in one block and how many bytes it takes; None where these are no blocks."""
    if dtype in FLOATS or dtype in INTEGERS or dtype not in GGMLQuantizationType.__members__:
        return None
    numbers, taken = GGML_QUANT_SIZES[GGMLQuantizationType[dtype]]
    return numbers, taken


def item_of(dtype: str) -> tuple[int, int] | None:
    """Numbers in the smallest part that can be read alone, and its bytes; None where nobody knows."""
    if dtype in FLOATS:
        return 1, FLOATS[dtype].bytes
    if dtype in COMPLEX:
        return 1, 2 * FLOATS[COMPLEX[dtype]].bytes
    if dtype in INTEGERS:
        return 1, numpy.dtype(INTEGERS[dtype]).itemsize
    if dtype == "F4":
        return 2, 1
    return block_of(dtype)


def can_decode(dtype: str) -> bool:
    """Whether the bytes alone tell the numbers; packed integers need scales from elsewhere."""
    if block_of(dtype):
        return dtype in SCALES or dtype in ("IQ1_M", "MXFP4")
    return dtype in FLOATS or dtype in ("F4", "I8")


def decode(dtype: str, items: Array) -> Array:
    """The numbers in these items (one a row, as bytes), as 32-bit floats, one item a row."""
    if dtype == "F4":
        return _F4[numpy.stack([items[:, 0] & 15, items[:, 0] >> 4], axis=1)]
    if dtype in INTEGERS:
        return items.view(INTEGERS[dtype]).astype(numpy.float32)
    if dtype in FLOATS:
        return _floats(FLOATS[dtype], items)
    # As one long row: the library takes rows in small groups, each at a price.
    found: Array = quants.dequantize(items.reshape(1, -1), GGMLQuantizationType[dtype])
    return found.reshape(len(items), -1)


def _floats(kind: Float, items: Array) -> Array:
    if kind.bytes >= 4:
        native = items.view("<f8" if kind.bytes == 8 else "<f4")
        with numpy.errstate(over="ignore"):  # what 64 bits hold may be beyond 32
            return native.astype(numpy.float32)
    bits = items.view(kind.item)
    magnitudes = magnitude_of(kind, bits & kind.item(kind.magnitude))
    negative = (bits & kind.item(~kind.magnitude & (2 ** (8 * kind.bytes) - 1))) != 0
    return numpy.where(negative, -magnitudes, magnitudes)


def magnitude_of(kind: Float, bits: Array) -> Array:
    """Bits without their sign as 32-bit floats (of 64 bits where they are)."""
    if kind.bytes >= 4:
        return bits.view("<f8" if kind.bytes == 8 else "<f4")
    wide = bits.astype(numpy.uint32)
    numpy.left_shift(wide, numpy.uint32(kind.shift), out=wide)
    floats = wide.view(numpy.float32)
    if kind.scale:
        numpy.multiply(floats, numpy.float32(2.0**kind.scale), out=floats)
    return floats
