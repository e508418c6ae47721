"""Reports of the public: who may see and do what in a case, and how it ends."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, User
from registry.agreements import personal_data, privacy
from registry.catalog.models import Repository
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow, SignInRequired, TooMany
from registry.outbox.models import Message
from registry.releases import cases, deciders
from registry.releases.cases import Statement
from registry.releases.models import (
    Appeal,
    Release,
    Report,
    ReportAnswer,
    ReportMessage,
    ReportState,
)
from tests import factories
from tests.refusals import at_once, refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db

UPHELD = Statement("upheld", "It does.", "Section 2 of the policy.", "v1.0 is recalled.")
DISMISSED = Statement("dismissed", "It does not.", "No rule is broken.", "Nothing is done.")


class Scene:
    """A repository with its owner, somebody who reports it, and two maintainers."""

    def __init__(self) -> None:
        self.lab = factories.make_organisation()
        self.owner = factories.make_member(self.lab, Role.ADMIN)
        self.repository = factories.make_repository(self.owner, namespace=self.lab.name)
        self.reporter = factories.make_user()
        self.first, self.second = factories.make_maintainer(), factories.make_maintainer()

    def report(self, **rest: Any) -> Report:
        wanted = {"category": "malware_disruption", "text": "It mines coins."} | rest
        by = factories.as_caller(self.reporter)
        return cases.open_case(self.repository, by=by, **wanted)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def as_(user: User) -> Caller:
    return factories.as_caller(user)


def texts_to(user: User) -> list[str]:
    found = Message.objects.filter(body__to=user.email).order_by("pk")
    return [one.body["subject"] + "\n" + one.body["text"] for one in found]


def test_a_report_is_seen_by_its_reporter_and_maintainers_alone(scene: Scene) -> None:
    report = scene.report()
    inside = factories.make_maintainer()
    from_lab = factories.make_member(scene.lab, Role.READ)
    scene.lab.memberships.filter(user=from_lab).update(user=inside)

    for user in (scene.reporter, scene.first, scene.second):
        assert cases.find(report.public_id, caller=as_(user)) == report
    for user in (scene.owner, factories.make_user(), inside):
        with pytest.raises(Missing):
            cases.find(report.public_id, caller=as_(user))
    with pytest.raises(Missing):
        cases.find(report.public_id, caller=NOBODY)
    token = Caller(user=scene.first, scope="admin", token="t" * 24)
    with pytest.raises(Missing):
        cases.find(report.public_id, caller=token)
    assert (cases.waiting(as_(scene.first)), cases.waiting(as_(inside))) == (1, 0)
    assert not texts_to(inside)
    assert len(texts_to(scene.reporter)) == len(texts_to(scene.second)) == 1


def test_what_is_reported_has_to_be_said(scene: Scene) -> None:
    for wrong in ({"category": "taste"}, {"text": " "}, {"version": "v9"}, {"path": "x" * 1001}):
        with pytest.raises(Invalid):
            scene.report(**wrong)
    with pytest.raises(SignInRequired):
        cases.open_case(scene.repository, category="other", text="Bad.", by=NOBODY)
    scene.report()
    with pytest.raises(Conflict):
        scene.report()
    for category in list(cases.categories())[: cases.MOST_OPEN]:
        if category != "malware_disruption":
            scene.report(category=category)
    if Report.objects.count() < cases.MOST_OPEN:
        scene.report(category="other")
    with pytest.raises(TooMany):
        scene.report(category="security")


def test_what_maintainers_say_among_themselves_is_not_read_by_the_reporter(scene: Scene) -> None:
    report = scene.report()
    reporter, first = as_(scene.reporter), as_(scene.first)
    cases.say(report, text="I doubt it.", by=first, is_internal=True)
    cases.say(report, text="Where exactly?", by=first)
    cases.say(report, text="In run.py.", by=reporter)

    read = [one.text for one in cases.messages_for(report, reporter)]
    assert read == ["Where exactly?", "In run.py."]
    assert cases.messages_for(report, first).count() == 3
    for by, internal in ((reporter, True), (as_(scene.owner), False)):
        with pytest.raises(NotAllowed):
            cases.say(report, text="Hello.", by=by, is_internal=internal)
    assert len(texts_to(scene.reporter)) == 2


def test_an_answer_reaches_the_publisher_without_who_reported(scene: Scene) -> None:
    report = scene.report()
    cases.claim(report, by=as_(scene.first))
    given = cases.answer(report, statement=UPHELD, by=as_(scene.first))

    [told] = texts_to(scene.owner)
    assert "v1.0 is recalled." in told
    assert "Section 2 of the policy." in texts_to(scene.reporter)[-1]
    assert scene.reporter.username not in told
    assert "It mines coins." not in told
    owner = as_(scene.owner)
    assert cases.find_statement(given.public_id, caller=owner) == given
    for by in (NOBODY, as_(factories.make_user())):
        with pytest.raises(Missing):
            cases.find_statement(given.public_id, caller=by)
    with pytest.raises(NotNow):
        cases.answer(report, statement=UPHELD, by=as_(scene.second))


def test_a_reporter_learns_no_name_that_is_out_of_their_sight_by_now(scene: Scene) -> None:
    report = scene.report()
    Repository.objects.filter(pk=scene.repository.pk).update(visibility="private", name="unseen")
    cases.say(report, text="Where?", by=as_(scene.first))
    cases.answer(report, statement=UPHELD, by=as_(scene.first))

    told = "".join(texts_to(scene.reporter)[1:])
    assert told.count(scene.repository.public_id) == 2
    assert "unseen" not in told
    assert "unseen" in texts_to(scene.owner)[-1]


def test_a_publisher_hears_nothing_of_what_was_dismissed(scene: Scene) -> None:
    report = scene.report()
    given = cases.answer(report, statement=DISMISSED, by=as_(scene.first))

    assert not texts_to(scene.owner)
    with pytest.raises(Missing):
        cases.find_statement(given.public_id, caller=as_(scene.owner))
    with pytest.raises(NotAllowed):
        cases.appeal(report, text="Look again.", by=as_(scene.owner))


def test_an_appeal_is_answered_by_somebody_else_and_that_is_final(scene: Scene) -> None:
    report = scene.report()
    cases.answer(report, statement=UPHELD, by=as_(scene.first))
    with pytest.raises(NotAllowed):
        cases.appeal(report, text="Look again.", by=as_(factories.make_user()))
    cases.appeal(report, text="The file is a test.", by=as_(scene.owner))
    with pytest.raises(NotNow):
        cases.appeal(report, text="Me too.", by=as_(scene.reporter))
    report.refresh_from_db()
    assert (report.state, report.handler) == (ReportState.APPEALED, None)
    for step in ("claim", "answer"):
        assert "somebody else" in str(cases.refusal(step, report, as_(scene.first)))
    with pytest.raises(NotAllowed):
        cases.answer(report, statement=DISMISSED, by=as_(scene.first))

    final = cases.answer(report, statement=DISMISSED, by=as_(scene.second))

    report.refresh_from_db()
    assert report.state == ReportState.CLOSED
    assert "final here" in texts_to(scene.owner)[-1]
    assert cases.find_statement(final.public_id, caller=as_(scene.owner)) == final
    with pytest.raises(NotNow):
        cases.say(report, text="But.", by=as_(scene.reporter))


def test_a_site_whose_one_maintainer_decided_says_that_an_appeal_waits(scene: Scene) -> None:
    scene.second.is_active = False
    scene.second.save()
    report = scene.report()
    assert deciders.has_any(report)
    cases.answer(report, statement=UPHELD, by=as_(scene.first))
    assert not deciders.has_any(report)
    for person in (scene.reporter, scene.owner):
        assert deciders.NOBODY_YET in texts_to(person)[-1]

    cases.appeal(report, text="The file is a test.", by=as_(scene.owner))

    assert "Nobody on this site may answer it now" in texts_to(scene.first)[-1]
    assert "waits until there is somebody" in texts_to(scene.reporter)[-1]
    assert list(deciders.stuck(as_(scene.first))) == [report]
    assert not deciders.stuck(as_(scene.owner))
    with pytest.raises(NotAllowed):
        cases.answer(report, statement=DISMISSED, by=as_(scene.first))
    other = factories.make_maintainer()
    assert deciders.has_any(report)
    assert not deciders.stuck(as_(scene.first))
    cases.answer(report, statement=DISMISSED, by=as_(other))


def test_publishers_do_not_learn_from_it_that_a_maintainer_reported(scene: Scene) -> None:
    scene.reporter = scene.second
    report = scene.report()
    cases.answer(report, statement=UPHELD, by=as_(scene.first))

    assert deciders.NOBODY_YET in texts_to(scene.reporter)[-1]
    assert deciders.NOBODY_YET not in texts_to(scene.owner)[-1]
    assert not deciders.has_any(report)
    assert deciders.has_any(report, for_publisher=True)


@pytest.mark.parametrize("why", ["reporter", "member", "own place", "offered", "decided", "gone"])
def test_who_may_decide_is_asked_of_all_as_of_one(scene: Scene, why: str) -> None:
    scene.second.is_active = False
    scene.second.save()
    match why:
        case "reporter":
            scene.reporter = scene.first
        case "member":
            scene.lab.memberships.create(user=scene.first, role=Role.WRITE)
        case "own place":
            scene.repository = factories.make_repository(scene.first)
        case "offered":
            factories.make_release(scene.repository)
            Release.objects.update(opened_by=scene.first)
        case "gone":
            scene.first.is_active = False
            scene.first.save()
    report = scene.report()
    if why == "decided":
        cases.answer(report, statement=UPHELD, by=as_(scene.first))
        cases.appeal(report, text="Look again.", by=as_(scene.reporter))
        report.refresh_from_db()

    assert cases.refusal("answer", report, as_(scene.first)) is not None
    assert not deciders.has_any(report)
    other = factories.make_maintainer()
    assert cases.refusal("answer", report, as_(other)) is None
    assert deciders.has_any(report)


def test_nobody_answers_what_they_reported_or_what_is_their_work(scene: Scene) -> None:
    scene.reporter = scene.first
    report = scene.report()
    inside = factories.make_maintainer()
    member = factories.make_member(scene.lab, Role.WRITE)
    scene.lab.memberships.filter(user=member).update(user=inside)

    for user in (scene.first, inside, scene.owner, scene.reporter):
        with pytest.raises(NotAllowed):
            cases.answer(report, statement=UPHELD, by=as_(user))
    with pytest.raises(NotAllowed):
        cases.claim(report, by=as_(scene.second), handler=inside)
    reading = Caller(user=scene.second)
    with pytest.raises(NotAllowed):
        cases.answer(report, statement=UPHELD, by=reading)


def test_what_is_not_appealed_in_time_is_closed(scene: Scene) -> None:
    report = scene.report()
    now = timezone.now()
    cases.answer(report, statement=UPHELD, by=as_(scene.first), now=now)
    over = now + timedelta(days=180)

    assert cases.close_settled(over - timedelta(seconds=1)) == 0
    with pytest.raises(NotNow):
        cases.appeal(report, text="Late.", by=as_(scene.owner), now=over)
    assert cases.close_settled(over) == 1
    report.refresh_from_db()
    assert (report.state, report.closed_at) == (ReportState.CLOSED, over)


def test_what_the_database_refuses_about_cases(scene: Scene) -> None:
    report, now = scene.report(), timezone.now()
    given = cases.answer(report, statement=UPHELD, by=as_(scene.first))

    with refused_as_evidence():
        ReportAnswer.objects.update(measure="None.")
    with refused_by("an_appeal_is_answered_by_somebody_else"):
        _again(given, is_of_appeal=True).save()
    with refused_by("one_answer_to_a_report_and_one_to_its_appeal"):
        _again(given, by=scene.second).save()
    with refused_by("answer_gives_facts_ground_and_measure"):
        _again(given, by=scene.second, is_of_appeal=True, ground="").save()
    with refused_by("report_is_dated_once_closed"):
        Report.objects.update(state=ReportState.CLOSED)
    with refused_by("report_message_says_something"):
        ReportMessage.objects.create(report=report, by=scene.first, text="", at=now)
    with refused_by("appeal_says_why"):
        Appeal.objects.create(report=report, by=scene.first, text="", at=now)
    scene.report()
    with refused_by("one_open_report_of_a_kind_by_a_person"):
        Report.objects.filter(pk=report.pk).update(state=ReportState.OPEN)


def _again(given: ReportAnswer, **other: Any) -> ReportAnswer:
    said = {name: getattr(given, name) for name in ("report", "facts", "ground", "measure", "by")}
    return ReportAnswer(**said | {"outcome": "upheld", "at": given.at} | other)


def test_what_somebody_reported_goes_with_their_account(scene: Scene) -> None:
    report = scene.report(path="run.py")
    cases.say(report, text="I am a neighbour.", by=as_(scene.reporter))
    cases.say(report, text="Hm.", by=as_(scene.first), is_internal=True)
    cases.answer(report, statement=DISMISSED, by=as_(scene.first))
    cases.appeal(report, text="I saw it.", by=as_(scene.reporter))
    taken = json.loads("".join(personal_data.export(scene.reporter, by=as_(scene.reporter))))
    assert taken["reports"][0]["text"] == "It mines coins."
    assert [one["text"] for one in taken["reports"][0]["messages"]] == ["I am a neighbour."]

    name = scene.reporter.username
    privacy.erase(scene.reporter, by=as_(scene.reporter), confirmed=name)

    report.refresh_from_db()
    assert (report.text, report.path, report.appeal.text) == ("", "", privacy.ERASED)
    assert [one.text for one in report.messages.all()] == ["Hm."]


@pytest.mark.django_db(transaction=True)
def test_two_answers_at_once_are_one() -> None:
    scene = Scene()
    report = scene.report()

    done = at_once(
        *(
            lambda who=who: cases.answer(report, statement=UPHELD, by=as_(who))
            for who in (scene.first, scene.second)
        )
    )

    assert sorted(type(one).__name__ for one in done) == ["NotNow", "ReportAnswer"]
    assert ReportAnswer.objects.count() == 1
