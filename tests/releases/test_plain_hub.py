"""Plain-hub namespaces: who may have what of them, and that switching off closes every way."""

import itertools
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from registry.accounts import plain_hub
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Namespace, Role, Scope, User
from registry.agreements import requests
from registry.audit.models import Access, Entry
from registry.catalog import branches, repositories, revisions
from registry.catalog.models import Gated, Ref, Repository, Revision, Visibility
from registry.errors import NotAllowed, RepositoryMissing
from registry.releases import gate
from registry.releases.gate import Reason
from tests import factories
from tests.agreements.access import owner_of, set_mode
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db

WEIGHTS = "model.safetensors"
CALLERS = ("nobody", "stranger", "let in", "member", "owner, read", "owner", "maintainer")


class World:
    """An organisation with one repository that was never released, and all who could ask."""

    def __init__(
        self, *, plain: bool, visibility: str = Visibility.PUBLIC, gated: str = ""
    ) -> None:
        self.organisation = factories.make_organisation()
        self.owner = self.organisation.memberships.get().user
        self.repository = factories.make_repository(
            self.owner, namespace=self.organisation.name, visibility=visibility
        )
        self.revision = factories.make_revision(self.repository)
        set_mode(self.repository, Gated.MANUAL)
        let_in = factories.make_user()
        requests.grant(self.repository, user=let_in.username, by=owner_of(self.repository))
        set_mode(self.repository, gated)
        self.people: dict[str, User] = {
            "stranger": factories.make_user(),
            "let in": let_in,
            "member": factories.make_member(self.organisation, Role.READ),
            "owner": self.owner,
            "maintainer": factories.make_maintainer(),
        }
        self.switch(on=plain)

    def switch(self, *, on: bool) -> None:
        Namespace.objects.filter(pk=self.organisation.pk).update(publishes_on_commit=on)

    def caller(self, name: str) -> Caller:
        if name == "nobody":
            return NOBODY
        if name == "owner, read":
            return Caller(user=self.owner, scope=Scope.READ)
        return factories.as_caller(self.people[name])

    def should_know(self, name: str, *, plain: bool) -> bool:
        if name in {"owner", "owner, read", "maintainer"}:
            return True
        return plain and (self.repository.visibility == Visibility.PUBLIC or name == "member")

    def should_get(self, name: str, *, plain: bool) -> bool:
        if not self.should_know(name, plain=plain):
            return False
        inside = name in {"owner", "owner, read", "maintainer"}
        return inside or not self.repository.gated or name == "let in"

    def looks(self, name: str, *, plain: bool) -> None:
        """List, look-up, gate, branch and wire give this caller the same answer."""
        caller = self.caller(name)
        knows = self.should_know(name, plain=plain)
        listed = Repository.objects.visible_to(caller).filter(pk=self.repository.pk)
        seen = Revision.objects.visible_to(caller).filter(pk=self.revision.pk)
        mains = revisions.mains(caller=caller, kind="model").filter(repository=self.repository)
        assert listed.exists() == seen.exists() == knows
        # A token that may not write gets what the public gets, and so far that is nothing
        has_main = knows and (plain or name != "owner, read")
        assert [ref.shown for ref in mains] == ([self.revision.pk] if has_main else [])
        try:
            found = repositories.find(self.repository.full_name, caller=caller)
        except RepositoryMissing:
            assert not knows
            return
        assert knows
        main = revisions.default_for(found, caller=caller)
        assert main == (self.revision if has_main else None)
        answer = gate.decide(found, self.revision, caller=caller)
        assert answer.is_open == self.should_get(name, plain=plain)


@pytest.mark.parametrize(
    ("plain", "visibility", "gated"),
    [*itertools.product([True, False], Visibility.values, Gated.values)],
)
def test_every_caller_gets_what_the_kind_of_namespace_the_visibility_and_the_lock_say(
    plain, visibility, gated
):
    world = World(plain=plain, visibility=visibility, gated=gated)

    for name in CALLERS:
        world.looks(name, plain=plain)


def test_switching_off_or_forbidding_it_puts_everything_back_at_once(settings: Settings):
    world = World(plain=True)
    for name in CALLERS:
        world.looks(name, plain=True)

    world.switch(on=False)
    for name in CALLERS:
        world.looks(name, plain=False)
    world.switch(on=True)
    settings.ALLOW_PLAIN_HUB = False
    for name in CALLERS:
        world.looks(name, plain=False)


def _routes(world: World) -> list[str]:
    name, oid = world.repository.full_name, world.revision.oid
    return [
        f"/{name}/resolve/main/{WEIGHTS}",
        f"/{name}/resolve/{oid}/{WEIGHTS}",
        f"/{name}/raw/main/README.md",
        f"/api/models/{name}",
        f"/api/models/{name}/revision/{oid}",
        f"/api/models/{name}/tree/main",
        f"/api/models/{name}/refs",
        f"/api/models/{name}/commits/main",
        f"/api/models/{name}/auth-check",
        f"/{name}",
        f"/{name}/tree/main",
        f"/{name}/blob/main/README.md",
        f"/{name}/checks",
    ]


def test_switching_off_closes_every_route(client: Client, settings: Settings):
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    world = World(plain=True)
    name, wire = world.repository.full_name, Wire()
    there = f"/{name}"

    assert [wire.get(path).status_code for path in _routes(world)] == [200] * 13
    assert name in [one["id"] for one in wire.get("/api/models").json()]
    assert there in client.get("/").text
    world.switch(on=False)

    assert {wire.get(path).status_code for path in _routes(world)} <= {401, 404}
    assert name not in [one["id"] for one in wire.get("/api/models").json()]
    assert there not in client.get("/").text


def test_every_page_says_that_nobody_looked_at_it(client: Client, settings: Settings):
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    world = World(plain=True)
    name = world.repository.full_name
    pages = ["", "/tree/main", "/blob/main/README.md", "/checks", "/releases", "/license"]

    for page in [f"/{world.organisation.name}", *(f"/{name}{page}" for page in pages)]:
        assert "Published without review." in client.get(page).text, page
    assert "without review" in client.get("/").text


def test_a_download_is_logged_with_the_rule_that_opened_it_and_counts():
    world = World(plain=True)

    Wire().get(f"/{world.repository}/resolve/main/{WEIGHTS}")

    assert Access.objects.get().reason == Reason.PLAIN_HUB


def test_a_commit_to_a_plain_hub_is_not_said_to_be_in_quarantine():
    world = World(plain=True)
    wire = Wire(world.owner)
    line = {"key": "file", "value": {"path": "a.txt", "content": "YQ==", "encoding": "base64"}}

    made = wire.commit(world.repository, line)

    assert made.status_code == 200
    assert "X-HF-Warning" not in made.headers
    assert Wire().get(f"/{world.repository}/resolve/main/a.txt").sent == b"a"
    assert world.repository.revisions.latest("pk").check_runs.exists()


def test_what_was_released_stays_under_its_release():
    release = factories.make_released()
    Namespace.objects.filter(pk=release.repository.namespace_id).update(publishes_on_commit=True)
    repository = repositories.find(release.repository.full_name, caller=NOBODY)

    assert gate.decide(repository, release.revision, caller=NOBODY).reason == Reason.SIGN_IN


def test_the_operators_command_switches_it_and_is_on_record(settings: Settings):
    organisation = factories.make_organisation()

    call_command("namespace", "policy", organisation.name, "--publish-on-commit")
    organisation.refresh_from_db()
    assert plain_hub.is_on(organisation)
    call_command("namespace", "policy", organisation.name, "--publish-on-commit")
    call_command("namespace", "policy", organisation.name, "--publish-on-commit", "--off")
    organisation.refresh_from_db()
    assert not plain_hub.is_on(organisation)

    entries = Entry.objects.filter(event="namespace.publish-on-commit")
    assert [entry.details["on"] for entry in entries] == [True, False]
    with pytest.raises(CommandError):
        call_command("namespace", "policy", organisation.name, "--approvals", "2", "--off")
    settings.ALLOW_PLAIN_HUB = False
    with pytest.raises(CommandError, match="REGISTRY_ALLOW_PLAIN_HUB"):
        call_command("namespace", "policy", organisation.name, "--publish-on-commit")
    with pytest.raises(NotAllowed):
        plain_hub.switch(organisation, on=True)


def test_the_same_change_in_one_second_to_a_pull_request_and_to_main_shows_main(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository = Repository.objects.get(pk=World(plain=True).repository.pk)
    owner = repository.created_by
    proposed = factories.make_pull_request(repository, {"first.txt": "1"}, by=owner)
    at = datetime(2030, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: at)
    start = factories.make_commit(repository, {"first.txt": "1"}, by=owner)
    Ref.objects.filter(repository=repository, name=proposed.ref_name).update(head=start)

    pulled = factories.make_commit(
        repository, {"a.txt": "same"}, by=owner, branch=proposed.ref_name
    )
    on_main = factories.make_commit(repository, {"a.txt": "same"}, by=owner)

    assert pulled != on_main
    assert pulled.proposal == proposed.proposal
    assert on_main.proposal is None
    assert revisions.find(repository, "main", caller=NOBODY) == on_main
    assert gate.decide(repository, on_main, caller=NOBODY).is_open


@pytest.mark.parametrize("kind", ["branch", "tag"])
def test_a_branch_or_tag_on_a_pull_request_shows_strangers_nothing_of_it(kind: str) -> None:
    repository = Repository.objects.get(pk=World(plain=True).repository.pk)
    proposed = factories.make_pull_request(repository, {"hidden.txt": "1"})
    head = Ref.objects.get(repository=repository, name=proposed.ref_name).head
    create = {"branch": branches.create_branch, "tag": branches.create_tag}[kind]

    create(repository, "next", start=head, by=factories.as_caller(repository.created_by))

    here = f"/api/models/{repository.full_name}"
    for stranger in (Wire(), Wire(factories.make_user())):
        assert stranger.get(f"{here}/tree/next").status_code == 404
        assert stranger.get(f"{here}/revision/next").status_code == 404
        named = stranger.get(f"{here}/refs").json()
        assert [one["name"] for one in named["branches"] + named["tags"]] == ["main"]
    owner = Wire(repository.created_by)
    assert "hidden.txt" in owner.get(f"{here}/tree/next").content.decode()
