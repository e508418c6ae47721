"""Which job a worker gets next: by priority, in turns between namespaces, small ones first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Case, Count, F, Max, Min, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce

from registry.checks.models import Job, JobState, Priority, Queue

# Who had a worker within this time comes after who had none, and what they used counts.
WINDOW = timedelta(hours=24)
# Small revisions go first, but for this time only: a large one comes to its turn.
PATIENCE = timedelta(hours=1)
# A machine that froze in the middle of a claim would keep all others from claiming.
FROZEN_SECONDS = 15
LOCKS = {Queue.SCAN: 0x63_01, Queue.SMOKE_CPU: 0x63_02, Queue.SMOKE_GPU: 0x63_03}
NEVER = timedelta(0)

_NAMESPACE = "run__revision__repository__namespace_id"
_AUTHOR = "run__revision__author_id"


@dataclass(frozen=True)
class Group:
    """The due jobs of one priority, namespace and person."""

    priority: int
    namespace: int
    author: int
    jobs: int
    oldest: datetime


@dataclass
class Use:
    """What somebody has of a queue now, and had of it within the window."""

    running: int = 0
    last: datetime | None = None
    spent: timedelta = NEVER


def take_turns(queue: Queue) -> None:
    """Wait until nobody else claims from the queue, until the transaction ends: who comes next is
    decided on what those before have taken."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{FROZEN_SECONDS}s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCKS[queue]])


def next_in(queue: Queue, *, now: datetime) -> int | None:
    """The job whose turn it is, or None where none may begin."""
    groups = _groups(queue, now=now)
    if not groups:
        return None
    by_namespace, by_author = _use(queue, now=now)
    nothing = Use()

    def turn(group: Group) -> tuple[int, bool, int, datetime, datetime]:
        namespace = by_namespace.get(group.namespace, nothing)
        return (
            group.priority,
            _is_spent(by_author.get(group.author, nothing)),
            namespace.running,
            namespace.last or now - WINDOW,
            group.oldest,
        )

    allowed = [group for group in groups if _room(group, by_author)]
    if not allowed:
        return None
    best = min(allowed, key=turn)
    jobs = due(queue, now=now).filter(
        **{"priority": best.priority, _NAMESPACE: best.namespace, _AUTHOR: best.author}
    )
    late_since = Case(When(due_at__lte=now - PATIENCE, then=F("due_at")))  # else none: the last
    turns = late_since.asc(nulls_last=True)
    sorted_jobs = jobs.order_by(turns, "run__revision__total_size", "due_at", "pk")
    return sorted_jobs.values_list("pk", flat=True).first()


def claimable(queue: Queue, *, now: datetime) -> int:
    """How many jobs could begin if there were workers enough."""
    groups = _groups(queue, now=now)
    if not groups:
        return 0
    _, by_author = _use(queue, now=now)
    found = 0
    for group in groups:
        room = _room(group, by_author)
        by_author.setdefault(group.author, Use()).running += room
        found += room
    return found


def due(queue: Queue, *, now: datetime) -> QuerySet[Job]:
    return Job.objects.filter(queue=queue, state=JobState.QUEUED, due_at__lte=now)


def _groups(queue: Queue, *, now: datetime) -> list[Group]:
    counted = (
        due(queue, now=now)
        .order_by()
        .values_list("priority", _NAMESPACE, _AUTHOR)
        .annotate(jobs=Count("pk"), oldest=Min("due_at"))
    )
    return [Group(*row) for row in counted]


def _use(queue: Queue, *, now: datetime) -> tuple[dict[int, Use], dict[int, Use]]:
    """By namespace and by person. What was put back to be tried again counts as used all the same."""
    rows: Iterable[tuple[int, int, int, datetime | None, timedelta | None]] = (
        Job.objects.filter(queue=queue)
        .filter(Q(state=JobState.RUNNING) | Q(started_at__gt=now - WINDOW))
        .order_by()
        .values_list(_NAMESPACE, _AUTHOR)
        .annotate(
            running=Count("pk", filter=Q(state=JobState.RUNNING)),
            last=Max("started_at"),
            spent=Sum(
                Coalesce("finished_at", now) - F("started_at"),
                filter=Q(state=JobState.RUNNING) | Q(finished_at__isnull=False),
            ),
        )
    )
    by_namespace: dict[int, Use] = {}
    by_author: dict[int, Use] = {}
    for namespace, author, running, last, spent in rows:
        for use in (
            by_namespace.setdefault(namespace, Use()),
            by_author.setdefault(author, Use()),
        ):
            use.running += running
            use.last = max(filter(None, (use.last, last)), default=None)
            use.spent += spent or NEVER
    return by_namespace, by_author


def _room(group: Group, by_author: dict[int, Use]) -> int:
    """How many of the group may begin beside what its person has running. A reviewer never waits
    for that."""
    if not settings.CHECK_CONCURRENT or group.priority == Priority.REVIEW:
        return group.jobs
    running = by_author[group.author].running if group.author in by_author else 0
    return max(0, min(group.jobs, settings.CHECK_CONCURRENT - running))


def _is_spent(use: Use) -> bool:
    """Whether the day's budget is used up. Nothing is refused then: it comes after all others."""
    budget = settings.CHECK_DAILY_MINUTES
    return bool(budget) and use.spent >= timedelta(minutes=budget)
