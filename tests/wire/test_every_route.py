"""Which addresses of the wire clients call, and that none of their secrets is in the log."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest
from django.conf import LazySettings
from django.urls import Resolver404, get_resolver

from registry.catalog.models import Repository
from registry.hub.routes import urlpatterns
from tests.factories import (
    make_facts,
    make_organisation,
    make_repository,
    make_revision,
    make_token,
    make_user,
)
from tests.wire.conftest import BUCKET_PREFIX, Server, serving
from tests.wire.recording import KINDS, Recorder
from tests.wire.tour import Tour

pytestmark = pytest.mark.django_db(transaction=True)

XET = "xet/<wire_part:space>"
DIGEST, CHUNK = "<wire_part:digest>", "<wire_part:prefix>/<wire_part:digest>"
EARLIER = "the Xet library of earlier clients spells it so (hf_xet 1.1 and 1.2)"
# Why the newest client does not come by
NOT_CALLED = {
    ("POST", f"{XET}/xorb/default/{DIGEST}"): EARLIER,
    ("POST", f"{XET}/shard/default/{DIGEST}"): EARLIER,
    ("GET", f"{XET}/chunk/{CHUNK}"): EARLIER,
    ("POST", f"{XET}/xorbs/default/{DIGEST}"): EARLIER,
    ("GET", f"{XET}/chunks/{CHUNK}"): EARLIER,
    (
        "POST",
        f"{XET}/shards",
    ): "clients 1.10 and 1.20 do (hf_xet 1.4 and 1.5), in their round trips",
    ("POST", f"{XET}/v1/telemetry"): "sent by clients that were not told to keep it to themselves",
}


def routes() -> Iterator[tuple[str, str]]:
    """Each method of each address; those of datasets are the same again."""
    for pattern in urlpatterns:
        if pattern.default_args.get("kind") == "dataset":
            continue
        view = pattern.callback
        methods = getattr(view, "views", None) or view.methods
        yield from ((method, str(pattern.pattern)) for method in methods if method != "HEAD")


def called(log: str) -> set[tuple[str, str]]:
    resolver = get_resolver("registry.hub.routes")
    found = set()
    for line in log.splitlines():
        told = json.loads(line) if line.startswith("{") else {}
        if "path" not in told:
            continue
        method = "GET" if told["method"] == "HEAD" else told["method"]
        try:
            found.add((method, resolver.resolve(told["path"]).route))
        except Resolver404:
            continue
    return found


def test_clients_call_every_address_and_the_log_keeps_no_secret(
    django_db_setup: None, tmp_path: Path
) -> None:
    make_facts()
    ada, bob = make_user("ada"), make_user("bob")
    make_organisation("lab", owner=ada)
    make_repository(ada, "copy")
    log = tmp_path / "log"
    variables = {"REGISTRY_LOG_FORMAT": "json", "REGISTRY_LFS_PARTS_MIB": "1"}
    with serving(log, **variables) as server:
        line = Recorder(server.url)
        tour = Tour(line.url, ada, bob, tmp_path)
        try:
            for step in STEPS:
                step(tour)
        finally:
            tour.close()
            line.close()
    written = log.read_text()

    assert set(routes()) - called(written) == set(NOT_CALLED)
    secrets = line.secrets()
    assert secrets.keys() == KINDS.keys()
    for kind, ones in secrets.items():
        for secret in ones:
            for spelled in (secret, quote(secret), quote(secret, safe="")):
                assert spelled not in written, f"a {kind} is in the log"


def test_the_log_keeps_no_link_to_a_bucket(
    bucket_server: Server, bucket: None, settings: LazySettings
) -> None:
    settings.S3_PREFIX = f"{BUCKET_PREFIX}/"
    owner = make_user()
    repository = make_revision(make_repository(owner)).repository
    address = f"{bucket_server.url}/{repository}/resolve/main/model.safetensors"
    headers = {"Authorization": f"Bearer {make_token(owner)}"}

    answer = httpx2.get(address, headers=headers)

    assert answer.status_code == 302
    signed = parse_qs(urlsplit(answer.headers["Location"]).query)
    written = _written_of(bucket_server, repository)
    assert signed["X-Amz-Signature"][0] not in written
    assert "X-Amz" not in written


def _written_of(server: Server, repository: Repository) -> str:
    """The log once it tells of the repository: a line is written after its answer is sent."""
    until = time.monotonic() + 20
    while str(repository) not in (written := server.log.read_text()):
        assert time.monotonic() < until, written
        time.sleep(0.05)
    return written


STEPS = [
    Tour.identity,
    Tour.upload,
    Tour.release,
    Tour.look_around,
    Tour.what_others_ask,
    Tour.names_without_a_namespace,
    Tour.likes,
    Tour.access,
    Tour.discussions,
    Tour.refs,
    Tour.repositories,
    Tour.webhooks,
    Tour.sign_in,
    Tour.wrong_secrets,
]
