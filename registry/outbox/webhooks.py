"""Webhooks: who has one, what it watches, and which of them an event is written for."""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from registry.accounts import languages
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit import log
from registry.errors import Invalid, Missing, NotAllowed, NotNow, SignInRequired
from registry.outbox import mail, messages, targets
from registry.outbox.models import Kind, Message, State, Webhook
from registry.prepared import Prepared

MAX_OF_A_PERSON = 50
MAX_WATCHED = 100
MAX_SECRET = 200
DOMAINS = ("repo", "discussion")
WATCHED_TYPES = ("model", "dataset", "space", "user", "org")

# Who an event is for. Insiders see quarantine, outsiders what was released.
EVERYBODY = "everybody"
INSIDERS = "insiders"
OUTSIDERS = "outsiders"

_SECRET = re.compile(r"[\x21-\x7e]*")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,96}(?:/[A-Za-z0-9._-]{1,96})?")


def of(caller: Caller) -> QuerySet[Webhook]:
    """The caller's own webhooks. Nobody else's are there."""
    if caller.user is None:
        raise SignInRequired(_("Sign in, or send a token, to see your webhooks."))
    if caller.repositories is not None:
        raise NotAllowed(_("This token is limited to listed repositories and reaches no webhook."))
    return Webhook.objects.filter(owner=caller.user)


def find(public_id: str, *, caller: Caller) -> Webhook:
    found = of(caller).filter(public_id=public_id[:24]).first()
    if found is None:
        raise Missing(_("There is no such webhook, or it is not yours."))
    return found


@transaction.atomic
def create(
    *, url: str, watched: Sequence[dict[str, str]], domains: Sequence[str], secret: str, by: Caller
) -> tuple[Webhook, str]:
    """A new webhook and its secret, which nobody is told again. Without a secret one is made."""
    mine = _writable(by)
    assert by.user is not None  # noqa: S101 - asked above
    chosen = _checked_secret(secret) or secrets.token_urlsafe(24)
    targets.resolve(url)
    # Two at once would both find room for one more
    User.objects.select_for_update(no_key=True).get(pk=by.user.pk)
    if mine.count() >= MAX_OF_A_PERSON:
        raise NotNow(
            _("You have %(most)s webhooks, which is the most; delete one first.")
            % {"most": MAX_OF_A_PERSON}
        )
    made = Webhook(owner=by.user, url=url, secret=_seal(chosen))
    _watch(made, watched)
    made.domains = _checked_domains(domains)
    made.save(force_insert=True)
    log.record("webhook.create", actor=by.public_id, subject=made)
    return made, chosen


@transaction.atomic
def update(
    webhook: Webhook,
    *,
    by: Caller,
    url: str | None = None,
    watched: Sequence[dict[str, str]] | None = None,
    domains: Sequence[str] | None = None,
    secret: str | None = None,
) -> Webhook:
    """Change what is given; the rest stays."""
    webhook = _locked(webhook, by)
    if url is not None and url != webhook.url:
        targets.resolve(url)
        webhook.url = url
    if watched is not None:
        _watch(webhook, watched)
    if domains is not None:
        webhook.domains = _checked_domains(domains)
    if secret:
        webhook.secret = _seal(_checked_secret(secret))
    webhook.version += 1
    webhook.save()
    log.record("webhook.update", actor=by.public_id, subject=webhook)
    return webhook


@transaction.atomic
def enable(webhook: Webhook, *, by: Caller) -> Webhook:
    webhook = _locked(webhook, by)
    if webhook.is_disabled:
        webhook.disabled_at, webhook.disabled_reason, webhook.failing_since = None, "", None
        webhook.save(update_fields=["disabled_at", "disabled_reason", "failing_since"])
        log.record("webhook.enable", actor=by.public_id, subject=webhook)
    return webhook


@transaction.atomic
def disable(webhook: Webhook, *, by: Caller) -> Webhook:
    webhook = _locked(webhook, by)
    if not webhook.is_disabled:
        _switch_off(webhook, reason="", by=by.public_id)
    return webhook


@transaction.atomic
def delete(webhook: Webhook, *, by: Caller) -> None:
    webhook = _locked(webhook, by)
    log.record("webhook.delete", actor=by.public_id, subject=webhook)
    webhook.delete()


def deliveries(webhook: Webhook) -> QuerySet[Message]:
    """What was sent to the address, newest first. What never left is not there: it may be about
    something that the owner does not see."""
    return webhook.messages.filter(tried_at__isnull=False)


def send_again(webhook: Webhook, delivery: str, *, by: Caller) -> Message:
    """Start over with a delivery that ended."""
    _writable(by)
    found = deliveries(webhook).filter(public_id=delivery[:24]).first()
    if found is None:
        raise Missing(_("There is no such delivery of this webhook."))
    if webhook.is_disabled:
        raise NotNow(_("Enable the webhook first; nothing is sent to it now."))
    messages.send_again(found)
    return found


def watching(scope: str, names: Sequence[tuple[str, str]]) -> QuerySet[Webhook]:
    """The webhooks that want events of this scope about something with one of these names, which
    are (type, `namespace/name`) pairs."""
    return _watching(**_wanted(scope, names))


def _watching(keys: Any, domains: Any) -> QuerySet[Webhook]:
    return Webhook.objects.filter(
        watches__overlap=keys, domains__contains=domains, disabled_at=None
    )


def _wanted(scope: str, names: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    return {"keys": sorted(_keys(names)), "domains": [scope.split(".")[0]]}


_WATCHING = Prepared(_watching)


def emit(
    scope: str,
    action: str,
    *,
    repository: str,
    names: Sequence[tuple[str, str]],
    audience: str = EVERYBODY,
    **more: Any,
) -> None:
    """Write an event for each webhook that watches one of the names, with the act that it tells of.

    `repository` is a public id. `more` are JSON values that the carrier hands over
    (`updatedRefs`, `discussion`, `comment`, `movedTo`). Who may be told is decided when it is sent.
    """
    event = {
        "event": {"action": action, "scope": scope},
        "repository": repository,
        "audience": audience,
        **more,
    }
    write([(webhook, event) for webhook in _WATCHING.rows(**_wanted(scope, names))])


def write(events: Sequence[tuple[Webhook, dict[str, Any]]]) -> None:
    """Write an event for each of these webhooks."""
    Message.objects.bulk_create(
        Message(kind=Kind.WEBHOOK, webhook=webhook, body=event) for webhook, event in events
    )


def secret_of(webhook: Webhook) -> str:
    """The secret in the clear, for the carrier. Undelivered when the site's key has changed."""
    try:
        return _box().decrypt(webhook.secret.encode()).decode()
    except InvalidToken as error:
        raise messages.Undelivered(
            "The secret cannot be read, because the site's key has changed: set it again.",
            is_final=True,
        ) from error


def worked(webhook: Webhook) -> None:
    """A delivery arrived: whatever failed before is forgiven."""
    if webhook.failing_since is not None:
        Webhook.objects.filter(pk=webhook.pk).update(failing_since=None)


@transaction.atomic
def failed(webhook: Webhook) -> None:
    """A delivery failed. After days of nothing else the webhook is switched off and its owner told."""
    found = Webhook.objects.select_for_update(of=("self",)).filter(pk=webhook.pk).first()
    if found is None:  # deleted while the receiver was waited for
        return
    now = timezone.now()
    if found.failing_since is None:
        Webhook.objects.filter(pk=found.pk).update(failing_since=now)
    elif found.failing_since <= now - messages.give_up_after() and not found.is_disabled:
        reason = f"Nothing could be delivered for {settings.OUTBOX_DAYS} days."
        _switch_off(found, reason=reason, by="")
        _tell_owner(found)


def _switch_off(webhook: Webhook, *, reason: str, by: str) -> None:
    webhook.disabled_at, webhook.disabled_reason = timezone.now(), reason
    webhook.save(update_fields=["disabled_at", "disabled_reason"])
    webhook.messages.filter(state=State.WAITING, tried_at=None).delete()
    log.record("webhook.disable", actor=by, subject=webhook, reason=reason)


def _tell_owner(webhook: Webhook) -> None:
    owner = webhook.owner
    if not (owner.email and owner.is_active):
        return
    page = f"{settings.SITE_URL}/settings/webhooks/{webhook.public_id}"
    with languages.speaking_to(owner):
        subject = _("%(site)s: a webhook was disabled") % {"site": settings.SITE_NAME}
        what = ngettext(
            "Your webhook to %(host)s was disabled. Nothing could be delivered for %(days)s day.",
            "Your webhook to %(host)s was disabled. Nothing could be delivered for %(days)s days.",
            settings.OUTBOX_DAYS,
        ) % {"host": targets.parse(webhook.url).host, "days": settings.OUTBOX_DAYS}
        then = _("Look at its last deliveries, and enable it again, at %(page)s") % {"page": page}
        mail.queue(to=owner.email, subject=subject, text=f"{what}\n\n{then}\n")


def _writable(by: Caller) -> QuerySet[Webhook]:
    mine = of(by)
    if not by.can_write:
        raise NotAllowed(_("Changing webhooks needs a token of scope write."))
    return mine


def _locked(webhook: Webhook, by: Caller) -> Webhook:
    found = _writable(by).select_for_update(of=("self",)).filter(pk=webhook.pk).first()
    if found is None:
        raise Missing(_("There is no such webhook, or it is not yours."))
    return found


def _watch(webhook: Webhook, watched: Sequence[dict[str, str]]) -> None:
    if not 0 < len(watched) <= MAX_WATCHED:
        raise Invalid(
            _("watched: name 1 to %(most)s repositories, people or organisations.")
            % {"most": MAX_WATCHED}
        )
    for item in watched:
        kind, name = item["type"], item["name"]
        if kind not in WATCHED_TYPES:
            raise Invalid(
                _("watched: %(kind)r is none of %(watched_types)s.")
                % {"kind": kind[:40], "watched_types": ", ".join(WATCHED_TYPES)}
            )
        if not _NAME.fullmatch(name) or ("/" in name) == (kind in {"user", "org"}):
            raise Invalid(
                _("watched: %(name)r is not the name of a %(kind)s.")
                % {"name": name[:100], "kind": kind}
            )
    webhook.watched = [{"type": item["type"], "name": item["name"]} for item in watched]
    webhook.watches = sorted({_key(item["type"], item["name"]) for item in watched})


def _key(kind: str, name: str) -> str:
    """People and organisations share their names, so either word finds both."""
    return f"{'owner' if kind in {'user', 'org'} else kind}:{name.lower()}"


def _keys(names: Sequence[tuple[str, str]]) -> set[str]:
    return {
        key
        for kind, name in names
        for key in (_key(kind, name), _key("user", name.partition("/")[0]))
    }


def _checked_domains(domains: Sequence[str]) -> list[str]:
    if not domains or any(domain not in DOMAINS for domain in domains):
        raise Invalid(
            _("domains: choose from %(domains)s, at least one.") % {"domains": ", ".join(DOMAINS)}
        )
    return [domain for domain in DOMAINS if domain in domains]


def _checked_secret(secret: str) -> str:
    if len(secret) > MAX_SECRET or not _SECRET.fullmatch(secret):
        raise Invalid(
            _("secret: at most %(most)s plain characters, and no spaces.") % {"most": MAX_SECRET}
        )
    return secret


def _seal(secret: str) -> str:
    return _box().encrypt(secret.encode()).decode()


def _box() -> Fernet:
    key = hashlib.sha256(b"registry.outbox.webhooks:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
