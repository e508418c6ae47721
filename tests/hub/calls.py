"""Calls of the wire as gunicorn would hand them over: with the path as it was sent."""

import base64
import hashlib
import json
from typing import Any

from django.http import HttpResponseBase
from django.test import Client

from registry.accounts.models import Scope, User
from registry.catalog.models import Repository
from tests.factories import make_token


class Wire:
    """The wire as one person with one token uses it, or nobody."""

    def __init__(self, user: User | None = None, scope: str = Scope.WRITE, *, secret: str = ""):
        self.client = Client()
        secret = secret or (make_token(user, scope) if user else "")
        self.headers = {"authorization": f"Bearer {secret}"} if secret else {}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body or {})
        answer = self.client.generic(
            method,
            path,
            content if method not in {"GET", "HEAD"} else "",
            content_type="application/json",
            headers=self.headers | {key.replace("_", "-"): text for key, text in headers.items()},
            RAW_URI=path,
        )
        answer.sent = b"".join(answer) if answer.streaming else answer.content
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def head(self, path: str, **headers: str) -> Any:
        return self("HEAD", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("PUT", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("DELETE", path, body, **headers)

    def commit(
        self, repository: Repository, *lines: dict[str, Any], rev: str = "main", **header: str
    ) -> Any:
        first = {"key": "header", "value": {"summary": "Add files", **header}}
        body = "\n".join(json.dumps(line) for line in (first, *lines)).encode()
        return self.post(f"/api/models/{repository}/commit/{rev}", body)

    def batch(self, repository: Repository, content: bytes, size: int | None = None) -> Any:
        one = {
            "oid": hashlib.sha256(content).hexdigest(),
            "size": len(content) if size is None else size,
        }
        body = {"operation": "upload", "transfers": ["basic"], "objects": [one]}
        return self.post(f"/{repository}.git/info/lfs/objects/batch", body)

    def send(self, repository: Repository, content: bytes) -> Any:
        """Announce an object and send it."""
        return Wire().put(upload_path(self.batch(repository, content)), content)


def upload_path(answer: Any) -> str:
    href = answer.json()["objects"][0]["actions"]["upload"]["href"]
    return str(href).removeprefix("http://testserver")


def file(path: str, content: bytes) -> dict[str, Any]:
    text = base64.b64encode(content).decode()
    return {"key": "file", "value": {"path": path, "content": text, "encoding": "base64"}}


def lfs_file(path: str, content: bytes) -> dict[str, Any]:
    oid = hashlib.sha256(content).hexdigest()
    value = {"path": path, "algo": "sha256", "oid": oid, "size": len(content)}
    return {"key": "lfsFile", "value": value}


def seen(answer: HttpResponseBase) -> tuple[int, str, str]:
    """Status, code and message: what a client makes its exception of."""
    return (
        answer.status_code,
        answer.headers.get("X-Error-Code", ""),
        answer.headers.get("X-Error-Message", ""),
    )
