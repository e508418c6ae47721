"""`manage.py worker …`: run workers on this machine, and see, drain or forget machines.

Lists go to the standard output, a machine a line; what was done is said on the standard error.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from registry.checks import hosts, operations
from registry.checks.models import Host, Queue
from registry.errors import RegistryError
from registry.instance import workers
from registry.instance.processes import InstanceError


class Command(BaseCommand):
    help = "Run workers of the checks on this machine, and see, drain or forget machines."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        start = steps.add_parser(
            "start", help="run workers until Ctrl-C; needs database, broker and storage alone"
        )
        start.add_argument(
            "--queues",
            help=f"some of {', '.join(Queue.values)}, each with a number of processes if you like: "
            "scan=2,smoke.gpu (default: scan, and smoke.gpu where there are GPUs, else smoke.cpu)",
        )
        steps.add_parser("list", help="show the machines")
        for step, words in (
            ("drain", "have a machine end what it has and take nothing new"),
            ("resume", "have a drained machine take jobs again"),
            ("forget", "remove a machine that is gone for good"),
        ):
            steps.add_parser(step, help=words).add_argument(
                "name", help="as `worker list` shows it"
            )

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        try:
            if step == "start":
                self._start(options["queues"])
            elif step == "list":
                self._list()
            else:
                self._change(step, self._host(options["name"]))
        except (RegistryError, InstanceError) as error:
            raise CommandError(str(error)) from error

    def _start(self, wanted: str | None) -> None:
        queues = workers.queues_of(wanted) if wanted else workers.queues_here()
        if code := workers.run(queues):
            raise SystemExit(code)

    def _list(self) -> None:
        now = timezone.now()
        states = operations.host_states(now=now)
        if not states:
            self.stderr.write("No machine was ever heard of.")
        for state in states:
            host = state.host
            condition = "draining" if host.is_draining else "up"
            if not state.is_alive:
                condition = "gone"
            served = ",".join(f"{one.queue}={one.slots}" for one in state.services) or "-"
            devices = ",".join(
                one.id if one.healthy else f"{one.id}(not well)" for one in state.devices
            )
            self.stdout.write(
                f"{host.name}\t{condition}\t{served}\t{state.running} running\t{devices or '-'}\t"
                f"seen {host.seen_at.isoformat(timespec='seconds')}"
            )

    def _change(self, step: str, host: Host) -> None:
        if step == "forget":
            hosts.forget(host)
            self.stderr.write(f"{host.name} is forgotten.")
            return
        hosts.set_draining_at_the_machine(host, draining=step == "drain")
        ends = "takes no new jobs, and ends those it has" if step == "drain" else "takes jobs again"
        self.stderr.write(f"{host.name} {ends}.")

    def _host(self, name: str) -> Host:
        host = Host.objects.filter(name=name).first()
        if host is None:
            raise CommandError(f"No machine is called {name!r}; `worker list` shows them.")
        return host
