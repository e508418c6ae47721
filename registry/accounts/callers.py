"""Who asks: the one value that every rule and every list filter takes."""

from dataclasses import dataclass, replace

from registry.accounts.models import AccessToken, Scope, SiteRole, User


@dataclass(frozen=True)
class Caller:
    """A person or a service account (or nobody), with the reach of the token or session used.

    `repositories` is None for "all", else the public ids that the token was limited to. `roles` are
    those in namespaces of others, by key, as they stood when the caller was recognised; None where
    nobody asked for them.
    """

    user: User | None = None
    scope: str = Scope.READ
    repositories: frozenset[str] | None = None
    token: str = ""
    request_id: str = ""
    roles: tuple[tuple[int, str], ...] | None = None

    @property
    def is_signed_in(self) -> bool:
        return self.user is not None

    @property
    def public_id(self) -> str:
        return self.user.public_id if self.user else ""

    @property
    def can_write(self) -> bool:
        """Whether the token used carries the right to change things at all."""
        return self.user is not None and self.scope in {Scope.WRITE, Scope.ADMIN}

    @property
    def can_administer(self) -> bool:
        """Whether the token used carries the right to govern: reviews, terms, members."""
        return self.user is not None and self.scope == Scope.ADMIN

    @property
    def is_maintainer(self) -> bool:
        return self.user is not None and self.user.site_role in {
            SiteRole.MAINTAINER,
            SiteRole.STEWARD,
        }

    @property
    def is_steward(self) -> bool:
        return self.user is not None and self.user.site_role == SiteRole.STEWARD

    def namespaces(self, roles: frozenset[str]) -> tuple[int, ...]:
        """The keys of the caller's own namespace and of those where they had one of these roles."""
        if self.user is None or self.roles is None:
            raise ValueError("the roles of this caller were not asked for")
        return self.user.namespace_id, *(key for key, role in self.roles if role in roles)

    def afresh(self) -> "Caller":
        """The same caller, whose roles are asked for in each query."""
        return replace(self, roles=None)

    def reaches(self, repository_public_id: str) -> bool:
        """Whether a token limited to listed repositories covers this one."""
        return self.repositories is None or repository_public_id in self.repositories


NOBODY = Caller()


def of_session(user: User, *, request_id: str = "") -> Caller:
    """A person at the site's own pages may do all that they may do."""
    return Caller(user=user, scope=Scope.ADMIN, request_id=request_id)


def of_token(
    token: AccessToken,
    *,
    request_id: str = "",
    roles: tuple[tuple[int, str], ...] | None = None,
) -> Caller:
    return Caller(
        user=token.user,
        scope=token.scope,
        repositories=None if token.repositories is None else frozenset(token.repositories),
        token=token.public_id,
        request_id=request_id,
        roles=roles,
    )
