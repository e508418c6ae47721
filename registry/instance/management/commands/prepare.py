"""`manage.py prepare`: bring tables, key, facts and static files up to date; `up` runs it."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from registry.audit import access, log
from registry.instance.demo import people


class Command(BaseCommand):
    help = "Bring the database, the signing key, the known facts and the static files up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="make demo people as well")

    def handle(self, *args: Any, demo: bool, **options: Any) -> None:
        for folder in (settings.BLOB_DIR, settings.EMAIL_FILE_PATH):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        self.stderr.write("The database is up to date.")
        access.ensure_partitions(timezone.now().date())
        self.stderr.write(f"Statements are signed with the key {log.begin()}.")
        call_command("load_facts", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        if demo:
            self._demo_people()

    def _demo_people(self) -> None:
        passwords = people.create_missing()
        if passwords:
            self.stderr.write("Demo people, with passwords that are shown this once:")
        for name, password in passwords.items():
            self.stderr.write(f"    {name:<12} {password}")
