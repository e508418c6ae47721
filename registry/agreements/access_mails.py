"""The mails about access requests and grants: who is told what, in plain and short words."""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from registry.accounts import languages
from registry.accounts.models import Role, User
from registry.agreements.models import AccessRequest, Grant, RequestState
from registry.catalog.models import Repository
from registry.outbox import mail

MOST_REVIEWERS = 50
S = RequestState
Words = Callable[[], tuple[str, str]]  # the subject and the text
_date = lazy(languages.moment, str)  # named once it is known to whom


def reviewers_of(repository: Repository) -> QuerySet[User]:
    """Who is told of requests: whoever writes the repository as a matter of course."""
    namespace = repository.namespace_id
    inside = Q(memberships__namespace=namespace, memberships__role__in=[Role.WRITE, Role.ADMIN])
    people = User.objects.filter(inside | Q(namespace=namespace), is_active=True, is_service=False)
    return people.exclude(email="").distinct().order_by("pk")


def decided(request: AccessRequest, *, before: str) -> None:
    """Tell the person what became of their request."""
    _to_person(request, lambda: _decision(request, before, request.repository.full_name))


def lapsing(request: AccessRequest) -> None:
    """Tell the person, and whoever decides, that a request lapses soon."""
    assert request.lapses_at is not None  # noqa: S101 - only what has an end is reminded of
    words = {"what": request.repository.full_name, "date": _date(request.lapses_at)}
    _to_person(request, lambda: _lapsing(request, words))
    if request.state == S.PENDING:
        _to_reviewers(
            request.repository,
            lambda: (
                _("A request lapses soon: %(what)s") % words,
                _("A request for access to %(what)s waits for you and lapses on %(date)s.") % words,
            ),
        )


def waiting(repository: Repository, count: int) -> None:
    """Tell whoever decides that so many requests are new to them."""
    words = {"what": repository.full_name, "count": count}
    _to_reviewers(
        repository,
        lambda: (
            _("Access requests: %(what)s") % words,
            ngettext(
                "%(count)s request for access to %(what)s waits for you.",
                "%(count)s requests for access to %(what)s wait for you.",
                count,
            )
            % words,
        ),
    )


def ending(grant: Grant) -> None:
    """Tell a person that a grant of theirs ends soon."""
    assert grant.ends_at is not None  # noqa: S101 - only what has an end is reminded of
    words = {"what": grant.repository.full_name, "date": _date(grant.ends_at)}
    _to_person(
        grant,
        lambda: (
            _("Your access ends soon: %(what)s") % words,
            _(
                "Your access to %(what)s ends on %(date)s. You can ask for a renewal on the page "
                "below."
            )
            % words,
        ),
    )


def renewed(grant: Grant) -> None:
    """Tell a person that they have access for longer."""
    assert grant.ends_at is not None  # noqa: S101 - a renewal has an end
    words = {"what": grant.repository.full_name, "date": _date(grant.ends_at)}
    _to_person(
        grant,
        lambda: (
            _("Your access was renewed: %(what)s") % words,
            _("Your access to %(what)s was renewed. It ends on %(date)s now.") % words,
        ),
    )


def revoked(grant: Grant) -> None:
    """Tell a person that one of several grants of theirs was taken back."""
    words = {"what": grant.repository.full_name}
    _to_person(
        grant,
        lambda: (
            _("A grant was revoked: %(what)s") % words,
            _("One of your grants for %(what)s was revoked. The others stay as they are.") % words,
        ),
    )


def renewal_asked(grant: Grant) -> None:
    """Tell whoever decides that a person asks for more time."""
    assert grant.ends_at is not None  # noqa: S101 - what has no end needs no renewal
    words = {"what": grant.repository.full_name, "date": _date(grant.ends_at)}
    _to_reviewers(
        grant.repository,
        lambda: (
            _("A renewal is asked for: %(what)s") % words,
            _("Somebody whose access to %(what)s ends on %(date)s asks for a renewal.") % words,
        ),
        page="requests?state=accepted",
    )


def _lapsing(request: AccessRequest, words: dict[str, Any]) -> tuple[str, str]:
    if request.state == S.RETURNED:
        text = _(
            "The publisher of %(what)s asked you something about your request for access. "
            "Without an answer the request lapses on %(date)s."
        )
    else:
        text = _(
            "Nobody has decided about your request for access to %(what)s yet. It lapses on "
            "%(date)s; you can ask again then."
        )
    return _("Your request lapses soon: %(what)s") % words, text % words


def _decision(request: AccessRequest, before: str, what: str) -> tuple[str, str]:
    words = {"what": what}
    reason = _("The reason given: %(reason)s") % {"reason": request.reason}
    because = f"\n\n{reason}" if request.reason else ""
    if request.state == S.ACCEPTED:
        text = _(
            "You are let into %(what)s. What your access covers and when it ends is said here."
        )
        return _("Access given: %(what)s") % words, text % words
    if request.state == S.REJECTED and before == S.ACCEPTED:
        text = _("Your access to %(what)s was revoked. You can download nothing more of it.")
        return _("Access revoked: %(what)s") % words, text % words + because
    if request.state == S.REJECTED:
        text = _("Your request for access to %(what)s was rejected.")
        return _("Request rejected: %(what)s") % words, text % words + because
    if request.state == S.RETURNED:
        text = _(
            "The publisher of %(what)s asks you something about your request. The question and a "
            "place for your answer are here. Your request waits until you answer."
        )
        return _("A question about your request: %(what)s") % words, text % words
    if request.state == S.LAPSED:
        text = _(
            "Nobody decided about your request for access to %(what)s in time. It has lapsed; "
            "you can ask again."
        )
        return _("Your request lapsed: %(what)s") % words, text % words
    text = _("Your access to %(what)s is closed while its publisher looks at your request again.")
    return _("Access under review: %(what)s") % words, text % words


def _to_person(about: AccessRequest | Grant, write: Words) -> None:
    _send([about.user], write, f"/{_path(about.repository)}/access")


def _to_reviewers(repository: Repository, write: Words, *, page: str = "requests") -> None:
    people = reviewers_of(repository)[:MOST_REVIEWERS]
    _send(people, write, f"/{_path(repository)}/{page}")


def _send(people: Iterable[User], write: Words, path: str) -> None:
    """Subject and text are written for each person, in their language."""
    for person in people:
        if person.email and person.is_active:
            with languages.speaking_to(person):
                subject, text = write()
            mail.queue(
                to=person.email,
                subject=f"{settings.SITE_NAME}: {subject}",
                text=f"{text}\n\n{settings.SITE_URL}{path}\n",
            )


def _path(repository: Repository) -> str:
    return repository.get_absolute_url().lstrip("/")
