"""Making people, service accounts and organisations, each with its name in the one table of names."""

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from registry.accounts import domains, imitations, naming
from registry.accounts.callers import Caller
from registry.accounts.models import (
    Membership,
    Namespace,
    NamespaceKind,
    ReservedName,
    Role,
    SiteRole,
    User,
)
from registry.audit import log
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow, SignInRequired


@transaction.atomic
def create_person(
    *,
    username: str,
    email: str,
    password: str | None = None,
    full_name: str = "",
    site_role: str = SiteRole.NONE,
    by: str = "",
) -> User:
    """A new person with a namespace of their own. Without a password nobody can sign in as them.

    `by` is the public id of who makes them, "" for the registry itself or the person.
    """
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(gettext("%(email)r is not an e-mail address.") % {"email": email}) from error
    _check_site_role(site_role)
    if User.objects.filter(email__iexact=email).exists():
        raise Conflict(gettext("Somebody with this e-mail address is registered already."))
    namespace = _take_name(username, NamespaceKind.PERSON, full_name)
    user = User(
        username=username,
        email=email,
        full_name=full_name,
        namespace=namespace,
        site_role=site_role,
    )
    if password is not None:
        _check_password(password, user)
    user.set_password(password)
    user.save()
    log.record("person.create", actor=by, subject=user, site_role=str(site_role))
    return user


@transaction.atomic
def set_site_role(user: User, role: str, *, by: str = "") -> User:
    """Give a person another role on the site, or none. A site that has stewards keeps one."""
    _check_site_role(role)
    keep_a_steward(user, unless=role)
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if user.is_service or not user.is_active:
        raise Invalid(gettext("Only an open account of a person has a role on the site."))
    if user.site_role != role:
        user.site_role = role
        user.save(update_fields=["site_role"])
        log.record("person.set-site-role", actor=by, subject=user, site_role=role)
    return user


def keep_a_steward(user: User, *, unless: str = SiteRole.NONE) -> None:
    """Raise where the site would have no steward without this one. The stewards are locked, so that
    of two who leave at once the second stays."""
    if user.site_role != SiteRole.STEWARD or unless == SiteRole.STEWARD:
        return
    stewards = User.objects.select_for_update(no_key=True).filter(
        site_role=SiteRole.STEWARD, is_active=True
    )
    if not [one for one in stewards.order_by("pk") if one.pk != user.pk]:
        raise NotNow(gettext("This is the last steward of the site. Have another one named first."))


@transaction.atomic
def create_service_account(*, username: str, full_name: str = "", by: str = "") -> User:
    """An account for a program: it has tokens, and no password or site role."""
    namespace = _take_name(username, NamespaceKind.PERSON, full_name)
    user = User(username=username, full_name=full_name, namespace=namespace, is_service=True)
    user.set_unusable_password()
    user.save()
    log.record("service-account.create", actor=by, subject=user)
    return user


@transaction.atomic
def create_organisation(*, name: str, owner: User, full_name: str = "", by: str = "") -> Namespace:
    """A namespace that several people share; its owner is its first admin."""
    namespace = _take_name(name, NamespaceKind.ORGANISATION, full_name)
    Membership.objects.create(user=owner, namespace=namespace, role=Role.ADMIN)
    log.record("namespace.create", actor=by, subject=namespace, owner=owner.public_id)
    return namespace


@transaction.atomic
def set_role(*, namespace: Namespace, user: User, role: str, by: str) -> Membership:
    """Give a person a role in an organisation, in place of the one they have. Its last admin keeps
    theirs."""
    if role not in Role.values:
        raise Invalid(
            gettext("%(role)r is not a role; choose one of %(values)s.")
            % {"role": role, "values": ", ".join(Role.values)}
        )
    if role != Role.ADMIN:
        _keep_an_admin(namespace, user)
    membership, _ = Membership.objects.update_or_create(
        user=user, namespace=namespace, defaults={"role": role}
    )
    log.record("member.set-role", actor=by, subject=namespace, member=user.public_id, role=role)
    return membership


@transaction.atomic
def remove_member(*, namespace: Namespace, user: User, by: str) -> None:
    """End a membership. What the person could do by it ends with their next request."""
    _keep_an_admin(namespace, user)
    found = Membership.objects.select_for_update().filter(namespace=namespace, user=user).first()
    if found is None:
        raise Missing(
            gettext("%(user)s is not a member of %(namespace)s.")
            % {"user": user.username, "namespace": namespace.name}
        )
    found.delete()
    log.record("member.remove", actor=by, subject=namespace, member=user.public_id, role=found.role)


def leave(*, namespace: Namespace, by: Caller) -> None:
    """End one's own membership."""
    if by.user is None:
        raise SignInRequired(gettext("Sign in to leave an organisation."))
    if not by.can_administer:
        raise NotAllowed(
            gettext("Leaving an organisation needs a browser or a token of scope admin.")
        )
    remove_member(namespace=namespace, user=by.user, by=by.public_id)


def is_last_admin(namespace: Namespace, user: User) -> bool:
    """Whether nobody else could administer the organisation. Programs and closed accounts do not
    count."""
    if namespace.kind != NamespaceKind.ORGANISATION:
        return False
    admins = Membership.objects.filter(namespace=namespace, role=Role.ADMIN)
    if not admins.filter(user=user).exists():
        return False
    others = admins.exclude(user=user).filter(user__is_active=True, user__is_service=False)
    return not others.exists()


def verified_domains(user: User) -> set[str]:
    """The domains of the mail addresses that the person has shown to be theirs."""
    addresses = EmailAddress.objects.filter(user=user, verified=True).values_list(
        "email", flat=True
    )
    return {domains.of_address(address) for address in addresses} - {""}


def _keep_an_admin(namespace: Namespace, user: User) -> None:
    """Raise where the person is the last admin. Changes of admins take turns, so that two cannot
    remove each other."""
    Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    if is_last_admin(namespace, user):
        raise NotNow(
            gettext(
                "%(user)s is the last admin of %(namespace)s. Make somebody else an admin "
                "first; where there is nobody, ask the stewards of this site to take it over."
            )
            % {"user": user.username, "namespace": namespace.name}
        )


def _check_site_role(role: str) -> None:
    if role not in SiteRole.values:
        raise Invalid(
            gettext("%(site_role)r is not a site role; choose maintainer or steward.")
            % {"site_role": role}
        )


def _take_name(name: str, kind: NamespaceKind, full_name: str) -> Namespace:
    naming.check_namespace(name)
    if ReservedName.objects.filter(folded=name.lower()).exists():
        raise Conflict(gettext("The name %(name)r is taken.") % {"name": name})
    if why := imitations.problem(name):
        raise naming.refusal(name, why)
    try:
        with transaction.atomic():
            namespace = Namespace.objects.create(name=name, kind=kind, full_name=full_name)
            ReservedName.objects.create(folded=name.lower(), namespace=namespace)
    except IntegrityError as error:
        raise Conflict(gettext("The name %(name)r is taken.") % {"name": name}) from error
    return namespace


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from error
