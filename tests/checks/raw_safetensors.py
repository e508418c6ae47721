"""Safetensors of any kind of numbers, written byte by byte."""

import json
from collections.abc import Mapping

import numpy

from tests.checks import models

# What numpy has no kind for is given as its bits.
_KINDS = {
    "float32": "F32",
    "float16": "F16",
    "int32": "I32",
    "int8": "I8",
    "uint8": "U8",
    "uint16": "BF16",
}


def written(tensors: Mapping[str, numpy.ndarray], *, bytes_as: str = "U8") -> bytes:
    """`bytes_as` names the kind of the tensors of single bytes called `weight`."""
    header: dict[str, object] = {}
    data = b""
    for name, tensor in tensors.items():
        kind = _KINDS[tensor.dtype.name]
        if kind == "U8" and name.endswith(".weight"):
            kind = bytes_as
        raw = numpy.ascontiguousarray(tensor).tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        data += raw
    return models.with_header(json.dumps(header).encode(), data)
