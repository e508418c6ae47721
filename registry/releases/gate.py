"""The one decision whether bytes may leave, for every route, with the reason and the next step."""

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.agreements import acceptances, documents, grants, requests
from registry.agreements import terms as terms_of
from registry.agreements.models import Acceptance, Grant, RequestState
from registry.audit import access
from registry.audit.models import Access
from registry.catalog import files, positions, proposals, questions, revisions, rights
from registry.catalog.files import FileEntry
from registry.catalog.models import Gated, Proposal, Repository, Revision, RevisionState
from registry.errors import (
    AccessRequired,
    GateClosed,
    RevisionMissing,
    TermsRequired,
    Withdrawn,
)
from registry.prepared import Prepared
from registry.releases.models import WAS_RELEASED, Release, Status
from registry.storage.models import Blob

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
    GRANTED = "granted"  # let in by the publisher, with terms accepted where they ask
    NO_TERMS = "no-terms"  # the terms ask nothing
    PLAIN_HUB = "plain-hub"  # never released, in a namespace that publishes on commit
    OPEN_FILE = "open-file"  # license texts, policy and card are always readable
    PROPOSED = "proposed"  # in a pull request of theirs: brought by them, or open in its base
    NOT_THEIRS = "not-theirs"  # in a pull request of theirs: neither of the two
    UNKNOWN = "unknown"  # in quarantine: for this caller it does not exist
    NO_RELEASE = "no-release"
    SUSPENDED = "suspended"
    RECALLED = "recalled"
    SIGN_IN = "sign-in"
    TERMS = "terms"
    ASK = "ask"  # the publisher lets in only those who ask
    PENDING = "pending"  # asked, and waits for a person
    REJECTED = "rejected"


@dataclass(frozen=True)
class Answer:
    """Allow, or why not and what to do next: a form that a page and a header can both show."""

    is_open: bool
    reason: Reason
    message: str = ""
    next_url: str = ""
    release: Release | None = None
    acceptance: Acceptance | None = None
    grant: Grant | None = None


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
        return Answer(True, Reason.OWN, release=_release_of(revision, caller))
    is_plain = _is_plain(repository, revision)
    if revision.state == RevisionState.QUARANTINE and not is_plain:
        if (start := _start_of_own(revision, caller)) is not None:
            return _of_proposal(repository, revision, start, caller)
        return Answer(False, Reason.UNKNOWN, f"Invalid rev id: {revision.oid}")
    release = None if is_plain else _release_of(revision, caller)
    if release is None and not is_plain:
        return Answer(False, Reason.NO_RELEASE, "This revision has no release.")
    if path in OPEN_FILES and size <= OPEN_FILE_MAX:
        return Answer(True, Reason.OPEN_FILE, release=release)
    if release is not None and release.status != Status.RELEASED:
        return _withdrawn(release)
    return _locks(repository, revision, release, caller)


def decide_file(
    repository: Repository,
    revision: Revision,
    path: str,
    *,
    caller: Caller,
    with_open_files: bool = True,
) -> Answer:
    """Whether the caller may have the bytes of this file. Comes before the question whether the
    path exists, so that nothing is learned by trying names."""
    answer = decide(repository, revision, caller=caller)
    if answer.reason is Reason.NOT_THEIRS:
        return _of_proposed_file(repository, revision, path, caller, with_open_files)
    if not answer.is_open and with_open_files and path in OPEN_FILES:
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
    kinds: dict[Reason, type[GateClosed]] = {
        Reason.SUSPENDED: Withdrawn,
        Reason.RECALLED: Withdrawn,
        Reason.NOT_THEIRS: GateClosed,
        Reason.TERMS: TermsRequired,
        Reason.SIGN_IN: TermsRequired if _asks(answer.release) else AccessRequired,
        Reason.ASK: AccessRequired,
        Reason.PENDING: TermsRequired if answer.next_url else AccessRequired,
        Reason.REJECTED: AccessRequired,
    }
    if answer.reason in {Reason.UNKNOWN, Reason.NO_RELEASE}:
        raise RevisionMissing(answer.message)
    raise kinds[answer.reason](answer.message, next_url=answer.next_url)


def hashes_shown(
    repository: Repository, revision: Revision, answer: Answer, *, caller: Caller
) -> Collection[str] | None:
    """Of which files of a revision, by SHA-256, the caller may see the hash, given the gate's answer
    on the whole of it; None for all."""
    if answer.is_open:
        return None
    if answer.reason is not Reason.NOT_THEIRS:
        return frozenset()
    start = _start_of_own(revision, caller)
    return _open_in_proposal(repository, revision, start, caller) if start else frozenset()


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
    if _is_plain(revision.repository, revision):
        return False
    return terms_of.of_revision(revision.repository, revision).needs_acceptance


def gated(repository: Repository, *, asks: bool) -> str | bool:
    """What the wire calls gated: `manual` where a person must let the reader in, `auto` where
    nobody decides but the reader, who accepts terms or asks, else false."""
    if repository.gated == Gated.MANUAL:
        return "manual"
    return "auto" if asks or repository.gated else False


def is_gated(*, revision: str) -> Q:
    """The condition that `gated` is not false, for rows that have a repository. `revision` is the
    name of the field or annotation with the key of the revision shown."""
    released = releases_that_ask().filter(revision=OuterRef(revision))
    proposed = Revision.objects.filter(
        documents.cards_that_ask(), pk=OuterRef(revision), state=RevisionState.QUARANTINE
    ).exclude(plain_hub.where("repository__namespace"))
    return ~Q(repository__gated=Gated.NO) | Exists(released) | Exists(proposed)


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
    row = Access(
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
    access.note(row)


def note_whole(
    files: Iterable[FileEntry],
    answer: Answer,
    *,
    repository: Repository,
    revision: Revision,
    caller: Caller,
) -> None:
    """The same for files that somebody got from the first byte to the last."""
    for file in files:
        note_access(
            file,
            answer,
            repository=repository,
            revision=revision,
            caller=caller,
            first_byte=0,
            last_byte=max(file.size - 1, 0),
        )


def _start_of_own(revision: Revision, caller: Caller) -> Revision | None:
    """Where the pull request began that the revision is part of and this caller opened."""
    if revision.proposal_id is None:
        return None
    own = Proposal.objects.opened_by(caller).select_related("start")
    proposal = own.filter(pk=revision.proposal_id).first()
    return proposal.start if proposal else None


def _open_in_proposal(
    repository: Repository, revision: Revision, start: Revision, caller: Caller
) -> set[str]:
    """The SHA-256 in a pull request that its author may have: what they sent themselves, and what
    comes from the base where its gate is open."""
    assert caller.user is not None  # noqa: S101 - the author of a pull request is somebody
    within = {file.sha256 for file in files.files_of(revision)}
    found = proposals.brought(repository, within, by=caller.user)
    if decide(repository, start, caller=caller).is_open:
        found |= within & {file.sha256 for file in files.files_of(start)}
    return found


def _of_proposal(
    repository: Repository, revision: Revision, start: Revision, caller: Caller
) -> Answer:
    """The whole of a pull request's revision is open to its author where each file of it is."""
    can_have = _open_in_proposal(repository, revision, start, caller)
    base = decide(repository, start, caller=caller)
    if all(file.sha256 in can_have for file in files.files_of(revision)):
        return Answer(True, Reason.PROPOSED, release=base.release, acceptance=base.acceptance)
    why = base.message or "Others than you put files into it."
    return Answer(
        False,
        Reason.NOT_THEIRS,
        f"Not all files of this pull request are open to you. {why}",
        next_url=base.next_url,
        release=base.release,
    )


def _of_proposed_file(
    repository: Repository, revision: Revision, path: str, caller: Caller, with_open_files: bool
) -> Answer:
    """A file of a pull request that is not open as a whole, for its author."""
    start = _start_of_own(revision, caller)
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


def _release_of(revision: Revision, caller: Caller) -> Release | None:
    """The release of a revision, with the caller's acceptance of its terms for `_acceptance_of`."""
    user = caller.user.pk if caller.user else None
    return next(iter(_RELEASE.rows(revision=revision.pk, user=user)), None)


def _with_acceptance(revision: int, user: int) -> QuerySet[Release]:
    accepted = acceptances.of(
        user=user, repository=OuterRef("repository"), terms_hash=OuterRef("terms_hash")
    )
    known = Release.objects.filter(revision_id=revision, status__in=WAS_RELEASED)
    return known.annotate(
        acceptance_key=Subquery(accepted.values("pk")),
        acceptance_id=Subquery(accepted.values("public_id")),
    )[:1]


_RELEASE = Prepared(_with_acceptance)


def _acceptance_of(release: Release) -> Acceptance | None:
    """The acceptance that was found with the release; what else it says is fetched when read."""
    key, public_id = release.acceptance_key, release.acceptance_id  # type: ignore[attr-defined]
    if key is None:
        return None
    return Acceptance.from_db(connection.alias, ["id", "public_id"], [key, public_id])


def _withdrawn(release: Release) -> Answer:
    reason = Reason.SUSPENDED if release.status == Status.SUSPENDED else Reason.RECALLED
    why = f" Reason: {release.status_reason}" if release.status_reason else ""
    return Answer(
        False,
        reason,
        f"Release {release.version} is {Status(release.status).label}.{why}",
        next_url=f"{release.repository.get_absolute_url()}/releases",
        release=release,
    )


def _is_plain(repository: Repository, revision: Revision) -> bool:
    """Whether the rule of plain hubs is the one for this revision. What was released before stays
    under its release: its terms hold, and withdrawing it closes it."""
    return (
        revision.state == RevisionState.QUARANTINE
        and revision.proposal_id is None
        and plain_hub.is_on(repository.namespace)
    )


def _locks(
    repository: Repository, revision: Revision, release: Release | None, caller: Caller
) -> Answer:
    """Two locks: the terms of the release, and the publisher's own. Neither opens the other."""
    asks = _asks(release)
    if not asks and not repository.gated:
        reason = Reason.PLAIN_HUB if release is None else Reason.NO_TERMS
        return Answer(True, reason, release=release)
    if not caller.is_signed_in:
        return _closed(Reason.SIGN_IN, repository, release)
    acceptance = None
    if asks and release is not None:
        acceptance = _acceptance_of(release)
    grant = grants.in_force(repository, caller=caller) if repository.gated else None
    if repository.gated and grant is None:
        closed = _publishers(repository, revision, caller, asks=asks)
        if closed is not None:
            is_met = not asks or acceptance is not None
            return _closed(closed, repository, release, terms_are_met=is_met)
    if asks and acceptance is None:
        return _closed(Reason.TERMS, repository, release)
    reason = Reason.GRANTED if grant is not None else Reason.ACCEPTED
    return Answer(True, reason, release=release, acceptance=acceptance, grant=grant)


def _publishers(
    repository: Repository, revision: Revision, caller: Caller, *, asks: bool
) -> Reason | None:
    """Why the publisher's lock is closed to somebody without a grant. None where accepting the
    terms opens it: the publisher lets in whoever asks, and has no questions of their own."""
    request = requests.of_caller(repository, caller)
    if request is not None:
        return Reason.REJECTED if request.state == RequestState.REJECTED else Reason.PENDING
    if asks and repository.gated == Gated.AUTO and not questions.of_card(revision.card).asked:
        return None
    return Reason.ASK


def _closed(
    reason: Reason,
    repository: Repository,
    release: Release | None,
    *,
    terms_are_met: bool = False,
) -> Answer:
    """No, in the words that clients have shown for years, and where the next step is taken."""
    what = f"{repository.type} {repository.full_name}"
    messages = {
        Reason.SIGN_IN: f"Access to {what} is restricted. You must have access to it and be "
        "authenticated to access it. Please log in.",
        Reason.TERMS: f"Access to {what} is restricted and you have not accepted its terms yet.",
        Reason.ASK: f"Access to {what} is restricted and you are not in the authorized list.",
        Reason.PENDING: f"Your request to access {what} is awaiting a review from the repo authors.",
        Reason.REJECTED: f"Your request to access {what} has been rejected by the repo's authors.",
    }
    next_url = ""
    if reason == Reason.ASK:
        next_url = repository.get_absolute_url()
    elif reason != Reason.REJECTED and _asks(release) and not terms_are_met:
        next_url = _terms_page(repository, release)
    return Answer(False, reason, messages[reason], next_url=next_url, release=release)


def _asks(release: Release | None) -> bool:
    return release is not None and bool(release.terms["needs_acceptance"])


def _terms_page(repository: Repository, release: Release | None) -> str:
    """The page that shows this release's terms; it shows those of what `main` offers by itself."""
    page = f"{repository.get_absolute_url()}/terms"
    offered = positions.public(repository, "main")
    if release is None or (offered is not None and offered.pk == release.revision_id):
        return page
    return f"{page}?{urlencode({'version': release.version})}"
