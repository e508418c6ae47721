"""Maintainers see on pages what a rescan would change, and nobody else finds them."""

import pytest
from django.test import Client

from registry.checks import runs
from registry.checks.findings import block
from registry.checks.models import CheckRun, JobKind, Rescan
from registry.web import lineage_graph, listing
from tests import factories

pytestmark = pytest.mark.django_db


def _finish(run: CheckRun, *found) -> None:
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome(list(found)))


def test_maintainers_follow_a_rescan_on_pages_that_others_do_not_find(client: Client):
    released = [factories.make_released().revision for _ in range(2)]
    maintainer = factories.make_maintainer()
    client.force_login(released[0].repository.created_by)
    assert client.get("/review/rescans").status_code == 404
    assert client.post("/review/rescans", {"reason": "mine"}).status_code == 404
    client.force_login(maintainer)
    for offered in ("/review/rescans", "/operations"):
        assert "2 releases were checked with other checks" in client.get(offered).text
    assert "No rescan yet" in client.get("/review/rescans").text
    assert client.post("/review/rescans", {"reason": " "}).status_code == 409

    page = client.post("/review/rescans", {"reason": "Scales"}, follow=True)
    rescan = Rescan.objects.get()
    address = f"/review/rescans/{rescan.public_id}"
    assert "0 of 2 runs ended" in page.text
    part = client.get(address, headers={"HX-Request": "true"}).text
    assert part.strip().startswith('<div id="live"')
    assert "every 5s" in part
    assert "Adopt its verdicts" not in page.text
    first, second = rescan.runs.order_by("revision_id")
    _finish(first, block("W-FINITE", "NaN."))
    _finish(second)
    for newest in (listing.latest_runs(released), lineage_graph._reports(released)):
        assert set(newest) == {one.pk for one in released}
    counting = listing.latest_runs(released)[first.revision_id]
    assert (counting.rescan_id, counting.verdict) == (None, "passed")
    page = client.get(address).text
    assert "every 5s" not in page
    assert first.revision.repository.full_name in page
    assert second.revision.repository.full_name not in page
    assert "1 would be blocked" in page
    report = client.get(f"{address}/runs/{first.public_id}").json()
    assert report["verdict"] == "blocked"
    other = Client()
    other.force_login(released[0].repository.created_by)
    for path in (address, f"{address}/runs/{first.public_id}"):
        assert other.get(path).status_code == 404
    assert other.post(f"{address}/adopt").status_code == 404
    assert client.post(f"{address}/forget").status_code == 404
    seen = f"/{first.revision.repository.full_name}/checks/{first.revision.oid}"
    for of_run in (f"{seen}?run={first.public_id}", f"{seen}/report.json?run={first.public_id}"):
        assert other.get(of_run).status_code == 404
        assert client.get(of_run).status_code == 404
    assert "Its verdicts count now" in client.post(f"{address}/adopt", follow=True).text
    assert "This is an earlier run" not in other.get(f"{seen}?run={first.public_id}").text
    assert "This is an earlier run" in other.get(f"{seen}?run={counting.public_id}").text
    assert listing.latest_runs(released)[first.revision_id] == first
