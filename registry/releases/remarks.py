"""Comments of a review that are pinned to a line, a file or a finding, and what became of them.

Their words are comments of the release's thread, for those who see quarantine.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit import log
from registry.catalog import files, rights
from registry.catalog.models import Revision
from registry.checks import runs
from registry.checks.models import FindingRow
from registry.discussions import threads
from registry.errors import Invalid, NotAllowed, NotNow, SignInRequired
from registry.releases import apart, duties, predecessors
from registry.releases.models import Place, Release, Remark, Side

MOST_LINES = 10_000_000


@dataclass(frozen=True)
class Where:
    """What a remark is about: a line of a file on one side, a file, a finding, or all of it."""

    place: str = Place.RELEASE
    path: str = ""
    line: int | None = None
    side: str = ""
    check_id: str = ""


@dataclass
class Thread:
    """A remark with its answers."""

    first: Remark
    answers: list[Remark] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.first.resolved_at is None


@transaction.atomic
def make(release: Release, text: str, *, where: Where, by: Caller, digest: str = "") -> Remark:
    """Say something about a place. With `digest`, of exactly the release that was looked at."""
    user = _require(release, by)
    release = _locked(release)
    if digest and digest != release.digest:
        raise NotNow(_("The release has changed since you opened it. Look at the place again."))
    _check_place(release, where)
    return _write(release, text, where=where, by=user)


@transaction.atomic
def answer(remark: Remark, text: str, *, by: Caller) -> Remark:
    """Answer a remark, or one of its answers: all of them are one thread."""
    user = _require(remark.release, by)
    first = remark.answers or remark
    where = Where(first.place, first.path, first.line, first.side, first.check_id)
    release = _locked(first.release)
    return _write(release, text, where=where, by=user, answers=first)


@transaction.atomic
def resolve(remark: Remark, *, by: Caller, now: datetime | None = None) -> None:
    """Say that a remark is dealt with."""
    user = _require(remark.release, by)
    _first(remark)
    open_one = Remark.objects.filter(pk=remark.pk, resolved_at=None)
    if not open_one.update(resolved_at=now or timezone.now(), resolved_by=user):
        raise NotNow(_("This remark is resolved already."))
    log.record(
        "release.resolve", actor=by.public_id, subject=remark.release, remark=remark.event.public_id
    )


@transaction.atomic
def reopen(remark: Remark, *, by: Caller) -> None:
    _require(remark.release, by)
    _first(remark)
    resolved = Remark.objects.filter(pk=remark.pk, resolved_at__isnull=False)
    if not resolved.update(resolved_at=None, resolved_by=None):
        raise NotNow(_("This remark is open."))
    log.record(
        "release.reopen", actor=by.public_id, subject=remark.release, remark=remark.event.public_id
    )


def of_release(release: Release, *, caller: Caller, is_apart: bool | None = None) -> list[Thread]:
    """The remarks that the caller may know of, oldest first, each with its answers. `is_apart` is
    what `apart.hides` answered, where it was asked."""
    if not rights.of(release.repository, caller).sees_quarantine:
        return []
    found: dict[int, Thread] = {}
    rows = apart.remarks(release, caller, is_hidden=is_apart).select_related(
        "event__author", "revision", "resolved_by", "answers__event"
    )
    for remark in rows.prefetch_related("event__texts"):
        if remark.answers_id is None:
            found[remark.pk] = Thread(remark)
        elif remark.answers_id in found:
            found[remark.answers_id].answers.append(remark)
    return list(found.values())


def find(event_id: str, *, caller: Caller) -> Remark | None:
    """The remark whose comment has this id, where the caller may know of it."""
    seen = Release.objects.visible_to(caller)
    remark = (
        Remark.objects.filter(event__public_id=event_id, release__in=seen)
        .select_related(
            "event__author", "revision", "answers__event", "answers__release__repository__namespace"
        )
        .select_related("release__repository__namespace", "release__revision")
        .first()
    )
    if remark is None or not rights.of(remark.release.repository, caller).sees_quarantine:
        return None
    return None if apart.is_kept(event_id, caller) else remark


def may_remark(release: Release, caller: Caller) -> bool:
    """Those who see quarantine talk about it, with a token that carries the right to write."""
    return (
        release.discussion_id is not None
        and caller.can_write
        and caller.reaches(release.repository.public_id)
        and rights.of(release.repository, caller).sees_quarantine
    )


def _require(release: Release, by: Caller) -> User:
    if by.user is None:
        raise SignInRequired(_("Sign in to say something about this."))
    if not may_remark(release, by):
        raise NotAllowed(_("You may not say something about this review."))
    return by.user


def _first(remark: Remark) -> None:
    if remark.answers_id is not None:
        raise Invalid(_("An answer is resolved with the remark that it answers."))


def _check_place(release: Release, where: Where) -> None:
    if where.place == Place.RELEASE:
        known = not (where.path or where.line or where.side or where.check_id)
    elif where.place == Place.FILE:
        known = _has_file(release.revision, where.path) or _had_file(release, where.path)
        known = known and not (where.line or where.side or where.check_id)
    elif where.place == Place.LINE:
        known = where.line is not None and 1 <= where.line <= MOST_LINES and not where.check_id
        known = known and (
            _had_file(release, where.path)
            if where.side == Side.BEFORE
            else where.side == Side.AFTER and _has_file(release.revision, where.path)
        )
    elif where.place == Place.FINDING:
        known = _has_finding(release.revision, where) and not (where.line or where.side)
    else:
        known = False
    if not known:
        raise Invalid(_("There is no such place in this release."))


def _has_file(revision: Revision, path: str) -> bool:
    return bool(path) and any(one.path == path for one in files.files_of(revision))


def _had_file(release: Release, path: str) -> bool:
    before = predecessors.of(release)
    return before is not None and _has_file(before.revision, path)


def _has_finding(revision: Revision, where: Where) -> bool:
    if where.check_id.startswith(duties.WARNING):
        return not where.path and where.check_id in duties.warnings(duties.of_revision(revision))
    run = runs.latest(revision)
    rows = FindingRow.objects.filter(run=run, check_id=where.check_id) if run else None
    if rows is None:
        return False
    return (rows.filter(file=where.path) if where.path else rows).exists()


def _write(
    release: Release, text: str, *, where: Where, by: User, answers: Remark | None = None
) -> Remark:
    if release.discussion is None:
        raise NotNow(_("This release has no thread to talk in."))
    event = threads.remark(release.discussion, text, by=by, facts=_facts(where))
    return Remark.objects.create(
        event=event,
        release=release,
        revision=answers.revision if answers else release.revision,
        answers=answers,
        place=where.place,
        path=where.path,
        line=where.line,
        side=where.side,
        check_id=where.check_id,
    )


def _facts(where: Where) -> dict[str, str]:
    """The place in words of the thread, for those who read it elsewhere."""
    told = {
        "place": str(where.place),
        "path": where.path,
        "line": str(where.line or ""),
        "side": str(where.side),
        "check": where.check_id,
    }
    return {name: value for name, value in told.items() if value}


def _locked(release: Release) -> Release:
    """The release as it is once nobody else can move it on."""
    Release.objects.select_for_update(no_key=True).get(pk=release.pk)
    return Release.objects.select_related(
        "repository__namespace", "revision__repository", "discussion__repository"
    ).get(pk=release.pk)
