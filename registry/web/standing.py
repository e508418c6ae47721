"""How a repository stands for one visitor: what the pages about it have in common."""

from dataclasses import dataclass

from registry.accounts import permissions, plain_hub
from registry.accounts.callers import Caller
from registry.accounts.permissions import Permission
from registry.agreements import licenses, requests
from registry.agreements.models import Document, RequestState
from registry.catalog import deprecations, revisions
from registry.catalog.deprecations import Advice
from registry.catalog.models import MAIN, Ref, Repository, Revision
from registry.checks import runs
from registry.checks.models import CheckRun
from registry.releases import gate, offers, steps
from registry.releases.gate import Answer
from registry.releases.models import OPEN, Release, Status


@dataclass(frozen=True)
class Standing:
    """`public` is what everybody gets from `main`, `head` what uploads build on.

    `head` is None for visitors who may not know of unreleased revisions. `shown` is the revision
    that a page without a revision in its address is about, `answer` the gate's word on it. In a
    plain hub (`is_plain`) the head is public.
    `submit_refusal` says why an open release cannot be submitted again now, `advice` why nobody
    should use the repository anew.
    """

    repository: Repository
    public: Revision | None
    head: Revision | None
    withdrawn: Revision | None
    shown: Revision
    run: CheckRun | None
    answer: Answer
    sees_quarantine: bool
    may_write: bool
    is_plain: bool
    open_release: Release | None
    submit_refusal: str
    requests_waiting: int
    public_release: Release | None
    licenses: list[Document | str]
    advice: Advice | None

    @property
    def is_ahead(self) -> bool:
        """Whether there is something that the public does not get."""
        return self.head is not None and self.head != self.public

    @property
    def shows_head(self) -> bool:
        return self.is_ahead and self.shown == self.head

    @property
    def changes_asked(self) -> bool:
        """Whether a maintainer asked for changes to the revision shown."""
        release = self.open_release
        return (
            release is not None
            and release.status == Status.CHANGES_REQUESTED
            and release.revision_id == self.shown.pk
        )

    @property
    def release(self) -> Release | None:
        """The release of the revision shown."""
        return self.answer.release


def of(
    repository: Repository, *, caller: Caller, revision: Revision | None = None
) -> Standing | None:
    """The standing, about `revision` or else what `main` means for the caller. None where there
    is nothing that the caller may know of."""
    ref = _main(repository)
    shown = revision or (revisions.position(ref, caller=caller) if ref else None)
    if ref is None or shown is None:
        return None
    sees = revisions.sees_quarantine(repository, caller)
    is_plain = plain_hub.is_on(repository.namespace)
    open_release = _open_release(repository, caller)
    may_write = permissions.may(caller, Permission.PROPOSE, repository.namespace)
    return Standing(
        repository=repository,
        public=ref.head if is_plain else ref.public,
        head=ref.head if sees else None,
        withdrawn=ref.withdrawn,
        shown=shown,
        run=runs.latest(shown),
        answer=gate.decide(repository, shown, caller=caller),
        sees_quarantine=sees,
        may_write=may_write,
        is_plain=is_plain,
        open_release=open_release,
        submit_refusal=_submit_refusal(open_release, caller),
        requests_waiting=_requests_waiting(repository) if may_write else 0,
        public_release=offers.current(repository),
        licenses=licenses.named_in(shown.card),
        advice=deprecations.of(repository, caller=caller),
    )


def _main(repository: Repository) -> Ref | None:
    return (
        Ref.objects.select_related(
            "repository__namespace", "head__author", "public__author", "withdrawn__author"
        )
        .filter(repository=repository, name=MAIN)
        .first()
    )


def _open_release(repository: Repository, caller: Caller) -> Release | None:
    return (
        Release.objects.visible_to(caller)
        .filter(repository=repository, branch=MAIN, status__in=OPEN)
        .first()
    )


def _requests_waiting(repository: Repository) -> int:
    """How many people wait to be let in, where somebody has to let them in."""
    return requests.listed(repository, RequestState.PENDING).count() if repository.gated else 0


def _submit_refusal(release: Release | None, caller: Caller) -> str:
    if release is None or release.status != Status.CHANGES_REQUESTED:
        return ""
    return str(steps.refusal("submit", release, caller) or "")
