"""Who may do what: one table from role to permission."""

import enum

from django.db.models import Q

from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, Role


class Permission(enum.Enum):
    READ = "read"  # know of private repositories
    PROPOSE = "propose"  # open a pull request, submit a revision for release
    WRITE = "write"  # commit, see quarantine
    MANAGE = "manage"  # visibility, moving and deletion of repositories
    ADMIN = "admin"  # members, policies
    REVIEW = "review"  # decide on releases
    GOVERN = "govern"  # documents, campaigns, legal holds


BY_ROLE: dict[str, frozenset[Permission]] = {
    Role.READ: frozenset({Permission.READ}),
    Role.CONTRIBUTOR: frozenset({Permission.READ, Permission.PROPOSE, Permission.WRITE}),
    Role.WRITE: frozenset({Permission.READ, Permission.PROPOSE, Permission.WRITE}),
    Role.ADMIN: frozenset(
        {
            Permission.READ,
            Permission.PROPOSE,
            Permission.WRITE,
            Permission.MANAGE,
            Permission.ADMIN,
        }
    ),
}


def role_in(caller: Caller, namespace: Namespace) -> str | None:
    """The caller's role in a namespace; their own namespace is theirs to administer."""
    if caller.user is None:
        return None
    if caller.user.namespace_id == namespace.pk:
        return Role.ADMIN
    membership = Membership.objects.filter(user=caller.user, namespace=namespace).first()
    return membership.role if membership else None


def is_inside(caller: Caller, namespace: Namespace) -> bool:
    """Whether the caller is told who the members are and what is stored."""
    return caller.is_maintainer or role_in(caller, namespace) is not None


def may(caller: Caller, permission: Permission, namespace: Namespace) -> bool:
    """Whether the caller's role, site role and token together allow it in this namespace."""
    if caller.user is None or not caller.user.is_active:
        return False
    if permission is Permission.REVIEW:
        return caller.is_maintainer and caller.can_administer
    if permission is Permission.GOVERN:
        return caller.is_steward and caller.can_administer
    if permission is Permission.ADMIN and not caller.can_administer:
        return False
    writing = {Permission.WRITE, Permission.PROPOSE, Permission.MANAGE}
    if permission in writing and not caller.can_write:
        return False
    role = role_in(caller, namespace)
    return role is not None and permission in BY_ROLE[role]


def namespaces_with(caller: Caller, permission: Permission, *, field: str = "namespace") -> Q:
    """The condition that `field` is a namespace in which the caller's role gives the permission."""
    if caller.user is None or not caller.user.is_active:
        return Q(pk__in=[])
    roles = frozenset(role for role, gives in BY_ROLE.items() if permission in gives)
    if caller.roles is not None:
        return Q(**{f"{field}__any_of": caller.namespaces(roles)})
    memberships = Membership.objects.filter(user=caller.user, role__in=sorted(roles))
    return Q(**{field: caller.user.namespace_id}) | Q(
        **{f"{field}__in": memberships.values("namespace")}
    )
