"""`manage.py namespace add`: an organisation with its first admin. Prints its public id."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.accounts import people
from registry.accounts.models import User
from registry.errors import RegistryError


class Command(BaseCommand):
    help = "Make an organisation."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        add = steps.add_parser("add", help="make an organisation, and print its public id")
        add.add_argument("name")
        add.add_argument("--owner", required=True, help="the person who becomes its admin")
        add.add_argument("--full-name", default="")

    def handle(self, *args: Any, name: str, owner: str, full_name: str, **options: Any) -> None:
        person = User.objects.filter(username__iexact=owner, is_active=True).first()
        if person is None:
            raise CommandError(f"There is no open account named {owner!r}.")
        try:
            made = people.create_organisation(name=name, owner=person, full_name=full_name)
        except RegistryError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{made.name} is an organisation, and {person.username} its admin.")
        self.stdout.write(made.public_id)
