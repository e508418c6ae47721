"""The page of checks: what was found and why it matters, figures beside others, and what to do."""

from datetime import timedelta

import numpy
import pytest
from django.test import Client
from django.utils import timezone, translation

from registry.accounts.models import Role, User
from registry.catalog import files
from registry.catalog.models import Repository, Revision
from registry.checks import runs
from registry.checks.findings import block
from registry.checks.models import CheckRun, Job, JobKind, Override
from registry.releases import workflow
from registry.web import plots
from tests import factories
from tests.checks import models

pytestmark = pytest.mark.django_db
WHY = "The tensor is a buffer that no layer reads; measured by hand."


def _finish(revision: Revision, *found, scan=(), device: str = "cpu A", **metrics) -> CheckRun:
    run = CheckRun.objects.get(revision=revision, state="queued")
    runs.finish(factories.claim_job(run), runs.Outcome(list(scan)))
    samples = metrics.pop("samples", [])
    smoke = {"metrics": metrics, "samples": samples, "device": {"kind": "cpu", "name": device}}
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome(list(found), smoke))
    run.refresh_from_db()
    return run


def _release(repository: Repository, version: str, extra: str = "", **metrics):
    content = factories.MODEL | {"notes.txt": extra or version}
    revision = factories.make_revision(repository, files=factories.with_copies(content, repository))
    _finish(revision, **metrics)
    owner = factories.as_caller(repository.created_by)
    return factories.approve(workflow.open_release(revision, version=version, by=owner))


def _address(revision: Revision) -> str:
    return f"{revision.repository.get_absolute_url()}/checks/{revision.oid}"


def _as(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def test_who_used_up_the_day_is_told_why_an_upload_waits(client: Client, settings):
    settings.CHECK_DAILY_MINUTES = 30
    before = factories.make_revision()
    _finish(before)
    revision = factories.make_commit(before.repository, {"notes.txt": "more"})
    now = timezone.now()
    Job.objects.filter(run__revision=before).update(started_at=now - timedelta(minutes=31))

    page = _as(client, revision.author).get(_address(revision)).text

    assert "has used up today’s budget of checks" in page
    until = now - timedelta(minutes=31) + timedelta(hours=24)
    assert f"{until:%H:%M} UTC" in page


def test_a_finding_says_what_where_why_and_how(client: Client):
    revision = factories.make_revision()
    _finish(revision, block("W-FINITE", "It has 3 NaNs.", file="m.safetensors", where="layer.1"))
    from registry.checks import catalogue

    check = catalogue.CHECKS["W-FINITE"]

    page = _as(client, revision.author).get(_address(revision)).text

    for said in ("It has 3 NaNs.", "m.safetensors · layer.1", check.remedy, check.title):
        assert said in page
    assert ("Why it matters" in page) == bool(check.matters)


def test_figures_stand_beside_the_last_release_and_are_drawn_over_all(client: Client):
    repository = factories.make_repository()
    _release(repository, "v1", perplexity={"en": 20.0}, decode_tok_s=10.0)
    answered = {
        "samples": [{"prompt": "What?", "output": "That."}],
        "greedy_fingerprint": "ab" * 32,
    }
    figures = {"perplexity": {"en": 18.0}, "decode_tok_s": 40.0} | answered
    last = _release(repository, "v2", device="gpu B", **figures)
    content = factories.with_copies(factories.MODEL | {"notes.txt": "new"}, repository)
    head = factories.make_revision(repository, files=content)
    _finish(head, perplexity={"en": 9.0}, decode_tok_s=80.0, joules_per_1k_tok=7.5, **answered)

    client.cookies["django_language"] = "fr"
    french = _as(client, repository.created_by).get(_address(head)).text
    client.cookies["django_language"] = "en"
    page = client.get(_address(head)).text

    assert "Beside <strong>v2</strong>:" in page
    assert "(−9 · −50\u00a0%)" in page  # against v2, not v1
    assert "+100" not in page  # v2 was measured on another device
    assert "speed and memory not compared" in page
    assert "Energy per 1,000 tokens, J" in page
    assert "perplexity 9, better than 18, the same answers" in page
    assert page.count("the same answer<") == 1
    assert page.count("<svg viewBox") == 2
    for label in ("v1", "v2", head.short, "cpu A", "gpu B"):
        assert label in page
    for drawn in (page, french):
        assert '<path d="M' in drawn
        assert all("," not in path.split('"')[0] for path in drawn.split('<path d="M')[1:])
    older = client.get(_address(last.revision)).text
    assert "(−2 · −10\u00a0%)" in older  # v2 against v1


def test_figures_of_drafts_are_not_told_to_the_public(client: Client):
    repository = factories.make_repository()
    released = _release(repository, "v1", perplexity={"en": 20.0})
    content = factories.with_copies(factories.MODEL | {"notes.txt": "new"}, repository)
    head = factories.make_revision(repository, files=content)
    _finish(head, perplexity={"en": 4321.0})

    public = client.get(_address(released.revision)).text
    assert "4,321" not in public
    assert client.get(_address(head)).status_code == 404
    runs_shown = public.partition('id="runs"')[2]
    assert released.revision.short in runs_shown
    assert head.short not in runs_shown
    of_owner = _as(client, repository.created_by).get(_address(released.revision)).text
    assert f'href="{_address(head)}"' in of_owner.partition('id="runs"')[2]


def test_files_of_refused_kinds_are_deleted_by_one_press(client: Client):
    content = factories.MODEL | {"train.py": "import os\n", "deep/x.zip": "PK", "more.py": "1\n"}
    revision = factories.make_revision(files=content)
    refused = [
        block("UPL-TYPE", f"`{path}` is not accepted.", file=path)
        for path in ("train.py", "deep/x.zip")  # of many, the check names only the first
    ]
    _finish(revision, scan=refused)
    address = _address(revision)
    reader = factories.make_member(revision.repository.namespace, Role.READ)

    page = _as(client, revision.author).get(address).text
    assert "3 files to delete" in page
    answer = client.post(f"{address}/delete-files", follow=True)

    assert "Deleted as one commit" in answer.text
    made = Revision.objects.exclude(pk=revision.pk).latest("pk")
    assert {file.path for file in files.files_of(revision)} - {
        file.path for file in files.files_of(made)
    } == {"train.py", "deep/x.zip", "more.py"}
    # What is not the head any more offers nothing, and neither does a page for others
    assert "files to delete" not in client.get(address).text
    assert "not the newest of a branch" in client.post(f"{address}/delete-files", follow=True).text
    other = Client()
    assert _as(other, reader).post(f"{address}/delete-files").status_code == 404
    assert Revision.objects.latest("pk") == made


def test_maintainers_override_a_check_on_its_page(client: Client):
    revision = factories.make_revision(
        files=factories.with_copies(factories.MODEL, repo := factories.make_repository()),
        repository=repo,
    )
    _finish(revision, block("W-FINITE", "NaN."), block("UPL-TYPE", "No."))
    address, first = _address(revision), factories.make_maintainer()

    assert "Override this check" not in _as(client, revision.author).get(address).text
    assert client.post(f"{address}/overrides/W-FINITE", {"reason": WHY}).status_code == 404
    page = _as(client, first).get(address).text
    assert page.count("Override this check") == 1
    short = client.post(f"{address}/overrides/W-FINITE", {"reason": "fine by me"})
    assert short.status_code == 409
    assert "at least 20 characters" in short.text
    assert "fine by me</textarea>" in short.text
    client.post(f"{address}/overrides/W-FINITE", {"reason": WHY})
    assert "a second has to as well" in client.get(address).text
    _as(client, factories.make_maintainer()).post(f"{address}/overrides/W-FINITE", {"reason": WHY})
    assert "Overridden by two maintainers" in client.get(address).text
    made = Override.objects.get(by=first)
    assert "Blocked, and overridden." not in client.get(address).text  # UPL-TYPE holds it
    CheckRun.objects.get(revision=revision).findings.filter(check_id="UPL-TYPE").delete()
    assert "Blocked, and overridden." in client.get(address).text
    withdraw = f"{address}/overrides/{made.public_id}/withdraw"
    assert _as(Client(), revision.author).post(withdraw).status_code == 404
    assert "is withdrawn" in client.post(withdraw, follow=True).text
    assert "a second has to as well" in client.get(address).text


def test_the_statement_is_for_those_who_may_have_the_files(client: Client):
    repository = factories.make_repository()
    release = _release(repository, "v1")
    address = _address(release.revision)

    closed = client.get(f"{address}/attestation.json")
    assert closed.status_code == 404
    assert "attestation.json" not in client.get(address).text

    _as(client, repository.created_by)
    assert f"{address}/attestation.json" in client.get(address).text
    assert client.get(f"{address}/attestation.json").json()["signatures"]


def test_the_page_of_all_checks_says_why_they_matter(client: Client):
    from registry.checks import catalogue

    page = client.get("/docs/checks").text

    for check in catalogue.CHECKS.values():
        assert f'id="{check.anchor}"' in page
    assert page.count("Why it matters") == sum(
        bool(check.matters) for check in catalogue.CHECKS.values()
    )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_plot_stays_within_its_frame(language: str):
    with translation.override(language):
        drawn = plots.plot(
            "t", ["a", "b"], [plots.Series("s", [0.0, 123.4]), plots.Series("n", [None, 5])]
        )

    dots = [dot for line in drawn.lines for dot in line.dots]
    assert [line.shown[0] for line in drawn.lines][1] == "–"
    assert len(dots) == 3
    for dot in dots:
        assert plots.LEFT <= float(dot.x) <= drawn.right
        assert plots.TOP <= float(dot.y) <= drawn.foot
    assert float(dots[0].y) == drawn.foot
    assert plots.plot("t", [], []).lines == []


def test_a_finding_leads_to_the_line_the_key_and_the_tensor_that_it_names(client: Client):
    names = [f"layer.{number}" for number in range(120)]
    weights = models.safetensors({name: numpy.ones(2, "f4") for name in names})
    content = factories.MODEL | {
        "m.safetensors": weights,
        "config.json": '{\n  "model_type": "llama",\n  "auto_map": {}\n}\n',
    }
    revision = factories.make_revision(files=content)
    last = sorted(names)[-1]
    _finish(
        revision,
        block("W-FINITE", "It has 3 NaNs.", file="m.safetensors", where=last),
        block("SEC-CODE", "It names code.", file="config.json", where="auto_map"),
        block("SEC-SECRET", "A key.", file="README.md", where="line 2"),
        block("SEC-MAGIC", "It is gone.", file="gone.bin"),
    )
    owner = _as(client, revision.author)
    files_of = f"{revision.repository.get_absolute_url()}/blob/{revision.oid}"

    page = owner.get(_address(revision)).text

    tensor, key = f"{files_of}/m.safetensors?at={last}#at", f"{files_of}/config.json?at=auto_map#at"
    for address in (tensor, key, f"{files_of}/README.md?view=source#L2"):
        assert f'href="{address}"' in page
    assert '<span class="soft digest">gone.bin</span>' in page
    header = owner.get(tensor).text
    assert header.count('id="at"') == 1
    assert f"{last}</th>" in header.split('id="at"')[1].split("</tr>")[0]
    assert 'id="at"' not in owner.get(f"{files_of}/m.safetensors?at=nothing").text
    text = owner.get(key).text
    assert "auto_map" in text.split('id="at"')[1].split("</td>")[0]
    assert '<tr id="L2">' in owner.get(f"{files_of}/README.md?view=source").text


def test_no_finding_leads_to_files_that_are_closed_to_the_visitor(client: Client):
    repository = factories.make_repository()
    revision = _release(repository, "v1").revision
    run = runs.latest(revision)
    run.findings.create(
        check_id="W-FINITE", severity="warn", message="NaN.", file="model.safetensors", where=""
    )

    stranger = _as(client, factories.make_user()).get(_address(revision)).text
    owner = _as(client, repository.created_by).get(_address(revision)).text

    assert '<span class="soft digest">model.safetensors</span>' in stranger
    assert '<a class="digest" href="' in owner


def test_an_earlier_run_is_opened_and_says_that_another_counts(client: Client):
    revision = factories.make_revision()
    first = _finish(revision, block("W-FINITE", "It has 3 NaNs."))
    runs.rerun(revision, by=factories.as_caller(factories.make_maintainer()))
    second = _finish(revision)
    owner = _as(client, revision.author)
    earlier = f"{_address(revision)}?run={first.public_id}"

    newest = owner.get(_address(revision)).text
    page = owner.get(earlier).text

    assert f'href="{earlier}"' in newest
    assert "It has 3 NaNs." not in newest
    assert "It has 3 NaNs." in page
    assert "This is an earlier run." in page
    assert (
        "This is an earlier run."
        not in owner.get(f"{_address(revision)}?run={second.public_id}").text
    )
    assert "Run the checks again" not in page
    report = f"{_address(revision)}/report.json"
    assert f'href="{report}?run={first.public_id}"' in page
    assert owner.get(f"{report}?run={first.public_id}").json()["verdict"] == "blocked"
    assert owner.get(report).json()["verdict"] == "passed"
    for unknown in ("nothing", "a'b"):
        assert owner.get(f"{_address(revision)}?run={unknown}").status_code == 404
    other = factories.make_revision()
    assert _as(client, other.author).get(earlier).status_code == 404
    here = f"{_address(other)}?run={first.public_id}"
    assert client.get(here).status_code == 404
