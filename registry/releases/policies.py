"""What a namespace asks of the reviews of its releases."""

from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.accounts.permissions import Permission
from registry.audit import log
from registry.errors import Invalid, NotAllowed, SignInRequired
from registry.releases.models import Interest, Policy

DEFAULT_APPROVALS = 1
MOST_APPROVALS = 20


def of(namespace_id: int) -> Policy:
    """The policy of a namespace: the defaults, as a row that is not there, where none was set."""
    found = Policy.objects.filter(namespace=namespace_id).first()
    return found or Policy(namespace_id=namespace_id, approvals=DEFAULT_APPROVALS)


def approvals_needed(namespace_id: int) -> int:
    """Approvals by different maintainers that a release of the namespace needs; never none."""
    return of(namespace_id).approvals


@transaction.atomic
def set_approvals(namespace: Namespace, approvals: int, *, by: str) -> Policy:
    """Ask for this many approvals from now on, also of releases under review. `by` is a public id,
    or "" for the operator."""
    _check_approvals(approvals)
    policy, _ = Policy.objects.update_or_create(
        namespace=namespace, defaults={"approvals": approvals}
    )
    log.record("namespace.policy", actor=by, subject=namespace, approvals=approvals)
    return policy


@transaction.atomic
def change(
    namespace: Namespace,
    *,
    approvals: int,
    reviews_apart: bool,
    bars: Collection[str],
    by: Caller,
) -> Policy:
    """Set all of the policy, from now on, also of releases under review."""
    require_admin(namespace, by)
    _check_approvals(approvals)
    if unknown := set(bars) - set(Interest.values):
        raise Invalid(
            gettext("No conflict of interest is called %(unknown)r.") % {"unknown": min(unknown)}
        )
    wanted = {
        "approvals": approvals,
        "reviews_apart": reviews_apart,
        "bars": [one for one in Interest.values if one in bars],
    }
    policy, _ = Policy.objects.update_or_create(namespace=namespace, defaults=wanted)
    log.record("namespace.policy", actor=by.public_id, subject=namespace, **wanted)
    return policy


def require_admin(namespace: Namespace, by: Caller) -> None:
    if by.user is None:
        raise SignInRequired(gettext("Sign in to change how releases are reviewed."))
    if not permissions.may(by, Permission.ADMIN, namespace):
        raise NotAllowed(gettext("Only admins of the namespace say how its releases are reviewed."))


def may_read(namespace: Namespace, caller: Caller) -> bool:
    """Whether the caller is shown the policy: its admins, and maintainers, who review by it."""
    return caller.is_maintainer or permissions.may(caller, Permission.ADMIN, namespace)


def _check_approvals(approvals: int) -> None:
    if not 1 <= approvals <= MOST_APPROVALS:
        raise Invalid(
            gettext("A release needs at least 1 and at most %(most)s approvals.")
            % {"most": MOST_APPROVALS}
        )
