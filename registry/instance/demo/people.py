"""The people of a demonstration: every role, two stewards as campaigns need, and own passwords."""

import secrets

from registry.accounts import people as accounts
from registry.accounts.models import SiteRole, User

ROLES = {
    "contributor": SiteRole.NONE,
    "maintainer": SiteRole.MAINTAINER,
    "steward1": SiteRole.STEWARD,
    "steward2": SiteRole.STEWARD,
    "reader": SiteRole.NONE,
}


def create_missing() -> dict[str, str]:
    """Make those who are not there yet: name to password, which is kept nowhere else."""
    there = set(User.objects.filter(username__in=ROLES).values_list("username", flat=True))
    passwords = {name: secrets.token_urlsafe(12) for name in ROLES if name not in there}
    for name, password in passwords.items():
        accounts.create_person(
            username=name,
            email=f"{name}@localhost.localdomain",
            password=password,
            full_name=f"Demo {name}",
            site_role=ROLES[name],
        )
    return passwords
