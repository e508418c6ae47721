"""The one decision whether bytes may leave, for every route, with the reason and the next step."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements import acceptances
from registry.agreements import terms as terms_of
from registry.agreements.models import Acceptance
from registry.audit.models import Access
from registry.catalog import files, positions, revisions
from registry.catalog.files import FileEntry
from registry.catalog.models import Repository, Revision, RevisionState
from registry.errors import (
    GateClosed,
    RevisionMissing,
    TermsRequired,
    Withdrawn,
)
from registry.releases.models import WAS_RELEASED, Release, Status

OPEN_FILES = frozenset(
    f"{name}{ending}"
    for name in ("LICENSE", "NOTICE", "USE_POLICY")
    for ending in ("", ".md", ".txt")
) | {"README.md"}
OPEN_FILE_MAX = 1024 * 1024


class Reason(enum.StrEnum):
    """Why the gate answers as it does."""

    OWN = "own"  # may write the repository, or is a site maintainer
    ACCEPTED = "accepted"  # accepted the terms of the release
    NO_TERMS = "no-terms"  # the terms ask nothing
    OPEN_FILE = "open-file"  # license texts, policy and card are always readable
    UNKNOWN = "unknown"  # in quarantine: for this caller it does not exist
    NO_RELEASE = "no-release"
    SUSPENDED = "suspended"
    RECALLED = "recalled"
    SIGN_IN = "sign-in"
    TERMS = "terms"


@dataclass(frozen=True)
class Answer:
    """Allow, or why not and what to do next: a form that a page and a header can both show."""

    is_open: bool
    reason: Reason
    message: str = ""
    next_url: str = ""
    release: Release | None = None
    acceptance: Acceptance | None = None


@dataclass(frozen=True)
class Opened:
    """A file whose bytes the caller may have, and why."""

    repository: Repository
    revision: Revision
    file: FileEntry
    answer: Answer


def decide(
    repository: Repository, revision: Revision, *, caller: Caller, path: str = "", size: int = 0
) -> Answer:
    """Whether the caller may have the bytes of this revision (of one file, where `path` is given).

    The caller has been shown to know of the repository; that the revision exists for them is
    decided here.
    """
    sees_all = revisions.sees_quarantine(repository, caller)
    if sees_all:
        return Answer(True, Reason.OWN, release=_release_of(revision))
    if revision.state == RevisionState.QUARANTINE:
        return Answer(False, Reason.UNKNOWN, f"Invalid rev id: {revision.oid}")
    release = _release_of(revision)
    if release is None:
        return Answer(False, Reason.NO_RELEASE, "This revision has no release.")
    if path in OPEN_FILES and size <= OPEN_FILE_MAX:
        return Answer(True, Reason.OPEN_FILE, release=release)
    if release.status != Status.RELEASED:
        return _withdrawn(release)
    return _terms(repository, release, caller)


def decide_file(repository: Repository, revision: Revision, path: str, *, caller: Caller) -> Answer:
    """Whether the caller may have the bytes of this file. Comes before the question whether the
    path exists, so that nothing is learned by trying names."""
    answer = decide(repository, revision, caller=caller)
    if not answer.is_open and path in OPEN_FILES:
        file = files.find(revision, path)
        return decide(repository, revision, caller=caller, path=path, size=file.size)
    return answer


def open_file(
    repository: Repository, revision: Revision, path: str, *, caller: Caller
) -> tuple[FileEntry, Answer]:
    """The file and the gate's yes, or the refusal."""
    answer = decide_file(repository, revision, path, caller=caller)
    require(answer, repository)
    return files.find(revision, path), answer


def open_named(
    repository: Repository, name: str, path: str, *, caller: Caller, with_open_files: bool = True
) -> Opened:
    """The file that a revision's name and a path mean. The gate also comes before the question
    whether the revision exists."""
    try:
        revision = revisions.find(repository, name, caller=caller)
    except RevisionMissing:
        require_main(repository, caller=caller)
        raise
    if with_open_files:
        answer = decide_file(repository, revision, path, caller=caller)
    else:
        answer = decide(repository, revision, caller=caller)
    require(answer, repository)
    return Opened(repository, revision, files.find(revision, path), answer)


def require_main(repository: Repository, *, caller: Caller) -> None:
    """Raise unless the caller may have the bytes of what `main` means for them."""
    revision = revisions.find(repository, "main", caller=caller)
    require(decide(repository, revision, caller=caller), repository)


def require(answer: Answer, repository: Repository) -> None:
    """Raise the refusal that an answer of no stands for."""
    if answer.is_open:
        return
    kinds: dict[Reason, type[GateClosed]] = {
        Reason.SUSPENDED: Withdrawn,
        Reason.RECALLED: Withdrawn,
        Reason.TERMS: TermsRequired,
        Reason.SIGN_IN: TermsRequired,
    }
    if answer.reason in {Reason.UNKNOWN, Reason.NO_RELEASE}:
        raise RevisionMissing(answer.message)
    raise kinds[answer.reason](answer.message, next_url=answer.next_url)


def asks_acceptance(revision: Revision, release: Release | None) -> bool:
    """Whether terms have to be accepted: those of the release, else those that one would have."""
    if release is not None:
        return bool(release.terms["needs_acceptance"])
    return terms_of.of_revision(revision.repository, revision).needs_acceptance


def which_ask(revisions_shown: Iterable[Revision]) -> dict[int, bool]:
    """For each revision, by key, whether terms have to be accepted."""
    shown = list(revisions_shown)
    released = {
        release.revision_id: release
        for release in Release.objects.filter(revision__in=shown, status__in=WAS_RELEASED)
    }
    return {one.pk: asks_acceptance(one, released.get(one.pk)) for one in shown}


def releases_that_ask() -> QuerySet[Release]:
    """What is or was released under terms that have to be accepted."""
    return Release.objects.filter(status__in=WAS_RELEASED, terms__needs_acceptance=True)


def note_access(
    file: FileEntry,
    answer: Answer,
    *,
    repository: Repository,
    revision: Revision,
    caller: Caller,
    first_byte: int,
    last_byte: int,
    now: datetime | None = None,
) -> None:
    """One row of the access log: who got which bytes of which file, and why they could."""
    Access.objects.create(
        at=now or timezone.now(),
        actor=caller.public_id,
        token=caller.token,
        repository=repository.public_id,
        revision=revision.oid,
        release_digest=answer.release.digest if answer.release else "",
        path=file.path,
        sha256=file.sha256,
        first_byte=first_byte,
        last_byte=last_byte,
        size=file.size,
        reason=answer.reason,
        acceptance=answer.acceptance.public_id if answer.acceptance else "",
        request_id=caller.request_id,
    )


def _release_of(revision: Revision) -> Release | None:
    return Release.objects.filter(revision=revision, status__in=WAS_RELEASED).first()


def _withdrawn(release: Release) -> Answer:
    reason = Reason.SUSPENDED if release.status == Status.SUSPENDED else Reason.RECALLED
    why = f" Reason: {release.status_reason}" if release.status_reason else ""
    return Answer(
        False,
        reason,
        f"Release {release.version} is {Status(release.status).label}.{why}",
        next_url=f"/{release.repository.full_name}/releases",
        release=release,
    )


def _terms(repository: Repository, release: Release, caller: Caller) -> Answer:
    if not release.terms["needs_acceptance"]:
        return Answer(True, Reason.NO_TERMS, release=release)
    if not caller.is_signed_in:
        return Answer(
            False,
            Reason.SIGN_IN,
            f"Access to model {repository.full_name} is restricted. You must have access to it "
            "and be authenticated to access it. Please log in.",
            next_url=_terms_page(repository, release),
            release=release,
        )
    acceptance = acceptances.find(repository, terms_hash=release.terms_hash, caller=caller)
    if acceptance is None:
        return Answer(
            False,
            Reason.TERMS,
            f"Access to model {repository.full_name} is restricted and you have not accepted its "
            "terms yet.",
            next_url=_terms_page(repository, release),
            release=release,
        )
    return Answer(True, Reason.ACCEPTED, release=release, acceptance=acceptance)


def _terms_page(repository: Repository, release: Release) -> str:
    """The page that shows this release's terms; it shows those of what `main` offers by itself."""
    page = f"/{repository.full_name}/terms"
    offered = positions.public(repository, "main")
    if offered is not None and offered.pk == release.revision_id:
        return page
    return f"{page}?{urlencode({'version': release.version})}"
