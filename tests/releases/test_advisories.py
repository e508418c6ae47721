"""What everybody is told about releases that went out, who is told, and what comes from them."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from registry.accounts.callers import NOBODY
from registry.accounts.models import Role, User
from registry.audit import access
from registry.audit.models import Access, Entry
from registry.catalog.models import Repository, Visibility
from registry.checks.models import CheckRun
from registry.errors import Invalid, Missing, NotAllowed, NotNow
from registry.outbox.models import Message
from registry.releases import advisories, descendants, recipients, tasks, withdrawals, workflow
from registry.releases.models import Advisory, AdvisoryNotice, AdvisoryScope, Release, Status
from registry.releases.withdrawals import Scope
from tests import factories
from tests.agreements import organisations
from tests.refusals import at_once, refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db

CARD = "---\nlicense: mit\n---\n# A model\n"


def released(repository: Repository | None = None, **rest: Any) -> Release:
    return factories.make_released(repository, files={"README.md": CARD, **rest.pop("files", {})})


def maintainer() -> Any:
    return factories.as_caller(factories.make_maintainer())


def download(release: Release, actor: str) -> None:
    Access.objects.create(
        at=timezone.now(),
        actor=actor,
        repository=release.repository.public_id,
        revision=release.revision.oid,
        release_digest=release.digest,
        path="README.md",
        sha256="0" * 64,
        first_byte=0,
        last_byte=9,
        size=10,
        reason="open",
    )


def test_who_got_it_is_read_from_the_log_as_if_each_row_was_looked_at() -> None:
    dice = random.Random(7)  # noqa: S311 - the same rows each time
    now = timezone.now()
    for number in range(300):
        Access.objects.create(
            at=now - timedelta(hours=dice.randint(0, 999)),
            actor=dice.choice(["", "ada", "bob", "cy"] if number % 7 else ["", "dee"]),
            repository=dice.choice(["here", "there"]),
            revision=dice.choice("09af") * 40,
            release_digest=dice.choice(["", "1" * 64, "2" * 64]),
            path="a",
            sha256="0" * 64,
            first_byte=0,
            last_byte=9,
            size=10,
            reason="open",
        )
    for revisions in ([], ["9" * 40], ["0" * 40, "f" * 40], ["f" * 40, "a" * 40, "9" * 40]):
        for digests in ([], ["1" * 64], ["2" * 64, "1" * 64]) if revisions else ([],):
            naive: dict[str, list[datetime]] = {}
            for row in Access.objects.filter(repository="here"):
                if row.revision in revisions or row.release_digest in digests:
                    naive.setdefault(row.actor, []).append(row.at)
            assert access.got("here", revisions=revisions, digests=digests) == {
                actor: access.Got(len(times), min(times), max(times))
                for actor, times in naive.items()
            }


def test_who_got_it_is_found_by_indexes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes")
        indexes = dict(cursor.fetchall())
    assert "(repository, revision, actor, at)" in indexes["audit_access_by_revision"]
    assert "(repository, release_digest, revision)" in indexes["audit_access_by_release"]


def publish(repository: Repository) -> None:
    """As if its newest revision had been released, without what a release takes."""
    repository.revisions.update(state="released")
    repository.refs.update(public=repository.revisions.latest("pk"))


def mails_to(user: User) -> list[Any]:
    written = Message.objects.filter(body__to=user.email, body__text__icontains="/advisories/")
    return [one.body for one in written.order_by("pk")]


def test_a_step_without_particulars_has_an_advisory_of_its_own() -> None:
    release, by = released(), maintainer()

    workflow.transition("suspend", release, by=by, reason="Looked odd.")
    suspension = Advisory.objects.get()
    workflow.transition("restore", release, by=by, reason="It was fine.")
    restoration = Advisory.objects.latest("pk")
    workflow.transition("recall", release, by=by, reason="It was not.")
    recall = Advisory.objects.latest("pk")

    assert (suspension.kind, suspension.category, suspension.severity) == (
        "suspension",
        "other",
        "high",
    )
    assert [one.release for one in suspension.scope.all()] == [release]
    assert (restoration.kind, restoration.severity) == ("restoration", "low")
    assert restoration.follows == suspension
    assert (recall.kind, recall.follows, recall.reason) == ("recall", None, "It was not.")
    assert advisories.holds(recall)
    told = Entry.objects.filter(event="advisory.publish", subject=recall.public_id)
    assert told.exists()


def test_several_releases_are_taken_back_under_one_advisory_or_none_is() -> None:
    first = released()
    second = factories.make_released(
        first.repository, files={"README.md": CARD, "more.txt": "more"}, version="v2"
    )
    other, by = released(), maintainer()
    act: dict[str, Any] = {"by": by, "reason": "Harmful.", "category": "malware"}
    both = Scope([first.public_id, second.public_id])

    with pytest.raises(Invalid):
        withdrawals.act("recall", first.repository, scope=Scope([other.public_id]), **act)
    with pytest.raises(NotNow):
        withdrawals.act("restore", first.repository, scope=both, **act)
    with pytest.raises(Invalid):
        withdrawals.act("recall", first.repository, scope=both, severity="bad", **act)
    assert not Advisory.objects.exists()

    advisory = withdrawals.act("suspend", first.repository, scope=both, **act)
    states = set(Release.objects.filter(pk__in=[first.pk, second.pk]).values_list("status"))
    back = withdrawals.act("restore", first.repository, scope=Scope([first.public_id]), **act)
    rest = withdrawals.act("recall", first.repository, scope=Scope(is_all=True), **act)
    notice = withdrawals.act("notice", other.repository, scope=Scope(is_all=True), **act)

    assert states == {(Status.SUSPENDED,)}
    assert advisory.category == "malware"
    assert advisory.scope.count() == 2
    assert back.follows == advisory
    assert rest.scope.count() == 2
    assert notice.kind == "notice"
    other.refresh_from_db()
    assert other.status == Status.RELEASED


def test_who_gives_releases_back_says_what_they_have_to_do_with_them() -> None:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    release = factories.make_released(factories.make_repository(owner, "tiny", namespace="lab"))
    member = factories.make_member(lab, "read")
    User.objects.filter(pk=member.pk).update(site_role="maintainer")
    act: dict[str, Any] = {"scope": Scope(is_all=True), "reason": "Looked at."}
    withdrawals.act("suspend", release.repository, by=maintainer(), **act)
    by = factories.as_caller(User.objects.get(pk=member.pk))

    with pytest.raises(Invalid, match="Say that you know of it"):
        withdrawals.act("restore", release.repository, by=by, **act)
    said = {"conflicts": ["same_organisation"]}
    withdrawals.act("restore", release.repository, by=by, **said, **act)

    assert release.decisions.get(kind="restore").conflicts == ["same_organisation"]


def test_only_maintainers_act_and_only_they_see_who_received_it() -> None:
    release = released()
    owner = factories.as_caller(release.repository.created_by)
    with pytest.raises(NotAllowed):
        withdrawals.act(
            "recall", release.repository, scope=Scope(is_all=True), by=owner, reason="Mine."
        )
    workflow.transition("recall", release, by=maintainer(), reason="Harmful.")
    advisory = Advisory.objects.get()

    with pytest.raises(Missing):
        recipients.rows(advisory, by=owner)
    steward = factories.as_caller(factories.make_user(site_role="steward"))
    download(release, owner.public_id)
    [unnamed], [named] = (recipients.rows(advisory, by=by) for by in (maintainer(), steward))
    assert (unnamed["user"], unnamed["name"]) == (owner.public_id, "")
    assert named["name"] == release.repository.created_by.username


def test_who_accepted_or_downloaded_or_built_on_it_is_told_once() -> None:
    release = factories.make_released()
    name = release.repository.full_name
    ada, bob, stranger, builder = (factories.make_user() for _ in range(4))
    lab, signatory = organisations.make_signing()
    admin = factories.make_member(lab, Role.ADMIN)
    factories.accept_terms(release, ada)
    organisations.sign(release, lab, signatory)
    download(release, bob.public_id)
    download(release, "")
    card = {"README.md": CARD.replace("license: mit", f"license: mit\nbase_model: {name}")}
    child = factories.make_repository(builder)
    factories.make_commit(child, card)

    publish(child)
    workflow.transition("recall", release, by=maintainer(), reason="It leaks what it read.")

    tasks.tell_of_advisories()
    tasks.tell_of_advisories()

    told = {one: len(mails_to(one)) for one in (ada, bob, signatory, admin, builder, stranger)}
    assert list(told.values()) == [1, 1, 1, 1, 1, 0]
    [mail] = mails_to(ada)
    advisory = Advisory.objects.get()
    assert mail["subject"] == f"Recalled: {name} v1.0"
    assert "It leaks what it read." in mail["text"]
    assert mail["text"].count("://") == 1
    why = dict(advisory.notices.values_list("user", "because"))
    assert (why[ada.pk], why[bob.pk], why[builder.pk]) == ("accepted", "downloaded", "derived")
    assert descendants.of(release.repository) == [child]
    progress = recipients.progress(advisory)
    assert (progress.received, progress.unknown, progress.is_told) == (3, 1, False)
    [affecting] = advisories.affecting(child, caller=NOBODY)
    assert (affecting.advisory, affecting.how) == (advisory, "declared")

    late = advisory.at + recipients.SETTLED
    recipients.tell(advisory, now=late)
    assert recipients.progress(advisory).is_told
    assert advisory not in recipients.due(late)


def test_who_holds_the_files_is_told_after_the_repository_is_out_of_their_sight() -> None:
    release, ada = released(), factories.make_user()
    download(release, ada.public_id)
    Repository.objects.filter(pk=release.repository_id).update(visibility=Visibility.PRIVATE)
    workflow.transition("recall", release, by=maintainer(), reason="Harmful.")
    advisory = Advisory.objects.get()
    caller = factories.as_caller(ada)
    with pytest.raises(Missing):
        advisories.find(advisory.public_id, caller=caller)

    recipients.tell(advisory)

    assert advisories.find(advisory.public_id, caller=caller) == advisory
    assert release.repository.full_name not in mails_to(ada)[0]["text"]
    assert release.repository.public_id in mails_to(ada)[0]["text"]
    assert not advisories.listed(caller).exists()
    with pytest.raises(Missing):
        advisories.find(advisory.public_id, caller=factories.as_caller(factories.make_user()))


def test_a_card_that_names_what_is_private_has_its_author_told_nothing() -> None:
    release, curious = released(), factories.make_user()
    name = release.repository.full_name
    Repository.objects.filter(pk=release.repository_id).update(visibility=Visibility.PRIVATE)
    made = factories.make_repository(curious)
    factories.make_commit(made, {"README.md": f"---\nbase_model: {name}\nlicense: mit\n---\n"})
    publish(made)
    workflow.transition("suspend", release, by=maintainer(), reason="Harmful.")

    recipients.tell(Advisory.objects.get())

    assert descendants.of(release.repository) == [made]
    assert not AdvisoryNotice.objects.filter(user=curious).exists()
    assert not advisories.affecting(made, caller=factories.as_caller(curious))


def test_what_was_measured_marks_what_came_after() -> None:
    base, other = released(), released()
    workflow.transition("recall", base, by=maintainer(), reason="Harmful.")
    near = {"nearest": [{"model": base.repository.full_name}], "bases": []}
    runs = CheckRun.objects.filter(revision=other.revision)
    runs.update(report={"lineage": near | {"targets": {"model": near}}})

    [found] = advisories.affecting(other.repository, caller=NOBODY)

    assert (found.how, found.ancestor) == ("measured", base.repository)
    CheckRun.objects.filter(revision=base.revision).update(
        report={"lineage": {"nearest": [{"model": other.repository.full_name}]}}
    )
    workflow.transition("suspend", other, by=maintainer(), reason="Comes from it.")
    assert not advisories.affecting(base.repository, caller=NOBODY)


def test_only_who_was_told_says_that_they_read_it_and_the_first_time_counts() -> None:
    release, ada = released(), factories.make_user()
    download(release, ada.public_id)
    workflow.transition("recall", release, by=maintainer(), reason="Harmful.")
    advisory = Advisory.objects.get()
    recipients.tell(advisory)
    caller = factories.as_caller(ada)

    first = recipients.acknowledge(advisory, by=caller)
    later = recipients.acknowledge(advisory, by=caller, now=timezone.now() + timedelta(days=1))

    assert first.acknowledged_at == later.acknowledged_at
    assert not recipients.unread(caller).exists()
    assert recipients.progress(advisory).acknowledged == 1
    with pytest.raises(NotNow):
        recipients.acknowledge(advisory, by=maintainer())


def test_the_database_keeps_advisories_as_they_were_said() -> None:
    release, ada = released(), factories.make_user()
    workflow.transition("recall", release, by=maintainer(), reason="Harmful.")
    advisory = Advisory.objects.get()
    notice = AdvisoryNotice(advisory=advisory, user=ada, because="accepted", at=timezone.now())
    notice.save()

    with refused_as_evidence():
        Advisory.objects.update(reason="Nothing.")
    with refused_as_evidence():
        AdvisoryScope.objects.all().delete()
    with refused_by("release_once_in_an_advisory"):
        AdvisoryScope.objects.create(advisory=advisory, release=release)
    with refused_by("advisory_has_a_reason"):
        Advisory.objects.create(
            repository=release.repository, kind="notice", reason="", by=ada, at=timezone.now()
        )
    with refused_by("told_once_of_an_advisory"):
        AdvisoryNotice.objects.create(advisory=advisory, user=ada, at=timezone.now())
    with refused_by("advisory_is_acknowledged_after_it_was_sent"):
        AdvisoryNotice.objects.update(acknowledged_at=notice.at - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_tell_everybody_once() -> None:
    release = released()
    people = [factories.make_user() for _ in range(3)]
    for person in people:
        download(release, person.public_id)
    workflow.transition("recall", release, by=maintainer(), reason="Harmful.")
    advisory = Advisory.objects.get()

    told = at_once(*[lambda: recipients.tell(advisory)] * 3)

    assert sum(told) == 3
    assert [len(mails_to(one)) for one in people] == [1, 1, 1]
