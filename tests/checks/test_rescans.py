"""A new edition of the checks is run over all that is released, compared, and only then counts."""

import pytest
from django.utils import timezone

from registry.audit.models import Entry
from registry.catalog.models import Revision
from registry.checks import document, rescans, runs, tasks
from registry.checks.findings import block, warn
from registry.checks.models import CheckRun, Job, JobKind, JobState, Priority, Rescan, RunState
from registry.errors import Invalid, NotAllowed, NotNow
from tests import factories
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db


def _maintainer():
    return factories.as_caller(factories.make_maintainer())


def _finish(run: CheckRun, *found) -> None:
    runs.finish(factories.claim_job(run), runs.Outcome([]))
    runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome(list(found)))


@pytest.fixture
def released() -> list[Revision]:
    return [factories.make_released().revision for _ in range(2)]


def _start(by=None) -> Rescan:
    return rescans.start(reason="A new check of scales", by=by or _maintainer())


def test_a_rescan_counts_for_nothing_until_it_is_adopted(released: list[Revision]):
    quarantined = factories.make_revision()
    before = [runs.latest(revision) for revision in released]
    rescan = _start()

    assert {run.revision for run in rescan.runs.all()} == set(released)
    assert not rescan.runs.filter(revision=quarantined).exists()
    assert set(Job.objects.filter(run__rescan=rescan).values_list("priority", flat=True)) == {
        Priority.RESCAN
    }
    assert rescans.progress(rescan) == rescans.Progress(runs=2, live=2, failed=0)
    first, second = rescan.runs.order_by("revision_id")
    _finish(first, block("W-FINITE", "NaN."), warn("W-SCALE", "odd"))
    with pytest.raises(NotNow):
        rescans.adopt(rescan, by=_maintainer())
    _finish(second)
    assert [runs.latest(revision) for revision in released] == before
    assert runs.holds(released[0]) == []

    (change,) = rescans.changes(rescan)
    assert (change.run, change.before, change.after) == (first, "passed", "blocked")
    assert change.appeared == ["W-FINITE (block)", "W-SCALE (warn)"]
    assert change.gone == []
    assert change.would_block

    rescans.adopt(rescan, by=_maintainer())
    assert [runs.latest(revision) for revision in released] == [first, second]
    assert any("W-FINITE" in hold for hold in runs.holds(released[0]))
    assert Revision.objects.get(pk=released[0].pk).state == "released"
    with pytest.raises(NotNow):
        rescans.give_up(rescan, by=_maintainer())
    assert set(
        Entry.objects.filter(event__startswith="rescan").values_list("event", flat=True)
    ) == {
        "rescan.start",
        "rescan.adopt",
    }


def test_what_could_not_be_completed_replaces_no_verdict(released: list[Revision]):
    rescan = _start()
    first, second = rescan.runs.order_by("revision_id")
    Job.objects.filter(run=first).update(attempt=runs.MAX_ATTEMPTS - 1)
    runs.fail(factories.claim_job(first), reason="The worker was lost")
    _finish(second)
    assert rescans.progress(rescan).failed == 1
    assert rescans.changes(rescan) == []

    rescans.adopt(rescan, by=_maintainer())

    assert runs.latest(released[0]).verdict == "passed"
    assert runs.latest(released[0]) != first


def test_a_rescan_that_is_given_up_ends_what_waits_and_keeps_what_runs(released: list[Revision]):
    rescan = _start()
    running, waiting = rescan.runs.order_by("revision_id")
    job = factories.claim_job(running)
    rescans.give_up(rescan, by=_maintainer())

    waiting.refresh_from_db()
    assert waiting.state == RunState.SUPERSEDED
    assert waiting.jobs.get(kind=JobKind.SCAN).state == JobState.SKIPPED
    assert runs.finish(job, runs.Outcome([block("SEC-PICKLE", "calls os.system")]))
    assert runs.holds(running.revision) == []
    assert _start().runs.count() == 2


def test_uploads_and_reruns_leave_a_rescan_alone(released: list[Revision]):
    rescan = _start()
    revision = released[0]
    factories.make_revision(revision.repository, files=factories.MODEL | {"new.txt": "new"})

    assert rescan.runs.filter(state=RunState.QUEUED).count() == 2
    with pytest.raises(NotNow, match="rescan"):
        runs.rerun(revision, by=_maintainer())


def test_only_maintainers_with_a_full_token_rescan(released: list[Revision]):
    stranger = factories.as_caller(factories.make_user())
    owner = factories.as_caller(released[0].repository.created_by)
    for caller in (stranger, owner):
        with pytest.raises(NotAllowed):
            _start(by=caller)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid):
            rescans.start(reason=reason, by=_maintainer())
    rescan = _start()
    for step in (rescans.adopt, rescans.give_up):
        with pytest.raises(NotAllowed):
            step(rescan, by=owner)
    with pytest.raises(NotNow):
        _start()


def test_what_other_checks_judged_is_offered_and_the_site_starts_once_for_each_change(
    released: list[Revision], settings, monkeypatch: pytest.MonkeyPatch
):
    Job.objects.filter(kind=JobKind.SCAN).update(result={"versions": document.versions_of_checks()})
    assert rescans.to_offer() == 0
    tasks.rescan_on_upgrade()
    monkeypatch.setattr(document, "CHECKS", "another")
    assert rescans.to_offer() == 2
    tasks.rescan_on_upgrade()
    assert not Rescan.objects.exists()

    settings.RESCAN_ON_UPGRADE = True
    tasks.rescan_on_upgrade()
    rescan = Rescan.objects.get()
    assert (rescan.started_by, rescan.runs.count(), rescan.checks) == (None, 2, "another")
    assert Entry.objects.get(event="rescan.start").actor == ""
    assert rescans.to_offer() == 0
    rescans.give_up(rescan, by=_maintainer())
    tasks.rescan_on_upgrade()
    assert Rescan.objects.count() == 1
    assert rescans.to_offer() == 2

    again = _start()
    for run in again.runs.all():
        versions = {"versions": document.versions_of_checks()}
        runs.finish(factories.claim_job(run), runs.Outcome([], versions))
        runs.finish(factories.claim_job(run, JobKind.SMOKE), runs.Outcome([]))
    rescans.adopt(again, by=_maintainer())
    assert rescans.to_offer() == 0


def test_there_is_nothing_to_rescan_before_anything_is_released():
    with pytest.raises(NotNow):
        _start()
    assert not Rescan.objects.exists()


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("rescan_is_adopted_by_somebody", {"adopted_at": True}),
        ("rescan_is_adopted_or_given_up", {"adopted_at": True, "adopted_by": True, "given_up_at": True}),
    ],
)  # fmt: skip
def test_the_database_keeps_rescans_consistent(constraint: str, fields: dict):
    user, now = factories.make_maintainer(), timezone.now()
    values = {name: user if name == "adopted_by" else now for name in fields}

    with refused_by(constraint):
        Rescan.objects.create(
            catalogue="2026.2", reason="r", started_by=user, started_at=now, **values
        )


@pytest.mark.django_db(transaction=True)
def test_of_two_that_start_at_once_one_does():
    factories.make_released()
    first, second = _maintainer(), _maintainer()

    outcomes = at_once(lambda: _start(first), lambda: _start(second))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotNow", "Rescan"]
