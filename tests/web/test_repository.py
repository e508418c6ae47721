"""The tabs of a repository: what each visitor is shown, and what they are not."""

import json
from typing import Any

import pytest
from django.test import Client

from registry.audit.models import Access
from registry.catalog.models import Revision
from registry.checks import runs
from registry.checks.models import CheckRun, JobKind
from registry.releases import workflow
from tests import factories
from tests.factories import as_caller

pytestmark = pytest.mark.django_db
HOSTILE = """---
license: llama3.1
---
# Card <script>alert(1)</script>

<img src=x onerror=alert(1)> [x](javascript:alert(1)) <b id="main">bold</b>
"""


def test_an_uploaded_card_cannot_act_on_the_page(client: Client) -> None:
    release = factories.make_released(
        files={"README.md": HOSTILE, "model.safetensors": b"w", "config.json": "{}"}
    )

    page = client.get(f"/{release.repository.full_name}").text

    assert "alert(1)</script>" not in page
    assert "onerror=alert(1)>" not in page.replace("&gt;", "")
    assert 'href="javascript:' not in page
    assert 'id="card-main"' in page


@pytest.mark.parametrize(
    "tab", ["", "/tree/main", "/checks", "/releases", "/license", "/blob/main/README.md", "/terms"]
)
def test_a_repository_in_quarantine_is_for_nobody_else(client: Client, tab: str) -> None:
    hidden = factories.make_revision().repository
    for visitor in (None, factories.make_user()):
        if visitor is not None:
            client.force_login(visitor)
        assert client.get(f"/{hidden.full_name}{tab}").status_code == 404


def test_a_newer_head_stays_unknown_to_the_public(client: Client) -> None:
    release = factories.make_released()
    head = factories.make_commit(
        release.repository, {"secret-plans.txt": "x"}, title="Secret plans"
    )
    name = release.repository.full_name
    factories.accept_terms(release, carol := factories.make_user())
    client.force_login(carol)

    for tab in ("", "/tree/main", "/checks", "/releases", "/license"):
        page = client.get(f"/{name}{tab}").text
        assert head.short not in page
        assert "ecret" not in page.replace("csrf", "")
    for tab in ("tree", "checks", "blob"):
        rest = "/secret-plans.txt" if tab == "blob" else ""
        assert client.get(f"/{name}/{tab}/{head.oid}{rest}").status_code == 404
    assert client.get(f"/{name}", {"revision": head.oid}).status_code == 404


def test_a_contributor_sees_both_positions_labelled(client: Client) -> None:
    release = factories.make_released()
    head = factories.make_commit(release.repository, {"more.txt": "x"})
    client.force_login(release.repository.created_by)

    page = client.get(f"/{release.repository.full_name}/tree/main").text

    assert "more.txt" in page
    assert f"/tree/{head.oid}" in page
    assert f"/tree/{release.revision.oid}" in page
    assert "Everybody else gets v1.0." in page


def test_files_are_closed_until_the_terms_are_accepted(client: Client) -> None:
    release = factories.make_released()
    name = release.repository.full_name
    sha256 = "f" * 64
    carol = factories.make_user()
    client.force_login(carol)

    before = client.get(f"/{name}/tree/main").text
    closed = client.get(f"/{name}/blob/main/model.safetensors")
    factories.accept_terms(release, carol)
    after = client.get(f"/{name}/tree/main").text

    assert "model.safetensors" not in before
    assert f'href="/{name}/terms"' in before
    assert closed.status_code == 403
    assert "model.safetensors" in after
    assert sha256 not in before


def test_card_and_license_text_are_readable_before(client: Client) -> None:
    release = factories.make_released(
        files={
            "README.md": factories.CARD,
            "model.safetensors": b"w",
        }
    )
    name = release.repository.full_name

    assert "It writes text." in client.get(f"/{name}").text
    assert "Invented words in place of" in client.get(f"/{name}/blob/main/LICENSE").text


def test_who_reads_the_text_of_a_gated_file_is_in_the_access_log(client: Client) -> None:
    release = factories.make_released(
        files={"README.md": factories.CARD, "config.json": "{}\n", "model.safetensors": b"\0w"}
    )
    blob = f"/{release.repository.full_name}/blob/main"
    factories.accept_terms(release, carol := factories.make_user())

    client.get(f"{blob}/config.json")
    client.force_login(carol)
    client.get(f"{blob}/model.safetensors")
    client.get(f"/{release.repository.full_name}")
    client.head(f"{blob}/config.json")
    assert not Access.objects.exists()

    page = client.get(f"{blob}/config.json")

    assert page.status_code == 200
    row = Access.objects.get()
    assert (row.actor, row.path, row.reason) == (carol.public_id, "config.json", "accepted")
    assert (row.first_byte, row.last_byte, row.size) == (0, 2, 3)
    assert row.revision == release.revision.oid
    assert row.release_digest == release.digest
    assert row.acceptance


def test_closed_files_look_alike_whether_they_exist_or_not(client: Client) -> None:
    release = factories.make_released()
    name = release.repository.full_name

    there = client.get(f"/{name}/blob/main/model.safetensors")
    not_there = client.get(f"/{name}/blob/main/no-such.safetensors")

    assert there.status_code == not_there.status_code == 403


def test_uploaded_text_is_escaped_in_the_preview(client: Client) -> None:
    release = factories.make_released(
        files={"README.md": factories.CARD, "a.txt": "<script>alert(1)</script>"}
    )
    client.force_login(release.repository.created_by)

    page = client.get(f"/{release.repository.full_name}/blob/main/a.txt").text

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_binary_files_get_no_preview(client: Client) -> None:
    release = factories.make_released(
        files={"README.md": factories.CARD, "a.txt": b"\0\xff", "b.txt": b"\xff\xfe"}
    )
    client.force_login(release.repository.created_by)

    for path in ("a.txt", "b.txt"):
        page = client.get(f"/{release.repository.full_name}/blob/main/{path}").text
        assert "No preview" in page


@pytest.mark.parametrize(
    "path", ["/tree/nothing", "/tree/main/nothing", "/blob/main/nothing", "/checks/abcdef0"]
)
def test_what_is_not_there_is_a_404(client: Client, path: str) -> None:
    repository = factories.make_released().repository
    client.force_login(repository.created_by)

    assert client.get(f"/{repository.full_name}{path}").status_code == 404


def test_the_address_that_clients_print_after_an_upload_leads_to_its_files(client: Client) -> None:
    revision = factories.make_revision()
    address = f"/{revision.repository.full_name}/commit/{revision.oid}"

    assert client.get(address).status_code == 404
    client.force_login(revision.repository.created_by)
    page = client.get(address, follow=True)

    assert page.redirect_chain == [(address.replace("/commit/", "/tree/"), 302)]
    assert page.status_code == 200


def test_live_checks_are_asked_for_again_until_they_are_through(client: Client) -> None:
    revision = factories.make_revision()
    address = f"/{revision.repository.full_name}/checks/{revision.oid}"
    client.force_login(revision.repository.created_by)

    line = {"HX-Request": "true", "HX-Target": "progress"}
    card = client.get(f"/{revision.repository.full_name}").text
    scan = factories.claim_job(CheckRun.objects.get(revision=revision))
    runs.write_progress(
        scan,
        [{"at": "", "target": "", "stage": "scan", "status": "started", "done": 0, "note": ""}],
    )
    running = client.get(address, headers={"HX-Request": "true"})
    on_card = client.get(address, headers=line)
    runs.finish(scan, runs.Outcome([]))
    runs.finish(factories.claim_job(scan.run, JobKind.SMOKE), runs.Outcome([]))
    done = client.get(address, headers={"HX-Request": "true"})
    done_on_card = client.get(address, headers=line)

    assert f'id="progress" hx-get="{address}" hx-trigger="load, every 3s"' in card
    assert "Stage 1: scan of every file" in on_card.text
    assert f'hx-get="{address}" hx-trigger="every 3s"' in on_card.text
    assert "hx-get" not in done_on_card.text
    assert "The checks are through." in done_on_card.text

    assert "<html" not in running.text
    assert f'hx-get="{address}"' in running.text
    assert "hx-get" not in done.text
    chip = done.text[done.text.index('id="header-verdict" hx-swap-oob="true"') :]
    assert "passed" in chip
    assert "hx-swap-oob" not in client.get(address).text
    assert "Passed." in done.text


def test_findings_say_what_to_do_with_the_gravest_first(client: Client) -> None:
    revision = factories.make_revision()
    findings = (
        ("GEN-DEGENERATE", "warn", "It repeats itself: «a <b>»."),
        ("SEC-PICKLE", "block", "`x.bin` calls `os.system` when opened."),
    )
    factories.finish_checks(revision, "blocked", findings)
    client.force_login(revision.repository.created_by)

    page = client.get(f"/{revision.repository.full_name}/checks").text

    assert page.index("SEC-PICKLE") < page.index("GEN-DEGENERATE")
    assert "<code>os.system</code>" in page
    assert "«a &lt;b&gt;»" in page
    assert "save it again with safetensors" in page


def _measured_run(stages: list[dict[str, Any]], metrics: dict[str, Any] | None = None) -> Revision:
    revision = factories.make_revision()
    run = CheckRun.objects.get(revision=revision)
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    result = {"stages": stages, "metrics": metrics or {}}
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome([], result))
    return revision


def test_checks_that_were_not_run_are_named_and_nothing_says_that_all_went_through(
    client: Client,
) -> None:
    late = {"name": "measure", "status": "skipped", "reason": "too little time was left"}
    revision = _measured_run([{"name": "load", "status": "done", "seconds": 1}, late])
    client.force_login(revision.repository.created_by)

    page = client.get(f"/{revision.repository.full_name}/checks").text

    assert "All checks went through" not in page
    assert "Not run: measure speed – too little time was left." in page


def test_each_language_has_a_row_of_its_own(client: Client) -> None:
    revision = _measured_run([], {"targets": {"a": {"perplexity": {"en": 11.2, "fr": 13.5}}}})
    client.force_login(revision.repository.created_by)

    page = client.get(f"/{revision.repository.full_name}/checks").text

    assert '<th scope="row">Perplexity, en</th>' in page
    assert '<td class="number">13.5</td>' in page


def test_the_checks_page_says_what_else_a_release_needs_to_those_who_may_write(
    client: Client,
) -> None:
    repository = factories.make_repository()
    revision = factories.make_revision(repository, files={"README.md": "# No license\n"})
    factories.finish_checks(revision)
    address = f"/{repository.full_name}/checks"

    client.force_login(repository.created_by)
    writer = client.get(address).text
    client.force_login(factories.make_maintainer())
    maintainer = client.get(address).text

    assert "Before this can be released" in writer
    assert "names no license. Add <code>license: …</code>" in writer
    assert "Before this can be released" not in maintainer


def test_the_report_as_it_was_written_is_one_click_away(client: Client) -> None:
    release = factories.make_released()
    name, oid = release.repository.full_name, release.revision.oid

    report = json.loads(client.get(f"/{name}/checks/{oid}/report.json").content)

    assert report["verdict"] == "passed"


def test_a_suspended_release_says_so_and_why(client: Client) -> None:
    release = factories.make_released()
    workflow.transition(
        "suspend", release, by=as_caller(factories.make_maintainer()), reason="A question is open."
    )

    for tab in ("", "/license", "/releases", "/checks", "/tree/main"):
        page = client.get(f"/{release.repository.full_name}{tab}")
        assert page.status_code == 200
    assert "A question is open." in client.get(f"/{release.repository.full_name}").text
    assert "model.safetensors" not in page.text


def test_a_note_on_the_license_page_shows_code_as_code_and_uploaded_text_as_text(
    client: Client,
) -> None:
    repository = factories.make_repository()
    client.force_login(repository.created_by)

    factories.make_revision(repository, files={"README.md": "# No license\n"})
    none = client.get(f"/{repository.full_name}/license").text
    card = "---\nlicense: other\nlicense_name: '`<script>alert(1)</script>`'\n---\n"
    factories.make_commit(repository, {"README.md": card})
    hostile = client.get(f"/{repository.full_name}/license").text

    assert "Add <code>license: …</code> to the front matter" in none
    assert "<code>&lt;script&gt;alert(1)&lt;/script&gt;</code>" in hostile
    assert "<script>alert" not in hostile


def test_license_texts_are_for_everybody(client: Client) -> None:
    factories.make_facts()

    page = client.get("/licenses/site-policy")

    assert "Use what you download lawfully" in page.text
    assert client.get("/licenses/no-such").status_code == 404
    assert client.get("/licenses/site-policy", {"sha256": "0" * 64}).status_code == 404


@pytest.mark.parametrize("path", ["/docs/checks", "/docs/glossary"])
def test_the_explaining_pages_are_for_everybody(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
