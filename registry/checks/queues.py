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
# What was put back to be tried again has no length yet
_COUNTS = Q(state=JobState.RUNNING) | Q(finished_at__isnull=False)


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


@dataclass(frozen=True)
class Uses:
    """What each namespace and each person has and had, by priority."""

    namespaces: dict[tuple[int, int], Use]
    people: dict[tuple[int, int], Use]

    def namespace(self, group: Group) -> Use:
        return self.namespaces.setdefault((group.priority, group.namespace), Use())

    def person(self, group: Group) -> Use:
        return self.people.setdefault((group.priority, group.author), Use())


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
    use = _use(queue, now=now)
    allowed = [group for group in groups if _room(group, use)]
    if not allowed:
        return None
    best = min(allowed, key=lambda group: _turn(group, use, now=now))
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
    use = _use(queue, now=now)
    found = 0
    for group in groups:
        room = _room(group, use)
        use.person(group).running += room
        found += room
    return found


def spent_until(job: Job, *, now: datetime) -> datetime | None:
    """When an upload that waits takes turns with those of others again, because what its author had
    within the window is within the budget then; None where it does so now."""
    budget = timedelta(minutes=settings.CHECK_DAILY_MINUTES)
    if not budget or job.state != JobState.QUEUED or job.priority != Priority.UPLOAD:
        return None
    used = (
        _begun(Queue(job.queue), now=now)
        .filter(_COUNTS, priority=Priority.UPLOAD, **{_AUTHOR: job.run.revision.author_id})
        .order_by("started_at")
        .values_list("started_at", "finished_at")
    )
    times = [(began, (ended or now) - began) for began, ended in used if began]
    spent = sum((length for _, length in times), NEVER)
    if spent < budget:
        return None
    for began, length in times:
        spent -= length
        if spent < budget:
            return began + WINDOW
    return None


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


def _turn(group: Group, use: Uses, *, now: datetime) -> tuple[int, bool, int, datetime, datetime]:
    """Who comes first is the least. Turns are those of namespaces and of people: neither by many
    namespaces nor by many people in one does anybody get more of them."""
    namespace, person = use.namespace(group), use.person(group)
    return (
        group.priority,
        group.priority == Priority.UPLOAD and _is_spent(person),
        max(namespace.running, person.running),
        max(namespace.last or now - WINDOW, person.last or now - WINDOW),
        group.oldest,
    )


def _begun(queue: Queue, *, now: datetime) -> QuerySet[Job]:
    """What runs, and what began within the window."""
    lately = Q(state=JobState.RUNNING) | Q(started_at__gt=now - WINDOW)
    return Job.objects.filter(lately, queue=queue)


def _use(queue: Queue, *, now: datetime) -> Uses:
    """By priority, of namespaces and of people: that a site looks anew at what somebody published
    is not that person's use."""
    rows: Iterable[tuple[int, int, int, int, datetime | None, timedelta | None]] = (
        _begun(queue, now=now)
        .order_by()
        .values_list("priority", _NAMESPACE, _AUTHOR)
        .annotate(
            running=Count("pk", filter=Q(state=JobState.RUNNING)),
            last=Max("started_at"),
            spent=Sum(Coalesce("finished_at", now) - F("started_at"), filter=_COUNTS),
        )
    )
    uses = Uses({}, {})
    for priority, namespace, author, running, last, spent in rows:
        group = Group(priority, namespace, author, 0, now)
        for use in (uses.namespace(group), uses.person(group)):
            use.running += running
            use.last = max(filter(None, (use.last, last)), default=None)
            use.spent += spent or NEVER
    return uses


def _room(group: Group, use: Uses) -> int:
    """How many of the group may begin beside what its person has running. Neither a reviewer nor
    a rescan of the site's waits for that."""
    if not settings.CHECK_CONCURRENT or group.priority != Priority.UPLOAD:
        return group.jobs
    return max(0, min(group.jobs, settings.CHECK_CONCURRENT - use.person(group).running))


def _is_spent(use: Use) -> bool:
    """Whether the day's budget is used up. Nothing is refused then: it comes after all others."""
    budget = settings.CHECK_DAILY_MINUTES
    return bool(budget) and use.spent >= timedelta(minutes=budget)
