"""`manage.py storage collect`: remove bytes that nothing needs, and say what lies wrongly."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.catalog.quotas import shown
from registry.errors import RegistryError
from registry.releases import collection
from registry.releases.collection import Amount, Report


class Command(BaseCommand):
    help = "Collect bytes that no branch, release or open upload needs. Fails where some are lost."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        collect = steps.add_parser("collect", help="mark what nothing needs, remove what is due")
        collect.add_argument("--dry-run", action="store_true", help="say it, and do nothing")
        collect.add_argument(
            "--grace",
            type=float,
            metavar="HOURS",
            default=settings.COLLECT_GRACE_HOURS,
            help="how long nothing must have needed what goes (default: %(default)s)",
        )
        collect.add_argument("--verify", action="store_true", help="read and hash all bytes too")
        collect.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["grace"] < 0:
            raise CommandError("--grace is a number of hours, and not negative.")
        try:
            report = collection.collect(
                grace=timedelta(hours=options["grace"]), dry_run=options["dry_run"]
            )
            collection.look_at_files(report, read=options["verify"])
        except RegistryError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        else:
            self.stdout.write("\n".join(_lines(report)))
        if report.lost or report.damaged:
            raise CommandError(
                f"{len(report.lost)} lost and {len(report.damaged)} damaged: restore them from a "
                "backup, or have their files sent again."
            )


def _lines(report: Report) -> list[str]:
    would = "would be " if report.dry_run else ""
    lines = [
        _line(report.marked, "not needed since now"),
        _line(report.waiting, f"not needed for less than {report.grace_hours:g} hours, kept"),
        _line(report.given_up, f"{would}given up by their repositories"),
        _line(report.removed, f"{would}removed"),
        _line(report.strays, f"{would}removed that no row knows of"),
    ]
    lines += [f"lost: {sha256}" for sha256 in report.lost]
    return lines + [f"damaged: {sha256}" for sha256 in report.damaged]


def _line(amount: Amount, what: str) -> str:
    return f"{amount.files:8} files {shown(amount.bytes):>14}  {what}"
