"""Which models that are out come from another, by what their cards say, generation by generation."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from registry.accounts import plain_hub
from registry.accounts.models import Membership, Role, User
from registry.catalog.models import MAIN, FormerName, Ref, Repository, RepositoryType, Revision

# A popular base has very many; a mail to each of their owners has an end
MOST = 5_000
GENERATIONS = 12
AT_ONCE = 100


def of(repository: Repository) -> list[Repository]:
    """The models whose public revision names this one, or one that does, the nearest first. For the
    site itself: private ones are among them."""
    found: dict[int, Repository] = {}
    level = [repository]
    for _ in range(GENERATIONS):
        following: dict[int, Repository] = {}
        for start in range(0, len(level), AT_ONCE):
            for child in _children(level[start : start + AT_ONCE]):
                if child.pk != repository.pk and child.pk not in found:
                    following[child.pk] = child
        room = MOST - len(found)
        found |= dict(list(following.items())[:room])
        level = list(following.values())
        if not level or len(found) >= MOST:
            break
    return list(found.values())


def owners(repositories: Iterable[Repository]) -> QuerySet[User]:
    """Who looks after these: the person whose each is, or the admins of the organisation."""
    places = {one.namespace_id for one in repositories}
    admins = Membership.objects.filter(namespace__in=places, role=Role.ADMIN).values("user")
    people = User.objects.filter(is_active=True, is_service=False)
    return people.filter(Q(namespace__in=places) | Q(pk__in=admins)).distinct()


def _children(parents: list[Repository]) -> list[Repository]:
    tags = [f"base_model:{name}"[:200] for name in _names(parents)]
    naming = Revision.objects.filter(tags__overlap=tags).values("pk")
    rows = Ref.objects.filter(
        Q(public__in=naming)
        | Q(public=None, withdrawn__in=naming)
        | Q(plain_hub.where("repository__namespace"), head__in=naming),
        name=MAIN,
        repository__deleted_at=None,
        repository__type=RepositoryType.MODEL,
    ).select_related("repository__namespace")
    return [row.repository for row in rows.order_by("pk")[:MOST]]


def _names(parents: list[Repository]) -> list[str]:
    """What cards may call them: their names, and those that they had."""
    former = FormerName.objects.filter(repository__in=parents).select_related("namespace")
    return [
        *(one.full_name for one in parents),
        *(f"{one.namespace.name}/{one.name}" for one in former),
    ]
