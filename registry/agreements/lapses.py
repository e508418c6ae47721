"""What time does to requests and grants: who is reminded when, what lapses, what is over.

Silence never grants. Any number of sweeps may run at once: each step looks again when it is its turn.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import (
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Least

from registry.agreements import access_mails, steps
from registry.agreements.models import WAITING, AccessRequest, Grant, RequestState
from registry.catalog.models import Gated, Repository

S = RequestState
MOST_AT_ONCE = 500
NOTICE = timedelta(days=7)
REMINDERS = (timedelta(days=14), timedelta(days=3))


def sweep(now: datetime) -> Counter[str]:
    """Do all that is due. Whatever one sweep leaves, the next one takes."""
    done: Counter[str] = Counter()
    done["dated"] = _each(
        AccessRequest.objects.filter(state__in=WAITING, lapses_at=None), _date, now
    )
    due = AccessRequest.objects.filter(state__in=WAITING, lapses_at__lte=now)
    done["lapsed"] = _each(due, _lapse, now)
    done["told"] = _tell_reviewers(now)
    done["lapsing"] = _each(_lapsing(now), _remind_of_lapse, now)
    done["over"] = _each(_without_grants(now), _end, now)
    done["ending"] = sum(_remind_of_end(key, now) for key in _keys(_ending(now)))
    return done


def _each(
    found: QuerySet[AccessRequest], act: Callable[[AccessRequest, datetime], bool], now: datetime
) -> int:
    """Do it to each of them that is still like that when it is its turn."""
    done = 0
    for key in _keys(found):
        with transaction.atomic():
            steps.take_turn(AccessRequest.objects.select_related("user").get(pk=key).user)
            again = found.filter(pk=key).select_related("user", "group", "repository__namespace")
            if (request := again.first()) is not None:
                done += act(request, now)
    return done


def _keys(found: QuerySet[AccessRequest] | QuerySet[Grant]) -> list[int]:
    return list(found.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])


def _date(request: AccessRequest, now: datetime) -> bool:
    """What waited before requests lapsed has its whole time from now on."""
    request.lapses_at = steps.lapse_of(request, now)
    request.save(update_fields=["lapses_at"])
    return True


def _lapse(request: AccessRequest, now: datetime) -> bool:
    steps.move(request, S.LAPSED, by=None, now=now)
    return True


def _end(request: AccessRequest, now: datetime) -> bool:
    return steps.settle(request, now=now).state == S.ENDED


def _lapsing(now: datetime) -> QuerySet[AccessRequest]:
    """Those that lapse some days from now, or whose time is half over where that is less, and of
    which nobody was told since."""
    half = (F("lapses_at") - F("asked_at")) / 2
    notice = Least(Value(NOTICE), half, output_field=DurationField())
    due = ExpressionWrapper(F("lapses_at") - notice, output_field=DateTimeField())
    waiting = AccessRequest.objects.filter(state__in=WAITING).alias(due=due)
    return waiting.filter(
        Q(reminded_at=None) | Q(reminded_at__lt=F("due")), due__lte=now, lapses_at__gt=now
    )


def _remind_of_lapse(request: AccessRequest, now: datetime) -> bool:
    request.reminded_at = now
    request.save(update_fields=["reminded_at"])
    access_mails.lapsing(request)
    return True


def _without_grants(now: datetime) -> QuerySet[AccessRequest]:
    going_on = Q(ends_at=None) | Q(ends_at__gt=now, revoked_at=None)
    theirs = Grant.objects.filter(going_on, request=OuterRef("pk"))
    return AccessRequest.objects.filter(~Exists(theirs), state=S.ACCEPTED)


def _tell_reviewers(now: datetime) -> int:
    """One mail about all that is new to those who decide, for each repository."""
    new = AccessRequest.objects.filter(
        Q(mode=Gated.MANUAL) | Q(messages__isnull=False),
        state=S.PENDING,
        reminded_at=None,
        repository__deleted_at=None,
    )
    told = 0
    for repository in Repository.objects.filter(pk__in=new.values("repository")).order_by("pk"):
        told += _tell_of(repository, new.filter(repository=repository), now)
    return told


@transaction.atomic
def _tell_of(repository: Repository, new: QuerySet[AccessRequest], now: datetime) -> int:
    rows = AccessRequest.objects.filter(pk__in=new.values("pk"), state=S.PENDING, reminded_at=None)
    keys = [one.pk for one in rows.select_for_update(skip_locked=True, of=("self",)).order_by("pk")]
    if keys:
        AccessRequest.objects.filter(pk__in=keys).update(reminded_at=now)
        access_mails.waiting(repository, len(keys))
    return len(keys)


def _ending(now: datetime) -> QuerySet[Grant]:
    """Those that end so many days from now, were not that short from the start, go on in no other
    row, and of which nobody was told since."""
    due = Q()
    for before in REMINDERS:
        at = F("ends_at") - before
        untold = Q(reminded_at=None) | Q(reminded_at__lt=at)
        due |= Q(untold, ends_at__lte=now + before, starts_at__lte=at)
    goes_on = Grant.objects.filter(renews=OuterRef("pk"), revoked_at=None)
    return Grant.objects.filter(due, ~Exists(goes_on), starts_at__lte=now, ends_at__gt=now)


@transaction.atomic
def _remind_of_end(key: int, now: datetime) -> bool:
    grant = Grant.objects.select_related("user", "repository__namespace").get(pk=key)
    steps.take_turn(grant.user)
    again = _ending(now).filter(pk=key).select_related("user", "repository__namespace")
    found = again.first()
    if found is None:
        return False
    found.reminded_at = now
    found.save(update_fields=["reminded_at"])
    access_mails.ending(found)
    return True
