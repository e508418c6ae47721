"""`manage.py up`: run a whole instance in one data folder, under one supervisor."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.instance.launch import up
from registry.instance.parts import Address
from registry.instance.processes import InstanceError


class Command(BaseCommand):
    help = "Run the registry: database, broker, web, workers and scheduler, until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data", type=Path, default=settings.DATA_DIR, help="the instance's folder"
        )
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
        parser.add_argument(
            "--demo", action="store_true", help="make demo people, and print their passwords once"
        )

    def handle(
        self, *args: Any, data: Path, port: int, host: str, demo: bool, **options: Any
    ) -> None:
        if not 0 < port < 65536:
            raise CommandError(f"{port} is not a port; choose one from 1 to 65535.")
        try:
            code = up(data=data.absolute(), address=Address(host, port), with_demo_people=demo)
        except InstanceError as error:
            raise CommandError(str(error)) from error
        sys.exit(code)
