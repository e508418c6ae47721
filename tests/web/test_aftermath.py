"""The pages, the feed and the API of advisories, and the pages of reports."""

import csv
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit.models import Access, Entry
from registry.catalog.models import Repository, Visibility
from registry.releases import cases, recipients, workflow
from registry.releases.models import Advisory, AdvisoryNotice, Release, Report
from registry.web import release_rows
from tests import factories
from tests.api.calls import As
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db

HARM = "It sends keys\x0c away.\n<script>alert(1)</script>"


@pytest.fixture
def release() -> Release:
    return factories.make_released(files={"README.md": "---\nlicense: mit\n---\n# A model\n"})


def client_of(user: User | None = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def download(release: Release, user: User) -> None:
    Access.objects.create(
        at=timezone.now(),
        actor=user.public_id,
        repository=release.repository.public_id,
        revision=release.revision.oid,
        path="README.md",
        sha256="0" * 64,
        first_byte=0,
        last_byte=1,
        size=2,
        reason="open",
    )


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as made:
        client.get(path)
    return len(made)


def recall(release: Release) -> Advisory:
    by = factories.as_caller(factories.make_maintainer())
    workflow.transition("recall", release, by=by, reason=HARM)
    return Advisory.objects.get(scope__release=release)


def test_a_maintainer_takes_releases_back_and_whoever_has_them_reads_why(release: Release) -> None:
    ada, maintainer = factories.make_user(), factories.make_user(site_role="steward")
    download(release, ada)
    here = f"/{release.repository}/advise"
    desk, reader = client_of(maintainer), client_of(ada)
    for stranger in (reader, client_of(release.repository.created_by)):
        assert stranger.get(here).status_code == 404
        assert stranger.post(here, {"step": "recall"}).status_code == 404
    empty = desk.get(f"{here}?step=recall&release={release.public_id}")
    form = form_to(empty.text, "")
    assert form.values["releases"] == release.public_id

    wrong = desk.post(here, {"step": "recall", "scope": "these", "reason": "Harmful."})
    filled = form.filled(category="malware", severity="critical", reason=HARM, scope="these")
    made = desk.post(here, filled | {"step": "recall"}, follow=True)
    advisory = Advisory.objects.get()
    page = advisory.get_absolute_url()
    recipients.tell(advisory)

    assert wrong.status_code == 422
    assert "Choose at least one release." in wrong.text
    assert "Everybody who received it is told" in made.text
    assert "critical: stop using it now" in made.text
    shown = reader.get(page).text
    assert "&lt;script&gt;alert(1)" in shown
    assert "because you downloaded it" in shown
    assert "Who received it" not in shown
    assert "You received these" in reader.get("/advisories").text
    assert "you read it" in reader.post(f"{page}/acknowledge", follow=True).text
    assert "You received these" not in reader.get("/advisories").text
    received = desk.get(f"{page}/received").text
    assert ada.username in received
    assert "<dd>1</dd>" in received
    for nobody in (reader, client_of(release.repository.created_by)):
        assert nobody.get(f"{page}/received").status_code == 404
        assert nobody.post(f"{page}/received.csv").status_code == 404
    [row] = csv.DictReader(desk.post(f"{page}/received.csv").text.splitlines())
    assert (row["user"], row["name"]) == (ada.public_id, ada.username)
    assert row["acknowledged"]
    assert Entry.objects.filter(event="advisory.export").count() == 1


def test_the_tab_of_releases_says_a_reason_once(release: Release) -> None:
    advisory = recall(release)
    release.refresh_from_db()

    tab = client_of(factories.make_user()).get(f"/{release.repository}/releases").text

    assert advisory.get_absolute_url() in tab
    row = tab[tab.index("<article") : tab.index("</article>")]
    assert row.count("alert(1)") == 1
    assert release_rows.Row(release, None, []).reason == release.status_reason == HARM


def test_the_way_to_take_releases_back_is_shown_to_maintainers_alone(release: Release) -> None:
    here = f"/{release.repository}"
    maintainer = client_of(factories.make_maintainer("eve"))

    for client, seen in ((maintainer, True), (client_of(release.repository.created_by), False)):
        assert (f'href="{here}/advise"' in client.get(f"{here}/releases").text) is seen


def test_the_feed_tells_everybody_of_what_is_public_alone(release: Release) -> None:
    hidden = factories.make_released()
    empty = client_of().get("/feeds/advisories.json").json()
    advisory, secret = recall(release), recall(hidden)
    Repository.objects.filter(pk=hidden.repository_id).update(visibility=Visibility.PRIVATE)
    owner = client_of(hidden.repository.created_by)

    told = [one.get("/feeds/advisories.json") for one in (client_of(), owner)]
    [entry] = told[0].json()["advisories"]

    assert empty["advisories"] == []
    assert [len(one.json()["advisories"]) for one in told] == [1, 1]
    assert entry["id"] == f"REGISTRY-{advisory.public_id}"
    assert entry["details"] == HARM
    assert entry["affected"][0]["versions"] == ["v1.0"]
    specific = entry["affected"][0]["ecosystem_specific"]
    assert specific["revision"] == release.revision.oid
    assert specific["manifest_digest"] == release.manifest_digest
    assert "withdrawn" not in entry
    assert client_of().get(f"/advisories/{advisory.public_id}.json").json() == entry
    for path in (f"/advisories/{secret.public_id}.json", f"/advisories/{secret.public_id}"):
        assert client_of().get(path).status_code == 404
    assert owner.get(f"/advisories/{secret.public_id}").status_code == 200
    atom = client_of().get("/feeds/advisories.atom").text
    assert "sends keys away" in atom  # without the sign that XML cannot write
    assert "&lt;script&gt;" in atom
    assert secret.public_id not in atom
    assert client_of().get("/feeds/advisories.json?since=soon").status_code == 422
    for moment in ("0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"):
        assert client_of().get(f"/feeds/advisories.json?since={moment}").status_code == 422
    later = client_of().get("/feeds/advisories.json", {"since": "2999-01-01T00:00:00Z"})
    assert later.json()["advisories"] == []
    before = client_of().get("/feeds/advisories.json", {"before": advisory.public_id})
    assert before.json()["advisories"] == []
    assert client_of().get("/feeds/advisories.json?before=x").status_code == 422


def test_a_restored_release_is_withdrawn_from_the_feed(release: Release) -> None:
    by = factories.as_caller(factories.make_maintainer())
    workflow.transition("suspend", release, by=by, reason="Looked odd.")
    workflow.transition("restore", release, by=by, reason="It was fine.")

    restored, suspended = client_of().get("/feeds/advisories.json").json()["advisories"]

    assert suspended["withdrawn"] == restored["published"]
    assert restored["related"] == [suspended["id"]]
    assert suspended["affected"][0]["ecosystem_specific"]["state"] == "released"
    page = client_of().get(f"/advisories/{suspended['id'].removeprefix('REGISTRY-')}").text
    assert "There is a later word on this" in page
    assert "It holds no more" in page


def test_a_program_acts_and_reads_as_its_caller_may(release: Release) -> None:
    maintainer, owner = As(factories.make_maintainer()), As(release.repository.created_by)
    there = f"/models/{release.repository}/advisories"
    body: dict[str, Any] = {"step": "suspend", "reason": "Odd.", "releases": [release.public_id]}
    assert owner.post(there, body).status_code == 403
    assert As().post(there, body).status_code == 401
    assert maintainer.post(there, body | {"category": "taste"}).status_code == 422
    assert maintainer.post(there, body | {"releases": ["0" * 24]}).status_code == 422

    made = maintainer.post(there, body | {"category": "quality", "severity": "low"}).json()

    assert (made["kind"], made["category"], made["severity"]) == ("suspension", "quality", "low")
    assert made["releases"][0]["status"] == "suspended"
    [listed] = As().get("/advisories", repository=str(release.repository)).json()["items"]
    assert listed == As().get(f"/advisories/{made['id']}").json()
    received = f"/advisories/{made['id']}/recipients"
    assert owner.get(received).status_code == 404
    assert maintainer.get(received).json()["progress"]["received"] == 0
    assert (
        maintainer.post(there, {"step": "restore", "all": True, "reason": "Fine."}).json()[
            "follows"
        ]
        == made["id"]
    )


def test_the_list_of_advisories_takes_as_many_queries_for_many(release: Release) -> None:
    advisory = recall(release)
    reader = client_of()
    reader.get("/advisories")
    few = queries_of(reader, "/advisories")
    for number in range(5):
        made = Advisory.objects.create(
            repository=advisory.repository,
            kind="notice",
            category="other",
            severity="low",
            reason=f"Number {number}.",
            by=advisory.by,
            at=advisory.at,
        )
        made.scope.create(release=release)
        AdvisoryNotice.objects.create(
            advisory=made, user=advisory.by, because="accepted", at=advisory.at
        )
    assert queries_of(reader, "/advisories?kind=notice&severity=low") == few


def test_somebody_reports_is_answered_and_the_publisher_appeals(release: Release) -> None:
    ada, first, second = (
        factories.make_user(),
        factories.make_maintainer(),
        factories.make_maintainer(),
    )
    here = f"/{release.repository}/report"
    assert client_of().get(here).status_code == 302
    reader, desk, owner = client_of(ada), client_of(first), client_of(release.repository.created_by)
    assert "/report" in reader.get(f"/{release.repository}").text
    assert "You reported nothing so far" in reader.get("/reports").text
    form = form_to(reader.get(f"{here}?path=run.py").text, "")
    wrong = reader.post(here, form.filled(text=HARM))
    made = reader.post(here, form.filled(text=HARM, category="malware_disruption"), follow=True)
    report = Report.objects.get()
    page = report.get_absolute_url()

    assert wrong.status_code == 422
    assert "&lt;script&gt;alert(1)" in wrong.text
    assert report.path == "run.py"
    assert "You get an answer by" in made.text
    assert "&lt;script&gt;alert(1)" in made.text
    assert release.repository.full_name in reader.get("/reports").text
    for stranger in (owner, client_of(factories.make_user())):
        assert stranger.get(page).status_code == 404
        assert stranger.post(f"{page}/say", {"say-text": "Hello."}).status_code == 404
        assert release.repository.full_name not in stranger.get("/reports").text
    assert ada.username in desk.get(page).text
    desk.post(f"{page}/claim", {"handler": second.username})
    desk.post(f"{page}/say", {"say-text": "I doubt it.", "internal": "1"})
    assert "I doubt it." not in reader.get(page).text
    assert f"assigned to {second.username}" in desk.get(page).text
    refused = desk.post(f"{page}/claim", {"handler": ada.username})
    assert refused.status_code == 409
    assert "is not a maintainer" in refused.text
    half = {"answer-outcome": "upheld", "answer-facts": "It does."}
    kept = desk.post(f"{page}/answer", half)
    assert (kept.status_code, "It does." in kept.text) == (422, True)
    whole = half | {"answer-ground": "Section 2.", "answer-measure": "Recalled."}
    assert "Answered." in desk.post(f"{page}/answer", whole, follow=True).text

    answer = report.answers.get()
    there = f"/reports/statements/{answer.public_id}"
    statement = owner.get(there).text
    assert "Section 2." in statement
    assert ada.username not in statement
    assert "sends keys" not in statement
    assert client_of(factories.make_user()).get(there).status_code == 404
    owner.post(there, {"appeal-text": "It is a test."})
    assert "The publisher asked that somebody else" in reader.get(page).text
    assert "It is a test." not in reader.get(page).text
    Repository.objects.update(visibility=Visibility.PRIVATE)
    unnamed = reader.get("/reports").text + reader.get(page).text
    assert release.repository.full_name not in unnamed
    assert unnamed.count(release.repository.public_id) == 3
    assert "You gave the first answer" in desk.get(page).text
    assert desk.post(f"{page}/answer", whole).status_code == 409
    assert client_of(second).post(f"{page}/answer", whole).status_code == 302
    assert Report.objects.get().state == "closed"


def test_the_list_of_reports_takes_as_many_queries_for_many(release: Release) -> None:
    ada, desk = factories.make_user(), client_of(factories.make_maintainer())
    by = factories.as_caller(ada)
    cases.open_case(release.repository, category="other", text="Bad.", by=by)
    desk.get("/reports")
    few = queries_of(desk, "/reports?state=waiting")
    for category in ("rights", "license", "privacy"):
        cases.open_case(release.repository, category=category, text="Bad.", by=by)
    assert queries_of(desk, "/reports?state=waiting") == few
    assert desk.get("/reports?state=waiting").text.count("<tr>") == 5
    assert "None of this kind" in desk.get("/reports?state=overdue").text
    assert cases.waiting(Caller(user=ada)) == 0
