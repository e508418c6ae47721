"""Bytes by SHA-256: taken in as a stream, verified, kept whole, handed out."""
