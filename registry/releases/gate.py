"""The one decision whether bytes may leave, for every route, with the reason and the next step."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.agreements import terms as terms_of
from registry.audit import access
from registry.audit.models import Access
from registry.catalog import files, proposals, revisions, rights
from registry.catalog.files import FileEntry
from registry.catalog.models import Gated, Repository, Revision, RevisionState
from registry.errors import (
    AccessRequired,
    GateClosed,
    RevisionMissing,
    TermsRequired,
    Withdrawn,
)
from registry.releases import present
from registry.releases.models import WAS_RELEASED, Release
from registry.releases.present import OPEN_FILE_MAX, decide
from registry.releases.rules import Answer, Reason
from registry.storage.models import Blob

__all__ = ["OPEN_FILE_MAX", "Answer", "Reason", "decide"]


@dataclass(frozen=True)
class Opened:
    """A file whose bytes the caller may have, and why."""

    repository: Repository
    revision: Revision
    file: FileEntry
    answer: Answer


def decide_file(
    repository: Repository,
    revision: Revision,
    path: str,
    *,
    caller: Caller,
    with_open_files: bool = True,
    now: datetime | None = None,
) -> Answer:
    """Whether the caller may have the bytes of this file. Comes before the question whether the
    path exists, so that nothing is learned by trying names."""
    answer = decide(repository, revision, caller=caller, now=now)
    if answer.reason is Reason.NOT_THEIRS:
        return _of_proposed_file(repository, revision, path, caller, with_open_files)
    if answer.reason is Reason.PARTIAL:
        answer = decide(repository, revision, caller=caller, path=path, now=now)
    if not answer.is_open and with_open_files and present.is_open_name(path):
        file = files.find(revision, path)
        return decide(repository, revision, caller=caller, path=path, size=file.size, now=now)
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
    answer = decide_file(repository, revision, path, caller=caller, with_open_files=with_open_files)
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
    if answer.reason in {Reason.UNKNOWN, Reason.NO_RELEASE}:
        raise RevisionMissing(answer.message)
    kinds: dict[Reason, type[GateClosed]] = {
        Reason.SUSPENDED: Withdrawn,
        Reason.RECALLED: Withdrawn,
        Reason.NOT_THEIRS: GateClosed,
        Reason.TERMS: TermsRequired,
        Reason.LICENSE_ENDED: TermsRequired,
    }
    kind = kinds.get(answer.reason, AccessRequired)
    # With the terms as the next step it is they that are asked for, whatever else is
    if answer.reason in {Reason.SIGN_IN, Reason.PENDING} and answer.next_url:
        kind = TermsRequired
    raise kind(answer.message, next_url=answer.next_url)


def hashes_shown(
    repository: Repository, revision: Revision, answer: Answer, *, caller: Caller
) -> Collection[str] | None:
    """Of which files of a revision, by SHA-256, the caller may see the hash, given the gate's answer
    on the whole of it; None for all."""
    if answer.is_open:
        return None
    if answer.reason is Reason.PARTIAL:
        return present.open_by_path(repository, revision, caller)
    if answer.reason is not Reason.NOT_THEIRS:
        return frozenset()
    start = present.start_of_own(revision, caller)
    return present.open_in_proposal(repository, revision, start, caller) if start else frozenset()


def paths_shown(
    repository: Repository, revision: Revision, answer: Answer, *, caller: Caller
) -> Collection[str] | None:
    """Of which files of a revision the caller may see the names on pages, given the gate's answer on
    the whole of it; None for all."""
    if answer.is_open:
        return None
    if answer.reason is Reason.PARTIAL:
        return {file.path for file in present.open_files(repository, revision, caller)}
    return frozenset()


def stored(repository: Repository, hashes: Collection[str], *, caller: Caller) -> dict[str, Blob]:
    """The blobs of these SHA-256 that the caller may be told are stored and may name in a commit,
    by SHA-256: what the repository holds, for those who write it; for others what they sent
    themselves, and the files of `main` that are open to them."""
    named = proposals.nameable(
        repository, hashes, by=caller, opened=open_to(repository, caller=caller)
    )
    held = Blob.objects.filter(sha256__in=named, holdings__repository=repository)
    return {blob.sha256: blob for blob in held}


def open_to(repository: Repository, *, caller: Caller) -> set[str]:
    """The SHA-256 of the files of `main` that are open to a caller who does not write here."""
    if rights.of(repository, caller).writes:
        return set()
    revision = revisions.default_for(repository, caller=caller)
    if revision is None or not decide(repository, revision, caller=caller).is_open:
        return set()
    return {file.sha256 for file in files.files_of(revision)}


def asks_acceptance(revision: Revision, release: Release | None) -> bool:
    """Whether terms have to be accepted: those of the release, else those that one would have."""
    if release is not None:
        return bool(release.terms["needs_acceptance"])
    if present.is_plain(revision.repository, revision):
        return False
    return terms_of.of_revision(revision.repository, revision).needs_acceptance


def gated(repository: Repository, *, asks: bool) -> str | bool:
    """What the wire calls gated: `manual` where a person must let the reader in, `auto` where
    nobody decides but the reader, who accepts terms or asks, else false."""
    if repository.gated == Gated.MANUAL:
        return "manual"
    return "auto" if asks or repository.gated else False


def may_be_gated(wanted: bool, *, revision: str) -> Q:
    """The condition, for rows that have a repository, that `gated` is false or is not, as far as the
    database tells. What a release of something in quarantine would ask is told by `which_ask` alone:
    such rows are among both. `revision` is the name of the field or annotation with the key of the
    revision shown."""
    released = releases_that_ask().filter(revision=OuterRef(revision))
    is_gated = ~Q(repository__gated=Gated.NO) | Q(Exists(released))
    if not wanted:
        return ~is_gated
    proposed = Revision.objects.filter(pk=OuterRef(revision), state=RevisionState.QUARANTINE)
    return is_gated | Q(Exists(proposed.exclude(plain_hub.where("repository__namespace"))))


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
    link_seconds: int = 0,
    now: datetime | None = None,
) -> None:
    """One row of the access log: who got which bytes of which file, or a link to them that lives so
    long, and why they could."""
    row = access_row(
        file,
        answer,
        repository=repository,
        revision=revision,
        caller=caller,
        first_byte=first_byte,
        last_byte=last_byte,
        link_seconds=link_seconds,
        now=now,
    )
    access.note(row)


def access_row(
    file: FileEntry,
    answer: Answer,
    *,
    repository: Repository,
    revision: Revision,
    caller: Caller,
    first_byte: int,
    last_byte: int,
    link_seconds: int = 0,
    now: datetime | None = None,
) -> Access:
    """The same, to be written with others."""
    return Access(
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
        grant=answer.grant.public_id if answer.grant else "",
        request_id=caller.request_id,
        link_seconds=link_seconds,
    )


def note_whole(
    files: Iterable[FileEntry],
    answer: Answer,
    *,
    repository: Repository,
    revision: Revision,
    caller: Caller,
) -> None:
    """The same for files that somebody got from the first byte to the last."""
    access.note_all(
        access_row(
            file,
            answer,
            repository=repository,
            revision=revision,
            caller=caller,
            first_byte=0,
            last_byte=max(file.size - 1, 0),
        )
        for file in files
    )


def _of_proposed_file(
    repository: Repository, revision: Revision, path: str, caller: Caller, with_open_files: bool
) -> Answer:
    """A file of a pull request that is not open as a whole, for its author."""
    start = present.start_of_own(revision, caller)
    assert start is not None  # noqa: S101 - the answer on the whole of it said so
    file = files.find(revision, path)
    assert caller.user is not None  # noqa: S101 - the author of a pull request is somebody
    if proposals.brought(repository, [file.sha256], by=caller.user):
        return Answer(True, Reason.PROPOSED)
    base = {one.path: one for one in files.files_of(start)}
    if path in base and base[path].sha256 == file.sha256:
        return decide_file(repository, start, path, caller=caller, with_open_files=with_open_files)
    if file.sha256 in {one.sha256 for one in base.values()}:
        return decide(repository, start, caller=caller)
    return Answer(
        False,
        Reason.NOT_THEIRS,
        "This file of the pull request was put there by somebody else than you.",
    )
