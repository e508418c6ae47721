"""`manage.py user`: people, made by the operator, and what they are on the site. Each step prints
the person's public id."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.accounts import people
from registry.accounts.models import SiteRole, User
from registry.errors import RegistryError


class Command(BaseCommand):
    help = "Make an account for a person, or give somebody another role on the site."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        add = steps.add_parser("add", help="make an account, and print its public id")
        add.add_argument("name", help="what the person signs in with; also their namespace")
        who = add.add_mutually_exclusive_group(required=True)
        who.add_argument("--email")
        who.add_argument(
            "--service-account",
            action="store_true",
            help="an account for a program: it has tokens, and no password or site role",
        )
        add.add_argument("--full-name", default="")
        add.add_argument("--site-role", choices=[r.value for r in SiteRole if r], default="")
        add.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the standard input; without it, the person sets one "
            "through the mail that 'Forgot your password?' sends",
        )
        role = steps.add_parser("role", help="make somebody maintainer or steward, or neither")
        role.add_argument("name")
        role.add_argument("role", choices=[*(r.value for r in SiteRole if r), "none"])

    def handle(self, *args: Any, step: str, name: str, **options: Any) -> None:
        try:
            if step == "role":
                user = self._role(name, options["role"])
            else:
                make = self._service if options["service_account"] else self._person
                user = make(name, options)
        except RegistryError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(user.public_id)

    def _role(self, name: str, role: str) -> User:
        user = User.objects.filter(username__iexact=name).first()
        if user is None:
            raise CommandError(f"There is nobody called {name}.")
        user = people.set_site_role(user, SiteRole.NONE if role == "none" else role)
        self.stderr.write(
            f"{user.username} is now {user.site_role or 'without a role'} on this site."
        )
        return user

    def _service(self, name: str, options: dict[str, Any]) -> User:
        if options["site_role"] or options["password_stdin"]:
            raise CommandError("A service account has no site role and no password.")
        user = people.create_service_account(username=name, full_name=options["full_name"])
        self.stderr.write(f"Made the service account {name}; give it a token with `token add`.")
        return user

    def _person(self, name: str, options: dict[str, Any]) -> User:
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else None
        if password == "":
            raise CommandError("The standard input had no password in it.")
        user = people.create_person(
            username=name,
            email=options["email"],
            password=password,
            full_name=options["full_name"],
            site_role=options["site_role"],
        )
        self.stderr.write(f"{user.username} can sign in." if password else f"Made {name}.")
        return user
