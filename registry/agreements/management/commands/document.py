"""`manage.py document`: load the text of a license or policy, list what is known, show one."""

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.agreements import documents
from registry.agreements.models import Document
from registry.errors import RegistryError


class Command(BaseCommand):
    help = "Load the exact text of a license or policy, list documents, or show one."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        add = steps.add_parser("add", help="load a text; prints its SHA-256")
        add.add_argument("--license", required=True, help="id of the license or policy")
        add.add_argument("--version", dest="label", required=True, help="its version, as 3.1")
        add.add_argument("--file", required=True, type=Path, help="the text, UTF-8")
        add.add_argument("--effective", default="", help="date it takes effect, as 2024-07-23")
        steps.add_parser("list", help="every document: id, kind, version in force, its SHA-256")
        show = steps.add_parser("show", help="one document with its versions")
        show.add_argument("license", help="id of the license or policy")

    def handle(self, *args: Any, **options: Any) -> None:
        {"add": self._add, "list": self._list, "show": self._show}[options["step"]](options)

    def _add(self, options: dict[str, Any]) -> None:
        try:
            made = documents.add_text(
                slug=options["license"].replace(".", "-"),
                version=options["label"],
                text=options["file"].read_bytes(),
                effective_date=_date(options["effective"]),
            )
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from error
        except RegistryError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{made.document.title}, version {made.version}, is loaded.")
        self.stdout.write(made.sha256)

    def _list(self, options: dict[str, Any]) -> None:
        for document in Document.objects.select_related("stands_for").order_by("slug"):
            version = documents.in_force(document)
            held = "text" if version is not None and version.has_text else "summary"
            if document.stands_for is not None:
                held = f"see {document.stands_for.slug}"
            label, sha256 = (version.version, version.sha256) if version else ("-", "-")
            self.stdout.write("\t".join([document.slug, document.kind, label, held, sha256]))

    def _show(self, options: dict[str, Any]) -> None:
        slug = options["license"].replace(".", "-")
        document = Document.objects.select_related("stands_for", "policy").filter(slug=slug).first()
        if document is None:
            raise CommandError(f"There is no license or policy {slug!r}.")
        lines = {
            "title": document.title,
            "kind": document.get_kind_display(),
            "publisher": document.publisher,
            "official link": document.official_url,
            "tags": ", ".join(document.hub_tags),
            "names": ", ".join(document.license_names),
            "policy": document.policy.slug if document.policy else "",
            "stands for": document.stands_for.slug if document.stands_for else "",
            "acceptance": "needed" if document.needs_acceptance else "not needed",
        }
        for name, value in lines.items():
            if value:
                self.stdout.write(f"{name}: {value}")
        in_force = documents.in_force(document)
        for version in document.versions.order_by("pk"):
            held = "text" if version.has_text else "summary"
            dated = f"from {version.effective_date}" if version.effective_date else "when loaded"
            mark = "*" if version == in_force else " "
            self.stdout.write(f"{mark} {version.version}\t{held}\t{dated}\t{version.sha256}")


def _date(given: str) -> date | None:
    return documents.date_in(given) if given else None
