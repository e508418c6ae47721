"""A person at a machine of their own: the stock Hub client, and plain requests for our own API."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError

PATIENCE_SECONDS = 120
PAUSE_SECONDS = 2
Answer = TypeVar("Answer")


class Refused(Exception):
    """Our API said no, in a sentence."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        super().__init__(answer.get("error") or str(answer))
        self.status = status
        self.next = answer.get("next") or ""


class Person:
    """One of those who take part, with a token (or none) and a folder for downloads."""

    def __init__(self, name: str, *, site: str, token: str, home: Path) -> None:
        self.name = name
        self.home = home
        self.hub = HfApi(endpoint=site, token=token or False)
        self._site = site
        self._token = token

    def get(self, path: str) -> Any:
        return json.loads(self.file(path))

    def file(self, path: str) -> bytes:
        """What our API answers, byte by byte."""
        return patiently(lambda: self._ask(path, None))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return json.loads(patiently(lambda: self._ask(path, body)))

    def _ask(self, path: str, body: dict[str, Any] | None) -> bytes:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(  # noqa: S310 (the address of our own site)
            f"{self._site}/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                raise
            raise Refused(error.code, json.load(error)) from error


def patiently(action: Callable[[], Answer]) -> Answer:
    """Try again while the site is down or in trouble, as somebody who wants an answer would."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return action()
        except (
            urllib.error.URLError,
            HTTPError,
            LocalEntryNotFoundError,
            ConnectionError,
            TimeoutError,
            http.client.HTTPException,
        ) as error:
            if not _is_trouble(error) or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)


def _is_trouble(error: Exception) -> bool:
    """Whether it is about the connection or the server, and no answer to the question."""
    if isinstance(error, HfHubHTTPError):
        return error.response is None or error.response.status_code >= 500
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, HfHubHTTPError):
        return _is_trouble(error.__cause__)
    return True
