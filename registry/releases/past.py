"""What the gate's rules looked at, as it stood at a moment in the past.

It is read from dated rows, and where a row only says how things are now, from the audit log.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.db.models import Q, QuerySet

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace, Role, SiteRole, User
from registry.accounts.permissions import BY_ROLE, Permission
from registry.agreements import grants, requests
from registry.agreements.models import (
    LIVING,
    Acceptance,
    AccessGroupEntry,
    AccessRequest,
    Adherence,
    Ending,
    Grant,
)
from registry.audit.models import Entry
from registry.catalog import questions
from registry.catalog.models import Repository, Revision, Visibility
from registry.releases import in_force, present, rules
from registry.releases.models import Decision, DecisionKind, Release, Status
from registry.releases.rules import Answer

BRANCH = "refs/heads/main"
AFTER = {
    DecisionKind.SUSPEND: Status.SUSPENDED,
    DecisionKind.RESTORE: Status.RELEASED,
    DecisionKind.RECALL: Status.RECALLED,
}


def offered(repository: Repository, at: datetime) -> Revision | None:
    """What `main` meant then for the public: the newest commit that was released from it and not
    withdrawn, else the one withdrawn last; in a plain hub its newest commit. None for nothing."""
    found = Release.objects.filter(
        repository=repository, branch=BRANCH, released_at__lte=at
    ).select_related("revision")
    if not found and was_plain(repository.namespace, at):
        commits = Revision.objects.filter(repository=repository, proposal=None)
        return commits.filter(committed_at__lte=at).order_by("-pk").first()
    newest = sorted(found, key=lambda release: -release.revision_id)
    still = [release for release in newest if status_of(release, at)[0] == Status.RELEASED]
    return next((release.revision for release in still or newest), None)


def status_of(release: Release, at: datetime) -> tuple[str, str]:
    """The state that a release was in then, once it had been released, and the reason given."""
    steps = Decision.objects.filter(release=release, kind__in=list(AFTER), at__lte=at)
    last = steps.order_by("-pk").first()
    if last is None:
        return Status.RELEASED, ""
    return AFTER[DecisionKind(last.kind)], last.reason


def was_plain(namespace: Namespace, at: datetime) -> bool:
    """Whether a namespace published on commit then. Whether the site allowed it is a setting, which
    is known as it is now."""
    if not settings.ALLOW_PLAIN_HUB:
        return False
    last = _last("namespace", namespace.public_id, ["namespace.publish-on-commit"], at)
    return bool(last.details["on"]) if last else False


class Past:
    """The facts about a repository's revision for a person, or for nobody, at a moment. The person
    is taken to be at the site's own pages, or to use a token that covers all."""

    def __init__(
        self,
        repository: Repository,
        revision: Revision,
        user: User | None,
        at: datetime,
        *,
        path: str = "",
        size: int | None = None,
    ) -> None:
        self.repository = repository
        self.revision = revision
        self.user = user if user is not None and _was_open(user, at) else None
        self.at = at
        self.path = path
        self.size = size

    @cached_property
    def is_known(self) -> bool:
        here = self.repository
        if here.created_at > self.at or (here.deleted_at and here.deleted_at <= self.at):
            return False
        if self.sees_all:
            return True
        was_out = Release.objects.filter(repository=here, released_at__lte=self.at).exists()
        circle = self._visibility == Visibility.PUBLIC or self._role is not None
        return circle and (was_out or was_plain(here.namespace, self.at))

    @cached_property
    def sees_all(self) -> bool:
        if self.user is None:
            return False
        gives = BY_ROLE[self._role] if self._role is not None else frozenset()
        return _was_maintainer(self.user, self.at) or Permission.WRITE in gives

    @property
    def revision_id(self) -> str:
        return self.revision.oid

    @cached_property
    def is_quarantined(self) -> bool:
        return self._release is None

    @cached_property
    def is_plain(self) -> bool:
        return (
            self._release is None
            and self.revision.proposal_id is None
            and was_plain(self.repository.namespace, self.at)
        )

    @property
    def proposed(self) -> Answer | None:
        """What authors of pull requests had of their own is not told of the past."""
        return None

    @property
    def release(self) -> Release | None:
        return self._release

    @property
    def status(self) -> str:
        return self._status[0]

    @property
    def status_reason(self) -> str:
        return self._status[1]

    @property
    def is_open_file(self) -> bool:
        return present.is_open_file(self.path, self.size)

    @property
    def asks(self) -> bool:
        return self._release is not None and bool(self._release.terms["needs_acceptance"])

    @cached_property
    def gated(self) -> str:
        """The lock that was set then: the next change of it says what it was before."""
        following = Entry.objects.filter(
            subject_type="repository",
            subject=self.repository.public_id,
            event="repository.set-gated",
            at__gt=self.at,
        )
        change = following.order_by("sequence").first()
        if change is None:
            return self.repository.gated
        before = str(change.details["before"])
        return "" if before == "false" else before

    @property
    def is_signed_in(self) -> bool:
        return self.user is not None

    @cached_property
    def acceptance(self) -> Acceptance | None:
        if self._release is None or self.user is None:
            return None
        candidates = self._acceptances.exclude(ending__at__lte=self.at)
        own = candidates.filter(organisation=None, user=self.user).order_by("pk").first()
        if own is not None:
            return own
        signed = candidates.filter(organisation__isnull=False).select_related("organisation")
        return next(
            (one for one in signed.order_by("organisation_id", "pk") if self._joined(one)), None
        )

    @cached_property
    def ending(self) -> Ending | None:
        if self._release is None or self.user is None:
            return None
        return Ending.objects.filter(
            acceptance__in=self._acceptances.filter(organisation=None, user=self.user),
            at__lte=self.at,
        ).first()

    @cached_property
    def grants(self) -> Sequence[Grant]:
        return grants.opening(self.repository, self._caller, self.at) if self.gated else []

    def covers_release(self, grant: Grant) -> bool:
        release = self._release.pk if self._release else None
        return grants.covers_release(grant, release, places=self._places)

    def is_used_up(self, grant: Grant) -> bool:
        if self._release is None or grant.full_downloads is None:
            return False
        return grants.is_used_up(
            grant,
            release_digest=self._release.digest,
            weights=present.weights(self.revision),
            now=self.at,
        )

    @cached_property
    def request_state(self) -> str:
        """The state that the person's request was in then, by what was decided about it."""
        if self.user is None:
            return ""
        groups = AccessGroupEntry.objects.filter(
            Q(until=None) | Q(until__gt=self.at), repository=self.repository, since__lte=self.at
        )
        found = AccessRequest.objects.filter(
            Q(group=None, repository=self.repository) | Q(group__in=groups.values("group")),
            user=self.user,
            asked_at__lte=self.at,
        )
        newest: dict[int | None, AccessRequest] = {}
        for request in found.order_by("-pk"):
            newest.setdefault(request.group_id, request)
        states = [_state_then(request, self.at) for request in newest.values()]
        standing = [state for state in states if state and state not in requests.GONE]
        return min(standing, key=lambda state: state not in LIVING, default="")

    @cached_property
    def ended_at(self) -> datetime | None:
        return grants.ended_at(self.repository, self._caller, self.at)

    @property
    def has_questions(self) -> bool:
        return bool(questions.of_revision(self.revision).asked)

    @cached_property
    def terms_page(self) -> str:
        return rules.terms_page(
            self.repository,
            self._release,
            is_offered=offered(self.repository, self.at) == self.revision,
        )

    @cached_property
    def _release(self) -> Release | None:
        found = Release.objects.filter(revision=self.revision, released_at__lte=self.at)
        return found.order_by("-pk").first()

    @cached_property
    def _status(self) -> tuple[str, str]:
        return status_of(self._release, self.at) if self._release else ("", "")

    @property
    def _caller(self) -> Caller:
        return Caller(user=self.user)

    @cached_property
    def _role(self) -> str | None:
        return _role_then(self.user, self.repository.namespace, self.at) if self.user else None

    @cached_property
    def _visibility(self) -> str:
        events = ["repository.create", "repository.set-visibility"]
        last = _last("repository", self.repository.public_id, events, self.at)
        return str(last.details["visibility"]) if last else self.repository.visibility

    @property
    def _acceptances(self) -> QuerySet[Acceptance]:
        release = self._release
        counts = in_force.of(release, self.at).counts if release else ()
        return Acceptance.objects.filter(
            repository=self.repository, terms_hash__in=counts, accepted_at__lte=self.at
        )

    def _joined(self, acceptance: Acceptance) -> bool:
        """Whether an organisation's signature covered the person: as a member, by their own
        signature, as a program, or since they joined without a break."""
        assert self.user is not None  # noqa: S101 - asked of people alone
        assert acceptance.organisation is not None  # noqa: S101 - asked of organisations alone
        if _role_then(self.user, acceptance.organisation, self.at) is None:
            return False
        if self.user.is_service or acceptance.user_id == self.user.pk:
            return True
        joined = Adherence.objects.filter(acceptance=acceptance, user=self.user, at__lte=self.at)
        left = _of_member(acceptance.organisation, self.user).filter(
            event="member.remove", at__lte=self.at
        )
        last = left.order_by("-sequence").values_list("at", flat=True).first()
        return joined.filter(at__gt=last).exists() if last else joined.exists()

    @cached_property
    def _places(self) -> dict[str, int]:
        return present.places(self.grants)


def _last(kind: str, subject: str, events: Sequence[str], at: datetime) -> Entry | None:
    """The last entry of these acts on a thing, up to then."""
    found = Entry.objects.filter(subject_type=kind, subject=subject, event__in=events, at__lte=at)
    return found.order_by("-sequence").first()


def _state_then(request: AccessRequest, at: datetime) -> str:
    last = request.decisions.filter(at__lte=at).order_by("-pk").first()
    return last.after if last else ""


def _was_open(user: User, at: datetime) -> bool:
    """Whether the account was there and not closed."""
    closed = _last("user", user.public_id, ["person.close"], at)
    return user.created_at <= at and closed is None


def _was_maintainer(user: User, at: datetime) -> bool:
    """By the site role that the account was made with, or given since."""
    last = _last("user", user.public_id, ["person.create", "person.set-site-role"], at)
    role = str(last.details["site_role"]) if last else user.site_role
    return role in {SiteRole.MAINTAINER, SiteRole.STEWARD}


def _role_then(user: User, namespace: Namespace, at: datetime) -> str | None:
    """The person's role in a namespace: their own is theirs to administer."""
    if user.namespace_id == namespace.pk:
        return Role.ADMIN
    last = _of_member(namespace, user).filter(at__lte=at).order_by("-sequence").first()
    if last is None or last.event == "member.remove":
        return None
    return str(last.details["role"]) if last.event == "member.set-role" else Role.ADMIN


def _of_member(namespace: Namespace, user: User) -> QuerySet[Entry]:
    of_namespace = Entry.objects.filter(subject_type="namespace", subject=namespace.public_id)
    return of_namespace.filter(
        Q(event__in=["member.set-role", "member.remove"], details__member=user.public_id)
        | Q(event="namespace.create", details__owner=user.public_id)
    )
