"""`manage.py audit verify`: recompute the chain; `audit checkpoint`: sign its head."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.audit import log


class Command(BaseCommand):
    help = "Verify the chained log of governance acts, or sign its head."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("step", choices=["verify", "checkpoint"])

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        if step == "checkpoint":
            made = log.checkpoint()
            self.stdout.write(str(made.sequence) if made else "0")
            return
        result = log.verify()
        for problem in result.problems:
            self.stderr.write(problem)
        if result.problems:
            raise CommandError(f"The chain is broken in {len(result.problems)} places.")
        self.stderr.write(
            f"{result.entries} entries and {result.checkpoints} signed checkpoints are whole."
        )
        self.stdout.write(result.head)
