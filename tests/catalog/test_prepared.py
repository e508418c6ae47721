"""What is compiled once answers as what is built for one caller alone."""

import itertools
import random
from typing import Any

import pytest
from django.db import connection

from registry.accounts import shapes, tokens
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Membership, Role, Scope
from registry.catalog import repositories, revisions, rights
from registry.catalog.models import Repository, Revision, Visibility
from registry.errors import NotAllowed, RegistryError
from tests import factories

pytestmark = pytest.mark.django_db


def _world() -> None:
    """Repositories in all states, in namespaces of people, of an organisation and of a plain hub."""
    lab, hub = factories.make_organisation("lab"), factories.make_organisation("hub")
    hub.publishes_on_commit = True
    hub.save()
    for space in (lab, hub):
        owner = Membership.objects.get(namespace=space).user
        for visibility in Visibility.values:
            rest = {"namespace": space.name, "visibility": visibility}
            factories.make_revision(factories.make_repository(owner, **rest))
            released = factories.make_released(factories.make_repository(owner, **rest))
            factories.make_commit(released.repository, {"later.txt": "in quarantine"})
    factories.make_pull_request(released.repository, {"mine.txt": "a"}, by=owner)


def _callers() -> list[Caller]:
    """Everybody there is with tokens of each scope, some of them for one repository only."""
    lab, hub = (
        r.namespace for r in Repository.objects.filter(name__in=_names()[:1] + _names()[-1:])
    )
    people_there = [Membership.objects.filter(namespace=space)[0].user for space in (lab, hub)]
    people_there += [factories.make_member(space, role) for space in (lab, hub) for role in Role]
    people_there += [factories.make_maintainer(), factories.make_user()]
    one = Repository.objects.order_by("pk")[0]
    found = [NOBODY]
    for person, scope in itertools.product(people_there, Scope.values):
        found.append(tokens.recognise(factories.make_token(person, scope)))
        if scope == Scope.WRITE:
            narrow = factories.make_token(person, scope, repositories=[one.public_id])
            found.append(tokens.recognise(narrow))
    return found


def _names() -> list[str]:
    return list(Repository.objects.order_by("pk").values_list("name", flat=True))


def _shown(caller: Caller, repository: Repository) -> dict[str, object]:
    """All that the hot paths say of a repository to a caller."""
    told: dict[str, object] = {}
    try:
        found = repositories.find(str(repository), caller=caller)
    except RegistryError as refusal:
        return {"refused": type(refusal)}
    known = rights.of(found, caller)
    told["rights"] = (known.writes, known.sees_quarantine)
    for name in ("main", *Revision.objects.filter(repository=found).values_list("oid", flat=True)):
        try:
            told[name] = revisions.find(found, name, caller=caller).pk
        except RegistryError as refusal:
            told[name] = type(refusal)
    return told


def test_a_token_that_brings_its_roles_sees_what_the_database_says_of_each(
    settings: Any,
) -> None:
    _world()
    callers = _callers()
    places = list(Repository.objects.select_related("namespace"))
    pairs = random.Random(5).sample(list(itertools.product(callers, places)), 60)  # noqa: S311 - no secret

    for plain_hub in (True, False):
        settings.ALLOW_PLAIN_HUB = plain_hub
        for caller, place in pairs:
            assert _shown(caller, place) == _shown(caller.afresh(), place), (caller, place)
            visible = Revision.objects.filter(repository=place)
            assert set(visible.visible_to(caller)) == set(visible.visible_to(caller.afresh()))


def test_within_what_a_caller_knows_the_short_question_has_the_answer_of_the_long_one() -> None:
    _world()

    for caller, place in itertools.product(_callers(), Repository.objects.all()):
        if not Repository.objects.visible_to(caller).filter(pk=place.pk).exists():
            continue
        within = Revision.objects.filter(repository=place)
        sees_all = Repository.objects.quarantine_seen_by(caller).filter(pk=place.pk).exists()
        short = within if sees_all else within.out_for(caller)
        assert set(short) == set(within.visible_to(caller))


def test_one_shape_is_compiled_once_and_keeps_nothing_of_who_asked_first() -> None:
    _world()
    place = Repository.objects.filter(visibility=Visibility.PRIVATE).select_related("namespace")[0]
    member = factories.make_member(place.namespace, Role.WRITE)
    stranger = factories.make_user()
    asked = {"namespace": place.namespace.name, "name": place.name, "kind": "model"}

    for person, sees in ((member, True), (stranger, False), (member, True)):
        caller = tokens.recognise(factories.make_token(person))
        found = shapes.ask(repositories._BY_NAME, caller, **asked)
        assert bool(found) is sees


def test_the_right_to_write_is_asked_afresh() -> None:
    repository = factories.make_repository(namespace=None)
    member = factories.make_member(repository.namespace, Role.WRITE)
    caller = tokens.recognise(factories.make_token(member))
    rights.require_write(repository, caller)

    Membership.objects.filter(user=member).delete()

    with pytest.raises(NotAllowed):
        rights.require_write(repository, caller)


def test_a_connection_that_the_server_ended_is_seen_without_asking() -> None:
    assert connection.is_usable()
    other = connection.copy()
    other.connect()
    try:
        pid = other.connection.info.backend_pid
        assert other.is_usable()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert not other.is_usable()
    finally:
        other.close()
