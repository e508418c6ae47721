"""Writing and verifying the chain: each entry holds the hash of the one before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from registry.audit import canonical, keys
from registry.audit.models import Checkpoint, Entry, SigningKey

CHAIN_LOCK = 0x52454749  # one number for pg_advisory_xact_lock: writers of the chain take turns
GENESIS = "0" * 64
_HEAD = "SELECT sequence, hash FROM audit_entry ORDER BY sequence DESC LIMIT 1"


def record(event: str, *, actor: str, subject: models.Model, **details: Any) -> Entry:
    """Append one act to the chain, inside the transaction of the act itself.

    `actor` is a public id, or "" for the registry itself. `subject` must have a `public_id`.
    `details` are JSON values; personal data does not belong here.
    """
    return record_about(
        event,
        actor=actor,
        subject_type=subject._meta.model_name or "",
        subject=subject.public_id,  # type: ignore[attr-defined]
        **details,
    )


@transaction.atomic
def record_about(
    event: str, *, actor: str, subject_type: str, subject: str, **details: Any
) -> Entry:
    """As `record`, for what is not one of our rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
        cursor.execute(_HEAD)
        last = cursor.fetchone()
    entry = Entry(
        sequence=last[0] + 1 if last else 1,
        at=timezone.now(),
        event=event,
        actor=actor,
        subject_type=subject_type,
        subject=subject,
        details=details,
        previous_hash=last[1] if last else GENESIS,
    )
    entry.hash = hash_of(entry)
    entry.save(force_insert=True)
    return entry


def hash_of(entry: Entry) -> str:
    """The hash that the entry must have: over everything it says and the hash before it."""
    return canonical.digest(
        {
            "sequence": entry.sequence,
            "at": _instant(entry.at),
            "event": entry.event,
            "actor": entry.actor,
            "subject_type": entry.subject_type,
            "subject": entry.subject,
            "details": entry.details,
            "previous_hash": entry.previous_hash,
        }
    )


def begin() -> str:
    """Make the signing key and the first entry where they are missing, and sign the head: from
    then on a chain without entries is a broken one. Returns the id of the key."""
    key = keys.ensure_key()
    if not Entry.objects.exists() and not Checkpoint.objects.exists():
        record_about("chain.begin", actor="", subject_type="signingkey", subject=key.key_id)
    checkpoint()
    return key.key_id


@transaction.atomic
def checkpoint() -> Checkpoint | None:
    """Sign the head of the chain, unless it is signed already."""
    last = Entry.objects.order_by("-sequence").first()
    if last is None:
        return None
    if existing := Checkpoint.objects.filter(sequence=last.sequence).first():
        return existing
    at = timezone.now()
    key_id, signature = keys.sign(_statement(last.sequence, last.hash, at))
    return Checkpoint.objects.create(
        sequence=last.sequence, hash=last.hash, at=at, key_id=key_id, signature=signature
    )


@dataclass(frozen=True)
class Verification:
    """What `verify` found. `problems` is empty when the chain is whole."""

    entries: int
    checkpoints: int
    head: str
    problems: list[str]


def verify() -> Verification:
    """Recompute every hash and check every signature. Memory does not grow with the chain."""
    problems: list[str] = []
    entries = checkpoints = 0
    signed = _checkpoints()
    due = next(signed, None)
    previous, expected = GENESIS, 1
    for entry in Entry.objects.order_by("sequence").iterator(chunk_size=2000):
        if entry.sequence != expected:
            problems.append(f"Entry {expected} is missing.")
        if entry.previous_hash != previous:
            problems.append(f"Entry {entry.sequence} does not follow the entry before it.")
        if hash_of(entry) != entry.hash:
            problems.append(f"Entry {entry.sequence} was changed after it was written.")
        while due is not None and due.sequence <= entry.sequence:
            checkpoints += 1
            problems += _checkpoint_problems(due, entry)
            due = next(signed, None)
        previous, expected = entry.hash, entry.sequence + 1
        entries += 1
    if not entries and SigningKey.objects.exists():
        problems.append("The chain is empty, although this registry has signed: it was removed.")
    if due is not None:
        problems.append(f"The chain ends before its checkpoint at entry {due.sequence}.")
    return Verification(entries, checkpoints, previous, problems)


def _checkpoints() -> Iterator[Checkpoint]:
    return iter(Checkpoint.objects.order_by("sequence").iterator(chunk_size=500))


def _checkpoint_problems(due: Checkpoint, entry: Entry) -> list[str]:
    if due.sequence != entry.sequence or due.hash != entry.hash:
        return [f"The checkpoint at entry {due.sequence} was made over another chain."]
    statement = _statement(due.sequence, due.hash, due.at)
    if not keys.is_signed(statement, key_id=due.key_id, signature=bytes(due.signature)):
        return [f"The signature of the checkpoint at entry {due.sequence} is not ours."]
    return []


def _statement(sequence: int, head: str, at: datetime) -> bytes:
    return canonical.encode(
        {
            "type": "registry.audit.checkpoint/1",
            "sequence": sequence,
            "hash": head,
            "at": _instant(at),
        }
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
