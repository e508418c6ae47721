"""`manage.py namespace`: an organisation, its people and its policy, as an operator types them."""

import io

import pytest
from django.core.management import CommandError, call_command

from registry.accounts.models import Membership
from registry.audit.models import Entry
from registry.releases import workflow
from registry.releases.models import Status
from tests import factories

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("namespace", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def test_a_member_gets_the_role_that_replaces_an_earlier_one():
    organisation = factories.make_organisation("lab")
    ada = factories.make_user("ada")

    printed = [run("member", "lab", "--user", "ada", "--role", role) for role in ("read", "write")]

    assert printed == ["read", "write"]
    assert Membership.objects.get(user=ada, namespace=organisation).role == "write"
    assert Entry.objects.filter(event="member.set-role").count() == 2


def test_a_namespace_that_asks_for_two_approvals_gets_them():
    release = factories.make_release()
    run("policy", release.repository.namespace.name, "--approvals", "2")

    first, second = (factories.as_caller(factories.make_maintainer()) for _ in range(2))
    assert workflow.transition("approve", release, by=first).status == Status.IN_REVIEW
    assert workflow.transition("approve", release, by=second).status == Status.RELEASED


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("policy", "lab", "--approvals", "0"), "at least 1"),
        (("policy", "nobody", "--approvals", "1"), "no namespace named 'nobody'"),
        (("member", "lab", "--user", "nobody", "--role", "read"), "no open account named 'nobody'"),
        (("member", "nobody", "--user", "ada", "--role", "read"), "no namespace named 'nobody'"),
    ],
)
def test_what_cannot_be_done_gets_a_sentence(arguments, sentence):
    factories.make_organisation("lab", owner=factories.make_user("ada"))

    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
