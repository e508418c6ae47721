"""How much the checks ask of a repository's revisions. Only a maintainer may ask for less."""

from django.db import transaction
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.permissions import Permission
from registry.audit import log
from registry.catalog.models import Repository
from registry.checks.models import CheckProfile, Profile
from registry.errors import Invalid, NotAllowed


def of(repository: Repository) -> str:
    """The profile of runs that are queued from now on."""
    given = CheckProfile.objects.filter(repository=repository).values_list("profile", flat=True)
    return given.first() or Profile.FULL


def assign(repository: Repository, profile: str, *, by: Caller) -> None:
    """Give a repository a profile. Runs queued before keep theirs."""
    if not permissions.may(by, Permission.REVIEW, repository.namespace):
        raise NotAllowed(
            _("Only a site maintainer may choose the profile of a repository's checks.")
        )
    if not by.reaches(repository.public_id):
        raise NotAllowed(_("This token does not cover the repository."))
    _write(repository, profile, actor=by.public_id)


def assign_at_the_machine(repository: Repository, profile: str) -> None:
    """As `assign`, for the operator, who is nobody to the registry."""
    _write(repository, profile, actor="")


@transaction.atomic
def _write(repository: Repository, profile: str, *, actor: str) -> None:
    if profile not in Profile.values:
        raise Invalid(
            _("%(profile)r is not a profile; choose %(values)s.")
            % {"profile": profile, "values": " or ".join(Profile.values)}
        )
    CheckProfile.objects.update_or_create(repository=repository, defaults={"profile": profile})
    log.record("checks.profile", actor=actor, subject=repository, profile=str(profile))
