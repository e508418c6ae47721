"""Making people, service accounts and organisations, each with its name in the one table of names."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from registry.accounts import names
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
from registry.errors import Conflict, Invalid


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
        raise Invalid(f"{email!r} is not an e-mail address.") from error
    if site_role not in SiteRole.values:
        raise Invalid(f"{site_role!r} is not a site role; choose maintainer or steward.")
    if User.objects.filter(email__iexact=email).exists():
        raise Conflict("Somebody with this e-mail address is registered already.")
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
    """Give a person a role in an organisation, in place of the one they have."""
    if role not in Role.values:
        raise Invalid(f"{role!r} is not a role; choose one of {', '.join(Role.values)}.")
    membership, _ = Membership.objects.update_or_create(
        user=user, namespace=namespace, defaults={"role": role}
    )
    log.record("member.set-role", actor=by, subject=namespace, member=user.public_id, role=role)
    return membership


def _take_name(name: str, kind: NamespaceKind, full_name: str) -> Namespace:
    names.check_namespace(name)
    if ReservedName.objects.filter(folded=name.lower()).exists():
        raise Conflict(f"The name {name!r} is taken.")
    try:
        with transaction.atomic():
            namespace = Namespace.objects.create(name=name, kind=kind, full_name=full_name)
            ReservedName.objects.create(folded=name.lower(), namespace=namespace)
    except IntegrityError as error:
        raise Conflict(f"The name {name!r} is taken.") from error
    return namespace


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from error
