"""The searches that a person keeps: under which name, and since when they have not looked."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.catalog import search
from registry.catalog.models import SavedSearch, SearchEntry
from registry.catalog.search import Wanted
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow, SignInRequired

MAX_NAME = 100
MAX_QUERY = 2000
MAX_SEARCHES = 50


def of(caller: Caller) -> QuerySet[SavedSearch]:
    """Theirs, by name. Nobody has none."""
    if caller.user is None:
        return SavedSearch.objects.none()
    return SavedSearch.objects.filter(user=caller.user)


@transaction.atomic
def keep(name: str, query: str, *, by: Caller, now: datetime | None = None) -> SavedSearch:
    """Keep a search, as the catalog writes it in its address, under a name."""
    user = _require(by)
    name = " ".join(name.split())
    if not name:
        raise Invalid(gettext("Give the search a name."))
    if len(name) > MAX_NAME:
        raise Invalid(gettext("The name is longer than %(most)s characters.") % {"most": MAX_NAME})
    if len(query) > MAX_QUERY:
        raise Invalid(gettext("This search is too long to be kept."))
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if of(by).count() >= MAX_SEARCHES:
        raise NotNow(
            gettext("You keep %(most)s searches already. Forget one first.")
            % {"most": MAX_SEARCHES}
        )
    try:
        with transaction.atomic():
            return SavedSearch.objects.create(
                user=user, name=name, query=query, seen_at=now or timezone.now()
            )
    except IntegrityError as error:
        raise Conflict(
            gettext("You keep a search called %(name)r already.") % {"name": name}
        ) from error


def forget(public_id: str, *, by: Caller) -> None:
    """Keep it no longer."""
    _require(by)
    removed, _ = of(by).filter(public_id=public_id).delete()
    if not removed:
        raise Missing(gettext("There is no such search."))


def look(public_id: str, *, by: Caller, now: datetime | None = None) -> SavedSearch:
    """The search, which counts as looked at from now on."""
    found = of(by).filter(public_id=public_id).first()
    if found is None:
        raise Missing(gettext("There is no such search."))
    if by.can_write:
        of(by).filter(pk=found.pk).update(seen_at=now or timezone.now())
    return found


def new_in(searches: Sequence[tuple[Wanted, datetime]], *, caller: Caller) -> list[int]:
    """How many models each of these finds that were released after its moment, in one statement."""
    if not searches:
        return []
    counts = {
        f"new_{place}": Count(
            "pk",
            filter=Q(released_at__gt=since, pk__in=search.matching(caller, wanted).values("pk")),
        )
        for place, (wanted, since) in enumerate(searches)
    }
    recent = SearchEntry.objects.filter(released_at__gt=min(since for _, since in searches))
    return list(recent.aggregate(**counts).values())


def _require(by: Caller) -> User:
    if by.user is None:
        raise SignInRequired(gettext("Sign in to keep a search."))
    if not by.can_write:
        raise NotAllowed(gettext("Keeping a search needs a token of scope write."))
    return by.user
