"""The registry's signing keys: private halves as 0600 files in the instance's `keys` folder."""

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from registry.audit.models import SigningKey
from registry.errors import NotNow


def ensure_key() -> SigningKey:
    """The key in use; made at first start. Refuses when the database names one whose file is gone.

    Takes no lock: those who sign within an act hold others already, in another order each.
    """
    key = SigningKey.objects.filter(retired_at=None).first() or _make_key()
    if not _path(key.key_id).exists():
        raise NotNow(
            f"The signing key {key.key_id} is named in the database, but its file is not in "
            f"{settings.KEY_DIR}. Restore the folder from a backup."
        )
    return key


def sign(payload: bytes) -> tuple[str, bytes]:
    """The id of the key in use, and its Ed25519 signature (64 bytes) over the payload."""
    key = ensure_key()
    private = Ed25519PrivateKey.from_private_bytes(_path(key.key_id).read_bytes())
    return key.key_id, private.sign(payload)


def is_signed(payload: bytes, *, key_id: str, signature: bytes) -> bool:
    """Whether the signature under the payload was made with that key of ours, old ones included."""
    key = SigningKey.objects.filter(key_id=key_id).first()
    if key is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(bytes(key.public_key)).verify(signature, payload)
    except InvalidSignature:
        return False
    return True


def _make_key() -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    key_id = hashlib.sha256(public).hexdigest()[:24]
    raw = private.private_bytes(
        serialization.Encoding.Raw,
        serialization.PrivateFormat.Raw,
        serialization.NoEncryption(),
    )
    settings.KEY_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(_path(key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    try:
        with transaction.atomic():
            return SigningKey.objects.create(
                key_id=key_id, public_key=public, created_at=timezone.now()
            )
    except IntegrityError:
        # Somebody else made the first key at the same moment
        _path(key_id).unlink()
        return SigningKey.objects.get(retired_at=None)


def _path(key_id: str) -> Path:
    return Path(settings.KEY_DIR) / f"{key_id}.key"
