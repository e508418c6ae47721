"""`manage.py restore DIR`: an instance from a backup, in an empty data folder. Prints that folder."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.instance import backups
from registry.instance.processes import InstanceError


class Command(BaseCommand):
    help = "Make an instance from a backup, in the empty folder that REGISTRY_DATA_DIR names."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            made = backups.restore(
                folder.absolute(), data=settings.DATA_DIR, tell=self.stderr.write
            )
        except InstanceError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(
            f"{made.blobs} blobs with {made.bytes} bytes and the audit log are verified. "
            f"Start it with: .venv/bin/python manage.py up --data {made.folder}"
        )
        self.stdout.write(str(made.folder))
