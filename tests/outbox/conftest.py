"""A receiver of webhooks, webhooks that post to it, and a repository that they watch."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from registry.accounts.models import User
from registry.catalog.models import Repository
from registry.outbox import webhooks
from registry.outbox.models import Webhook
from tests.factories import as_caller, make_organisation, make_repository, make_user
from tests.outbox.receivers import Receiver, receiver


@pytest.fixture
def there(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.0/8")]
    settings.SITE_URL = "https://models.example.org"
    with receiver() as opened:
        yield opened


@pytest.fixture
def hook(there: Receiver) -> Callable[..., Webhook]:
    def make(owner: User, *watched: tuple[str, str], **rest: Any) -> Webhook:
        items = [{"type": kind, "name": name} for kind, name in watched or [("org", "lab")]]
        given = {"url": there.url, "domains": ["repo"], "secret": "s3cret"}
        made, _ = webhooks.create(watched=items, by=as_caller(owner), **(given | rest))
        return made

    return make


@pytest.fixture
def lab() -> Repository:
    """A repository of the organisation lab, with nothing but its first commit."""
    ada = make_user("ada")
    make_organisation("lab", owner=ada)
    return make_repository(ada, "tiny", namespace="lab")
