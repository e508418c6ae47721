"""Who may say what in a thread: opening it, comments, its title, and whether it is open."""

from django.db import transaction
from django.db.models import Count, Max, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit import log
from registry.catalog import rights, turns
from registry.catalog.models import Proposal, Repository, Revision
from registry.discussions import announcements
from registry.discussions.models import (
    MAX_TITLE,
    CommentText,
    Discussion,
    Event,
    EventKind,
    Kind,
    Status,
)
from registry.errors import DiscussionMissing, Invalid, NotAllowed, NotNow, SignInRequired

MAX_TEXT = 64 * 1024
# A thread is read and shown as a whole
MAX_EVENTS = 2_000
MAX_TEXT_OF_ALL = 2 * 1024 * 1024


@transaction.atomic
def open_thread(
    repository: Repository,
    *,
    title: str,
    text: str,
    by: Caller,
    is_internal: bool = False,
) -> Discussion:
    """A new discussion whose first comment is `text`."""
    rights.require_propose(repository, by)
    return make(
        repository, title=title, text=text, by=_person(by), is_internal=is_internal, proposal=None
    )


def make(
    repository: Repository,
    *,
    title: str,
    text: str,
    by: User,
    proposal: Proposal | None,
    status: str = Status.OPEN,
    is_internal: bool = False,
) -> Discussion:
    """A thread with its first comment. Who asks has been found to be allowed to."""
    discussion = Discussion.objects.create(
        repository=repository,
        number=int(proposal.ref.short) if proposal else next_number(repository),
        kind=Kind.PULL_REQUEST if proposal else Kind.DISCUSSION,
        title=_checked_title(title),
        status=status,
        author=by,
        proposal=proposal,
        is_internal=is_internal,
    )
    _say(discussion, text, by=by)
    log.record(
        "pull-request.open" if proposal else "discussion.open",
        actor=by.public_id,
        subject=discussion,
        repository=repository.public_id,
        number=discussion.number,
    )
    announcements.announce(discussion, "create")
    return discussion


def next_number(repository: Repository) -> int:
    """The number of the next thread. The repository stays locked until it is made, so that nobody
    else gets the same."""
    turns.take(repository)
    last = Discussion.objects.filter(repository=repository).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def find(repository: Repository, number: int, *, caller: Caller) -> Discussion:
    """The thread of this number, if the caller may know of it; else DiscussionMissing."""
    found = (
        Discussion.objects.visible_to(caller)
        .select_related("author", "proposal__start", "proposal__ref__head", "merged_as")
        .filter(repository=repository, number=number)
        .first()
    )
    if found is None:
        raise DiscussionMissing("Discussion not found")
    found.repository = repository
    return found


def find_event(discussion: Discussion, public_id: str, *, caller: Caller) -> Event:
    event = events(discussion, caller=caller).filter(public_id=public_id.lower()).first()
    if event is None:
        raise DiscussionMissing("Comment not found")
    return event


def events(discussion: Discussion, *, caller: Caller) -> QuerySet[Event]:
    """What happened in a thread, as far as the caller may know of it: of a commit, whoever may know
    of the revision."""
    found = Event.objects.filter(discussion=discussion)
    if not rights.of(discussion.repository, caller).sees_quarantine:
        seen = Revision.objects.visible_to(caller).filter(repository=discussion.repository)
        found = found.filter(Q(revision=None) | Q(revision__in=seen), is_internal=False)
    texts = Prefetch("texts", CommentText.objects.select_related("by"))
    return found.select_related("author", "revision").prefetch_related(texts)


@transaction.atomic
def comment(discussion: Discussion, text: str, *, by: Caller) -> Event:
    rights.require_propose(discussion.repository, by)
    _check_room(discussion, text)
    event = _say(discussion, text, by=_person(by))
    announcements.announce(discussion, "create", comment=event)
    return event


@transaction.atomic
def edit(event: Event, text: str, *, by: Caller) -> Event:
    """Say something else in a comment. What it said before stays in its history."""
    rights.require_propose(event.discussion.repository, by)
    if error := edit_refusal(event, by):
        raise error
    _check_room(event.discussion, text)
    CommentText.objects.create(event=event, raw=_checked_text(text), by=_person(by))
    announcements.announce(event.discussion, "update", comment=event)
    return _fresh(event)


@transaction.atomic
def hide(event: Event, *, by: Caller) -> Event:
    """Show a comment's text to nobody any more, for good."""
    rights.require_propose(event.discussion.repository, by)
    if error := hide_refusal(event, by):
        raise error
    if event.hidden_at is None:
        Event.objects.filter(pk=event.pk).update(hidden_at=timezone.now())
        log.record("discussion.hide", actor=by.public_id, subject=event.discussion)
        announcements.announce(event.discussion, "update", comment=event)
    return _fresh(event)


@transaction.atomic
def rename(discussion: Discussion, title: str, *, by: Caller) -> Event:
    discussion = locked(discussion)
    rights.require_propose(discussion.repository, by)
    if not may_manage(discussion, by):
        raise NotAllowed(_(rights.NO_WRITE))
    _check_room(discussion)
    before, discussion.title = discussion.title, _checked_title(title)
    discussion.save(update_fields=["title"])
    announcements.announce(discussion, "update")
    facts = {"from": before, "to": discussion.title}
    return _note(discussion, EventKind.TITLE, by=_person(by), facts=facts)


@transaction.atomic
def set_status(discussion: Discussion, status: str, *, by: Caller, text: str = "") -> Event:
    """Open or close a thread, with a comment where there is one. A draft is opened by this too."""
    discussion = locked(discussion)
    rights.require_propose(discussion.repository, by)
    if not may_manage(discussion, by):
        raise NotAllowed(_(rights.NO_WRITE))
    if status not in {Status.OPEN, Status.CLOSED}:
        raise Invalid(_("status: write open or closed."))
    if discussion.status == Status.MERGED:
        raise NotNow(_("This pull request is merged, so it is neither closed nor opened again."))
    if discussion.status == status:
        raise NotNow(_("This is %(status)s already.") % {"status": pgettext("state", status)})
    if status == Status.OPEN or text.strip():
        _check_room(discussion, text)
    if text.strip():
        _say(discussion, text, by=_person(by))
    return enter(discussion, status, by=_person(by))


def enter(
    discussion: Discussion, status: str, *, by: User, merged_as: Revision | None = None
) -> Event:
    """Write the status of a thread that is locked, and that it changed."""
    discussion.status, discussion.merged_as = status, merged_as
    discussion.save(update_fields=["status", "merged_as"])
    announcements.announce(discussion, "update")
    return _note(discussion, EventKind.STATUS, by=by, facts={"status": str(status)})


def note_review(discussion: Discussion, *, by: User, facts: dict[str, str]) -> Event:
    """Note a step of the release of which this is the thread, for those who see quarantine."""
    return _note(discussion, EventKind.REVIEW, by=by, facts=facts, is_internal=True)


def remark(discussion: Discussion, text: str, *, by: User, facts: dict[str, str]) -> Event:
    """A comment about a place in what is reviewed, for those who see quarantine. Who says it has
    been found to be one of them."""
    _check_room(discussion, text)
    return _say(discussion, text, by=by, facts=facts, is_internal=True)


def note_commit(discussion: Discussion, revision: Revision, *, by: User) -> None:
    """Note a commit to a pull request, once."""
    Event.objects.get_or_create(
        discussion=discussion, kind=EventKind.COMMIT, revision=revision, defaults={"author": by}
    )


def locked(discussion: Discussion) -> Discussion:
    """The thread as it is once nobody else can change it."""
    Discussion.objects.select_for_update(no_key=True).get(pk=discussion.pk)
    return Discussion.objects.select_related(
        "repository__namespace", "author", "proposal__start", "proposal__ref__head"
    ).get(pk=discussion.pk)


def may_manage(discussion: Discussion, caller: Caller) -> bool:
    """Whether the caller may rename, close and open the thread: its author, and who writes here."""
    if caller.user is None or not caller.can_write:
        return False
    writes = rights.of(discussion.repository, caller).writes
    return writes or discussion.author_id == caller.user.pk


def edit_refusal(event: Event, caller: Caller) -> NotAllowed | NotNow | None:
    """Why the caller cannot edit this comment, or None. Nobody speaks for somebody else."""
    if event.kind != EventKind.COMMENT:
        return NotAllowed(_("Only comments can be edited."))
    if caller.user is None or not caller.can_write or event.author_id != caller.user.pk:
        return NotAllowed(_("Only its author can edit a comment."))
    if event.hidden_at is not None:
        return NotNow(_("This comment is hidden, for good."))
    return None


def hide_refusal(event: Event, caller: Caller) -> NotAllowed | None:
    """Why the caller cannot hide this comment, or None: its author can, and who writes here."""
    if event.kind != EventKind.COMMENT:
        return NotAllowed(_("Only comments can be hidden."))
    if caller.user is not None and caller.can_write and event.author_id == caller.user.pk:
        return None
    if rights.of(event.discussion.repository, caller).writes:
        return None
    return NotAllowed(
        _("Only its author and those who may write the repository can hide a comment.")
    )


def _check_room(discussion: Discussion, text: str = "") -> None:
    """Raise where the thread is full. It can be closed then, and commits, merges and the steps of a
    review are noted in it all the same."""
    of_thread = CommentText.objects.filter(event__discussion=discussion)
    said = of_thread.aggregate(texts=Count("pk"), size=Sum(Length("raw"), default=0))
    steps = Event.objects.filter(discussion=discussion).exclude(kind=EventKind.COMMENT).count()
    if said["texts"] + steps >= MAX_EVENTS or said["size"] + len(text) > MAX_TEXT_OF_ALL:
        raise NotNow(_("This thread is full. Open another, and name this one in it."))


def _say(
    discussion: Discussion,
    text: str,
    *,
    by: User,
    facts: dict[str, str] | None = None,
    is_internal: bool = False,
) -> Event:
    raw = _checked_text(text)
    event = _note(discussion, EventKind.COMMENT, by=by, facts=facts or {}, is_internal=is_internal)
    CommentText.objects.create(event=event, raw=raw, by=by)
    return _fresh(event)


def _note(
    discussion: Discussion,
    kind: EventKind,
    *,
    by: User,
    facts: dict[str, str],
    is_internal: bool = False,
) -> Event:
    return Event.objects.create(
        discussion=discussion, kind=kind, author=by, facts=facts, is_internal=is_internal
    )


def _fresh(event: Event) -> Event:
    return Event.objects.select_related("author", "revision", "discussion__repository").get(
        pk=event.pk
    )


def _person(by: Caller) -> User:
    if by.user is None:
        raise SignInRequired(_("Sign in to take part."))
    return by.user


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if not title:
        raise Invalid(_("title: say in a few words what this is about."))
    if len(title) > MAX_TITLE:
        raise Invalid(_("title: at most %(most)s characters.") % {"most": MAX_TITLE})
    return title


def _checked_text(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(_("comment: there is nothing in it."))
    if len(text) > MAX_TEXT:
        raise Invalid(_("comment: at most %(most)s characters.") % {"most": MAX_TEXT})
    return text
