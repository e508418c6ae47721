"""Opaque public ids: what the outside sees instead of database keys."""

import secrets


def new_public_id() -> str:
    """24 hex digits, random: an id that says nothing and can be guessed by nobody."""
    return secrets.token_hex(12)
