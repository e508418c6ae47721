"""Whether what a check blocks may be released all the same: two maintainers, neither an author,
each with a written reason. What the upload and the scan block nobody can override."""

from collections import defaultdict
from datetime import datetime
from typing import cast

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.accounts.permissions import Permission
from registry.audit import canonical, log
from registry.catalog import turns, versions
from registry.catalog.models import Revision
from registry.checks import catalogue
from registry.checks.findings import Severity
from registry.checks.models import CheckRun, Override
from registry.errors import Conflict, Invalid, NotAllowed, NotNow

STAGES = ("weights", "text", "run", "lineage")
PEOPLE = 2
SHORTEST_REASON, LONGEST_REASON = 20, 2000


def of(revision: Revision) -> QuerySet[Override]:
    """Those that stand. One of other files than the revision has now counts for nothing."""
    return revision.overrides.filter(
        withdrawn_at=None, manifest_digest=revision.manifest_digest
    ).select_related("by")


def lifted(revision: Revision) -> set[str]:
    """The checks whose blocks hold the revision no more."""
    people = defaultdict(set)
    for check_id, person in of(revision).values_list("check_id", "by"):
        people[check_id].add(person)
    return {
        check_id
        for check_id, who in people.items()
        if len(who) >= PEOPLE and is_overridable(check_id)
    }


def is_overridable(check_id: str) -> bool:
    check = catalogue.CHECKS.get(check_id)
    return check is not None and check.stage in STAGES


@transaction.atomic
def override(
    run: CheckRun, check_id: str, *, reason: str, by: Caller, now: datetime | None = None
) -> Override:
    """Say in writing why what this check blocks need not hold the revision of the run."""
    revision = run.revision
    turns.take(revision.repository)
    _check_may(revision, by)
    if not is_overridable(check_id):
        raise NotAllowed(
            _("%(check_id)s cannot be overridden: only checks of the stages %(stages)s can.")
            % {"check_id": check_id, "stages": ", ".join(STAGES)}
        )
    if not run.findings.filter(check_id=check_id, severity=Severity.BLOCK).exists():
        raise NotNow(_("%(check_id)s does not block this revision.") % {"check_id": check_id})
    words = _words(reason)
    try:
        with transaction.atomic():
            made = Override.objects.create(
                revision=revision,
                manifest_digest=revision.manifest_digest,
                check_id=check_id,
                reason=words,
                by=cast(User, by.user),
                created_at=now or timezone.now(),
            )
    except IntegrityError as error:  # one_override_of_a_maintainer_for_a_check
        raise Conflict(
            _("You have overridden %(check_id)s already; another has to as well.")
            % {"check_id": check_id}
        ) from error
    _note("checks.override", made, by)
    return made


@transaction.atomic
def withdraw(made: Override, *, by: Caller, now: datetime | None = None) -> None:
    """Take an override back: one's own, or as a maintainer anybody's."""
    revision = made.revision
    turns.take(revision.repository)
    if not permissions.may(by, Permission.REVIEW, revision.repository.namespace):
        raise NotAllowed(_("Only site maintainers can withdraw an override."))
    if not by.reaches(revision.repository.public_id):
        raise NotAllowed(_("This token does not cover the repository."))
    changed = Override.objects.filter(pk=made.pk, withdrawn_at=None).update(
        withdrawn_at=now or timezone.now()
    )
    if not changed:
        raise NotNow(_("This override was withdrawn already."))
    _note("checks.override.withdraw", made, by)


def may_override(revision: Revision, *, by: Caller) -> bool:
    """Whether this person could be one of the two, for the form."""
    try:
        _check_may(revision, by)
    except NotAllowed:
        return False
    return True


def _check_may(revision: Revision, by: Caller) -> None:
    if not permissions.may(by, Permission.REVIEW, revision.repository.namespace):
        raise NotAllowed(_("Only site maintainers can override a check."))
    if not by.reaches(revision.repository.public_id):
        raise NotAllowed(_("This token does not cover the repository."))
    person = cast(User, by.user)
    if person.pk in {revision.author_id} | versions.authors_since_release(revision):
        raise NotAllowed(_("You may not override a check of your own work."))


def _words(reason: str) -> str:
    words = reason.strip()
    if len(words) < SHORTEST_REASON:
        raise Invalid(
            _("Write the reason in at least %(least)s characters.") % {"least": SHORTEST_REASON}
        )
    if len(words) > LONGEST_REASON:
        raise Invalid(_("A reason has at most %(most)s characters.") % {"most": LONGEST_REASON})
    if "\0" in words:
        raise Invalid(_("A reason holds no zero characters."))
    return words


def _note(event: str, made: Override, by: Caller) -> None:
    log.record(
        event,
        actor=by.public_id,
        subject=made,
        revision=made.revision.oid,
        manifest=made.manifest_digest,
        check=made.check_id,
        reason=canonical.digest(made.reason),
    )
