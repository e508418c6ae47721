"""Who the token stands for."""

from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import Exists
from django.http import HttpResponse

from registry.accounts.models import AccessToken, Membership, NamespaceKind, Scope
from registry.errors import SignInRequired
from registry.hub import wire
from registry.hub.wire import WireRequest


@wire.endpoint("GET")
def whoami(request: WireRequest) -> HttpResponse:
    """GET /api/whoami-v2: who the token belongs to, and what it may do"""
    user = request.caller.user
    if user is None:
        raise SignInRequired("Send a token to be recognised.")
    verified = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    token = AccessToken.objects.annotate(has_verified_email=Exists(verified)).get(
        public_id=request.caller.token
    )
    memberships = Membership.objects.filter(
        user=user, namespace__kind=NamespaceKind.ORGANISATION
    ).select_related("namespace")
    return wire.json_answer(
        {
            "type": "user",
            "id": user.public_id,
            "name": user.username,
            "fullname": user.full_name or user.username,
            "email": user.email,
            "emailVerified": token.has_verified_email,
            "isPro": False,
            "canPay": False,
            "avatarUrl": "",
            "orgs": [_organisation(one) for one in memberships.order_by("namespace__name")],
            "auth": {
                "type": "access_token",
                "accessToken": {
                    "displayName": token.name,
                    "role": _role(token),
                    "createdAt": wire.time(token.created_at),
                },
            },
        }
    )


def _organisation(membership: Membership) -> dict[str, Any]:
    namespace = membership.namespace
    return {
        "type": "org",
        "id": namespace.public_id,
        "name": namespace.name,
        "fullname": namespace.full_name or namespace.name,
        "roleInOrg": membership.role,
        "isEnterprise": False,
        "avatarUrl": "",
    }


def _role(token: AccessToken) -> str:
    if token.repositories is not None:
        return "fineGrained"
    return "read" if token.scope == Scope.READ else "write"
