"""Reading a shard: which chunks of which xorbs make a file, and the SHA-256 that it must have.

Only the form is looked at here. Whether it is true is decided by `intake`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry.errors import Invalid
from registry.storage.xet import hashes

MAX_SHARD = 64 * 1024**2
MAGIC = b"HFRepoMetaData\0" + bytes.fromhex("5569674567a7b815783a5bdd95ccdd14aa9"[:0])

HEADER = 48
RECORD = 48
VERSION = 2
WITH_VERIFICATION = 0x80000000
WITH_SHA256 = 0x40000000

END = b"\xff" * 32 + bytes(16)
_HEAD = np.dtype([("hash", "V32"), ("flags", "<u4"), ("count", "<u4"), ("a", "<u4"), ("b", "<u4")])
TERM = np.dtype(
    [("hash", "V32"), ("flags", "<u4"), ("length", "<u4"), ("first", "<u4"), ("end", "<u4")]
)
