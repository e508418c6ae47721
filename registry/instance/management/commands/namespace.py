"""`manage.py namespace add | member | policy | quota | show`: organisations, their people, how they
release, and how much they may hold."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.accounts import people, plain_hub
from registry.accounts.models import Namespace, Role, User
from registry.catalog import quotas
from registry.errors import RegistryError
from registry.releases import policies


class Command(BaseCommand):
    help = "Make an organisation, give people roles in it, and set its policy and its quota."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        add = steps.add_parser("add", help="make an organisation, and print its public id")
        add.add_argument("name")
        add.add_argument("--owner", required=True, help="the person who becomes its admin")
        add.add_argument("--full-name", default="")
        member = steps.add_parser("member", help="give a person a role, and print the role")
        member.add_argument("name")
        member.add_argument("--user", required=True)
        member.add_argument("--role", required=True, choices=Role.values)
        policy = steps.add_parser(
            "policy", help="how releases are approved, or that nothing waits for one; prints it"
        )
        policy.add_argument("name")
        what = policy.add_mutually_exclusive_group(required=True)
        what.add_argument("--approvals", type=int, help="how many approvals a release needs")
        what.add_argument(
            "--publish-on-commit",
            action="store_true",
            help="make it a plain hub: no quarantine and no review, for scratch areas",
        )
        policy.add_argument(
            "--off", action="store_true", help="with --publish-on-commit: end that at once"
        )

        quota = steps.add_parser("quota", help="bound the bytes that it may hold, and print them")
        quota.add_argument("name")
        quota.add_argument("amount", help="500GiB, 1.5TiB, bytes, none, or default for the site's")
        show = steps.add_parser("show", help="print what it is and what it holds")
        show.add_argument("name")

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        steps: dict[str, Callable[..., str]] = {
            "add": self._add,
            "member": self._member,
            "policy": self._policy,
            "quota": self._quota,
            "show": self._show,
        }
        try:
            self.stdout.write(steps[step](**options))
        except RegistryError as error:
            raise CommandError(str(error)) from error

    def _add(self, *, name: str, owner: str, full_name: str, **options: Any) -> str:
        person = _person(owner)
        made = people.create_organisation(name=name, owner=person, full_name=full_name)
        self.stderr.write(f"{made.name} is an organisation, and {person.username} its admin.")
        return made.public_id

    def _member(self, *, name: str, user: str, role: str, **options: Any) -> str:
        namespace, person = _namespace(name), _person(user)
        people.set_role(namespace=namespace, user=person, role=role, by="")
        self.stderr.write(f"{person.username} has the role {role} in {namespace.name}.")
        return role

    def _policy(self, *, name: str, approvals: int | None, off: bool, **options: Any) -> str:
        if approvals is None:
            return self._publish_on_commit(_namespace(name), on=not off)
        if off:
            raise CommandError("--off belongs to --publish-on-commit.")
        policy = policies.set_approvals(_namespace(name), approvals, by="")
        self.stderr.write(f"A release of {name} needs {policy.approvals} approvals.")
        return str(policy.approvals)

    def _quota(self, *, name: str, amount: str, **options: Any) -> str:
        bounds = {"default": None, "none": quotas.NO_BOUND}
        wanted = bounds[amount] if amount in bounds else quotas.bytes_in(amount)
        namespace = quotas.set_quota(_namespace(name), wanted, by="")
        found = quotas.usage(namespace)
        self.stderr.write(f"{namespace.name} holds {quotas.described(found)}.")
        return "none" if found.quota is None else str(found.quota)

    def _show(self, *, name: str, **options: Any) -> str:
        namespace = _namespace(name)
        found = quotas.usage(namespace)
        approvals = policies.approvals_needed(namespace.pk)
        lines = [
            f"{namespace.name} ({namespace.get_kind_display()}, {namespace.public_id})",
            f"holds {quotas.described(found)}",
            f"of it in open uploads: {quotas.shown(found.staged)}",
            f"approvals that a release needs: {approvals}",
        ]
        if namespace.publishes_on_commit:
            lines.append("publishes on commit, without review")
        return "\n".join(lines)

    def _publish_on_commit(self, namespace: Namespace, *, on: bool) -> str:
        plain_hub.switch(namespace, on=on)
        self.stderr.write(
            f"{namespace.name} publishes on commit: nothing there waits for checks or a review."
            if on
            else f"What was never released in {namespace.name} is in quarantine again."
        )
        return "publish-on-commit" if on else "releases"


def _person(name: str) -> User:
    person = User.objects.filter(username__iexact=name, is_active=True).first()
    if person is None:
        raise CommandError(f"There is no open account named {name!r}.")
    return person


def _namespace(name: str) -> Namespace:
    namespace = Namespace.objects.filter(name__iexact=name).first()
    if namespace is None:
        raise CommandError(f"There is no namespace named {name!r}.")
    return namespace
