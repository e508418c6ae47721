"""Downloads that nginx sends, with the configuration that we ship: the same answers as our own."""

import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings

from registry.accounts.models import User
from registry.audit.models import Access
from registry.catalog.models import Repository
from registry.storage import blobs
from tests import nginx
from tests.factories import CARD, make_facts, make_repository, make_revision, make_token, make_user
from tests.wire.clients import Client
from tests.wire.conftest import Server, serving

pytestmark = pytest.mark.django_db(transaction=True)

WEIGHTS = os.urandom(300_000)
ODD = "original/sub dir/voc#ab?\u00e9%2F.txt"
FILES = {
    "README.md": CARD.encode(),
    "model.safetensors": WEIGHTS,
    "empty.txt": b"",
    ODD: b"odd names are names\n",
}
ID = "a-request-of-mine"
# What each hop says of itself
OWN_HEADERS = {"date", "server", "connection", "keep-alive"}


@pytest.fixture(scope="session")
def nginx_url(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if nginx.program() is None:
        reason = "nginx is not installed"
        if os.environ.get("REGISTRY_TESTS_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("nginx")
    variables = {"REGISTRY_DOWNLOADS": "nginx", "REGISTRY_BEHIND_PROXY": "true"}
    with (
        serving(folder / "gunicorn.log", **variables) as registry,
        nginx.in_front(folder, registry=registry.url, blobs=Path(settings.BLOB_DIR)) as url,
    ):
        yield url


class Asker:
    """One person's plain HTTP, to each of the two servers."""

    def __init__(self, person: User, *, own: str, by_nginx: str) -> None:
        self.token = make_token(person)
        self.urls = {"own": own, "nginx": by_nginx}

    def __call__(
        self, server: str, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, Message, bytes]:
        asked = urllib.request.Request(  # noqa: S310 - ours
            self.urls[server] + path,
            method=method,
            headers={
                "Authorization": f"Bearer {self.token}",
                "X-Request-Id": ID,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        try:
            with urllib.request.urlopen(asked) as answer:  # noqa: S310 - ours
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


@pytest.fixture
def repository() -> Repository:
    return make_revision(make_repository(make_user("ada"), "tiny"), files=FILES).repository


@pytest.fixture
def ask(repository: Repository, server: Server, nginx_url: str) -> Asker:
    return Asker(repository.created_by, own=server.url, by_nginx=nginx_url)


def _said(headers: Message) -> dict[str, str]:
    said = {name.lower(): text for name, text in headers.items()}
    policy = said["content-security-policy"].split("; ")  # in another order in each process
    said["content-security-policy"] = "; ".join(sorted(policy))
    return {name: text for name, text in said.items() if name not in OWN_HEADERS}


@pytest.mark.parametrize("path", sorted(FILES))
def test_whoever_sends_head_and_get_say_the_same(ask: Asker, path: str) -> None:
    url = f"/ada/tiny/resolve/main/{quote(path)}"

    answers = {
        (server, method): ask(server, url, method)
        for server in ("own", "nginx")
        for method in ("HEAD", "GET")
    }

    said = [(status, _said(headers)) for status, headers, _ in answers.values()]
    assert said[0][0] == 200
    assert said[0][1]["content-length"] == str(len(FILES[path]))
    assert said == [said[0]] * 4
    assert answers["nginx", "GET"][2] == answers["own", "GET"][2] == FILES[path]
    assert answers["nginx", "HEAD"][2] == b""


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=10-19", 206, WEIGHTS[10:20]),
        ("bytes=299990-", 206, WEIGHTS[-10:]),
        ("bytes=-10", 206, WEIGHTS[-10:]),
        ("bytes=0-999999999", 206, WEIGHTS),
        ("bytes=0-1,5-6", 200, WEIGHTS),
        ("items=0-1", 200, WEIGHTS),
    ],
    ids=["some", "rest", "end", "more", "two", "items"],
)
def test_both_cut_out_the_same_part(ask: Asker, wanted: str, status: int, part: bytes) -> None:
    url = "/ada/tiny/resolve/main/model.safetensors"

    own, by_nginx = (ask(server, url, Range=wanted) for server in ("own", "nginx"))

    assert (own[0], own[2]) == (by_nginx[0], by_nginx[2]) == (status, part)
    assert _said(own[1]) == _said(by_nginx[1])
    rows = Access.objects.order_by("-pk").values_list("first_byte", "last_byte")[:2]
    assert rows[0] == rows[1]
    assert rows[0][1] - rows[0][0] + 1 == len(part)


@pytest.mark.parametrize("is_current", [True, False])
def test_a_part_of_the_file_that_was_begun_and_of_no_other(ask: Asker, is_current: bool) -> None:
    url = "/ada/tiny/resolve/main/model.safetensors"
    etag = ask("own", url, "HEAD")[1]["ETag"] if is_current else '"other"'

    own, by_nginx = (
        ask(server, url, Range="bytes=5-8", If_Range=etag) for server in ("own", "nginx")
    )

    assert own[0] == by_nginx[0] == (206 if is_current else 200)
    assert own[2] == by_nginx[2]


def test_a_range_past_the_end_is_refused_by_both(ask: Asker) -> None:
    url = "/ada/tiny/resolve/main/model.safetensors"

    for server in ("own", "nginx"):
        status, headers, _ = ask(server, url, Range="bytes=300000-")
        assert (status, headers["Content-Range"]) == (416, "bytes */300000")


def test_nginx_gives_nobody_a_blob_by_its_name(ask: Asker, repository: Repository) -> None:
    sha256 = ask("own", "/ada/tiny/resolve/main/model.safetensors", "HEAD")[1]["ETag"].strip('"')
    assert blobs.exists(sha256)

    assert ask("nginx", f"/_blobs/{blobs.key_of(sha256)}")[0] == 404


def test_behind_nginx_the_gate_still_decides(ask: Asker, repository: Repository) -> None:
    person = make_user()
    stranger = Asker(person, own=ask.urls["own"], by_nginx=ask.urls["nginx"])
    url = "/ada/tiny/resolve/main/model.safetensors"

    status, headers, sent = stranger("nginx", url)

    assert (status, headers["X-Error-Code"]) == (404, "RepoNotFound")
    assert WEIGHTS not in sent
    assert not Access.objects.filter(actor=person.public_id).exists()


def test_the_client_uploads_and_downloads_through_nginx(
    nginx_url: str, client_of: Callable[..., Client], tmp_path: Path
) -> None:
    make_facts()
    make_user("bob")
    folder = tmp_path / "source"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    client = client_of(User.objects.get(username="bob"), through=nginx_url)

    client("create_repo", repo_id="bob/tiny")
    client("create_branch", repo_id="bob/tiny", branch="next/step")
    client(
        "upload_folder", repo_id="bob/tiny", folder_path=str(tmp_path / "source"),
        revision="next/step",
    )  # fmt: skip
    out = tmp_path / "out"
    client("snapshot_download", repo_id="bob/tiny", revision="next/step", local_dir=str(out))

    assert {name: (out / name).read_bytes() for name in FILES} == FILES


def test_a_download_that_broke_goes_on_behind_nginx(ask: Asker, tmp_path: Path) -> None:
    url = "/ada/tiny/resolve/main/model.safetensors"
    begun = ask("nginx", url, Range="bytes=0-99999")[2]

    status, _, rest = ask("nginx", url, Range=f"bytes={len(begun)}-")

    assert status == 206
    assert begun + rest == WEIGHTS


def test_the_answers_name_the_registry_as_its_visitors_do(ask: Asker, repository: Any) -> None:
    """What nginx passes on makes our links begin with its own address."""
    link = ask("nginx", "/api/whoami-v2")
    assert link[0] == 200
    status, headers, _ = ask("nginx", "/ada/tiny/resolve/nowhere/model.safetensors")
    assert (status, headers["X-Error-Code"]) == (404, "RevisionNotFound")
