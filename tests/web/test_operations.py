"""The operators' page and the figures for programs: what they show, and to whom."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from registry.accounts.models import User
from registry.checks import hosts, operations, runs
from registry.checks.models import CheckRun, Host, Job, JobKind, JobState, Queue
from registry.checks.slots import Slot
from registry.releases import cases
from tests import factories

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-the-site"
LINE = re.compile(r'registry_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+')


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(factories.make_maintainer())
    return client


def _due() -> Job:
    run = CheckRun.objects.get(revision=factories.make_revision())
    Job.objects.filter(run=run, kind=JobKind.SCAN).update(
        due_at=timezone.now() - timedelta(minutes=7)
    )
    return Job.objects.get(run=run, kind=JobKind.SCAN)


def _machine(name: str = "gpu-one") -> Host:
    gpu = {
        "id": "cuda:0", "uuid": "GPU-1", "kind": "cuda", "name": "Some GPU", "memory_mb": 81559,
        "driver": "580", "healthy": True, "note": "",
    }  # fmt: skip
    return hosts.beat(name, services={Queue.SCAN: 1, Queue.SMOKE_GPU: 1}, devices=[gpu])


def test_the_page_shows_queues_machines_devices_and_what_runs_where(operator):
    _machine()
    first, _ = _due(), _due()
    runs.claim_next(Queue.SCAN, worker="test", slot=Slot("gpu-one", "cuda:0"))

    page = operator.get(reverse("operations"))

    (scan, *_) = operations.queue_states(now=timezone.now())
    assert (scan.waiting, scan.running, scan.slots) == (1, 1, 1)
    text = page.text
    for words in (
        "gpu-one",
        "Some GPU",
        "takes jobs",
        "smoke.gpu",
        first.run.revision.repository.full_name,
    ):
        assert words in text
    assert "no machine takes" not in text
    live = operator.get(reverse("operations"), headers={"HX-Request": "true"}).text
    assert "gpu-one" in live
    assert "<html" not in live


def test_jobs_that_no_machine_takes_are_said(operator):
    _due()

    text = operator.get(reverse("operations")).text

    assert "1 job waits in scan, and no machine takes it." in text
    assert "No machine was ever heard of" in text


def test_a_machine_is_drained_and_takes_jobs_again(operator):
    host = _machine()

    drained = operator.post(
        reverse("operations-machine", args=[host.public_id, "drain"]), follow=True
    )
    host.refresh_from_db()
    assert host.is_draining
    assert "gpu-one takes no new jobs." in drained.text
    operator.post(reverse("operations-machine", args=[host.public_id, "resume"]))
    host.refresh_from_db()
    assert not host.is_draining
    odd = reverse("operations-machine", args=[host.public_id, "explode"])
    assert operator.post(odd).status_code == 404


def test_a_machine_that_is_gone_cannot_be_drained_and_its_page_says_what_to_do(operator):
    host = _machine()
    Host.objects.update(seen_at=timezone.now() - timedelta(minutes=2))

    text = operator.get(reverse("operations")).text

    assert "not heard of" in text
    assert "manage.py worker forget gpu-one" in text
    assert reverse("operations-machine", args=[host.public_id, "drain"]) not in text


def test_what_was_given_up_is_listed_until_it_is_run_again(operator):
    revision = factories.make_revision()
    run = factories.finish_checks(revision, "error")
    factories.finish_checks(factories.make_revision(), "blocked")
    assert list(operations.dead_letters()) == [run]
    assert run.reason in operator.get(reverse("operations")).text

    page = operator.post(reverse("operations-again", args=[run.public_id]), follow=True)

    assert "The checks run again." in page.text
    assert "Nothing was given up" in page.text
    assert runs.latest(revision).jobs.filter(state=JobState.QUEUED).exists()
    assert operator.post(reverse("operations-again", args=[run.public_id])).status_code == 404


def test_for_all_others_there_is_no_such_page(client):
    host = _machine()
    run = factories.finish_checks(factories.make_revision(), "error")
    client.force_login(factories.make_user())

    assert client.get(reverse("operations")).status_code == 404
    assert (
        client.post(reverse("operations-machine", args=[host.public_id, "drain"])).status_code
        == 404
    )
    assert client.post(reverse("operations-again", args=[run.public_id])).status_code == 404
    assert "Operations" not in client.get("/").text
    client.logout()
    assert client.get(reverse("operations")).status_code == 302
    host.refresh_from_db()
    assert not host.is_draining


def test_more_machines_and_runs_cost_no_more_queries(operator, django_assert_max_num_queries):
    for number in range(4):
        _machine(f"gpu-{number}")
        factories.finish_checks(factories.make_revision(), "error")

    with django_assert_max_num_queries(20):
        operator.get(reverse("operations"))


def test_figures_are_for_who_has_the_token(client, settings):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/metrics", headers=headers).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer é"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 404
    client.force_login(factories.make_maintainer())
    assert client.get("/metrics").status_code == 404

    assert client.get("/metrics", headers=headers).status_code == 200


def _check_families(lines: list[str]) -> None:
    """Each family is told once, its help, its type, and then its samples and no others."""
    told, name = [], ""
    for line in lines:
        kind, _, rest = line.partition(" ")[2].partition(" ") if line[0] == "#" else ("", "", line)
        if kind == "HELP":
            name, _, words = rest.partition(" ")
            told.append(name)
            assert words
        elif kind == "TYPE":
            assert rest == f"{name} gauge"
        else:
            assert rest.startswith((f"{name} ", f"{name}{{"))
    assert len(set(told)) == len(told) > 10


def test_figures_are_in_the_text_format_and_say_what_is(client, settings):
    settings.METRICS_TOKEN = TOKEN
    _machine('odd "name"')
    _due()
    factories.finish_checks(factories.make_revision(), "error")

    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    values = [line for line in lines if not line.startswith("#")]
    assert all(LINE.fullmatch(line.replace(r"\"", "'")) for line in values)
    assert len({line.rpartition(" ")[0] for line in values}) == len(values)
    _check_families(lines)
    assert 'registry_check_jobs_waiting{queue="scan"} 1' in values
    assert 'registry_check_runs_last_day{verdict="error"} 1' in values
    assert "registry_check_dead_letters 1" in values
    assert r'registry_device_healthy{host="odd \"name\"",device="cuda:0"} 1' in values
    (wait,) = [
        line
        for line in values
        if line.startswith('registry_check_oldest_wait_seconds{queue="scan"')
    ]
    assert 420 <= float(wait.split()[1]) < 440


def test_a_case_that_nobody_may_decide_is_shown_here_and_to_whom_it_concerns(operator):
    client = Client()
    repository = factories.make_repository()
    reporter, owner = factories.make_user(), repository.created_by
    report = cases.open_case(
        repository, category="other", text="Wrong.", by=factories.as_caller(reporter)
    )
    statement = cases.Statement("upheld", "It is.", "Section 2.", "Nothing.")
    assert "Cases that nobody may decide" not in operator.get("/operations").text
    maintainer = User.objects.get(site_role="maintainer")
    given = cases.answer(report, statement=statement, by=factories.as_caller(maintainer))
    client.force_login(owner)
    waits = "waits until the operator of the site adds another maintainer"

    assert waits in client.get(f"/reports/statements/{given.public_id}").text
    cases.appeal(report, text="Look again.", by=factories.as_caller(owner))

    page = operator.get("/operations").text
    assert "Cases that nobody may decide" in page
    assert report.get_absolute_url() in page
    assert waits in client.get(f"/reports/statements/{given.public_id}").text
    client.force_login(reporter)
    assert waits in client.get(report.get_absolute_url()).text
    factories.make_maintainer()
    assert "Cases that nobody may decide" not in operator.get("/operations").text
    assert waits not in client.get(report.get_absolute_url()).text
