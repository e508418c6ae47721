"""What is forgotten about people: with time, and at once for whoever closes their account."""

from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import closing, languages
from registry.accounts.callers import Caller
from registry.accounts.closing import Closed
from registry.accounts.models import Namespace, SiteRole, User
from registry.agreements import requests
from registry.agreements.models import (
    LIVING,
    AcceptanceWords,
    AccessMessage,
    AccessRequest,
    AccessRequestWords,
    Grant,
)
from registry.audit import log
from registry.catalog.models import FormerName, Repository, SavedSearch
from registry.errors import Conflict, Invalid, NotAllowed, SignInRequired
from registry.outbox import mail
from registry.outbox.models import Kind, Message, Webhook

# In place of words without which a row would say nothing
ERASED = "(erased)"
EMPTY = {"answers": {}, "salt": ""}
EMPTY_SIGNATURE = EMPTY | {"typed_name": "", "name": "", "address": "", "country": ""}


@transaction.atomic
def erase(user: User, *, by: Caller, confirmed: str, now: datetime | None = None) -> None:
    """Close a person's account and empty whatever says who they were. What they did stays, under
    an opaque id. `confirmed` is the name of the account, typed."""
    _require_may_erase(user, by)
    if confirmed.strip().lower() != user.username.lower():
        raise Invalid(_("Type the name of the account to erase it; nothing was erased."))
    now = now or timezone.now()
    requests.take_turn(user)
    if not User.objects.filter(pk=user.pk, is_active=True).exists():
        raise Conflict(_("This account is closed already."))
    Webhook.objects.filter(owner=user).delete()
    SavedSearch.objects.filter(user=user).delete()
    _empty_words_of(user)
    closed = closing.close(user, by=by.public_id, keeps_address=keeps_address(user), now=now)
    _drop_mails(closed.addresses)
    keys = AccessRequest.objects.filter(user=user, state__in=LIVING).values_list(
        "repository", flat=True
    )
    requests.close(user, set(keys), by=by, reason="The account was closed.", now=now)
    # Whatever the steps before told them of
    _drop_mails(closed.addresses)
    _tell_stewards(closed)
    log.record("person.erase", actor=by.public_id, subject=user)


def keeps_address(user: User) -> bool:
    """Whether the namespace goes on being called as it is, since others fetch from it or are led on
    from it."""
    theirs = user.namespace
    return (
        Repository.objects.filter(namespace=theirs, deleted_at=None).exists()
        or FormerName.objects.filter(namespace=theirs).exists()
    )


def forget_old(now: datetime) -> Counter[str]:
    """Empty the words that were kept for as long as the site keeps them. 0 days is for good."""
    done: Counter[str] = Counter()
    if days := settings.REQUEST_WORDS_DAYS:
        over = _over_before(now - timedelta(days=days))
        done["requests"] = _empty_requests(over)
    if days := settings.ACCEPTANCE_WORDS_DAYS:
        ended = AcceptanceWords.objects.filter(
            acceptance__ending__at__lt=now - timedelta(days=days)
        )
        done["acceptances"] = ended.exclude(**EMPTY_SIGNATURE).update(**EMPTY_SIGNATURE)
    return done


def _over_before(moment: datetime) -> QuerySet[AccessRequest]:
    """Requests that ended otherwise than with a grant that runs, the last step of which is older."""
    last = Coalesce(Max("decisions__at"), "reviewed_at", "asked_at")
    return AccessRequest.objects.exclude(state__in=LIVING).alias(last=last).filter(last__lt=moment)


def _empty_requests(found: QuerySet[AccessRequest]) -> int:
    keys = found.values("pk")
    words = AccessRequestWords.objects.filter(request__in=keys).exclude(**EMPTY)
    messages = AccessMessage.objects.filter(request__in=keys).exclude(text="")
    Grant.objects.filter(request__in=keys).exclude(purpose="").update(purpose="")
    AccessRequest.objects.filter(pk__in=keys).exclude(purpose="").update(purpose="")
    return words.update(**EMPTY) + messages.update(text="")


def _empty_words_of(user: User) -> None:
    AcceptanceWords.objects.filter(acceptance__user=user).update(**EMPTY_SIGNATURE)
    _empty_requests(AccessRequest.objects.filter(user=user))
    AccessMessage.objects.filter(by=user).update(text="")
    for report in user.reports.select_related("appeal"):
        report.messages.filter(by=user).delete()
        if hasattr(report, "appeal") and report.appeal.by_id == user.pk:
            report.appeal.text = ERASED
            report.appeal.save(update_fields=["text"])
    user.reports.update(text="", path="")


def _drop_mails(addresses: list[str]) -> None:
    """Nothing is sent to them any more, and what was sent is not kept."""
    to = Q(pk__in=[])
    for address in addresses:
        to |= Q(body__to__iexact=address)
    Message.objects.filter(to, kind=Kind.MAIL).delete()


def _tell_stewards(closed: Closed) -> None:
    """An organisation whose last admin left passes to the stewards."""
    if not closed.orphaned:
        return
    names = "\n".join(f"- {_place(one)}" for one in closed.orphaned)
    stewards = User.objects.filter(site_role=SiteRole.STEWARD, is_active=True).exclude(email="")
    for steward in stewards.order_by("pk"):
        with languages.speaking_to(steward):
            text = _(
                "The last admin of these organisations closed their account. They pass to the "
                "stewards, who may name another admin:"
            )
            mail.queue(
                to=steward.email,
                subject=_("Organisations without an admin"),
                text=f"{text}\n\n{names}\n",
            )


def _place(namespace: Namespace) -> str:
    return f"{settings.SITE_URL}/{namespace.name}"


def _require_may_erase(user: User, by: Caller) -> None:
    if by.user is None:
        raise SignInRequired(_("Sign in to erase an account."))
    if by.token:
        raise NotAllowed(_("An account is erased in a browser, by a person."))
    if by.user.pk != user.pk and not (by.is_steward and by.can_administer):
        raise NotAllowed(_("Only the person themselves or a steward erases an account."))
