"""`manage.py backup DIR`: a backup of the running instance, in a new folder. Prints the folder."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.instance import backups
from registry.instance.processes import InstanceError


class Command(BaseCommand):
    help = "Write database, keys and blobs of the running instance to a new folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            made = backups.back_up(folder.absolute(), tell=self.stderr.write)
        except InstanceError as error:
            raise CommandError(str(error)) from error
        how = "verified" if settings.STORAGE == "local" else "found in the bucket"
        self.stderr.write(f"{made.blobs} blobs with {made.bytes} bytes, each {how}.")
        self.stdout.write(str(made.folder))
