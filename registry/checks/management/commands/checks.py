"""`manage.py checks profile REPO PROFILE`: how much is asked of a repository. Prints the profile."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.catalog.models import Repository
from registry.checks import profiles
from registry.checks.models import Profile
from registry.errors import RegistryError


class Command(BaseCommand):
    help = "Choose how much the checks ask of a repository."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        profile = steps.add_parser("profile", help="choose the profile of a repository")
        profile.add_argument("repository", help="its id, as namespace/name")
        profile.add_argument(
            "profile",
            choices=Profile.values,
            help="structural leaves out how well the model writes, for test fixtures; pages and "
            "reports say so",
        )

    def handle(self, *args: Any, repository: str, profile: str, **options: Any) -> None:
        namespace, _, name = repository.partition("/")
        found = Repository.objects.filter(
            namespace__name__iexact=namespace, name__iexact=name, deleted_at=None
        ).first()
        if found is None:
            raise CommandError(f"There is no repository {repository!r}.")
        try:
            profiles.assign_at_the_machine(found, profile)
        except RegistryError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"Checks of {repository} queued from now on are {profile}.")
        self.stdout.write(profile)
