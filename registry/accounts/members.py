"""Who may change the members of an organisation: its admins, or stewards where it has none left."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts import people, permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, NamespaceKind, Role, User
from registry.accounts.permissions import Permission
from registry.errors import Conflict, Invalid, Missing, NotAllowed

NO_ORGANISATION = gettext_noop("There is no such organisation, or none that you may know of.")


def find(name: str, *, caller: Caller) -> Namespace:
    """An organisation of which the caller is told who its members are."""
    organisations = Namespace.objects.filter(kind=NamespaceKind.ORGANISATION)
    found = organisations.filter(name__iexact=name).first()
    if found is None or not permissions.is_inside(caller, found):
        raise Missing(_(NO_ORGANISATION))
    return found


def of(organisation: Namespace) -> QuerySet[Membership]:
    """The members by name."""
    return organisation.memberships.select_related("user").order_by("user__username")


def may_manage(organisation: Namespace, caller: Caller) -> bool:
    """Whether the caller may add and remove members and give them roles."""
    if permissions.may(caller, Permission.ADMIN, organisation):
        return True
    return not _has_admin(organisation) and permissions.may(caller, Permission.GOVERN, organisation)


def add(organisation: Namespace, *, username: str, role: str, by: Caller) -> Membership:
    """Take somebody in by their name."""
    _require(organisation, by)
    user = User.objects.filter(username__iexact=username.strip(), is_active=True).first()
    if user is None:
        raise Invalid(
            _("There is nobody called %(username)r here.") % {"username": username.strip()[:96]}
        )
    if organisation.memberships.filter(user=user).exists():
        raise Conflict(
            _("%(user)s is a member already. Change the role in the list.")
            % {"user": user.username}
        )
    return people.set_role(namespace=organisation, user=user, role=role, by=by.public_id)


def change_role(organisation: Namespace, *, user: User, role: str, by: Caller) -> Membership:
    """Give a member another role."""
    _require(organisation, by)
    if not organisation.memberships.filter(user=user).exists():
        raise Missing(
            _("%(user)s is not a member of %(organisation)s.")
            % {"user": user.username, "organisation": organisation.name}
        )
    return people.set_role(namespace=organisation, user=user, role=role, by=by.public_id)


def remove(organisation: Namespace, *, user: User, by: Caller) -> None:
    """End somebody's membership."""
    _require(organisation, by)
    people.remove_member(namespace=organisation, user=user, by=by.public_id)


def _has_admin(organisation: Namespace) -> bool:
    return organisation.memberships.filter(
        role=Role.ADMIN, user__is_active=True, user__is_service=False
    ).exists()


def _require(organisation: Namespace, by: Caller) -> None:
    if not may_manage(organisation, by):
        raise NotAllowed(
            _("Only an admin of %(organisation)s can change its members.")
            % {"organisation": organisation.name}
        )
