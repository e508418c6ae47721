"""`manage.py document add`: load the text of a license or policy, as an immutable version."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.agreements import documents
from registry.errors import RegistryError


class Command(BaseCommand):
    help = "Load the exact text of a license or policy; prints its SHA-256."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        add = steps.add_parser("add", help="load a text")
        add.add_argument("--license", required=True, help="id of the license or policy")
        add.add_argument("--version", dest="label", required=True, help="its version, as 3.1")
        add.add_argument("--file", required=True, type=Path, help="the text, UTF-8")
        add.add_argument("--effective", type=date.fromisoformat, help="date it takes effect")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = documents.add_text(
                slug=options["license"].replace(".", "-"),
                version=options["label"],
                text=options["file"].read_bytes(),
                effective_date=options["effective"],
            )
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from error
        except RegistryError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{made.document.title}, version {made.version}, is loaded.")
        self.stdout.write(made.sha256)
