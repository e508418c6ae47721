"""The one thread of a release: the pull request that its revision came from, else one of its own."""

from registry.accounts.models import User
from registry.catalog.models import Repository, Revision
from registry.discussions import threads
from registry.discussions.models import Discussion, Status
from registry.releases.models import Release


def of_revision(
    repository: Repository, revision: Revision, *, version: str, notes: str, by: User
) -> Discussion:
    """The thread for a release of this revision, made where it came from no pull request."""
    merged = Discussion.objects.filter(repository=repository, merged_as=revision).first()
    if merged is not None:
        return merged
    return threads.make(
        repository,
        title=f"Release {version}",
        text=notes.strip() or f"{version} is offered for release.",
        by=by,
        proposal=None,
        is_internal=True,
    )


def note(release: Release, step: str, *, by: User, reason: str) -> None:
    """Have the thread show a step of the release."""
    if release.discussion is not None:
        facts = {"step": step, "version": release.version, "reason": reason}
        threads.note_review(release.discussion, by=by, facts=facts)


def close(release: Release, *, by: User) -> None:
    """End a thread that is the review's own: everything is decided."""
    if release.discussion is None or not release.discussion.is_internal:
        return
    discussion = threads.locked(release.discussion)
    if discussion.status == Status.OPEN:
        threads.enter(discussion, Status.CLOSED, by=by)
