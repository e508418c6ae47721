"""Lists, pages, the wire, the gate and its explanation say the same of everybody, then and later."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, event, given
from hypothesis import settings as how
from hypothesis import strategies as st

from registry.accounts import people
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope, User
from registry.agreements import documents, endings, grants, locks, organisations, requests
from registry.agreements.models import Acceptance, Capacity, DocumentVersion, Grant
from registry.agreements.requests import Shown
from registry.agreements.scopes import Scope as GrantScope
from registry.catalog import questions, repositories
from registry.catalog.models import Repository
from registry.errors import RegistryError
from registry.releases import campaigns, gate, in_force, offers, past, why, workflow
from registry.releases.models import Release, Status
from tests import factories
from tests.agreements.organisations import make_domain, make_service, verify
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db

WEIGHTS = "model.safetensors"
PEOPLE = ["nobody", "stranger", "other", "reader", "writer", "program", "maintainer", "steward"]


class _RolledBack(Exception):
    """The end of an example: nothing of it stays."""


@dataclass
class World:
    """One released repository of an organisation that also signs, and the people around it."""

    release: Release
    people: dict[str, User | None]
    owner: User
    second: User
    happened: list[str] = field(default_factory=list)

    @property
    def repository(self) -> Repository:
        return Repository.objects.select_related("namespace").get(pk=self.release.repository_id)

    def caller(self, name: str) -> Caller:
        user = self.people[name]
        return NOBODY if user is None else factories.as_caller(User.objects.get(pk=user.pk))


def _make_world(gated: str, visibility: str, asking: bool) -> World:
    owner = factories.make_user()
    lab = factories.make_organisation(owner=owner)
    make_domain(lab, f"{lab.name}.example")
    verify(owner, f"{owner.username}@{lab.name}.example")
    fields = "extra_gated_fields:\n  Affiliation: text\n" if asking else ""
    card = f"---\nlicense: cc-by-nc-4.0\n{fields}---\n# A model\n"
    repository = factories.make_repository(owner, namespace=lab.name, visibility=visibility)
    files = {"README.md": card, WEIGHTS: b"weights", "config.json": "{}"}
    release = factories.make_released(repository, files=files)
    locks.set_mode(repository, gated, by=factories.as_caller(owner))
    found: dict[str, User | None] = {
        "nobody": None,
        "stranger": factories.make_user(),
        "other": factories.make_user(),
        "reader": factories.make_member(lab, Role.READ),
        "writer": factories.make_member(lab, Role.CONTRIBUTOR),
        "program": make_service(lab, f"job-{lab.name}"),
        "maintainer": factories.make_maintainer(),
        "steward": factories.make_user(site_role="steward"),
    }
    return World(release, found, owner, factories.make_user(site_role="steward"))


def _accept(world: World, name: str) -> None:
    force = in_force.of(Release.objects.get(pk=world.release.pk))
    offers.accept(
        world.repository,
        shown_hash=force.hash,
        typed_name="Some Body",
        answers={"Affiliation": "ACME"},
        country="NO",
        by=world.caller(name),
    )


def _sign(world: World, name: str) -> None:
    force = in_force.of(Release.objects.get(pk=world.release.pk))
    offers.accept(
        world.repository,
        shown_hash=force.hash,
        typed_name="Some Body",
        capacity=Capacity.ORGANISATION,
        organisation=world.repository.namespace,
        answers={"Affiliation": "ACME"},
        country="NO",
        attested={"authority": True},
        by=factories.as_caller(world.owner),
    )


def _adhere(world: World, name: str) -> None:
    signed = Acceptance.objects.filter(organisation=world.repository.namespace).last()
    if signed is not None:
        organisations.adhere(signed, world.caller(name))


def _leave(world: World, name: str) -> None:
    user = world.people[name]
    if user is not None:
        people.remove_member(namespace=world.repository.namespace, user=user, by="")


def _join(world: World, name: str) -> None:
    user = world.people[name]
    if user is not None:
        people.set_role(namespace=world.repository.namespace, user=user, role=Role.READ, by="")


def _ask(world: World, name: str) -> None:
    prompt = questions.of_card(world.release.revision.card)
    shown = Shown(prompt, {"Affiliation": "ACME"})
    requests.ask(world.repository, by=world.caller(name), shown=shown, terms_are_open=True)


def _handle(status: str) -> Callable[[World, str], None]:
    def act(world: World, name: str) -> None:
        user, by = world.people[name], factories.as_caller(world.owner)
        requests.handle(world.repository, status=status, user=str(user), by=by)

    return act


def _grant(**scope: Any) -> Callable[[World, str], None]:
    def act(world: World, name: str) -> None:
        requests.grant(
            world.repository,
            user=str(world.people[name]),
            by=factories.as_caller(world.owner),
            scope=GrantScope(**scope),
        )

    return act


def _revoke(world: World, name: str) -> None:
    found = Grant.objects.filter(user=world.people[name]).last()
    if found is not None:
        grants.revoke(found, by=factories.as_caller(world.owner))


def _step(step: str) -> Callable[[World, str], None]:
    def act(world: World, name: str) -> None:
        release = Release.objects.get(pk=world.release.pk)
        by = factories.as_caller(world.second)
        workflow.transition(step, release, by=by, reason="It had to be.")

    return act


def _lock(mode: str) -> Callable[[World, str], None]:
    return lambda world, name: locks.set_mode(
        world.repository, mode, by=factories.as_caller(world.owner)
    )


def _show(visibility: str) -> Callable[[World, str], None]:
    return lambda world, name: repositories.set_visibility(
        world.repository, visibility, by=factories.as_caller(world.owner)
    )


def _change(kind: str) -> Callable[[World, str], None]:
    """The license gets a new text, and a campaign puts it in force: at once, or some day."""

    def act(world: World, name: str) -> None:
        label = f"v{DocumentVersion.objects.count()}"
        version = documents.add_text(
            slug="cc-by-nc-4-0", version=label, text=f"Invented words {label}.".encode()
        )
        now = timezone.now()
        when = now + timedelta(days=30) if kind == "material" else now
        steward = factories.as_caller(User.objects.get(pk=world.people["steward"].pk))
        campaign = campaigns.propose(
            version, kind=kind, effective_at=when, note="New words.", by=steward
        )
        campaigns.confirm(campaign, by=factories.as_caller(world.second))

    return act


def _end(world: World, name: str) -> None:
    found = Acceptance.objects.filter(user=world.people[name], organisation=None).last()
    if found is not None:
        endings.end(
            found,
            event="breach_confirmed",
            reason="It was shown.",
            by=factories.as_caller(world.second),
        )


ACTS: dict[str, Callable[[World, str], Any]] = {
    "accept": _accept,
    "sign": _sign,
    "adhere": _adhere,
    "leave": _leave,
    "join": _join,
    "ask": _ask,
    "let in": _handle("accepted"),
    "reject": _handle("rejected"),
    "grant all": _grant(),
    "grant config": _grant(patterns=["config.json"]),
    "grant once": _grant(full_downloads=1),
    "revoke": _revoke,
    "suspend": _step("suspend"),
    "restore": _step("restore"),
    "recall": _step("recall"),
    "open the lock": _lock(""),
    "lock for whoever asks": _lock("auto"),
    "lock by hand": _lock("manual"),
    "hide": _show("private"),
    "show": _show("public"),
    "editorial change": _change("editorial"),
    "announced change": _change("material"),
    "end": _end,
}
# Most of what happens is about two people, so that acts meet each other
SOMEBODY = st.sampled_from(["stranger", "stranger", "reader", "reader", *PEOPLE[1:]])
OFTEN = ["accept", "accept", "sign", "adhere", "adhere", "ask", "let in", "leave", "restore"]
SINGLE = st.tuples(st.sampled_from([*OFTEN, *sorted(set(ACTS) - {"recall"})]), SOMEBODY)
LAST = st.tuples(st.sampled_from([*sorted(ACTS)]), SOMEBODY)
EXAMPLES = int(os.environ.get("REGISTRY_TESTS_EXAMPLES", "8"))


def _do(world: World, act: str, name: str) -> None:
    """Take the act where the rules let it happen now: what they refuse changes nothing."""
    try:
        with transaction.atomic():
            ACTS[act](world, name)
    except RegistryError as refusal:
        world.happened.append(f"{act} {name}: {refusal}")
    else:
        event(act)
        world.happened.append(f"{act} {name}")


Said = dict[tuple[str, str], tuple[bool, str]]


def _what_is_said(world: World, names: Iterable[str]) -> tuple[datetime, Said]:
    """What the gate says to each of them of the whole and of two files; every other place that says
    something agrees with it."""
    now = timezone.now()
    said: Said = {}
    repository = world.repository
    revision = past.offered(repository, now)
    for name in names:
        caller = world.caller(name)
        known = Repository.objects.visible_to(caller).filter(pk=repository.pk).exists()
        for path in ("", WEIGHTS, "config.json"):
            if not known or revision is None:
                said[name, path] = (False, "no-repository")
                continue
            answer = _gate(repository, revision, caller, path)
            explained = why.explain(repository, revision, caller=caller, path=path)
            assert explained.answer.is_open == answer.is_open, world.happened
            assert explained.answer.reason == answer.reason, world.happened
            said[name, path] = (answer.is_open, str(answer.reason))
        _entrances_agree(world, name, known=known, said=said)
    return now, said


def _gate(repository: Repository, revision: Any, caller: Caller, path: str) -> gate.Answer:
    if path:
        return gate.decide_file(repository, revision, path, caller=caller)
    return gate.decide(repository, revision, caller=caller)


def _entrances_agree(world: World, name: str, *, known: bool, said: Said) -> None:
    repository, user = world.repository, world.people[name]
    wire = Wire(user, Scope.READ) if user else Wire()
    for path in (WEIGHTS, "config.json"):
        given = wire.head(f"/{repository}/resolve/main/{path}")
        assert (given.status_code in {200, 302}) == said[name, path][0], (name, world.happened)
    listed = wire.get(f"/api/models?author={repository.namespace.name}").json()
    assert bool(listed) == known, (name, world.happened)
    client = Client()
    if user is not None and not user.is_service:
        client.force_login(user)
        page = client.get(repository.get_absolute_url())
        assert (page.status_code == 200) == known, (name, world.happened)
        if known:
            assert page.context["here"].answer.is_open == said[name, ""][0], world.happened


def _steward_says_the_same(world: World, moments: list[tuple[datetime, Said]]) -> None:
    """Asked later about each moment, the explanation is the answer that was given then."""
    by = factories.as_caller(world.second)
    for at, said in moments:
        for (name, path), (is_open, reason) in said.items():
            user = world.people[name]
            told = why.at(user, world.repository, at, by=by, path=path).answer
            happened = (name, path, at, world.happened)
            assert (told.is_open, str(told.reason)) == (is_open, reason), happened


@pytest.fixture
def plain_static_files(settings) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.mark.usefixtures("plain_static_files")
@how(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example is too dear to be shrunk
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    acts=st.lists(SINGLE, min_size=4, max_size=10),
    last=LAST,
    gated=st.sampled_from(["", "auto", "manual"]),
    visibility=st.sampled_from(["public", "private"]),
    asking=st.booleans(),
)
def test_every_place_gives_the_same_answer_then_and_later(
    acts, last, gated, visibility, asking, db
):
    try:
        with transaction.atomic():
            world = _make_world(gated, visibility, asking)
            moments = []
            for act, name in [*acts, last]:
                _do(world, act, name)
                moments.append(_what_is_said(world, {name, "stranger"}))
            moments.append(_what_is_said(world, PEOPLE))
            _steward_says_the_same(world, moments)
            raise _RolledBack
    except _RolledBack:
        pass
    assert not Release.objects.filter(status=Status.RELEASED).exists()
