"""How many maintainers a namespace asks for before a release goes out."""

from django.db import transaction

from registry.accounts.models import Namespace
from registry.audit import log
from registry.errors import Invalid
from registry.releases.models import Policy

DEFAULT_APPROVALS = 1
MOST_APPROVALS = 20


def approvals_needed(namespace_id: int) -> int:
    """Approvals by different maintainers that a release of the namespace needs; never none."""
    policy = Policy.objects.filter(namespace=namespace_id).first()
    return policy.approvals if policy else DEFAULT_APPROVALS


@transaction.atomic
def set_approvals(namespace: Namespace, approvals: int, *, by: str) -> Policy:
    """Ask for this many approvals from now on, also of releases under review. `by` is a public id,
    or "" for the operator."""
    if not 1 <= approvals <= MOST_APPROVALS:
        raise Invalid(f"A release needs at least 1 and at most {MOST_APPROVALS} approvals.")
    policy, _ = Policy.objects.update_or_create(
        namespace=namespace, defaults={"approvals": approvals}
    )
    log.record("namespace.policy", actor=by, subject=namespace, approvals=approvals)
    return policy
