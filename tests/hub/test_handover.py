"""Downloads that the store itself sends: by a link, short-lived, for one request and one file."""

import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured

from registry.audit.models import Access
from registry.catalog.models import Visibility
from registry.errors import StorageUnavailable
from registry.releases.models import Release
from registry.storage import backend, blobs
from tests.factories import (
    CARD,
    accept_terms,
    make_released,
    make_user,
)
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db

WEIGHTS = b"0123456789" * 1000
FILES = {"README.md": CARD, "config.json": b"{}", "model.safetensors": WEIGHTS}
ID = "a-request-of-mine"


def _released() -> Release:
    return make_released(files=FILES)


def _asks_nothing() -> Release:
    release = _released()
    terms = release.terms | {"needs_acceptance": False}
    Release.objects.filter(pk=release.pk).update(terms=terms)
    return release


def _fetch(link: str, **headers: str) -> tuple[int, bytes, Any]:
    with urllib.request.urlopen(urllib.request.Request(link, headers=headers)) as answer:  # noqa: S310
        return answer.status, answer.read(), answer.headers


def _status(link: str) -> int:
    try:
        return _fetch(link)[0]
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.fixture
def reader(bucket: None) -> Wire:
    """Somebody who accepted the terms of the model."""
    release = _released()
    person = make_user("reader")
    accept_terms(release, person)
    wire = Wire(person)
    wire.url = f"/{release.repository}/resolve/main"
    return wire


def test_a_large_file_is_handed_over_and_a_small_one_sent(reader: Wire) -> None:
    large = reader.get(f"{reader.url}/model.safetensors", x_request_id=ID)
    small = reader.get(f"{reader.url}/config.json")

    assert (large.status_code, large.sent) == (302, b"")
    assert urlsplit(large["Location"]).hostname == "localhost"
    status, sent, headers = _fetch(large["Location"])
    assert (status, sent) == (200, WEIGHTS)
    assert headers["Content-Type"] == "application/octet-stream"
    assert "model.safetensors" in headers["Content-Disposition"]
    assert (small.status_code, small.sent) == (200, b"{}")


def test_who_asks_for_headers_gets_those_of_the_answer_itself(reader: Wire) -> None:
    for path in ("model.safetensors", "config.json"):
        head = reader.head(f"{reader.url}/{path}", x_request_id=ID)
        whole = reader.get(f"{reader.url}/{path}", x_request_id=ID)

        assert head.sent == b""
        assert head.status_code == whole.status_code
        moved = [dict(one.headers) for one in (head, whole)]
        links = [one.pop("Location", "") for one in moved]
        assert moved[0] == moved[1]
        assert urlsplit(links[0])._replace(query="") == urlsplit(links[1])._replace(query="")
    assert "X-Linked-Size" not in moved[0]


def test_the_answer_says_all_that_the_client_wants_of_a_redirect(reader: Wire) -> None:
    answer = reader.head(f"{reader.url}/model.safetensors")

    assert answer["X-Linked-Size"] == str(len(WEIGHTS))
    assert answer["ETag"] == answer["X-Linked-Etag"]
    assert len(answer["X-Repo-Commit"]) == 40
    assert answer["Cache-Control"] == "private, no-cache"


def test_the_link_takes_ranges_and_names_the_request(reader: Wire) -> None:
    answer = reader.get(f"{reader.url}/model.safetensors", x_request_id=ID)

    status, sent, headers = _fetch(answer["Location"], Range="bytes=3-12")
    assert (status, sent) == (206, WEIGHTS[3:13])
    assert headers["Content-Range"] == f"bytes 3-12/{len(WEIGHTS)}"
    assert parse_qs(urlsplit(answer["Location"]).query)["x-request"] == [ID]


def test_a_link_is_for_one_file_and_cannot_be_changed(reader: Wire) -> None:
    link = reader.get(f"{reader.url}/model.safetensors", x_request_id=ID)["Location"]
    other = blobs.key_of("0" * 64)
    here = urlsplit(link).path.rpartition("blobs/")[2]

    assert _status(link) == 200
    assert _status(link.replace(here, other)) == 403
    assert _status(link.replace(ID, "another-request")) == 403
    assert _status(link.replace("X-Amz-Expires=300", "X-Amz-Expires=3000")) == 403


def test_a_link_dies(reader: Wire, settings: Any) -> None:
    lives = reader.get(f"{reader.url}/model.safetensors")["Location"]
    settings.LINK_SECONDS = 1
    dies = reader.get(f"{reader.url}/model.safetensors")["Location"]
    time.sleep(2.1)

    assert (_status(lives), _status(dies)) == (200, 403)


def test_links_to_gated_bytes_live_shorter_and_the_log_says_how_long(reader: Wire) -> None:
    reader.head(f"{reader.url}/model.safetensors")
    reader.get(f"{reader.url}/model.safetensors", range="bytes=5-6")
    reader.get(f"{reader.url}/config.json")

    rows = Access.objects.order_by("pk").values_list(
        "path", "reason", "link_seconds", "first_byte", "last_byte"
    )
    assert list(rows) == [
        ("model.safetensors", "accepted", 300, 0, len(WEIGHTS) - 1),
        ("model.safetensors", "accepted", 300, 0, len(WEIGHTS) - 1),
        ("config.json", "accepted", 0, 0, 1),
    ]


def test_where_nothing_is_asked_a_link_lives_an_hour(bucket: None) -> None:
    release = _asks_nothing()

    Wire().get(f"/{release.repository}/resolve/main/model.safetensors")

    assert Access.objects.get().link_seconds == 3600


def test_a_private_repository_s_link_is_short_whatever_its_terms(bucket: None) -> None:
    release = _asks_nothing()
    release.repository.visibility = Visibility.PRIVATE
    release.repository.save(update_fields=["visibility"])
    owner = Wire(release.repository.created_by, scope="read")

    owner.get(f"/{release.repository}/resolve/main/model.safetensors")

    assert Access.objects.get().link_seconds == 300


def test_nobody_gets_a_link_whom_the_gate_refuses(reader: Wire) -> None:
    for wire in (Wire(), Wire(make_user())):
        for ask in (wire.head, wire.get):
            answer = ask(f"{reader.url}/model.safetensors")
            assert answer.status_code in {401, 403}
            assert "Location" not in answer.headers


def test_a_range_past_the_end_is_refused_without_a_link(reader: Wire) -> None:
    answer = reader.get(f"{reader.url}/model.safetensors", range=f"bytes={len(WEIGHTS)}-")

    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(WEIGHTS)}")
    assert "Location" not in answer.headers


def test_a_store_on_our_own_host_is_not_linked_to(reader: Wire, settings: Any) -> None:
    """The client would send its token there, and the store would refuse the two together."""
    settings.ALLOWED_HOSTS = ["localhost"]

    answer = reader.get(f"{reader.url}/model.safetensors", host="localhost:8000", range="bytes=2-4")

    assert (answer.status_code, answer.sent) == (206, b"234")


def test_a_site_may_send_the_bytes_of_its_bucket_itself(reader: Wire, settings: Any) -> None:
    settings.DOWNLOADS = "own"

    answer = reader.get(f"{reader.url}/model.safetensors")

    assert (answer.status_code, answer.sent) == (200, WEIGHTS)
    assert Access.objects.get().link_seconds == 0


def test_a_store_that_does_not_answer_is_said_as_such(reader: Wire, settings: Any) -> None:
    settings.S3 = {**settings.S3, "endpoint": "http://127.0.0.1:9"}

    answer = reader.get(f"{reader.url}/config.json")

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "does not answer" in answer["X-Error-Message"]


@pytest.mark.parametrize("wrong", [{"bucket": "nowhere"}, {"secret_key": "another"}])
def test_a_store_that_is_set_up_wrongly_is_no_missing_file(
    bucket: None, settings: Any, wrong: dict[str, str]
) -> None:
    settings.S3 = {**settings.S3, **wrong}

    with pytest.raises(StorageUnavailable):
        blobs.read("0" * 64)


def test_links_of_different_requests_differ(reader: Wire) -> None:
    key = blobs.key_of("0" * 64)
    store = backend.bucket("blobs/")

    links = {store.link(key, seconds=60, request=name, headers={}) for name in ("one", "two")}

    assert len(links) == 2


@pytest.mark.parametrize(("storage", "downloads"), [("s3", "nginx"), ("local", "s3")])
def test_a_hand_over_that_the_storage_cannot_do_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, storage: str, downloads: str
) -> None:
    import importlib.util

    import registry.settings

    monkeypatch.setenv("REGISTRY_STORAGE", storage)
    monkeypatch.setenv("REGISTRY_DOWNLOADS", downloads)
    monkeypatch.setenv("REGISTRY_S3_BUCKET", "some")
    found = importlib.util.spec_from_file_location("tried", registry.settings.__file__)
    assert found is not None
    assert found.loader is not None
    with pytest.raises(ImproperlyConfigured, match="REGISTRY_DOWNLOADS"):
        found.loader.exec_module(importlib.util.module_from_spec(found))
