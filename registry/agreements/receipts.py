"""Receipts: the registry's signed statement of an acceptance, and whether such a file is genuine."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from registry.agreements.models import Acceptance, AcceptanceWords, Receipt
from registry.audit import canonical, keys
from registry.audit.models import SigningKey
from registry.errors import Invalid

TYPE = "registry.receipt/1"
WORDS = ("salt", "typed_name", "name", "address", "country", "answers")
LARGEST = 4 * 1024 * 1024
CHANGED = "This is no receipt as a registry gives it out, or it was changed"


def issue(
    acceptance: Acceptance, *, release_version: str = "", now: datetime | None = None
) -> Receipt:
    """The receipt of an acceptance; made and signed where there is none yet."""
    if existing := Receipt.objects.filter(acceptance=acceptance).first():
        return existing
    made = Receipt(acceptance=acceptance, at=now or timezone.now())
    words = AcceptanceWords.objects.filter(acceptance=acceptance).first()
    made.body = _body(made, disclosed(words), release_version)
    made.key_id, made.signature = keys.sign(canonical.encode(made.body))
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        return Receipt.objects.get(acceptance=acceptance)
    return made


def without() -> QuerySet[Acceptance]:
    """The acceptances that have no receipt: those from before there were receipts."""
    return Acceptance.objects.filter(receipt=None).order_by("pk")


def disclosed(words: AcceptanceWords | None) -> dict[str, Any] | None:
    """The words of an acceptance as its holder's copy has them; None once they were erased."""
    if words is None or not words.salt:
        return None
    return {name: getattr(words, name) for name in WORDS}


def digest_of_person(words: dict[str, Any]) -> str:
    """By which a receipt names who accepted: all words but the answers, with the salt."""
    return canonical.digest({name: words[name] for name in WORDS if name != "answers"})


def digest_of_answers(words: dict[str, Any]) -> str:
    return canonical.digest({"salt": words["salt"], "answers": words["answers"]})


def for_holder(receipt: Receipt) -> dict[str, Any]:
    """What the holder downloads: what was signed, the signature, and the words while they stand."""
    file: dict[str, Any] = {
        "receipt": receipt.body,
        "signature": {
            "algorithm": "ed25519",
            "key_id": receipt.key_id,
            "value": bytes(receipt.signature).hex(),
        },
    }
    words = disclosed(AcceptanceWords.objects.filter(acceptance=receipt.acceptance_id).first())
    return file if words is None else file | {"disclosed": words}


def file_of(receipt: Receipt) -> bytes:
    """The holder's copy, byte for byte."""
    return canonical.encode(for_holder(receipt))


@dataclass(frozen=True)
class Verified:
    """A genuine receipt. `words` is None in a copy that does not disclose them."""

    body: dict[str, Any]
    words: dict[str, Any] | None
    key_id: str


def verify(raw: bytes, public_keys: Iterable[bytes]) -> Verified:
    """What a receipt file says, when every byte of it is as a holder of one of these keys gave it
    out; or the reason why not. Asks no database."""
    file = _read(raw)
    body, signature, words = file["receipt"], file["signature"], file.get("disclosed")
    by_id = {key_id_of(key): key for key in public_keys}
    if not isinstance(body, dict) or body.get("type") != TYPE:
        raise Invalid(f"{CHANGED}: it does not say that it is a {TYPE}.")
    value = _signature(signature, by_id)
    try:
        key = Ed25519PublicKey.from_public_bytes(by_id[signature["key_id"]])
        key.verify(value, canonical.encode(body))
    except (InvalidSignature, ValueError) as error:
        raise Invalid("The signature does not fit: the receipt was changed.") from error
    if "disclosed" in file:
        _check_words(body, words)
    return Verified(body, words, signature["key_id"])


def key_id_of(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:24]


def public_keys() -> list[bytes]:
    """All keys that this registry ever signed with."""
    found = SigningKey.objects.order_by("pk").values_list("public_key", flat=True)
    return [bytes(key) for key in found]


def _body(receipt: Receipt, words: dict[str, Any] | None, release_version: str) -> dict[str, Any]:
    acceptance = receipt.acceptance
    repository, organisation = acceptance.repository, acceptance.organisation
    person = {
        "id": acceptance.user.public_id,
        "digest": digest_of_person(words) if words else "",
    }
    body: dict[str, Any] = {
        "type": TYPE,
        "id": receipt.public_id,
        "acceptance": acceptance.public_id,
        "capacity": str(acceptance.capacity),
        "party": {"kind": "person", **person},
        "repository": {"id": repository.public_id, "name": repository.full_name},
        "release": {"version": release_version, "digest": acceptance.release_digest},
        "terms_hash": acceptance.terms_hash,
        "documents": [_document(item) for item in acceptance.terms["documents"]],
        "attested": acceptance.attested,
        "answers_digest": digest_of_answers(words) if words else "",
        "accepted_at": _instant(acceptance.accepted_at),
        "issued_at": _instant(receipt.at),
    }
    if organisation is not None:
        body["signatory"] = person
        body["party"] = {
            "kind": "organisation",
            "id": organisation.public_id,
            "name": organisation.name,
        }
    return body


def _document(item: dict[str, Any]) -> dict[str, Any]:
    names = ("slug", "kind", "title", "version", "sha256", "text", "official_url")
    return {name: item[name] for name in names}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _read(raw: bytes) -> dict[str, Any]:
    """The file as JSON, when these are the only bytes that can say what it says."""
    if len(raw) > LARGEST:
        raise Invalid(f"{CHANGED}: it is larger than any receipt.")
    try:
        file = json.loads(raw.decode())
        is_whole = canonical.encode(file) == raw
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{CHANGED}: it cannot be read as canonical JSON.") from error
    if not is_whole:
        raise Invalid(f"{CHANGED}: its bytes are not canonical JSON.")
    names = set(file) if isinstance(file, dict) else set()
    if names - {"disclosed"} != {"receipt", "signature"}:
        raise Invalid(f"{CHANGED}: it has other parts than a receipt and its signature.")
    return file


def _signature(signature: Any, by_id: dict[str, bytes]) -> bytes:
    """The bytes of the signature, when it says that a key that we know made it."""
    is_whole = isinstance(signature, dict) and set(signature) == {"algorithm", "key_id", "value"}
    if not is_whole or signature["algorithm"] != "ed25519":
        raise Invalid(f"{CHANGED}: its signature is not of the kind ed25519.")
    if not isinstance(signature["key_id"], str) or signature["key_id"] not in by_id:
        raise Invalid(f"It is signed with another key: {str(signature['key_id'])[:64]}.")
    try:
        value = bytes.fromhex(str(signature["value"]))
    except ValueError as error:
        raise Invalid(f"{CHANGED}: its signature is not written in hex.") from error
    if value.hex() != signature["value"] or len(value) != 64:
        raise Invalid(f"{CHANGED}: its signature is not 64 bytes in hex.")
    return value


def _check_words(body: dict[str, Any], words: Any) -> None:
    """Raise unless the digests in the receipt are those of the words that come with it."""
    if not isinstance(words, dict) or set(words) != set(WORDS):
        raise Invalid(f"{CHANGED}: what it discloses is not what a receipt discloses.")
    person = body.get("signatory") or body["party"]
    if digest_of_person(words) != person["digest"]:
        raise Invalid("The disclosed name, address or country is not the one that was signed.")
    if digest_of_answers(words) != body["answers_digest"]:
        raise Invalid("The disclosed answers are not those that were signed.")
