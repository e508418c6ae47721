"""Queries that are compiled once for all callers of a shape: who they are, and where they have a role,
are values of the query."""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.db.models import Model

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.prepared import Prepared, Slot, slot

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class _Person:
    """What a query may look at of whoever asks: keys as slots, and what the shape is made of."""

    is_active: bool
    site_role: str
    pk = Slot(lambda values: values["caller"].user.pk)
    namespace_id = Slot(lambda values: values["caller"].user.namespace_id)


@dataclass(frozen=True)
class _StandIn(Caller):
    def namespaces(self, roles: frozenset[str]) -> Any:
        return Slot(lambda values: list(values["caller"].namespaces(roles)))


def ask(prepared: Prepared[Row], caller: Caller, **values: Any) -> list[Row]:
    """The rows of a prepared query whose first value is the caller. Tokens that are limited to
    repositories, and callers whose roles nobody asked for, have it built for themselves."""
    user = caller.user
    if caller.repositories is not None or (user is not None and caller.roles is None):
        return list(prepared.build(caller=caller, **values))
    person = None if user is None else _Person(user.is_active, user.site_role)
    stand_in = _StandIn(
        user=cast("User | None", person), scope=caller.scope, roles=None if user is None else ()
    )
    slots = {name: slot(name) for name in values}
    return prepared(
        person,
        caller.scope,
        stand_ins={"caller": stand_in, **slots},
        values={"caller": caller, **values},
    )
