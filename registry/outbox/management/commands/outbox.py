"""`manage.py outbox list | retry`: what could not be sent, and sending it again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.outbox import messages
from registry.outbox.models import Message, State


class Command(BaseCommand):
    help = "Show the mails and webhook deliveries that wait or were given up, and start over."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("list", help="print how many wait, and each that was given up")
        retry = steps.add_parser("retry", help="send what was given up again")
        retry.add_argument("id", help="its id as `list` prints it, or `all`")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        if step == "list":
            self._list()
        else:
            self._retry(options["id"])

    def _list(self) -> None:
        waiting = Message.objects.filter(state=State.WAITING)
        self.stdout.write(f"waiting {waiting.count()}, failed so far {_failing(waiting)}")
        for message in messages.given_up():
            last = message.tried_at or message.created_at
            self.stdout.write(
                f"{message.public_id} {message.kind} {message.attempt} attempts, "
                f"the last {last:%Y-%m-%d %H:%M} UTC: {message.note or message.status}"
            )

    def _retry(self, wanted: str) -> None:
        found = messages.given_up()
        chosen = list(found if wanted == "all" else found.filter(public_id=wanted))
        if not chosen and wanted != "all":
            raise CommandError(f"Nothing with the id {wanted!r} was given up.")
        for message in chosen:
            messages.send_again(message)
        self.stdout.write(f"{len(chosen)} sent again")


def _failing(waiting: Any) -> int:
    return int(waiting.exclude(note="").count())
