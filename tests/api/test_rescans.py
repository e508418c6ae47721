"""Maintainers run rescans by the API, and for everybody else there are none."""

import pytest

from registry.checks import runs
from registry.checks.findings import block
from registry.checks.models import JobKind, Rescan
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db


def test_a_rescan_is_started_followed_and_adopted() -> None:
    release, maintainer = factories.make_released(), As(factories.make_maintainer())
    assert maintainer.get("/rescans").json() == {
        "items": [], "count": 0, "next": "", "outdated": 1,
    }  # fmt: skip
    assert maintainer.post("/rescans", {"reason": " "}).status_code == 422

    made = maintainer.post("/rescans", {"reason": "Scales"})
    assert made.status_code == 201
    address = f"/rescans/{made.json()['id']}"
    assert (made.json()["state"], made.json()["runs"], made.json()["ended"]) == ("running", 1, 0)
    assert maintainer.post("/rescans", {"reason": "Another"}).status_code == 409
    assert maintainer.post(f"{address}/adopt").status_code == 409
    run = Rescan.objects.get().runs.get()
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    found = [block("W-FINITE", "NaN.")]
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome(found))

    seen = maintainer.get(address).json()
    assert (seen["state"], seen["changed"], seen["would_block"]) == ("ready", 1, 1)
    (change,) = maintainer.get(f"{address}/changes").json()["items"]
    assert change["repository"] == release.repository.full_name
    assert change["revision"] == release.revision.oid
    assert (change["before"], change["after"]) == ("passed", "blocked")
    assert change["appeared"] == ["W-FINITE (block)"]
    assert change["report"].endswith(f"/review{address}/runs/{run.public_id}")
    adopted = maintainer.post(f"{address}/adopt").json()
    assert (adopted["state"], adopted["adopted_by"]) == ("adopted", seen["started_by"])
    assert maintainer.post(f"{address}/give-up").status_code == 409
    assert maintainer.get("/rescans").json()["items"][0]["id"] == adopted["id"]


def test_nobody_else_finds_them() -> None:
    release, maintainer = factories.make_released(), factories.make_maintainer()
    made = As(maintainer).post("/rescans", {"reason": "Scales"}).json()
    address = f"/rescans/{made['id']}"
    others = [
        As(release.repository.created_by),
        As(factories.make_user()),
        As(maintainer, "write"),
        As(maintainer, "admin", repositories=[release.repository]),
    ]

    for caller in others:
        for path in ("/rescans", address, f"{address}/changes"):
            assert caller.get(path).status_code == 404
        assert caller.post("/rescans", {"reason": "Mine"}).status_code == 404
        for step in ("adopt", "give-up"):
            assert caller.post(f"{address}/{step}").status_code == 404
    assert As().get("/rescans").status_code == 401
    assert As(maintainer).get("/rescans/" + "0" * 24).status_code == 404
    assert As(maintainer).post(f"{address}/give-up").json()["state"] == "given_up"
