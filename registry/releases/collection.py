"""Garbage collection: bytes that nothing needs are marked, and go once the mark is old enough.

It works on holdings first, one repository after the other, alone with it: what the repository
needs is asked again before anything is given up. Bytes go when nobody holds them. Rows stay and
remember, so that ids and manifests stay true.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.audit import log
from registry.catalog import holdings
from registry.catalog.models import GitBlob, Holding, Repository
from registry.errors import NotNow
from registry.releases import needs
from registry.storage import blobs, streams
from registry.storage.models import Blob, XetFile

COLLECTOR = 0x67617262  # the key of the lock under which one collection runs at a time
BATCH = 1000

Item = TypeVar("Item")


@dataclass
class Amount:
    """A number of files and their bytes."""

    files: int = 0
    bytes: int = 0

    def add(self, sizes: Iterable[int]) -> None:
        for size in sizes:
            self.files += 1
            self.bytes += size


@dataclass
class Report:
    """What a collection did, or in a dry run would do.

    `marked` is newly unneeded, `waiting` unneeded for less than the grace, `given_up` what
    repositories hold no longer, `removed` the bytes that are gone, `strays` bytes without a row.
    `lost` and `damaged` name bytes that a row promises and the store has not, or has wrongly.
    """

    dry_run: bool
    grace_hours: float
    marked: Amount = field(default_factory=Amount)
    waiting: Amount = field(default_factory=Amount)
    given_up: Amount = field(default_factory=Amount)
    removed: Amount = field(default_factory=Amount)
    strays: Amount = field(default_factory=Amount)
    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def collect(
    *, grace: timedelta, dry_run: bool = False, by: str = "", now: datetime | None = None
) -> Report:
    """Mark what nothing needs, and give up and remove what was marked before the grace began.

    One at a time: NotNow while another runs.
    """
    at = now or timezone.now()
    report = Report(dry_run, grace / timedelta(hours=1))
    with _only_one():
        held = Repository.objects.filter(Exists(Holding.objects.filter(repository=OuterRef("pk"))))
        for repository in held.order_by("pk").iterator(chunk_size=500):
            _mark_holdings(repository, report, at)
            _give_up(repository, report, before=at - grace)
        _mark_blobs(report, at)
        _remove(report, before=at - grace)
        _count_waiting(report, after=at - grace)
    if not dry_run and (report.given_up.files or report.removed.files):
        log.record_about(
            "storage.collect",
            actor=by,
            subject_type="storage",
            subject="blobs",
            grace_hours=str(report.grace_hours),
            given_up=asdict(report.given_up),
            removed=asdict(report.removed),
        )
    return report


def look_at_files(report: Report, *, read: bool = False) -> None:
    """Compare rows with what lies in the store, both ways. Strays go, unless it is a dry run; what
    is lost or damaged is only said. With `read` all bytes are read and hashed."""
    live = Blob.objects.filter(removed_at=None)
    for batch in _batches(blobs.stored()):
        sizes = dict(batch)
        known = set(live.filter(sha256__in=sizes).values_list("sha256", flat=True))
        for sha256 in sizes.keys() - known:
            if report.dry_run or _remove_bytes(sha256):
                report.strays.add([sizes[sha256]])
    for rows in _batches(live.order_by("pk").iterator(chunk_size=BATCH)):
        lost = {blob.sha256 for blob in blobs.missing(rows)}
        # Removed or replaced meanwhile is not lost
        again = blobs.missing(live.filter(sha256__in=lost)) if lost else []
        report.lost += [blob.sha256 for blob in again]
        if read:
            hashes = [blob.sha256 for blob in rows if blob.sha256 not in lost]
            report.damaged += [sha256 for sha256 in hashes if not _is_sound(sha256)]


def _mark_holdings(repository: Repository, report: Report, at: datetime) -> None:
    needed = needs.needed_blobs(repository)
    held = Holding.objects.filter(repository=repository)
    new = held.filter(unneeded_since=None).exclude(blob__in=needed)
    report.marked.add(new.values_list("blob__size", flat=True))
    if not report.dry_run:
        _set_mark(new, at)
        _set_mark(held.filter(unneeded_since__isnull=False, blob__in=needed), None)


def _give_up(repository: Repository, report: Report, *, before: datetime) -> None:
    due = Holding.objects.filter(repository=repository, unneeded_since__lte=before)
    if not due.exists():
        return
    with transaction.atomic():
        if not report.dry_run:
            holdings.be_alone(repository.pk)
        repository.refresh_from_db(fields=["deleted_at"])
        unneeded = due.exclude(blob__in=needs.needed_blobs(repository))
        found = list(unneeded.values_list("pk", "blob", "blob__size", "unneeded_since"))
        report.given_up.add(size for _, _, size, _ in found)
        if report.dry_run:
            return
        marks = {blob: since for _, blob, _, since in found}
        give_up(repository, marks, at=timezone.now())
        # What came again meanwhile is about to be held by somebody else
        idle = _unheld().filter(unneeded_since=None).exclude(came_at__gt=before)
        for blob, since in marks.items():
            idle.filter(pk=blob).update(unneeded_since=since)


def give_up(repository: Repository, found: Iterable[int], *, at: datetime) -> None:
    """The repository holds these blobs (by key) no longer, and their files vanish from all its
    revisions. The caller is alone with the repository."""
    keys = list(found)
    Holding.objects.filter(repository=repository, blob__in=keys).delete()
    GitBlob.objects.filter(repository=repository, blob__in=keys, removed_at=None).update(
        removed_at=at
    )


def _unheld() -> QuerySet[Blob]:
    """Blobs whose bytes are here and that no repository and no open upload needs."""
    return Blob.objects.filter(
        ~Exists(Holding.objects.filter(blob=OuterRef("pk"))),
        ~Exists(GitBlob.objects.filter(blob=OuterRef("pk"), removed_at=None)),
        ~Exists(XetFile.objects.filter(sha256=OuterRef("sha256"), space__emptied_at=None)),
        removed_at=None,
    )


def _mark_blobs(report: Report, at: datetime) -> None:
    new = _unheld().filter(unneeded_since=None)
    report.marked.add(new.values_list("size", flat=True))
    if not report.dry_run:
        _set_mark(new, at)
        marked = Blob.objects.filter(unneeded_since__isnull=False, removed_at=None)
        _set_mark(marked.exclude(pk__in=_unheld().values("pk")), None)


@transaction.atomic
def _set_mark(rows: QuerySet[Any], at: datetime | None) -> None:
    """Mark these rows, locked in the order in which others lock them: two never wait for each
    other. What is so no longer once its lock is had is left alone."""
    locked = rows.order_by("pk").select_for_update(of=("self",), no_key=True)
    for keys in _batches(list(locked.values_list("pk", flat=True))):
        rows.filter(pk__in=keys).update(unneeded_since=at)


def _remove(report: Report, *, before: datetime) -> None:
    due = _unheld().filter(unneeded_since__lte=before)
    for blob in list(due.order_by("pk")):
        if report.dry_run or _take_away(blob, before):
            report.removed.add([blob.size])


def _take_away(blob: Blob, before: datetime) -> bool:
    """Say that the bytes are gone, then remove them: in this order, so that no row ever promises
    what is not there. Who wants them in between sends them again."""
    with transaction.atomic():
        if not blobs.may_remove() or not blobs.is_alone_with(blob.sha256):
            return False
        list(Blob.objects.select_for_update().filter(pk=blob.pk))
        # Asked again: whoever claimed the row before us has committed its holding by now
        due = _unheld().filter(pk=blob.pk, unneeded_since__lte=before)
        if not due.update(removed_at=timezone.now()):
            return False
    return _remove_bytes(blob.sha256)


def _remove_bytes(sha256: str) -> bool:
    """Remove bytes that no row promises. Somebody who is placing them is left alone."""
    with transaction.atomic():
        if not blobs.may_remove() or not blobs.is_alone_with(sha256):
            return False
        if Blob.objects.filter(sha256=sha256, removed_at=None).exists():
            return False
        blobs.delete(sha256)
        return True


def _count_waiting(report: Report, *, after: datetime) -> None:
    """Bytes that are marked, each counted once however many hold them."""
    marked = Holding.objects.filter(unneeded_since__gt=after).values("blob")
    waiting = Blob.objects.filter(removed_at=None).filter(
        Q(pk__in=marked) | Q(unneeded_since__gt=after)
    )
    report.waiting.add(waiting.values_list("size", flat=True))


def _is_sound(sha256: str) -> bool:
    hasher = hashlib.sha256()
    try:
        with blobs.open_blob(sha256) as content:
            for piece in streams.pieces(content):
                hasher.update(piece)
    except FileNotFoundError:
        return not Blob.objects.filter(sha256=sha256, removed_at=None).exists()
    return hasher.hexdigest() == sha256


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch


@contextmanager
def _only_one() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [COLLECTOR])
        if not cursor.fetchone()[0]:
            raise NotNow(_("A collection is running already."))
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [COLLECTOR])
