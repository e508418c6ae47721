"""`manage.py export KIND`: acceptances, requests, grants, endings or adherences, on the output."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.accounts.models import Namespace, NamespaceKind
from registry.agreements import exports
from registry.agreements.exports import Wanted
from registry.agreements.models import Document
from registry.catalog.models import Repository
from registry.errors import RegistryError


class Command(BaseCommand):
    help = "Write what was accepted, asked for, granted or ended, a line each. It is logged."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=list(exports.KINDS))
        parser.add_argument("--format", choices=exports.FORMATS, default="csv")
        parser.add_argument("--since", type=_day, help="a day or a time in UTC, inclusive")
        parser.add_argument("--until", type=_day, help="a day or a time in UTC, exclusive")
        parser.add_argument("--repository", default="", help="namespace/name")
        parser.add_argument("--organisation", default="")
        parser.add_argument("--license", default="", help="the license's id")
        parser.add_argument(
            "--personal", action="store_true", help="with names, addresses and what people wrote"
        )

    def handle(self, *args: Any, kind: str, **options: Any) -> None:
        wanted = Wanted(
            kind,
            format=options["format"],
            since=options["since"],
            until=options["until"],
            repository=_repository(options["repository"]),
            organisation=_organisation(options["organisation"]),
            license=_license(options["license"]),
            personal=options["personal"],
        )
        try:
            for text in exports.for_operator(wanted):
                self.stdout.write(text, ending="")
        except RegistryError as error:
            raise CommandError(str(error)) from error


def _day(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _repository(full_name: str) -> Repository | None:
    if not full_name:
        return None
    namespace, _, name = full_name.partition("/")
    named = Repository.objects.filter(namespace__name__iexact=namespace, name__iexact=name)
    found = named.filter(deleted_at=None).select_related("namespace").first()
    if found is None:
        raise CommandError(f"There is no repository {full_name!r}.")
    return found


def _organisation(name: str) -> Namespace | None:
    if not name:
        return None
    found = Namespace.objects.filter(kind=NamespaceKind.ORGANISATION, name__iexact=name).first()
    if found is None:
        raise CommandError(f"There is no organisation {name!r}.")
    return found


def _license(slug: str) -> Document | None:
    if not slug:
        return None
    found = Document.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no license {slug!r}.")
    return found
