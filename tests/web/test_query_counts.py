"""Pages of lists ask the database as often for many rows as for few."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.accounts.models import Namespace, User
from registry.agreements import groups
from registry.agreements.models import Adherence, Document
from registry.catalog.models import Repository
from registry.checks import rescans
from registry.discussions import threads
from registry.outbox.models import Kind, Message, Webhook
from registry.releases import open_duties, reasons
from tests import factories
from tests.agreements import organisations
from tests.factories import as_caller
from tests.releases import campaigning

pytestmark = pytest.mark.django_db
Grow = Callable[[User, Repository, int], Any]


def _thread(ada: User, repository: Repository, number: int) -> None:
    by = as_caller(factories.make_user(f"talker-{number}"))
    threads.open_thread(repository, title=f"Thread {number}", text="Words", by=by)


def _comment(ada: User, repository: Repository, number: int) -> None:
    thread = repository.discussions.order_by("number").first()
    if thread is None:
        thread = threads.open_thread(repository, title="First", text="Words", by=as_caller(ada))
    threads.comment(thread, f"Word {number}", by=as_caller(factories.make_user(f"says-{number}")))


def _commit(ada: User, repository: Repository, number: int) -> None:
    factories.make_commit(repository, {f"more-{number}.txt": "x" * number})


def _member(ada: User, repository: Repository, number: int) -> None:
    lab = ada.memberships.filter(namespace__name="lab").first()
    space = lab.namespace if lab else factories.make_organisation("lab", owner=ada)
    factories.make_member(space)


def _token(ada: User, repository: Repository, number: int) -> None:
    factories.make_token(ada)


def _agreement(ada: User, repository: Repository, number: int) -> None:
    factories.accept_terms(factories.make_released(), ada)


def _webhook(ada: User, repository: Repository, number: int) -> None:
    watched = [{"type": "user", "name": "ada"}]
    url = f"https://hooks.example/{number}"
    Webhook.objects.create(owner=ada, url=url, secret="sealed", watched=watched)


def _delivery(ada: User, repository: Repository, number: int) -> None:
    webhook, _ = Webhook.objects.get_or_create(
        owner=ada, public_id="a" * 24, url="https://hooks.example/", secret="sealed"
    )
    Message.objects.create(kind=Kind.WEBHOOK, webhook=webhook, body={"event": {}})


def _group(ada: User, repository: Repository, number: int) -> None:
    made = groups.make(ada.namespace, f"Group {number}", by=as_caller(ada))
    for _ in range(2):
        groups.put(made, factories.make_repository(ada), by=as_caller(ada))


def _signature(ada: User, repository: Repository, number: int) -> None:
    lab = Namespace.objects.filter(name="lab").first()
    if lab is None:
        lab = factories.make_organisation("lab", owner=ada)
    signed = organisations.sign(factories.make_released(), lab, ada)
    member = factories.make_member(lab)
    Adherence.objects.create(
        acceptance=signed, user=member, membership=member.memberships.get().pk, at=timezone.now()
    )


def _domain(ada: User, repository: Repository, number: int) -> None:
    lab = Namespace.objects.filter(name="lab").first()
    if lab is None:
        lab = factories.make_organisation("lab", owner=ada)
    organisations.make_domain(lab, f"lab{number}.example")


def _organisation(ada: User, repository: Repository, number: int) -> None:
    factories.make_organisation(owner=ada)


def _license(ada: User, repository: Repository, number: int) -> None:
    Document.objects.create(
        slug=f"license-{number}",
        kind="license",
        title=f"License {number}",
        hub_tags=[f"l{number}"],
        needs_acceptance=True,
    )
    factories.make_released()


def _release(ada: User, repository: Repository, number: int) -> None:
    files = factories.MODEL | {"more.txt": f"{number}"}
    factories.make_released(repository, files=files, version=f"v2.{number}")


def _run(ada: User, repository: Repository, number: int) -> None:
    factories.finish_checks(factories.make_revision(repository, files={"a.txt": f"{number}"}))


def _child(ada: User, repository: Repository, number: int) -> None:
    card = f"---\nlicense: llama3.1\nbase_model: {repository.full_name}\n---\n# Child {number}\n"
    child = factories.make_repository(name=f"Llama-{number}")
    factories.make_released(child, files=factories.MODEL | {"README.md": card})


def _text(ada: User, repository: Repository, number: int) -> None:
    license_text = f"A license of our own, number {number}.\n" * 40
    factories.make_commit(repository, {"LICENSE": license_text})


def _campaign(ada: User, repository: Repository, number: int) -> None:
    factories.make_released()
    campaigning.make_campaign(campaigning.load(f"3.{number}"), kind="editorial")


def _ending(ada: User, repository: Repository, number: int) -> None:
    released = factories.make_released()
    organisations.end(factories.accept_terms(released, factories.make_user()))


def _rescan(ada: User, repository: Repository, number: int) -> None:
    factories.make_released()
    found = rescans.start(
        reason=f"A new check, {number}", by=as_caller(factories.make_maintainer())
    )
    rescans.give_up(found, by=as_caller(factories.make_maintainer()))


def _item(ada: User, repository: Repository, number: int) -> None:
    by = as_caller(factories.make_maintainer())
    reasons.add("reject", title=f"Reason {number}", text="Words.", by=by)


def _person(ada: User, repository: Repository, number: int) -> None:
    factories.make_user(f"somebody-{number}")


@pytest.mark.parametrize(
    ("path", "grow"),
    [
        ("/ada/tiny/discussions", _thread),
        ("/ada/tiny/discussions/1", _comment),
        ("/ada/tiny/commits/main", _commit),
        ("/settings/organisations/lab", _member),
        ("/lab?tab=members", _member),
        ("/settings/tokens", _token),
        ("/settings/agreements", _agreement),
        ("/settings/webhooks", _webhook),
        (f"/settings/webhooks/{'a' * 24}", _delivery),
        ("/settings/access-groups/ada", _group),
        ("/settings/organisations", _organisation),
        ("/settings/organisations/lab/signatures", _signature),
        ("/settings/organisations/lab/domains", _domain),
        ("/licenses", _license),
        ("/licenses/matrix", _license),
        ("/licenses/llama3-1", _license),
        ("/ada/tiny/releases", _release),
        ("/ada/tiny/checks", _run),
        ("/ada/tiny/lineage", _child),
    ],
)
def test_a_list_costs_the_same_however_long_it_is(client: Client, path: str, grow: Grow) -> None:
    ada = factories.make_user("ada")
    repository = factories.make_repository(ada, "tiny")
    factories.make_released(repository)
    client.force_login(ada)

    assert _asked(client, path, ada, repository, grow, 1) == _asked(
        client, path, ada, repository, grow, 3
    )


def _asked(
    client: Client, path: str, ada: User, repository: Repository, grow: Grow, first: int
) -> int:
    """How many questions the page costs once there are two rows more, when it is not asked for the
    first time."""
    for number in range(first, first + 2):
        grow(ada, repository, number)
    assert client.get(path).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize(
    ("path", "grow"),
    [
        ("/steward/documents", _license),
        ("/steward/texts", _text),
        ("/steward/campaigns", _campaign),
        ("/steward/domains", _domain),
        ("/steward/endings", _ending),
        ("/steward/people", _person),
        ("/review/rescans", _rescan),
        ("/review/settings", _item),
    ],
)
def test_a_list_of_stewards_costs_the_same_however_long_it_is(
    client: Client, path: str, grow: Grow
) -> None:
    ada = factories.make_user("ada", site_role="steward")
    repository = factories.make_repository(ada, "tiny")
    client.force_login(ada)

    assert _asked(client, path, ada, repository, grow, 1) == _asked(
        client, path, ada, repository, grow, 3
    )


def test_the_page_of_duties_works_out_ten_releases_at_most(client: Client) -> None:
    """What the rules say of a release takes some questions each; where nothing was open when they
    were counted, none."""
    client.force_login(factories.make_user(site_role="steward"))
    counted = factories.make_release()
    open_duties.recount(timezone.now())
    for _ in range(12):
        factories.make_release()
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/steward/duties")

    assert counted.repository.full_name not in page.text
    assert len(page.context["page"].object_list) == 10
    assert len(queries) < 120
