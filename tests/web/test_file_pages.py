"""The files tab, the page of one file, the history and the comparison: what they show, and to whom."""

import numpy
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.accounts.models import User
from registry.agreements import scopes
from registry.audit.models import Access
from registry.catalog import files
from registry.catalog.models import Gated, Repository
from registry.checks.models import CheckRun, FindingRow
from registry.releases import access
from registry.releases.models import Release
from registry.web.templatetags.files import patch_lines
from tests import factories, turns
from tests.checks import models

pytestmark = pytest.mark.django_db

TENSORS = {f"layers.{number}.weight": numpy.ones((2, 2), "f4") for number in range(120)}
FILES: dict[str, bytes | str] = {
    "README.md": factories.CARD,
    "config.json": '{"a": 1}',
    "data/secret-notes.txt": "one\ntwo\n",
    "model.safetensors": models.safetensors(TENSORS),
}


@pytest.fixture
def released() -> Release:
    return factories.make_released(files=FILES)


def _reader(client: Client, release: Release) -> User:
    factories.accept_terms(release, reader := factories.make_user())
    client.force_login(reader)
    return reader


def test_the_tree_tells_who_changed_what_last_and_what_the_checks_say(
    client: Client, released: Release
) -> None:
    repository = released.repository
    run = CheckRun.objects.get(revision=released.revision)
    FindingRow.objects.create(
        run=run, check_id="W-FINITE", severity="warn", message="Odd.", file="data/secret-notes.txt"
    )
    head = factories.make_commit(repository, {"config.json": '{"a": 2}'}, title="Set <a>")
    client.force_login(repository.created_by)

    new = client.get(f"/{repository.full_name}/tree/{head.oid}").text
    old = client.get(f"/{repository.full_name}/tree/{released.revision.oid}").text
    _reader(client, released)
    public = client.get(f"/{repository.full_name}/tree/main").text
    file = client.get(f"/{repository.full_name}/blob/main/data/secret-notes.txt").text

    assert "Set &lt;a&gt;" in new
    assert "Set &lt;a&gt;" not in old
    assert "Set &lt;a&gt;" not in public
    assert old.count("The checks warn about it") == 2  # of the folder, as words and on hover
    assert f"/{repository.full_name}/resolve/{released.revision.oid}/data/secret-notes.txt" in file
    assert "Odd." in file
    assert 'id="L2"' in file


def test_a_folder_takes_the_same_queries_however_much_is_in_it(client: Client) -> None:
    counts = []
    for number in (1, 60):
        repository = factories.make_repository()
        many = {f"{name}{place}.txt": "x" for place in range(number) for name in ("a", "b/")}
        factories.make_commit(repository, {"README.md": factories.CARD, **many})
        client.force_login(repository.created_by)
        for page in ("tree/main", "commits/main"):
            client.get(f"/{repository.full_name}/{page}")
            with CaptureQueriesContext(connection) as asked:
                assert client.get(f"/{repository.full_name}/{page}").status_code == 200
            counts.append(len(asked))

    assert counts[:2] == counts[2:]
    assert max(counts) < 45


def test_nothing_closed_is_told_on_any_of_the_pages(client: Client, released: Release) -> None:
    name, oid = released.repository.full_name, released.revision.oid
    pages = [
        "tree/main",
        "tree/main/data",
        "blob/main/model.safetensors",
        "blob/main/data/secret-notes.txt",
        f"compare?from={oid}&to={oid}",
        f"compare?from={oid}&to={oid}&path=data/secret-notes.txt",
        "compare",
        "commits/main",
    ]
    told = ["secret-notes", "layers.0", '"a": 1', "config.json"]
    told += [file.sha256 for file in files.files_of(released.revision)]

    for visitor in (None, factories.make_user()):
        if visitor is not None:
            client.force_login(visitor)
        for page in pages:
            echoed = page.partition("/main/")[2] or page.partition("path=")[2]
            shown = client.get(f"/{name}/{page}").text.replace(echoed or page, "")
            assert not [one for one in told if one in shown], page
    assert not Access.objects.exists()


def test_what_is_in_quarantine_is_on_no_page_of_the_public(
    client: Client, released: Release
) -> None:
    name, public = released.repository.full_name, released.revision.oid
    head = factories.make_commit(released.repository, {"plans.txt": "plan\n"}, title="Secret plan")
    _reader(client, released)

    for page in (f"compare?from={public}&to={head.oid}", f"compare?from={head.oid}&to={public}"):
        assert client.get(f"/{name}/{page}").status_code == 404
    for page in (f"compare?to={head.short}", f"commits/{head.oid}", f"tree/{head.oid}"):
        assert client.get(f"/{name}/{page}").status_code == 404
    for page in ("commits/main", "tree/main", "compare"):
        shown = client.get(f"/{name}/{page}")
        assert shown.status_code == 200
        assert "Secret" not in shown.text
        assert head.short not in shown.text
    client.force_login(released.repository.created_by)
    assert "Secret plan" in client.get(f"/{name}/commits/{head.oid}").text
    assert "plans.txt" in client.get(f"/{name}/compare?to={head.oid}").text


def test_a_private_or_unreleased_repository_is_a_404_on_every_page(client: Client) -> None:
    hidden = factories.make_revision().repository
    for visitor in (None, factories.make_user()):
        if visitor is not None:
            client.force_login(visitor)
        for page in ("commits", "commits/main", "compare", "compare?from=main&to=main"):
            assert client.get(f"/{hidden.full_name}/{page}").status_code == 404


def test_who_was_let_in_to_some_files_learns_no_other_name(
    client: Client, released: Release
) -> None:
    repository = _let_in(client, released, ["config.json", "*.index.json"])
    name, oid = repository.full_name, released.revision.oid

    tree = client.get(f"/{name}/tree/main").text
    folder = client.get(f"/{name}/tree/main/data")
    header = client.get(f"/{name}/blob/main/model.safetensors")
    compared = client.get(f"/{name}/compare?from={oid}&to={oid}").text

    assert "config.json" in tree
    assert "data/" not in tree
    assert "model.safetensors" not in tree
    assert folder.status_code == 404
    assert header.status_code == 403
    assert "layers.0" not in header.text
    assert not [one for one in ("secret-notes", "layers.0", "diff-text") if one in compared]


def test_the_header_of_weights_is_shown_in_pages_and_what_was_read_is_noted(
    client: Client, released: Release
) -> None:
    address = f"/{released.repository.full_name}/blob/main/model.safetensors"
    _reader(client, released)

    first = client.get(address).text
    found = client.get(address, {"q": "LAYERS.119", "dtype": "F32"}).text
    none = client.get(address, {"q": "<script>"}).text
    client.head(address)

    assert "120 tensors" in first
    assert first.count('scope="row" class="digest">layers.') == 100
    assert "layers.119.weight" in found
    assert "layers.1.weight" not in found
    assert "No tensor has such a name" in none
    assert "<script>" not in none.partition("<main")[2]
    rows = list(Access.objects.values_list("path", "first_byte", "last_byte", "size"))
    assert len(rows) == 3
    path, begin, end, size = rows[0]
    assert (path, begin) == ("model.safetensors", 0)
    assert end + 1 == size - 120 * 16  # the header, and no byte of a tensor


def test_an_index_shows_shards_with_the_headers_of_those_that_are_open(client: Client) -> None:
    sharded = models.sharded()
    release = factories.make_released(files={"README.md": factories.CARD, **sharded})
    repository, name = release.repository, release.repository.full_name
    address = f"/{name}/blob/main/model.safetensors.index.json"
    client.force_login(repository.created_by)
    whole = client.get(address).text
    _let_in(client, release, ["*.index.json"])

    part = client.get(address).text

    assert "model.embed_tokens.weight" in whole
    assert "closed to you" not in whole
    assert "closed to you" in part
    sizes = {f'title="{len(raw):,} bytes"' for path, raw in sharded.items() if "-of-" in path}
    assert all(size in whole for size in sizes)
    assert not any(size in part for size in sizes)


def test_a_place_of_blanks_is_looked_for_as_quickly_as_any_other(client: Client) -> None:
    files = {"a.json": " " * 200_000, "b.json": "- " * 100_000, "README.md": factories.CARD}
    revision = factories.make_revision(files=files)
    client.force_login(revision.repository.created_by)
    with turns.at_most(1600):
        for path in ("a.json", "b.json"):
            for at in (" ", "  \t", "- ", '" '):
                address = f"/{revision.repository.full_name}/blob/{revision.oid}/{path}"
                assert client.get(address, {"at": at}).status_code == 200


def test_markdown_is_rendered_and_its_source_is_one_click_away(client: Client) -> None:
    text = "---\nlicense: mit\n---\n# Title\n<script>alert(1)</script>\n[x](javascript:alert(1))\n"
    revision = factories.make_revision(files={"docs/a.md": text, "README.md": factories.CARD})
    client.force_login(revision.repository.created_by)
    address = f"/{revision.repository.full_name}/blob/{revision.oid}/docs/a.md"

    page = client.get(address).text
    source = client.get(address, {"view": "source"}).text

    assert '<h2 id="card-title"' in page
    assert "license: mit" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in source
    for shown in (page, source):
        assert "<script>alert" not in shown
        assert 'href="javascript' not in shown


def test_no_upload_runs_or_hides_on_its_page_or_by_its_address(client: Client) -> None:
    active = {
        "a.html": "<script>alert(1)</script>",
        "a.svg": '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>',
        "a.xhtml": "<html xmlns='http://www.w3.org/1999/xhtml'><script/></html>",
    }
    others = {"a.png": b"\x89PNG\0", "a.py": "x = 1 \u202e# 2\n", "README.md": factories.CARD}
    revision = factories.make_revision(files={**active, **others})
    name, owner = revision.repository.full_name, revision.repository.created_by
    client.force_login(owner)
    pages = {
        path: client.get(f"/{name}/blob/{revision.oid}/{path}").text
        for path in {**active, **others}
    }
    bearer = {"Authorization": f"Bearer {factories.make_token(owner)}"}

    for path, content in active.items():
        sent = client.get(f"/{name}/resolve/{revision.oid}/{path}", headers=bearer)
        assert sent.getvalue().decode() == content
        assert sent["X-Content-Type-Options"] == "nosniff"
        assert sent["Content-Type"].startswith(("text/plain", "application/octet-stream"))
        assert content not in pages[path]
    for page in pages.values():
        assert "<img" not in page.partition('class="repository-body')[2]
    assert "Pictures of an upload are not shown" in pages["a.png"]
    assert "\u202e" not in pages["a.py"]
    assert "\\u{202e}" in pages["a.py"]


def test_two_revisions_are_compared_on_one_page_and_one_file_alone(
    client: Client, released: Release
) -> None:
    repository = released.repository
    name, old = repository.full_name, released.revision.oid
    head = factories.make_commit(
        repository, {"config.json": '{"a": 2}', "data/secret-notes.txt": "one\n<b>\n"}
    )
    client.force_login(repository.created_by)

    page = client.get(f"/{name}/compare", {"from": old, "to": head.oid}).text
    implied = client.get(f"/{name}/compare", {"to": head.oid}).text
    alone = client.get(
        f"/{name}/compare", {"from": old, "to": head.oid, "path": "config.json"}
    ).text
    (begin,) = released.revision.parents
    first = client.get(f"/{name}/compare", {"to": begin}).text

    assert "&lt;b&gt;" in page
    assert "<b>" not in page.partition("<main")[2]
    assert 'href="#f' in page
    assert ">2</ins>" in page
    assert "data/secret-notes.txt" in implied
    assert "data/secret-notes.txt" not in alone
    assert "there is none before it" in first
    assert client.get(f"/{name}/compare", {"from": "nothing"}).status_code == 404
    assert client.get(f"/{name}/compare", {"from": "\0", "to": "main"}).status_code == 200


def test_branches_with_a_slash_and_pull_requests_can_be_gone_to(
    client: Client, released: Release
) -> None:
    repository = released.repository
    pull = factories.make_pull_request(repository, {"x.txt": "x"}, by=repository.created_by)
    client.force_login(repository.created_by)

    page = client.get(f"/{repository.full_name}/tree/main").text

    assert f"/tree/{pull.ref_name}" in page
    assert f"/{repository.full_name}/tree/v1.0" in page
    assert client.get(f"/{repository.full_name}/tree/{pull.ref_name}").status_code == 200
    assert client.get(f"/{repository.full_name}/commits/{pull.ref_name}").status_code == 200


def _let_in(client: Client, release: Release, patterns: list[str]) -> Repository:
    """A visitor who accepted the terms and was let in to some of the files."""
    repository = release.repository
    repository.gated = Gated.MANUAL
    repository.save(update_fields=["gated"])
    reader = _reader(client, release)
    owner = factories.as_caller(repository.created_by)
    access.give(repository, user=reader.username, scope=scopes.Scope(patterns=patterns), by=owner)
    return repository


def test_each_line_of_a_patch_is_shown_as_what_it_is() -> None:
    patch = (
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n same\n--- a/a\n+++ <b>\n"
        "diff --git a/b b/b\nnew file mode 100644\n@@ -0,0 +1 @@\n+one\n+two\n\\ No newline\n"
    )

    assert patch_lines(patch) == [
        ("head", "diff --git a/a b/a\n--- a/a\n+++ b/a\n"),
        ("place", "@@ -1,3 +1,3 @@\n"),
        ("same", " same\n"),
        ("gone", "--- a/a\n"),
        ("new", "+++ <b>\n"),
        ("head", "diff --git a/b b/b\nnew file mode 100644\n"),
        ("place", "@@ -0,0 +1 @@\n"),
        ("new", "+one\n+two\n"),
        ("same", "\\ No newline\n"),
    ]
    assert "".join(lines for _, lines in patch_lines(patch)) == patch
    assert patch_lines("@@\n+a\r-b\u2028diff --git c\n-d") == [
        ("place", "@@\n"),
        ("new", "+a\r-b\u2028diff --git c\n"),
        ("gone", "-d"),
    ]
