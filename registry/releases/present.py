"""What the gate's rules look at, as it stands now."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from registry.accounts import plain_hub
from registry.accounts.callers import Caller
from registry.agreements import coverage, grants, requests
from registry.agreements.models import Acceptance, Ending, Grant
from registry.catalog import files, positions, proposals, questions, revisions
from registry.catalog.files import FileEntry
from registry.catalog.models import Proposal, Repository, Revision, RevisionState
from registry.prepared import Prepared
from registry.releases import in_force, rules
from registry.releases.models import WAS_RELEASED, Release
from registry.releases.rules import Answer, Reason

OPEN_FILE_MAX = 1024 * 1024
_OPEN = re.compile(
    r"README\.md|(LICENSE|NOTICE|Notice|USE_POLICY)(\.md|\.txt)?|LICENSE-[\w.-]+|LICENSES/[\w.-]+"
)
WEIGHTS = (".safetensors", ".gguf", ".bin", ".pth", ".pt")


def is_open_name(path: str) -> bool:
    """Whether a file of this name is a license text, a policy or a card, which all may read."""
    return _OPEN.fullmatch(path) is not None


def is_open_file(path: str, size: int | None) -> bool:
    """Whether a file of this name and size in bytes is one that all may read."""
    return size is not None and size <= OPEN_FILE_MAX and is_open_name(path)


def decide(
    repository: Repository,
    revision: Revision,
    *,
    caller: Caller,
    path: str = "",
    size: int | None = None,
    now: datetime | None = None,
) -> Answer:
    """Whether the caller may have the bytes of this revision, or of one file of it. With a `size`
    the file may be one that is open to all.

    The caller has been shown to know of the repository; that the revision exists for them is
    decided here.
    """
    return rules.decide(Present(repository, revision, caller, path=path, size=size, now=now))


def open_by_path(repository: Repository, revision: Revision, caller: Caller) -> set[str]:
    """The SHA-256 of the files that are open one by one to somebody who was let in to some."""
    return {file.sha256 for file in open_files(repository, revision, caller)}


def open_files(repository: Repository, revision: Revision, caller: Caller) -> list[FileEntry]:
    """The files that are open one by one to somebody who was let in to some, sorted by path."""
    facts = Present(repository, revision, caller)
    found = []
    for file in files.files_of(revision):
        facts.path = file.path
        if rules.decide(facts).is_open:
            found.append(file)
    return found


class Present:
    """The facts about a repository's revision for a caller who knows of the repository. Each is
    asked of the database when a rule looks at it."""

    is_known = True

    def __init__(
        self,
        repository: Repository,
        revision: Revision,
        caller: Caller,
        *,
        path: str = "",
        size: int | None = None,
        now: datetime | None = None,
    ) -> None:
        self.repository = repository
        self.revision = revision
        self.caller = caller
        self.path = path
        self.size = size
        self.now = now or timezone.now()

    @cached_property
    def sees_all(self) -> bool:
        return revisions.sees_quarantine(self.repository, self.caller)

    @property
    def revision_id(self) -> str:
        return self.revision.oid

    @property
    def is_quarantined(self) -> bool:
        return self.revision.state == RevisionState.QUARANTINE

    @cached_property
    def is_plain(self) -> bool:
        return is_plain(self.repository, self.revision)

    @cached_property
    def proposed(self) -> Answer | None:
        """The answer on a revision of a pull request of the caller's own."""
        start = start_of_own(self.revision, self.caller)
        if start is None:
            return None
        return _of_proposal(self.repository, self.revision, start, self.caller)

    @cached_property
    def release(self) -> Release | None:
        """The release of the revision, with which the caller's acceptance was asked for."""
        if self.is_plain:
            return None
        user = self.caller.user.pk if self.caller.user else None
        found = _RELEASE.rows(revision=self.revision.pk, user=user, now=self.now)
        return next(iter(found), None)

    @property
    def status(self) -> str:
        return self.release.status if self.release else ""

    @property
    def status_reason(self) -> str:
        return self.release.status_reason if self.release else ""

    @property
    def is_open_file(self) -> bool:
        return is_open_file(self.path, self.size)

    @property
    def asks(self) -> bool:
        return self.release is not None and bool(self.release.terms["needs_acceptance"])

    @property
    def gated(self) -> str:
        return self.repository.gated

    @property
    def is_signed_in(self) -> bool:
        return self.caller.is_signed_in

    @cached_property
    def acceptance(self) -> Acceptance | None:
        """The acceptance that was found with the release; what else it says is fetched when read."""
        if self.release is None:
            return None
        key = self.release.acceptance_key  # type: ignore[attr-defined]
        if key is None:
            return None
        public_id = self.release.acceptance_id  # type: ignore[attr-defined]
        organisation = self.release.acceptance_organisation  # type: ignore[attr-defined]
        return Acceptance.from_db(
            connection.alias,
            ["id", "public_id", "organisation_id"],
            [key, public_id, organisation],
        )

    @cached_property
    def ending(self) -> Ending | None:
        """How the caller's own license to this set ended, where they had one."""
        if self.release is None or self.caller.user is None:
            return None
        return Ending.objects.filter(
            acceptance__user=self.caller.user,
            acceptance__organisation=None,
            acceptance__repository=self.repository,
            acceptance__terms_hash__in=in_force.of(self.release, self.now).counts,
            at__lte=self.now,
        ).first()

    @cached_property
    def grants(self) -> Sequence[Grant]:
        return grants.opening(self.repository, self.caller, self.now) if self.gated else []

    def covers_release(self, grant: Grant) -> bool:
        release = self.release.pk if self.release else None
        return grants.covers_release(grant, release, places=self._places)

    def is_used_up(self, grant: Grant) -> bool:
        if self.release is None or grant.full_downloads is None:
            return False
        return grants.is_used_up(
            grant, release_digest=self.release.digest, weights=self._weights, now=self.now
        )

    @cached_property
    def request_state(self) -> str:
        found = requests.of_caller(self.repository, self.caller)
        return found.state if found else ""

    @cached_property
    def ended_at(self) -> datetime | None:
        """When the last grant of the caller's ended."""
        return grants.ended_at(self.repository, self.caller, self.now)

    @property
    def has_questions(self) -> bool:
        return bool(questions.of_revision(self.revision).asked)

    @cached_property
    def terms_page(self) -> str:
        offered = positions.public(self.repository, "main")
        is_offered = offered is not None and offered.pk == self.revision.pk
        return rules.terms_page(self.repository, self.release, is_offered=is_offered)

    @cached_property
    def _places(self) -> dict[str, int]:
        return places(self.grants)

    @cached_property
    def _weights(self) -> dict[str, int]:
        return weights(self.revision)


def places(granted: Sequence[Grant]) -> dict[str, int]:
    """The keys of the releases that bound these grants."""
    bounds = grants.bounds(granted)
    if not bounds:
        return {}
    return dict(Release.objects.filter(public_id__in=bounds).values_list("public_id", "pk"))


def weights(revision: Revision) -> dict[str, int]:
    """The weight files of a revision, with their sizes in bytes."""
    return {
        file.path: file.size for file in files.files_of(revision) if file.path.endswith(WEIGHTS)
    }


def is_plain(repository: Repository, revision: Revision) -> bool:
    """Whether the rule of plain hubs is the one for this revision. What was released before stays
    under its release: its terms hold, and withdrawing it closes it."""
    return (
        revision.state == RevisionState.QUARANTINE
        and revision.proposal_id is None
        and plain_hub.is_on(repository.namespace)
    )


def start_of_own(revision: Revision, caller: Caller) -> Revision | None:
    """Where the pull request began that the revision is part of and this caller opened."""
    if revision.proposal_id is None:
        return None
    own = Proposal.objects.opened_by(caller).select_related("start")
    proposal = own.filter(pk=revision.proposal_id).first()
    return proposal.start if proposal else None


def open_in_proposal(
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
    can_have = open_in_proposal(repository, revision, start, caller)
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


def _with_acceptance(revision: int, user: int, now: datetime) -> QuerySet[Release]:
    known = Release.objects.filter(revision_id=revision, status__in=WAS_RELEASED)
    accepted = coverage.of(
        user=user, repository=OuterRef("repository"), hashes=OuterRef("counting"), now=now
    )
    return known.annotate(counting=in_force.counting_then(now)).annotate(
        acceptance_key=Subquery(accepted.values("pk")[:1]),
        acceptance_id=Subquery(accepted.values("public_id")[:1]),
        acceptance_organisation=Subquery(accepted.values("organisation_id")[:1]),
    )[:1]


_RELEASE = Prepared(_with_acceptance)
