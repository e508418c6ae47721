"""`manage.py demo`: carry a real model through the whole main job, and say what was answered."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.instance.processes import InstanceError


class Command(BaseCommand):
    help = "Carry a real model from upload to download, on a running instance or one of its own."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data", type=Path, default=settings.DATA_DIR, help="the instance's folder"
        )
        parser.add_argument(
            "--port", type=int, default=8000, help="where to start, if nothing runs there yet"
        )

    def handle(self, *args: Any, data: Path, port: int, **options: Any) -> None:
        # The client reads these when it is imported, and there is no other hub to ask or to tell
        os.environ |= {
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        from registry.instance.demo import stage

        try:
            stage.perform(data=data.absolute(), port=port, tell=self._tell)
        except InstanceError as error:
            raise CommandError(str(error)) from error

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
