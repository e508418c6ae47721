"""What the site holds about a person, for themselves to take away: all of it, and no secret."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from registry.accounts import callers
from registry.accounts.callers import Caller
from registry.accounts.models import AccessToken, DeviceLogin, Membership, User
from registry.agreements import receipts, requests
from registry.agreements.models import (
    Acceptance,
    AccessMessage,
    AccessRequest,
    Adherence,
    Ending,
    Grant,
)
from registry.audit import log
from registry.audit.models import Access, Entry
from registry.catalog.models import Like, Repository, Revision, SavedSearch
from registry.discussions.models import CommentText
from registry.errors import NotAllowed, SignInRequired
from registry.outbox.models import Kind, Message, Webhook

CHUNK = 500
Item = dict[str, Any]
Section = Callable[[User], Iterable[Item]]


def export(user: User, *, by: Caller) -> Iterator[str]:
    """One JSON object, text by text: a list for each sort of thing."""
    if by.user is None:
        raise SignInRequired(_("Sign in to take your data away."))
    if by.user.pk != user.pk or by.token:
        raise NotAllowed(_("People take away their own data alone, in a browser."))
    log.record("person.export", actor=by.public_id, subject=user)
    return _texts(user)


def _texts(user: User) -> Iterator[str]:
    yield "{"
    for number, (name, section) in enumerate(SECTIONS.items()):
        yield f"{',' if number else ''}\n  {json.dumps(name)}: ["
        for place, item in enumerate(section(user)):
            yield f"{',' if place else ''}\n    {json.dumps(item, ensure_ascii=False)}"
        yield "]"
    yield "\n}\n"


def _each(found: QuerySet[Any], describe: Callable[[Any], Item]) -> Iterator[Item]:
    return (describe(one) for one in found.order_by("pk").iterator(chunk_size=CHUNK))


def _known(user: User) -> set[int]:
    """The repositories that may still be named to them: one may have become private since."""
    visible = Repository.objects.visible_to(callers.of_session(user))
    asked = AccessRequest.objects.filter(user=user).values("repository")
    accepted = Acceptance.objects.filter(user=user).values("repository")
    found = visible.filter(Q(pk__in=asked) | Q(pk__in=accepted) | Q(created_by=user))
    return set(found.values_list("pk", flat=True))


def _repository(repository: Repository, known: set[int]) -> Item:
    name = repository.full_name if repository.pk in known else ""
    return {"repository": name, "repository_id": repository.public_id}


def _time(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else ""


def _account(user: User) -> Iterator[Item]:
    yield {
        "id": user.public_id,
        "user": user.username,
        "full_name": user.full_name,
        "email": user.email,
        "language": user.language,
        "site_role": user.site_role,
        "created_at": _time(user.created_at),
        "last_login": _time(user.last_login),
    }


def _addresses(user: User) -> Iterator[Item]:
    return _each(
        EmailAddress.objects.filter(user=user),
        lambda one: {"email": one.email, "verified": one.verified, "primary": one.primary},
    )


def _memberships(user: User) -> Iterator[Item]:
    return _each(
        Membership.objects.filter(user=user).select_related("namespace"),
        lambda one: {
            "organisation": one.namespace.name,
            "role": one.role,
            "since": _time(one.created_at),
        },
    )


def _tokens(user: User) -> Iterator[Item]:
    return _each(
        AccessToken.objects.filter(user=user),
        lambda one: {
            "id": one.public_id,
            "name": one.name,
            "scope": one.scope,
            "created_at": _time(one.created_at),
            "expires_at": _time(one.expires_at),
            "last_used_at": _time(one.last_used_at),
            "revoked_at": _time(one.revoked_at),
        },
    )


def _device_logins(user: User) -> Iterator[Item]:
    return _each(
        DeviceLogin.objects.filter(allowed_by=user),
        lambda one: {
            "client": one.client,
            "address": one.address,
            "at": _time(one.created_at),
            "scope": one.scope,
        },
    )


def _acceptances(user: User) -> Iterator[Item]:
    found = Acceptance.objects.filter(user=user).select_related(
        "repository__namespace", "organisation", "words", "receipt"
    )
    known = _known(user)
    return _each(found, lambda one: _acceptance(one, known))


def _acceptance(one: Acceptance, known: set[int]) -> Item:
    receipt = getattr(one, "receipt", None)
    return {
        "id": one.public_id,
        **_repository(one.repository, known),
        "organisation": one.organisation.name if one.organisation else "",
        "capacity": one.capacity,
        "terms": one.terms,
        "terms_hash": one.terms_hash,
        "attested": one.attested,
        "accepted_at": _time(one.accepted_at),
        "words": receipts.disclosed(getattr(one, "words", None)),
        "receipt": receipts.for_holder(receipt) if receipt is not None else None,
    }


def _adherences(user: User) -> Iterator[Item]:
    return _each(
        Adherence.objects.filter(user=user).select_related("acceptance"),
        lambda one: {"acceptance": one.acceptance.public_id, "at": _time(one.at)},
    )


def _endings(user: User) -> Iterator[Item]:
    return _each(
        Ending.objects.filter(acceptance__user=user).select_related("acceptance", "deletion"),
        lambda one: {
            "acceptance": one.acceptance.public_id,
            "event": one.event,
            "reason": one.reason,
            "at": _time(one.at),
            "deletion_confirmed_at": _time(one.deletion.at) if hasattr(one, "deletion") else "",
        },
    )


def _requests(user: User) -> Iterator[Item]:
    known = _known(user)
    found = AccessRequest.objects.filter(user=user).select_related("repository__namespace", "words")
    return _each(
        found.prefetch_related("decisions", "messages"),
        lambda one: {
            "id": one.public_id,
            **_repository(one.repository, known),
            "state": one.state,
            "purpose": one.purpose,
            "answers": requests.answers_of(one),
            "asked_at": _time(one.asked_at),
            "decisions": [
                {"to": step.after, "reason": step.reason, "at": _time(step.at)}
                for step in one.decisions.all()
            ],
            "messages": [
                {"text": message.text, "at": _time(message.at), "mine": message.by_id == user.pk}
                for message in one.messages.all()
            ],
        },
    )


def _grants(user: User) -> Iterator[Item]:
    known = _known(user)
    return _each(
        Grant.objects.filter(user=user).select_related("repository__namespace"),
        lambda one: {
            "id": one.public_id,
            **_repository(one.repository, known),
            "purpose": one.purpose,
            "starts_at": _time(one.starts_at),
            "ends_at": _time(one.ends_at),
            "revoked_at": _time(one.revoked_at),
        },
    )


def _messages(user: User) -> Iterator[Item]:
    """What they wrote about requests of others."""
    return _each(
        AccessMessage.objects.filter(by=user).exclude(request__user=user).select_related("request"),
        lambda one: {"request": one.request.public_id, "text": one.text, "at": _time(one.at)},
    )


def _repositories(user: User) -> Iterator[Item]:
    known = _known(user)
    return _each(
        Repository.objects.filter(created_by=user).select_related("namespace"),
        lambda one: {
            **_repository(one, known),
            "created_at": _time(one.created_at),
            "deleted_at": _time(one.deleted_at),
        },
    )


def _commits(user: User) -> Iterator[Item]:
    return _each(
        Revision.objects.filter(author=user).defer("card").select_related("repository"),
        lambda one: {
            "repository": one.repository.public_id,
            "commit": one.oid,
            "title": one.title,
            "at": _time(one.committed_at),
        },
    )


def _comments(user: User) -> Iterator[Item]:
    return _each(
        CommentText.objects.filter(by=user).select_related("event__discussion__repository"),
        lambda one: {
            "repository": one.event.discussion.repository.public_id,
            "thread": one.event.discussion.number,
            "text": one.raw,
            "at": _time(one.at),
        },
    )


def _likes(user: User) -> Iterator[Item]:
    return _each(
        Like.objects.filter(user=user).select_related("repository"),
        lambda one: {"repository": one.repository.public_id},
    )


def _searches(user: User) -> Iterator[Item]:
    return _each(
        SavedSearch.objects.filter(user=user),
        lambda one: {"name": one.name, "query": one.query, "created_at": _time(one.created_at)},
    )


def _reports(user: User) -> Iterator[Item]:
    """What they reported, and what was said to them; what maintainers say among themselves is not."""
    return _each(
        user.reports.select_related("repository").prefetch_related("messages"),
        lambda one: {
            "id": one.public_id,
            "repository": one.repository.public_id,
            "category": one.category,
            "path": one.path,
            "text": one.text,
            "state": one.state,
            "opened_at": _time(one.opened_at),
            "messages": [
                {"text": message.text, "at": _time(message.at), "mine": message.by_id == user.pk}
                for message in one.messages.all()
                if not message.is_internal
            ],
        },
    )


def _advisories(user: User) -> Iterator[Item]:
    """Of what they were told about releases that they had received."""
    return _each(
        user.advisory_notices.select_related("advisory"),
        lambda one: {
            "advisory": one.advisory.public_id,
            "because": one.because,
            "at": _time(one.at),
            "acknowledged_at": _time(one.acknowledged_at),
        },
    )


def _webhooks(user: User) -> Iterator[Item]:
    return _each(
        Webhook.objects.filter(owner=user),
        lambda one: {
            "id": one.public_id,
            "url": one.url,
            "watched": one.watched,
            "domains": one.domains,
            "created_at": _time(one.created_at),
        },
    )


def _mails(user: User) -> Iterator[Item]:
    return _each(
        Message.objects.filter(kind=Kind.MAIL, body__to=user.email),
        lambda one: {"subject": one.body.get("subject", ""), "at": _time(one.created_at)},
    )


def _downloads(user: User) -> Iterator[Item]:
    names = (
        "token",
        "repository",
        "revision",
        "release_digest",
        "path",
        "sha256",
        "first_byte",
        "last_byte",
        "size",
        "reason",
        "acceptance",
        "grant",
    )
    found = Access.objects.filter(actor=user.public_id).order_by("at")
    return (
        {"at": _time(one.at)} | {name: getattr(one, name) for name in names}
        for one in found.iterator(chunk_size=CHUNK)
    )


def _acts(user: User) -> Iterator[Item]:
    """What they did, by the audit log."""
    found = Entry.objects.filter(actor=user.public_id).order_by("sequence")
    return (
        {
            "sequence": one.sequence,
            "at": _time(one.at),
            "event": one.event,
            "subject": one.subject,
            "details": one.details,
        }
        for one in found.iterator(chunk_size=CHUNK)
    )


SECTIONS: dict[str, Section] = {
    "account": _account,
    "addresses": _addresses,
    "memberships": _memberships,
    "tokens": _tokens,
    "device_logins": _device_logins,
    "acceptances": _acceptances,
    "adherences": _adherences,
    "endings": _endings,
    "requests": _requests,
    "grants": _grants,
    "messages": _messages,
    "repositories": _repositories,
    "commits": _commits,
    "comments": _comments,
    "likes": _likes,
    "searches": _searches,
    "reports": _reports,
    "advisories": _advisories,
    "webhooks": _webhooks,
    "mails": _mails,
    "downloads": _downloads,
    "acts": _acts,
}
