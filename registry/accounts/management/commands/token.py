"""`manage.py token add`: an access token for somebody. Prints it, this once."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from registry.accounts import tokens
from registry.accounts.models import Scope, User
from registry.errors import RegistryError

MAX_DAYS = 3660


class Command(BaseCommand):
    help = "Make an access token for a person or a service account."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        add = steps.add_parser("add", help="make a token, and print it")
        add.add_argument("name", help="whose token it is")
        add.add_argument("--scope", choices=Scope.values, required=True)
        add.add_argument("--label", default="made by the operator", help="what the token is for")
        add.add_argument(
            "--days", type=int, help="how long it lasts; without it, until it is revoked"
        )

    def handle(
        self, *args: Any, name: str, scope: str, label: str, days: int | None, **options: Any
    ) -> None:
        user = User.objects.filter(username__iexact=name, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no open account named {name!r}.")
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise CommandError(f"A token lasts 1 to {MAX_DAYS} days, or, without --days, for good.")
        try:
            until = None if days is None else timezone.now() + timedelta(days=days)
            _, secret = tokens.issue(user=user, name=label, scope=scope, expires_at=until)
        except RegistryError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"A token of {user.username} with the scope {scope}; shown this once.")
        self.stdout.write(secret)
