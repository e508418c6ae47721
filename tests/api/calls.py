"""Calling the API as somebody, with a real token."""

from typing import Any

from django.http import HttpResponse
from django.test import Client

from registry.accounts.models import Scope, User
from tests import factories


class As:
    """A client that sends this person's token, or none. Cookies are never sent."""

    def __init__(self, user: User | None = None, scope: str = Scope.ADMIN, **token: Any) -> None:
        secret = factories.make_token(user, scope, **token) if user else ""
        self.headers = {"Authorization": f"Bearer {secret}"} if user else {}
        self.client = Client(enforce_csrf_checks=True)

    def get(self, path: str, /, **query: Any) -> HttpResponse:
        return self.client.get(f"/api/v1{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, **rest: Any) -> HttpResponse:
        return self.client.post(
            f"/api/v1{path}",
            {} if body is None else body,
            content_type="application/json",
            headers=self.headers,
            **rest,
        )
