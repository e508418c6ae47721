"""`manage.py receipt`: verify a receipt file, show a receipt, and make those that are missing."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.agreements import receipts
from registry.agreements.models import Receipt
from registry.agreements.receipts import Verified
from registry.errors import RegistryError


class Command(BaseCommand):
    help = "Verify, show or make signed receipts of acceptances."
    # So that a receipt can be verified where there is no database
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        verify = steps.add_parser("verify", help="say whether a receipt file is genuine")
        verify.add_argument("file", type=Path)
        verify.add_argument(
            "--key",
            default="",
            help="the public key in hex, or a file with it; without it, the keys of this registry",
        )
        show = steps.add_parser("show", help="print the holder's copy of a receipt")
        show.add_argument("id")
        steps.add_parser("issue", help="make the receipts of acceptances that have none")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        if step == "verify":
            self._verify(options["file"], options["key"])
        elif step == "show":
            self._show(options["id"])
        else:
            self._issue()

    def _verify(self, file: Path, key: str) -> None:
        try:
            with file.open("rb") as opened:
                raw = opened.read(receipts.LARGEST + 1)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        try:
            found = receipts.verify(raw, [_key(key)] if key else receipts.public_keys())
        except RegistryError as refusal:
            raise CommandError(f"NOT VALID. {refusal}") from refusal
        self.stdout.write(f"VALID. Receipt {found.body['id']} is signed by {found.key_id}.")
        for line in _lines(found):
            self.stdout.write(line)

    def _show(self, receipt_id: str) -> None:
        receipt = Receipt.objects.filter(public_id=receipt_id).first()
        if receipt is None:
            raise CommandError(f"There is no receipt {receipt_id[:64]!r}.")
        self.stdout.write(receipts.file_of(receipt).decode(), ending="")

    def _issue(self) -> None:
        made = 0
        for acceptance in receipts.without().iterator(chunk_size=500):
            receipts.issue(acceptance)
            made += 1
        self.stderr.write(f"{made} receipts were made; every acceptance has one.")


def _key(given: str) -> bytes:
    """A public key as hex, or a file that holds it so."""
    try:
        text = given if len(given) == 64 and not Path(given).is_file() else Path(given).read_text()
        key = bytes.fromhex(text.strip())
    except (OSError, ValueError) as error:
        raise CommandError("The key is 64 hex digits, or a file that holds them.") from error
    if len(key) != 32:
        raise CommandError("The key is 64 hex digits, or a file that holds them.")
    return key


def _lines(found: Verified) -> list[str]:
    """Who accepted what when, as the receipt says it."""
    body, words = found.body, found.words
    release, party = body["release"], body["party"]
    who = f"person {body.get('signatory', party)['id']}"
    if words is not None:
        who = f"{words['typed_name']} ({words['name']}, {words['address']}; {who})"
    if party["kind"] == "organisation":
        who = f"{party['name']} (organisation {party['id']}), signed by {who}"
    return [
        f"who      {who}",
        f"model    {body['repository']['name']} {release['version']}".rstrip(),
        *(
            f"accepted {item['title']}, version {item['version']}, sha256 {item['sha256']}"
            + ("" if item["text"] else f" (our summary; the text is at {item['official_url']})")
            for item in body["documents"]
        ),
        f"terms    {body['terms_hash']}",
        f"when     {body['accepted_at']}; receipt made {body['issued_at']}",
    ]
