"""Repositories whose terms differ in nothing but the repository, and accepting those in one act."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Func, JSONField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements import coverage
from registry.agreements import terms as terms_of
from registry.agreements.models import Acceptance
from registry.catalog.models import Ref, Repository
from registry.errors import RegistryError
from registry.releases import in_force, offers
from registry.releases.models import Release, Status

MOST = 100


def others(
    repository: Repository,
    terms: dict[str, Any],
    *,
    caller: Caller,
    now: datetime | None = None,
) -> list[Release]:
    """What other repositories that the caller may see offer under the same terms, not accepted yet;
    at most `MOST`, the oldest first."""
    if caller.user is None:
        return []
    now = now or timezone.now()
    offered = Ref.objects.filter(repository=OuterRef("repository"), name="refs/heads/main")
    changed = in_force.changes(OuterRef("pk"), now).values("terms")[:1]
    accepted = coverage.of(
        user=caller.user.pk,
        repository=OuterRef("repository_id"),
        hashes=OuterRef("counting"),
        now=now,
    )
    found = (
        Release.objects.filter(
            status=Status.RELEASED,
            revision=Subquery(offered.values("public")[:1]),
            repository__in=Repository.objects.visible_to(caller),
        )
        .exclude(repository=repository)
        .annotate(
            current=Coalesce(Subquery(changed), F("terms")),
            counting=in_force.counting_then(now),
        )
        .annotate(
            rest=Func(
                F("current"),
                Value("repository"),
                template="(%(expressions)s::text)",
                arg_joiner=" - ",
                output_field=JSONField(),
            )
        )
        .filter(~Exists(accepted))
        .filter(rest=_rest_of(terms))
    )
    return list(found.select_related("repository__namespace").order_by("repository_id")[:MOST])


@transaction.atomic
def accept_also(
    accepted: Acceptance,
    wanted: Collection[str],
    *,
    by: Caller,
    said: dict[str, Any],
    now: datetime | None = None,
) -> list[Acceptance]:
    """Accept the same terms for those of the wanted repositories (public ids) that offer them still,
    with what was said for the first one; each gets a row and a receipt of its own."""
    made = []
    now = now or timezone.now()
    for release in others(accepted.repository, accepted.terms, caller=by, now=now):
        repository = release.repository
        if repository.public_id not in wanted:
            continue
        terms = accepted.terms | {"repository": repository.public_id}
        try:
            made.append(
                offers.accept(
                    repository, shown_hash=terms_of.hash_of(terms), by=by, now=now, **said
                )
            )
        except RegistryError:
            # Changed or ended since it was listed: it stays as it is, and its own page says why
            continue
    return made


def _rest_of(terms: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in terms.items() if name != "repository"}
