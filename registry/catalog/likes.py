"""Who likes which repository, and how many do."""

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.catalog.models import Like, Repository
from registry.errors import NotAllowed, SignInRequired


@transaction.atomic
def like(repository: Repository, *, by: Caller) -> None:
    """Like a repository. Liking it twice counts once."""
    _require(by)
    _, is_new = Like.objects.get_or_create(user=by.user, repository=repository)
    if is_new:
        _count(repository, 1)


@transaction.atomic
def unlike(repository: Repository, *, by: Caller) -> None:
    _require(by)
    removed, _ = Like.objects.filter(user=by.user, repository=repository).delete()
    if removed:
        _count(repository, -1)


def is_liked(repository: Repository, *, by: Caller) -> bool:
    return Like.objects.filter(user=by.user, repository=repository).exists() if by.user else False


def of_repository(repository: Repository) -> QuerySet[Like]:
    """Who likes a repository that the caller was shown, the latest first."""
    return Like.objects.filter(repository=repository, user__is_active=True).select_related("user")


def of_person(name: str, *, caller: Caller) -> QuerySet[Like]:
    """What somebody likes, as far as the caller may know of it. Nobody likes nothing."""
    visible = Repository.objects.visible_to(caller)
    return Like.objects.filter(
        user__username__iexact=name, user__is_active=True, repository__in=visible
    ).select_related("repository__namespace")


def _require(by: Caller) -> None:
    if by.user is None:
        raise SignInRequired(_("Sign in to like a model."))
    if not by.can_write:
        raise NotAllowed(_("Liking needs a token of scope write."))


def _count(repository: Repository, change: int) -> None:
    """Beside the row in one transaction, so that the number is that of the rows."""
    Repository.objects.filter(pk=repository.pk).update(likes=F("likes") + change)
