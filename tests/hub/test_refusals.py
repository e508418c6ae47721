"""Each refusal of contract section 2, told by status, code and message."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts import tokens
from registry.accounts.models import AccessToken, Role
from registry.releases import workflow
from tests.factories import (
    accept_terms,
    as_caller,
    make_maintainer,
    make_member,
    make_organisation,
    make_released,
    make_repository,
    make_revision,
    make_token,
    make_user,
)
from tests.hub.calls import Wire, seen

pytestmark = pytest.mark.django_db

LOGIN = "Invalid username or password."
BAD_TOKEN = "Invalid credentials in Authorization header"


@pytest.mark.parametrize("header", ["Bearer hf_unknown", "Bearer", "Basic YTpi", "hf_bare"])
def test_a_token_that_is_none_is_refused_everywhere(header: str) -> None:
    wire = Wire()
    wire.headers = {"authorization": header}

    for path in ("/api/whoami-v2", "/api/models", "/lab/none/resolve/main/x"):
        answer = wire.get(path)
        assert seen(answer) == (401, "", BAD_TOKEN)
        assert answer.json() == {"error": BAD_TOKEN}
        assert answer["WWW-Authenticate"] == "Bearer"


def test_expired_and_revoked_tokens_are_refused() -> None:
    user = make_user()
    expired, revoked = make_token(user), make_token(user)
    first, last = AccessToken.objects.filter(user=user).order_by("pk")
    AccessToken.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    tokens.revoke(last, by=as_caller(user))

    for secret in (expired, revoked):
        assert seen(Wire(secret=secret).get("/api/whoami-v2")) == (401, "", BAD_TOKEN)


def test_a_session_cookie_is_nobody(client: object) -> None:
    user = make_user()
    wire = Wire()
    wire.client.force_login(user)

    assert seen(wire.get("/api/whoami-v2")) == (401, "", LOGIN)


@pytest.mark.parametrize("kind", ["resolve", "raw"])
def test_a_link_to_bytes_is_open_to_whom_they_are_open_on_pages(kind: str) -> None:
    """A browser sends a cookie and no token; a link from another site brings nobody along."""
    release = make_released()
    reader, stranger = make_user(), make_user()
    accept_terms(release, reader)
    path = f"/{release.repository}/{kind}/main/model.safetensors"
    wire, other = Wire(), Wire()
    wire.client.force_login(reader)
    other.client.force_login(stranger)

    assert wire.get(path, sec_fetch_site="same-origin").status_code == 200
    assert wire.get(path, sec_fetch_site="none").status_code == 200
    for elsewhere in ("cross-site", "same-site", "", "of its own"):
        assert wire.get(path, sec_fetch_site=elsewhere).status_code == 401
    assert other.get(path, sec_fetch_site="same-origin").status_code == 403
    assert wire.get(path, authorization="Bearer hf_unknown").status_code == 401


@pytest.mark.parametrize("header", ["origin", "referer"])
def test_where_a_browser_does_not_say_which_site_asks_its_page_has_to_be_ours(header: str) -> None:
    release, reader = make_released(), make_user()
    accept_terms(release, reader)
    path = f"/{release.repository}/resolve/main/model.safetensors"
    wire = Wire()
    wire.client.force_login(reader)

    assert wire.get(path).status_code == 200
    assert wire.get(path, **{header: "http://testserver/a/page"}).status_code == 200
    for elsewhere in (
        "https://testserver/",
        "http://testserver.example.org/",
        "http://testserver@example.org/",
        "http://pages.testserver/",
        "http://testserver:8080",
        "null",
    ):
        assert wire.get(path, **{header: elsewhere}).status_code == 401, elsewhere


@pytest.mark.parametrize("kind", ["resolve", "raw"])
def test_no_browser_runs_an_upload_or_lets_another_site_embed_it(kind: str) -> None:
    pages = ["a.html", "b.svg", "c.js", "d.xhtml", "e.css", "f.pdf", "g.xml", "h"]
    script = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    repository = make_repository()
    make_released(
        repository, files={"README.md": "---\nlicense: mit\n---\n", **dict.fromkeys(pages, script)}
    )
    wire = Wire(repository.created_by)

    for name in [*pages, "README.md"]:
        answer = wire.get(f"/{repository}/{kind}/main/{name}")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert {"default-src 'none'", "sandbox"} <= set(
            answer["Content-Security-Policy"].split("; ")
        )
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_large_files_are_kept_and_not_shown() -> None:
    release = make_released()
    wire = Wire(release.repository.created_by)

    answer = wire.get(f"/{release.repository}/resolve/main/model.safetensors")

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment; ")


@pytest.mark.parametrize(("asked", "how"), [("", "inline; "), ("?download=true", "attachment; ")])
def test_a_text_is_kept_by_who_asks_for_a_download(asked: str, how: str) -> None:
    release = make_released()
    wire = Wire(release.repository.created_by)

    for route in ("resolve", "raw"):
        answer = wire.get(f"/{release.repository}/{route}/main/README.md{asked}")
        assert answer["Content-Disposition"].startswith(how)


def test_a_missing_repository_and_a_hidden_one_answer_alike() -> None:
    repository = make_revision().repository
    hidden, missing = str(repository), "nobody/nothing"

    for wire, expected in (
        (Wire(), (401, "RepoNotFound", LOGIN)),
        (Wire(make_user()), (404, "RepoNotFound", "Repository not found")),
    ):
        for path in (
            "/api/models/{}",
            "/api/models/{}/revision/main",
            "/api/models/{}/tree/main",
            "/api/models/{}/refs",
            "/{}/resolve/main/README.md",
        ):
            answers = [wire.get(path.format(name)) for name in (hidden, missing)]
            assert [seen(answer) for answer in answers] == [expected, expected], path
            assert answers[0].content == answers[1].content


def test_a_name_without_namespace_is_a_missing_repository() -> None:
    for path in ("/api/models/gpt2", "/api/models/gpt2/revision/main", "/gpt2/resolve/main/x"):
        assert seen(Wire().get(path))[:2] == (401, "RepoNotFound")


def test_a_missing_revision_and_a_missing_file_have_codes_of_their_own() -> None:
    release = make_released()
    repository = release.repository
    wire = Wire(repository.created_by)

    assert seen(wire.get(f"/{repository}/resolve/nope/README.md")) == (
        404,
        "RevisionNotFound",
        "Invalid rev id: nope",
    )
    answer = wire.head(f"/{repository}/resolve/main/nope")
    assert seen(answer) == (404, "EntryNotFound", "Entry not found")
    assert answer["X-Repo-Commit"] == release.revision.oid
    assert answer.content == b""


def test_the_gate_comes_before_revision_and_path() -> None:
    repository = make_released().repository

    for path in ("resolve/main/nope", "resolve/nope/nope", "resolve/main/model.safetensors"):
        for wire, status in ((Wire(), 401), (Wire(make_user()), 403)):
            answer = wire.head(f"/{repository}/{path}")
            assert seen(answer)[:2] == (status, "GatedRepo"), path
            assert f"http://testserver/{repository}/terms" in answer["X-Error-Message"]


def test_a_suspended_model_is_disabled_for_the_api_and_says_why_to_downloads() -> None:
    release = make_released()
    workflow.transition(
        "suspend",
        release,
        by=as_caller(make_maintainer()),
        reason="It was \u201cbroken\u201d\nbadly",
    )
    repository = release.repository
    wire = Wire(make_user())

    for path in ("", "/refs", "/commits/main"):
        assert seen(wire.get(f"/api/models/{repository}{path}")) == (
            403,
            "",
            "Access to this resource is disabled.",
        )
    for path in (
        f"/api/models/{repository}/revision/main",
        f"/api/models/{repository}/tree/main",
        f"/{repository}/resolve/main/model.safetensors",
        f"/{repository}/raw/main/README.md",
    ):
        status, code, message = seen(wire.get(path))
        assert (status, code) == (403, "GatedRepo")
        assert "It was ?broken? badly" in message
        assert f"http://testserver/{repository}/releases" in message


def test_who_may_read_but_not_write_is_told_so() -> None:
    owner = make_user()
    lab = make_organisation(owner=owner)
    repository = make_released(make_repository(owner, namespace=lab.name)).repository
    writes = [
        ("POST", f"/api/models/{repository}/preupload/main", {"files": []}),
        ("POST", f"/api/models/{repository}/commit/main", {}),
        (
            "POST",
            f"/{repository}.git/info/lfs/objects/batch",
            {"objects": [], "ref": {"name": "refs/heads/main"}},
        ),
        ("POST", f"/api/models/{repository}/branch/new", {}),
        ("POST", f"/api/models/{repository}/tag/main", {"tag": "new"}),
        ("DELETE", f"/api/models/{repository}/branch/new", {}),
        ("DELETE", f"/api/models/{repository}/tag/new", {}),
        ("GET", f"/api/models/{repository}/auth-check/write", None),
    ]
    lacking = [
        Wire(make_user()),
        Wire(make_member(lab, Role.READ)),
        Wire(make_member(lab, Role.WRITE), "read"),
        Wire(make_maintainer(), "admin"),
    ]

    for method, path, body in writes:
        for wire in lacking:
            status, code, message = seen(wire(method, path, body))
            assert (status, code) == (403, ""), path
            assert message == "You don't have the required permissions to perform this action"
        assert seen(Wire()(method, path, body)) == (401, "", LOGIN)


def test_a_token_limited_to_other_repositories_sees_nothing_here() -> None:
    repository = make_revision().repository
    other = make_repository(repository.created_by)
    secret = make_token(repository.created_by, "write", repositories=[other.public_id])

    assert seen(Wire(secret=secret).get(f"/api/models/{repository}"))[1] == "RepoNotFound"


def test_what_the_registry_does_not_serve_is_json() -> None:
    for path in ("/api/spaces/x/y/runtime", "/api/", "/api/nothing", "/api/datasets/a/b"):
        answer = Wire().get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
        assert "X-Error-Code" not in answer.headers


def test_another_method_is_refused_with_the_right_ones() -> None:
    answer = Wire().post("/api/whoami-v2")

    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path", ["/api/models?search=%00", "/api/models/a%00/b", "/a/b/resolve/m/%00"]
)
def test_zero_bytes_are_refused_and_not_handed_to_the_database(path: str) -> None:
    assert Wire().get(path).status_code in {400, 404}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"name": "\\u0000"}', b'{"name": "\\ud800"}', b"\xff"]
)
def test_a_body_that_is_not_what_it_should_be_gets_a_sentence(body: bytes) -> None:
    answer = Wire(make_user()).post("/api/repos/create", body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_every_answer_is_for_one_caller_alone() -> None:
    repository = make_released().repository

    for path in (f"/api/models/{repository}", f"/{repository}/resolve/main/README.md", "/api/x"):
        answer = Wire().get(path, x_request_id="abcdefgh-1234")
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Authorization" in answer["Vary"]
        assert answer["X-Request-Id"] == "abcdefgh-1234"
