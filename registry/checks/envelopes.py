"""Signed statements about a report: in-toto Statement v1 in a DSSE envelope, made and verified.

Knows no database: whoever has the public key verifies offline.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from registry.audit import canonical
from registry.checks.findings import ModelFile, show
from registry.errors import Invalid

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:registry:check-report:1"
LARGEST = 16 * 1024 * 1024
CHANGED = "This is no statement as a registry gives it out, or it was changed"

Signer = Callable[[bytes], tuple[str, bytes]]


def statement(
    files: Iterable[tuple[str, str]],
    report: dict[str, Any],
    *,
    repository: dict[str, str],
    run: str,
    finished: str | None,
) -> dict[str, Any]:
    """What is signed of a report: which files by name and SHA-256, the verdict, the report's digest,
    and where it came about."""
    severities = [finding["severity"] for finding in report["findings"]]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": path, "digest": {"sha256": sha256}} for path, sha256 in files],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "repository": repository,
            "revision": report["revision"],
            "manifest": report.get("manifest"),
            "run": run,
            "profile": report["profile"],
            "catalogue": report["catalogue"],
            "verdict": report["verdict"],
            "findings": {name: severities.count(name) for name in ("block", "warn", "info")},
            "report": {"digest": {"sha256": canonical.digest(report)}},
            "environment": {
                "device": report["device"],
                "versions": report["versions"],
                "isolation": report["isolation"],
                "seed": report["metrics"].get("seed"),
                "probe": report["metrics"].get("probe"),
            },
            "started": report["started"],
            "finished": finished,
        },
    }


def seal(said: dict[str, Any], sign: Signer) -> dict[str, Any]:
    """The envelope around a statement."""
    payload = canonical.encode(said)
    key_id, signature = sign(before_signing(PAYLOAD_TYPE, payload))
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }


def before_signing(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def verify(raw: bytes, public_keys: Sequence[bytes]) -> dict[str, Any]:
    """The statement in an envelope, when one of these keys signed it; or the reason why not."""
    payload, signatures = _opened(raw)
    signed = before_signing(PAYLOAD_TYPE, payload)
    if not any(_fits(key, signature, signed) for key in public_keys for signature in signatures):
        raise Invalid("The signature does not fit: it is another key's, or the text was changed.")
    said = _json(payload)
    if said.get("_type") != STATEMENT_TYPE or said.get("predicateType") != PREDICATE_TYPE:
        raise Invalid(f"{CHANGED}: it is not about a report of checks.")
    if not _has_form(said):
        raise Invalid(f"{CHANGED}: its parts are not those of a report of checks.")
    return said


def differences(said: dict[str, Any], files: Sequence[ModelFile]) -> list[str]:
    """How these files differ from those that the statement is about, one sentence each."""
    signed = {subject["name"]: subject["digest"]["sha256"] for subject in said["subject"]}
    here = {file.path: file.sha256 for file in files}
    found = [f"{show(path)} is missing." for path in signed if path not in here]
    found += [f"{show(path)} was not checked." for path in here if path not in signed]
    return found + [
        f"{show(path)} has other bytes than were checked."
        for path, sha256 in signed.items()
        if here.get(path, sha256) != sha256
    ]


def differences_of_report(said: dict[str, Any], raw: bytes) -> list[str]:
    """Whether this is the report that was signed."""
    digest = said["predicate"]["report"]["digest"]["sha256"]
    try:
        if canonical.digest(_json(raw)) == digest:
            return []
    except ValueError as error:
        raise Invalid("The report holds texts or numbers that no report has.") from error
    return ["The report is not the one that was signed."]


def key_in(raw: bytes) -> bytes:
    """The public key in a file: 64 hex digits, as the page of keys shows it."""
    try:
        key = bytes.fromhex(raw.decode("ascii").strip())
    except ValueError as error:
        raise Invalid("A file with a public key holds its 64 hex digits.") from error
    if len(key) != 32:
        raise Invalid("A file with a public key holds its 64 hex digits.")
    return key


def key_id_of(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()[:24]


def lines(said: dict[str, Any]) -> Iterator[str]:
    """What a statement says, for a terminal."""
    predicate = said["predicate"]
    repository = predicate["repository"]
    device = predicate["environment"]["device"] or {}
    yield f"Signed: the verdict on {show(repository['name'])} was {show(predicate['verdict'])},"
    yield f"  revision {show(predicate['revision'])}, {len(said['subject'])} files,"
    yield f"  profile {show(predicate['profile'])}, catalogue {show(predicate['catalogue'])},"
    yield f"  finished {show(predicate['finished'])} on {show(device.get('kind', 'no device'))}."


def _opened(raw: bytes) -> tuple[bytes, list[bytes]]:
    if len(raw) > LARGEST:
        raise Invalid(f"{CHANGED}: it is larger than any statement.")
    envelope = _json(raw)
    try:
        kind, signatures = envelope["payloadType"], envelope["signatures"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        values = [base64.b64decode(signature["sig"], validate=True) for signature in signatures]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Invalid(f"{CHANGED}: it is not a DSSE envelope.") from error
    if kind != PAYLOAD_TYPE:
        raise Invalid(f"{CHANGED}: it does not hold an in-toto statement.")
    return payload, values


def _has_form(said: dict[str, Any]) -> bool:
    """Whether everything that is read of a statement is there, and no file is named twice."""
    match said:
        case {
            "subject": list(subjects),
            "predicate": {
                "repository": {"name": str()},
                "report": {"digest": {"sha256": str()}},
                "environment": {"device": dict() | None},
                "verdict": str(),
                "revision": _,
                "profile": _,
                "catalogue": _,
                "finished": _,
            },
        }:
            names = [name for subject in subjects for name in _names(subject)]
            return len(names) == len(set(names)) == len(subjects)
    return False


def _names(subject: Any) -> list[str]:
    match subject:
        case {"name": str(name), "digest": {"sha256": str()}}:
            return [name]
    return []


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values under one key each reader takes another."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key appears twice")
    return value


def _json(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{CHANGED}: it is not JSON.") from error
    if not isinstance(value, dict):
        raise Invalid(f"{CHANGED}: it is not a JSON object.")
    return value


def _fits(key: bytes, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except InvalidSignature:
        return False
    return True
