"""Canonical JSON (RFC 8785) and its digest: one value, one byte string, on every machine."""

import hashlib
from typing import Any

import rfc8785


def encode(value: Any) -> bytes:
    """The canonical bytes of a JSON value. Times and ids must be text already."""
    return rfc8785.dumps(value)


def digest(value: Any) -> str:
    """SHA-256 over the canonical bytes, as 64 hex digits."""
    return hashlib.sha256(encode(value)).hexdigest()
