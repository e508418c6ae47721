"""What a review asks of a maintainer: checklist, interests, remarks, and reviews apart."""

import pytest
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import Role, User
from registry.audit.models import Entry
from registry.discussions import threads
from registry.errors import Conflict, Invalid, NotAllowed, NotNow
from registry.outbox.models import Kind, Message
from registry.releases import (
    apart,
    checklists,
    interests,
    notices,
    policies,
    reasons,
    remarks,
    steps,
    workflow,
)
from registry.releases.models import (
    ChecklistItem,
    ChecklistTick,
    Decision,
    Interest,
    Policy,
    ReasonTemplate,
    Release,
    Remark,
    Status,
)
from registry.releases.remarks import Where
from tests import factories
from tests.factories import as_caller
from tests.refusals import refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db


def _approve(release: Release, by: Caller, **rest: object) -> Release:
    return workflow.transition("approve", release, by=by, **rest)  # type: ignore[arg-type]


def _owner(release: Release) -> Caller:
    return as_caller(release.opened_by)


# The checklist


def test_an_approval_needs_every_item_of_both_lists_ticked_for_this_digest(release, bob):
    of_site = checklists.add("Read the samples", namespace=None, by=bob)
    namespace = release.repository.namespace
    own = checklists.add("Names the data", namespace=namespace, by=_owner(release))
    elsewhere = factories.make_user()
    checklists.add("Not ours", namespace=elsewhere.namespace, by=as_caller(elsewhere))

    assert list(checklists.asked_of(release)) == [of_site, own]
    with pytest.raises(Invalid, match="Read the samples; Names the data"):
        _approve(release, bob)
    with pytest.raises(Invalid, match="Still to look at: Names the data"):
        _approve(release, bob, ticked=[of_site.public_id])
    assert not ChecklistTick.objects.exists()  # what was refused left nothing
    with pytest.raises(Invalid, match="no item"):
        _approve(release, bob, ticked=["0" * 24])

    released = _approve(release, bob, ticked=[of_site.public_id, own.public_id])

    assert released.status == Status.RELEASED
    assert set(ChecklistTick.objects.values_list("by", "digest")) == {(bob.user.pk, release.digest)}
    with refused_as_evidence():
        ChecklistTick.objects.update(digest="0" * 64)
    with refused_as_evidence():
        ChecklistTick.objects.all().delete()


def test_ticks_of_another_digest_or_person_count_for_nothing(release, bob):
    item = checklists.add("Read the samples", namespace=None, by=bob)
    now = timezone.now()
    other = factories.make_maintainer()
    ChecklistTick.objects.create(
        release=release, item=item, by=other, digest=release.digest, at=now
    )
    ChecklistTick.objects.create(release=release, item=item, by=bob.user, digest="0" * 64, at=now)

    with pytest.raises(Invalid, match="Read the samples"):
        _approve(release, bob)

    assert checklists.tick(release, [item], user=bob.user, now=now) == [item.public_id]
    assert checklists.tick(release, [item], user=bob.user, now=now) == []
    with refused_by("ticked_once_of_a_digest"):
        ChecklistTick.objects.create(
            release=release, item=item, by=bob.user, digest=release.digest, at=now
        )
    assert _approve(release, bob).status == Status.RELEASED


def test_a_retired_item_is_asked_no_more_and_may_be_said_again(release, bob):
    item = checklists.add("  Read   the samples ", namespace=None, by=bob)
    with pytest.raises(Conflict):
        checklists.add("Read the samples", namespace=None, by=bob)
    with refused_by("checklist_says_a_thing_once"):
        ChecklistItem.objects.create(
            text=item.text, added_by=bob.user, added_at=timezone.now(), position=9
        )
    with refused_by("checklist_item_says_something"):
        ChecklistItem.objects.filter(pk=item.pk).update(text="")

    checklists.retire(item, by=bob)

    assert not checklists.asked_of(release).exists()
    with pytest.raises(Conflict, match="retired already"):
        checklists.retire(item, by=bob)
    checklists.add("Read the samples", namespace=None, by=bob)


def test_who_may_say_what_a_checklist_asks(release, bob):
    namespace = release.repository.namespace
    reading = Caller(user=bob.user, scope="write")
    for by in (as_caller(factories.make_user()), _owner(release), reading):
        with pytest.raises(NotAllowed):
            checklists.add("Anything", namespace=None, by=by)
    for by in (bob, as_caller(factories.make_user())):
        with pytest.raises(NotAllowed):
            checklists.add("Anything", namespace=namespace, by=by)
    mine = checklists.add("Mine", namespace=namespace, by=_owner(release))
    with pytest.raises(NotAllowed):
        checklists.retire(mine, by=bob)
    for text in ("  ", "x" * 301):
        with pytest.raises(Invalid):
            checklists.add(text, namespace=None, by=bob)


# Interests


def _member_maintainer(release: Release) -> User:
    user = factories.make_member(release.repository.namespace, Role.READ)
    User.objects.filter(pk=user.pk).update(site_role="maintainer")
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("step", ["approve", "request_changes", "reject"])
def test_a_member_says_that_they_know_of_it_and_the_decision_keeps_it(of_lab, step):
    member = _member_maintainer(of_lab)
    by = as_caller(member)
    assert interests.of(of_lab, member) == [Interest.SAME_ORGANISATION]
    assert interests.of(of_lab, factories.make_maintainer()) == []

    with pytest.raises(Invalid, match="same_organisation"):
        workflow.transition(step, of_lab, by=by, reason="A reason.")
    workflow.transition(step, of_lab, by=by, reason="A reason.", conflicts=["same_organisation"])

    assert Decision.objects.get().conflicts == ["same_organisation"]


def test_what_the_policy_bars_keeps_from_deciding_and_not_from_suspending(of_lab):
    member = as_caller(_member_maintainer(of_lab))
    admin = _owner(of_lab)
    policies.change(
        of_lab.repository.namespace,
        approvals=1,
        reviews_apart=False,
        bars=["same_organisation"],
        by=admin,
    )

    for step in ("approve", "request_changes", "reject"):
        with pytest.raises(NotAllowed, match="keeps you from deciding"):
            workflow.transition(
                step, of_lab, by=member, reason="x", conflicts=["same_organisation"]
            )
    factories.approve(of_lab)
    suspended = workflow.transition("suspend", of_lab, by=member, reason="Harmful.")

    assert suspended.status == Status.SUSPENDED


def test_an_author_of_a_declared_parent_has_an_interest():
    author = factories.make_maintainer("ada")
    base = factories.make_released(factories.make_repository(author, name="base"))
    card = factories.CARD.replace("license:", "base_model: ada/base\nlicense:", 1)
    files = factories.MODEL | {"README.md": card}
    revision = factories.make_revision(files=files)
    release = Release(repository=revision.repository, revision=revision)

    assert interests.of(release, author) == [Interest.PARENT_AUTHOR]
    assert interests.of(release, base.decisions.get().by) == []


def test_a_policy_is_its_admins_to_set(of_lab, bob):
    namespace = of_lab.repository.namespace
    wanted = {"approvals": 2, "reviews_apart": True, "bars": ["parent_author"]}
    for by in (bob, as_caller(_member_maintainer(of_lab)), as_caller(factories.make_user())):
        with pytest.raises(NotAllowed):
            policies.change(namespace, **wanted, by=by)
    for wrong in ({"approvals": 0}, {"approvals": 21}, {"bars": ["rival"]}):
        with pytest.raises(Invalid):
            policies.change(namespace, **wanted | wrong, by=_owner(of_lab))
    assert not Policy.objects.exists()

    policies.change(namespace, **wanted, by=_owner(of_lab))

    assert policies.of(namespace.pk).bars == ["parent_author"]
    assert Entry.objects.filter(event="namespace.policy").get().details["approvals"] == 2
    assert policies.may_read(namespace, bob)
    assert not policies.may_read(namespace, as_caller(factories.make_user()))


# Remarks


def test_a_remark_is_a_comment_of_the_thread_that_only_insiders_see(release, bob):
    where = Where("line", "README.md", 2, "after")
    remark = remarks.make(release, "Which license?", where=where, by=bob, digest=release.digest)
    answer = remarks.answer(remark, "This one.", by=_owner(release))
    remarks.answer(answer, "Thanks.", by=bob)
    remarks.make(release, "All files?", where=Where("file", "model.safetensors"), by=bob)
    remarks.make(release, "In general fine.", where=Where(), by=bob)

    first, of_file, of_all = remarks.of_release(release, caller=_owner(release))
    assert [one.event.texts.get().raw for one in first.answers] == ["This one.", "Thanks."]
    assert (of_file.first.path, of_all.first.place) == ("model.safetensors", "release")
    assert remarks.of_release(release, caller=as_caller(factories.make_user())) == []
    event = remark.event
    assert event.is_internal
    assert event.facts == {"place": "line", "path": "README.md", "line": "2", "side": "after"}
    assert event in threads.events(release.discussion, caller=bob)
    assert remarks.find(event.public_id, caller=bob) == remark
    assert remarks.find(event.public_id, caller=as_caller(factories.make_user())) is None


@pytest.mark.parametrize(
    "where",
    [
        Where("line", "README.md", 0, "after"),
        Where("line", "README.md", 1, "before"),
        Where("line", "README.md", 1, ""),
        Where("line", "gone.txt", 1, "after"),
        Where("file", "gone.txt"),
        Where("finding", check_id="W-FINITE"),
        Where("finding", check_id="DUTY-nothing"),
        Where("release", "README.md"),
        Where("elsewhere"),
    ],
)
def test_a_remark_is_about_a_place_that_is_there(release, bob, where):
    with pytest.raises(Invalid, match="no such place"):
        remarks.make(release, "Here?", where=where, by=bob)


def test_a_remark_is_resolved_and_opened_again_by_those_who_talk(release, bob):
    remark = remarks.make(release, "Why?", where=Where(), by=bob)
    answer = remarks.answer(remark, "Because.", by=_owner(release))
    stranger = as_caller(factories.make_user())
    for act in (remarks.resolve, remarks.reopen):
        with pytest.raises(NotAllowed):
            act(remark, by=stranger)
    with pytest.raises(NotAllowed):
        remarks.answer(remark, "Me too", by=stranger)
    with pytest.raises(NotAllowed):
        remarks.make(release, "Hello", where=Where(), by=stranger)
    with pytest.raises(Invalid):
        remarks.resolve(answer, by=bob)

    remarks.resolve(remark, by=bob)
    with pytest.raises(NotNow):
        remarks.resolve(remark, by=bob)
    remark.refresh_from_db()
    assert remark.resolved_by == bob.user
    remarks.reopen(remark, by=_owner(release))
    with pytest.raises(NotNow):
        remarks.reopen(remark, by=bob)
    with pytest.raises(NotNow, match="has changed"):
        remarks.make(release, "Old", where=Where(), by=bob, digest="0" * 64)

    with refused_by("remark_says_where"):
        Remark.objects.filter(pk=remark.pk).update(path="README.md")
    with refused_by("remark_is_resolved_by_somebody"):
        Remark.objects.filter(pk=remark.pk).update(resolved_at=timezone.now())
    with refused_by("only_the_first_of_a_thread_is_resolved"):
        Remark.objects.filter(pk=answer.pk).update(resolved_at=timezone.now(), resolved_by=bob.user)


# Reviews apart


@pytest.fixture
def looked_at_apart(release, bob) -> Release:
    policies.change(
        release.repository.namespace, approvals=2, reviews_apart=True, bars=[], by=_owner(release)
    )
    remarks.make(release, "A secret opinion", where=Where(), by=bob)
    threads.comment(release.discussion, "I would approve", by=bob)
    return _approve(release, bob)


def test_what_others_said_is_kept_until_a_reviewer_is_done(looked_at_apart, bob):
    release = looked_at_apart
    carol = as_caller(factories.make_maintainer())
    said = list(threads.events(release.discussion, caller=bob))[-3:]

    for event in said:
        assert event not in apart.events(release.discussion, caller=carol)
        assert apart.is_kept(event.public_id, carol)
    assert not apart.decisions(release, carol).exists()
    assert apart.approvals(release, carol) is None
    assert remarks.of_release(release, caller=carol) == []
    assert remarks.find(said[0].public_id, caller=carol) is None
    for done in (bob, _owner(release)):
        assert set(said) <= set(apart.events(release.discussion, caller=done))
        assert apart.approvals(release, done) == 1
        assert len(remarks.of_release(release, caller=done)) == 1

    assert _approve(release, carol).status == Status.RELEASED
    assert set(said) <= set(apart.events(release.discussion, caller=carol))
    assert not apart.is_kept(said[0].public_id, carol)


def test_a_maintainer_who_wrote_it_sees_all_and_what_was_said_before_is_seen_by_all(release, bob):
    carol = as_caller(factories.make_maintainer())
    old = remarks.make(release, "First round", where=Where(), by=bob)
    workflow.transition("request_changes", release, by=bob, reason="See there.")
    policies.change(
        release.repository.namespace, approvals=2, reviews_apart=True, bars=[], by=_owner(release)
    )
    workflow.transition("submit", release, by=_owner(release))
    new = remarks.make(release, "Second round", where=Where(), by=bob)
    User.objects.filter(pk=release.opened_by_id).update(site_role="maintainer")
    author = as_caller(User.objects.get(pk=release.opened_by_id))
    release.refresh_from_db()

    assert [one.first for one in remarks.of_release(release, caller=carol)] == [old]
    assert [one.first for one in remarks.of_release(release, caller=author)] == [old, new]


# Reasons, and what the contributor is told


def test_a_reason_is_written_down_once_for_a_step_by_maintainers(bob):
    made = reasons.add("reject", title="Weights", text="They are not yours.", by=bob)
    for wrong in ({"step": "submit"}, {"title": " "}, {"text": ""}, {"title": "x" * 101}):
        wanted = {"step": "reject", "title": "Another", "text": "Text"} | wrong
        with pytest.raises(Invalid):
            reasons.add(wanted["step"], title=wanted["title"], text=wanted["text"], by=bob)
    with pytest.raises(Conflict):
        reasons.add("reject", title="Weights", text="Again", by=bob)
    for by in (as_caller(factories.make_user()), Caller(user=bob.user, scope="write")):
        with pytest.raises(NotAllowed):
            reasons.add("reject", title="Mine", text="Text", by=by)
        with pytest.raises(NotAllowed):
            reasons.retire(made, by=by)
    with refused_by("reason_of_a_step_has_its_own_title"):
        ReasonTemplate.objects.create(
            step="reject", title="Weights", text="x", added_by=bob.user, added_at=timezone.now()
        )
    with refused_by("reason_template_says_something"):
        ReasonTemplate.objects.update(text="")

    reasons.retire(made, by=bob)

    assert not reasons.living().exists()
    with pytest.raises(Conflict):
        reasons.retire(made, by=bob)


@pytest.mark.parametrize("step", ["request_changes", "reject", "approve"])
def test_the_contributor_gets_the_very_text_that_was_previewed(release, bob, step):
    preview = notices.of(step, release, reason="Name the data.")
    workflow.transition(step, release, by=bob, reason="Name the data.")

    mail = Message.objects.filter(kind=Kind.MAIL, body__to=release.opened_by.email).get()
    assert (mail.body["subject"], mail.body["text"]) == (preview.subject, preview.text)
    assert "Name the data." in preview.text
    assert release.get_absolute_url() in preview.text


def test_an_approval_that_is_not_the_last_tells_nobody_and_no_one_hears_of_themselves(release, bob):
    policies.set_approvals(release.repository.namespace, 2, by="")
    _approve(release, bob)
    assert not Message.objects.filter(kind=Kind.MAIL).exists()

    workflow.transition("withdraw", release, by=_owner(release))

    assert not Message.objects.filter(kind=Kind.MAIL).exists()
    assert notices.of("withdraw", release, reason="") is None


def test_only_maintainers_with_a_token_that_governs_review(bob):
    assert steps.reviews(bob)
    assert not steps.reviews(Caller(user=bob.user, scope="write"))
    assert not steps.reviews(as_caller(factories.make_user()))


def test_a_contributor_who_lost_sight_of_the_repository_reads_neither_its_name_nor_the_reason(bob):
    lab = factories.make_organisation()
    writer = factories.make_member(lab)
    repository = factories.make_repository(lab.memberships.first().user, namespace=lab.name)
    revision = factories.make_ready(repository)
    factories.finish_checks(revision)
    release = workflow.open_release(revision, version="v1.0", by=as_caller(writer))
    lab.memberships.filter(user=writer).delete()
    repository.name, repository.visibility = "secret-project", "private"
    repository.save()
    release = Release.objects.select_related("repository__namespace").get(pk=release.pk)

    preview = notices.of("reject", release, reason="About secret-project.")
    workflow.transition("reject", release, by=bob, reason="About secret-project.")

    mail = Message.objects.filter(kind=Kind.MAIL, body__to=writer.email).get()
    assert (mail.body["subject"], mail.body["text"]) == (preview.subject, preview.text)
    assert mail.body["subject"] == f"{repository.public_id} v1.0: rejected"
    for hidden in ("secret-project", lab.name, release.public_id):
        assert hidden not in mail.body["text"]
