"""The mails about access requests and grants: who is told what, in plain and short words."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from registry.accounts.models import Role, User
from registry.agreements.models import AccessRequest, Grant, RequestState
from registry.catalog.models import Repository
from registry.outbox import mail

MOST_REVIEWERS = 50
S = RequestState


def reviewers_of(repository: Repository) -> QuerySet[User]:
    """Who is told of requests: whoever writes the repository as a matter of course."""
    namespace = repository.namespace_id
    inside = Q(memberships__namespace=namespace, memberships__role__in=[Role.WRITE, Role.ADMIN])
    people = User.objects.filter(inside | Q(namespace=namespace), is_active=True, is_service=False)
    return people.exclude(email="").distinct().order_by("pk")


def decided(request: AccessRequest, *, before: str) -> None:
    """Tell the person what became of their request."""
    with translation.override(settings.LANGUAGE_CODE):
        what = request.repository.full_name
        subject, text = _decision(request, before, what)
        _to_person(request, subject, text)


def lapsing(request: AccessRequest) -> None:
    """Tell the person, and whoever decides, that a request lapses soon."""
    assert request.lapses_at is not None  # noqa: S101 - only what has an end is reminded of
    with translation.override(settings.LANGUAGE_CODE):
        words = {"what": request.repository.full_name, "date": _date(request.lapses_at)}
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
        _to_person(request, _("Your request lapses soon: %(what)s") % words, text % words)
        if request.state == S.PENDING:
            text = _("A request for access to %(what)s waits for you and lapses on %(date)s.")
            subject = _("A request lapses soon: %(what)s") % words
            _to_reviewers(request.repository, subject, text % words)


def waiting(repository: Repository, count: int) -> None:
    """Tell whoever decides that so many requests are new to them."""
    with translation.override(settings.LANGUAGE_CODE):
        words = {"what": repository.full_name, "count": count}
        text = ngettext(
            "%(count)s request for access to %(what)s waits for you.",
            "%(count)s requests for access to %(what)s wait for you.",
            count,
        )
        _to_reviewers(repository, _("Access requests: %(what)s") % words, text % words)


def ending(grant: Grant) -> None:
    """Tell a person that a grant of theirs ends soon."""
    assert grant.ends_at is not None  # noqa: S101 - only what has an end is reminded of
    with translation.override(settings.LANGUAGE_CODE):
        words = {"what": grant.repository.full_name, "date": _date(grant.ends_at)}
        text = _(
            "Your access to %(what)s ends on %(date)s. You can ask for a renewal on the page below."
        )
        _to_person(grant, _("Your access ends soon: %(what)s") % words, text % words)


def renewed(grant: Grant) -> None:
    """Tell a person that they have access for longer."""
    assert grant.ends_at is not None  # noqa: S101 - a renewal has an end
    with translation.override(settings.LANGUAGE_CODE):
        words = {"what": grant.repository.full_name, "date": _date(grant.ends_at)}
        text = _("Your access to %(what)s was renewed. It ends on %(date)s now.")
        _to_person(grant, _("Your access was renewed: %(what)s") % words, text % words)


def revoked(grant: Grant) -> None:
    """Tell a person that one of several grants of theirs was taken back."""
    with translation.override(settings.LANGUAGE_CODE):
        words = {"what": grant.repository.full_name}
        text = _("One of your grants for %(what)s was revoked. The others stay as they are.")
        _to_person(grant, _("A grant was revoked: %(what)s") % words, text % words)


def renewal_asked(grant: Grant) -> None:
    """Tell whoever decides that a person asks for more time."""
    assert grant.ends_at is not None  # noqa: S101 - what has no end needs no renewal
    with translation.override(settings.LANGUAGE_CODE):
        words = {"what": grant.repository.full_name, "date": _date(grant.ends_at)}
        text = _("Somebody whose access to %(what)s ends on %(date)s asks for a renewal.")
        subject = _("A renewal is asked for: %(what)s") % words
        _to_reviewers(grant.repository, subject, text % words, page="requests?state=accepted")


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


def _to_person(about: AccessRequest | Grant, subject: str, text: str) -> None:
    _send([about.user], subject, text, f"/{_path(about.repository)}/access")


def _to_reviewers(
    repository: Repository, subject: str, text: str, *, page: str = "requests"
) -> None:
    people = reviewers_of(repository)[:MOST_REVIEWERS]
    _send(people, subject, text, f"/{_path(repository)}/{page}")


def _send(people: Iterable[User], subject: str, text: str, path: str) -> None:
    for person in people:
        if person.email and person.is_active:
            mail.queue(
                to=person.email,
                subject=f"{settings.SITE_NAME}: {subject}",
                text=f"{text}\n\n{settings.SITE_URL}{path}\n",
            )


def _path(repository: Repository) -> str:
    return repository.get_absolute_url().lstrip("/")


def _date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
