"""The steps of a release: who may take which, when, and what follows."""

from typing import Any

import pytest

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope
from registry.accounts.permissions import Permission
from registry.agreements import documents
from registry.audit.models import Entry
from registry.catalog.models import Ref
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, SignInRequired
from registry.releases import steps, workflow
from registry.releases.models import Policy, Release, Status
from registry.releases.steps import TRANSITIONS
from tests import factories

pytestmark = pytest.mark.django_db

SECOND_PERSON = [name for name, rule in TRANSITIONS.items() if rule.second_person]
NEED_REASON = [name for name, rule in TRANSITIONS.items() if rule.needs_reason]
BY_MAINTAINERS = [n for n, r in TRANSITIONS.items() if r.permission is Permission.REVIEW]
BY_CONTRIBUTORS = [n for n, r in TRANSITIONS.items() if r.permission is Permission.PROPOSE]


@pytest.fixture
def maintainer() -> Caller:
    return factories.as_caller(factories.make_maintainer())


def _in_a_state_for(name: str) -> Release:
    """A release that the step could be taken with."""
    maintainer = factories.as_caller(factories.make_maintainer())
    release = factories.make_release()
    ways = {
        "submit": ["request_changes"],
        "suspend": ["approve"],
        "recall": ["approve"],
        "restore": ["approve", "suspend"],
    }
    for step in ways.get(name, []):
        release = workflow.transition(step, release, by=maintainer, reason="a reason")
    return release


def _take(name: str, release: Release, by: Caller, **rest: Any) -> Release:
    return workflow.transition(name, release, by=by, reason="a reason", **rest)


def _refused(name: str, release: Release, by: Caller, kind: type[Exception] = NotAllowed) -> None:
    before, entries = release.status, Entry.objects.count()
    with pytest.raises(kind):
        _take(name, release, by)
    release.refresh_from_db()
    assert release.status == before
    assert Entry.objects.count() == entries


# Who may


@pytest.mark.parametrize("name", BY_MAINTAINERS)
def test_a_maintainer_and_a_steward_take_the_steps_of_a_review(name):
    for site_role in ("maintainer", "steward"):
        release = _in_a_state_for(name)
        by = factories.as_caller(factories.make_user(site_role=site_role))

        assert _take(name, release, by).status == TRANSITIONS[name].target


@pytest.mark.parametrize("name", BY_CONTRIBUTORS)
@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.WRITE, Role.ADMIN])
def test_those_who_may_write_take_the_steps_of_a_contributor(name, role):
    organisation = factories.make_organisation()
    admin = organisation.memberships.get().user
    repository = factories.make_repository(admin, namespace=organisation.name)
    release = factories.make_release(repository)
    if name == "submit":
        Release.objects.update(status=Status.CHANGES_REQUESTED)
    member = Caller(user=factories.make_member(organisation, role), scope=Scope.WRITE)

    assert _take(name, release, member).status == TRANSITIONS[name].target


@pytest.mark.parametrize("name", TRANSITIONS)
def test_nobody_takes_a_step_without_signing_in(name):
    _refused(name, _in_a_state_for(name), NOBODY, SignInRequired)


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_stranger_takes_no_step(name):
    _refused(name, _in_a_state_for(name), factories.as_caller(factories.make_user()))


@pytest.mark.parametrize("name", BY_MAINTAINERS)
def test_whoever_owns_the_repository_takes_no_step_of_a_review(name):
    release = _in_a_state_for(name)

    _refused(name, release, factories.as_caller(release.opened_by))


@pytest.mark.parametrize("name", BY_MAINTAINERS)
@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_a_maintainer_takes_no_step_of_a_review_with_a_lesser_token(name, scope):
    _refused(name, _in_a_state_for(name), Caller(user=factories.make_maintainer(), scope=scope))


@pytest.mark.parametrize("name", BY_CONTRIBUTORS)
def test_a_contributor_takes_no_step_with_a_read_token(name):
    release = _in_a_state_for(name)

    _refused(name, release, Caller(user=release.opened_by, scope=Scope.READ))


@pytest.mark.parametrize("name", BY_CONTRIBUTORS)
def test_a_maintainer_takes_no_step_of_a_contributor(name):
    _refused(name, _in_a_state_for(name), factories.as_caller(factories.make_maintainer()))


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_token_for_other_repositories_takes_no_step(name):
    release = _in_a_state_for(name)
    is_review = name in BY_MAINTAINERS
    user = factories.make_maintainer() if is_review else release.opened_by

    _refused(
        name, release, Caller(user=user, scope=Scope.ADMIN, repositories=frozenset({"0" * 24}))
    )


# One's own work


@pytest.mark.parametrize("name", SECOND_PERSON)
def test_whoever_submitted_it_does_not_decide(name):
    release = _in_a_state_for(name)
    author = release.opened_by
    author.site_role = "maintainer"
    author.save()

    _refused(name, release, factories.as_caller(author))


@pytest.mark.parametrize("name", SECOND_PERSON)
def test_whoever_submitted_it_again_does_not_decide(name):
    organisation = factories.make_organisation()
    admin = organisation.memberships.get().user
    release = factories.make_release(factories.make_repository(admin, namespace=organisation.name))
    second = factories.make_member(organisation, Role.WRITE)
    second.site_role = "maintainer"
    second.save()
    other = factories.as_caller(factories.make_maintainer())
    _take("request_changes", release, other)
    _take("submit", release, factories.as_caller(second))
    if name == "restore":
        _take("approve", release, other)
        _take("suspend", release, other)

    release.refresh_from_db()
    _refused(name, release, factories.as_caller(second))


def test_whoever_wrote_a_commit_since_the_last_release_does_not_decide(maintainer):
    organisation = factories.make_organisation()
    admin = organisation.memberships.get().user
    repository = factories.make_repository(admin, namespace=organisation.name)
    helper = factories.make_member(organisation, Role.WRITE)
    helper.site_role = "maintainer"
    helper.save()
    files = factories.with_copies({"README.md": factories.CARD})
    factories.make_commit(repository, files, by=helper)
    head = factories.make_commit(repository, {"notes.txt": "by the admin"}, by=admin)
    factories.finish_checks(head)
    release = workflow.open_release(head, version="v1", by=factories.as_caller(admin))

    _refused("approve", release, factories.as_caller(helper))

    _take("approve", release, maintainer)
    following = factories.make_commit(repository, {"notes.txt": "again by the admin"}, by=admin)
    factories.finish_checks(following)
    later = workflow.open_release(following, version="v2", by=factories.as_caller(admin))
    knowing = {"conflicts": ["same_organisation"]}
    assert _take("approve", later, factories.as_caller(helper), **knowing).status == "released"


def test_nobody_who_may_decide_being_an_author_is_told_that_another_has_to(maintainer):
    release = factories.make_release(factories.make_repository(maintainer.user))

    with pytest.raises(NotAllowed, match="Another maintainer"):
        _take("approve", release, maintainer)


# When


def test_a_step_is_taken_from_its_states_alone(maintainer):
    fresh, released = factories.make_release(), factories.make_released()
    owners = {one: factories.as_caller(one.opened_by) for one in (fresh, released)}

    for status in Status.values:
        release = released if status in {"released", "suspended", "recalled"} else fresh
        Release.objects.filter(pk=release.pk).update(status=status)
        release.refresh_from_db()
        for name, rule in TRANSITIONS.items():
            if status not in rule.sources:
                by = maintainer if name in BY_MAINTAINERS else owners[release]
                _refused(name, release, by, NotNow)


def test_an_unknown_step_is_refused(maintainer):
    _refused("publish", factories.make_release(), maintainer, Invalid)


@pytest.mark.parametrize("name", NEED_REASON)
@pytest.mark.parametrize("reason", ["", " \n"])
def test_a_step_that_hurts_needs_a_reason(name, reason, maintainer):
    release = _in_a_state_for(name)

    with pytest.raises(Invalid, match="reason"):
        workflow.transition(name, release, by=maintainer, reason=reason)


def test_a_reason_has_an_end(maintainer):
    with pytest.raises(Invalid, match="longer"):
        workflow.transition("reject", factories.make_release(), by=maintainer, reason="x" * 10_001)


@pytest.mark.parametrize("verdict", ["blocked", "error"])
def test_nothing_is_submitted_without_checks_that_passed(verdict):
    revision = factories.make_revision()
    by = factories.as_caller(revision.author)
    with pytest.raises(NotNow, match="running"):
        workflow.open_release(revision, version="v1", by=by)
    factories.finish_checks(revision, verdict)

    with pytest.raises(NotNow):
        workflow.open_release(revision, version="v1", by=by)

    assert not Release.objects.exists()


def test_nothing_is_submitted_without_a_license_that_the_site_knows():
    revision = factories.make_revision(files={"README.md": "# No license\n"})
    factories.finish_checks(revision)

    with pytest.raises(NotNow, match="names no license"):
        workflow.open_release(revision, version="v1", by=factories.as_caller(revision.author))


# Approvals


def test_a_policy_of_two_needs_two_different_maintainers(maintainer):
    release = factories.make_release()
    Policy.objects.create(namespace=release.repository.namespace, approvals=2)

    assert _take("approve", release, maintainer).status == Status.IN_REVIEW
    _refused("approve", release, maintainer, NotNow)
    second = factories.as_caller(factories.make_maintainer())
    assert _take("approve", release, second).status == Status.RELEASED
    assert steps.approvals(release) == 2


def test_a_push_voids_approvals_and_moves_the_release_to_the_new_head(maintainer):
    release = factories.make_release()
    Policy.objects.create(namespace=release.repository.namespace, approvals=2)
    seen = release.digest
    _take("approve", release, maintainer)

    head = factories.make_commit(release.repository, {"model.safetensors": b"other weights"})

    release.refresh_from_db()
    assert (release.revision, steps.approvals(release)) == (head, 0)
    assert release.digest != seen
    second = factories.as_caller(factories.make_maintainer())
    _refused("approve", release, second, NotNow)  # its checks have not run
    factories.finish_checks(head)
    with pytest.raises(Conflict, match="has changed"):
        workflow.transition("approve", release, by=second, digest=seen)
    assert _take("approve", release, second).status == Status.IN_REVIEW
    assert _take("approve", release, maintainer).status == Status.RELEASED


def test_a_push_that_changes_nothing_voids_nothing(maintainer):
    release = factories.make_release()
    Policy.objects.create(namespace=release.repository.namespace, approvals=2)
    _take("approve", release, maintainer)

    factories.make_commit(release.repository, {"README.md": factories.CARD})

    release.refresh_from_db()
    assert steps.approvals(release) == 1


def test_terms_that_changed_since_it_was_submitted_have_to_be_submitted_again(maintainer):
    release = factories.make_release()
    before = release.terms_hash
    documents.add_text(slug="llama3-1", version="3.1", text=b"A text in our own words.")

    with pytest.raises(NotNow, match="terms have changed"):
        _take("approve", release, maintainer)
    _take("request_changes", release, maintainer)
    release = _take("submit", release, factories.as_caller(release.opened_by))

    assert release.terms_hash != before
    assert _take("approve", release, maintainer).status == Status.RELEASED


def test_what_was_released_keeps_its_terms(maintainer):
    release = factories.make_released()
    documents.add_text(slug="llama3-1", version="3.1", text=b"A text in our own words.")
    _take("suspend", release, maintainer)
    before = release.digest

    assert _take("restore", release, maintainer).digest == before


# What follows


def _public(release: Release):
    return Ref.objects.get(repository=release.repository, name="refs/heads/main").public


def _next_release(repository, version: str, maintainer: Caller) -> Release:
    revision = factories.make_commit(repository, {"notes.txt": version})
    factories.finish_checks(revision)
    release = workflow.open_release(
        revision, version=version, by=factories.as_caller(repository.created_by)
    )
    return _take("approve", release, maintainer)


def test_a_release_moves_the_public_position_and_makes_a_locked_tag():
    release = factories.make_released()

    assert _public(release) == release.revision
    release.revision.refresh_from_db()
    assert release.revision.state == "released"
    tag = Ref.objects.get(repository=release.repository, name="refs/tags/v1.0")
    assert (tag.head, tag.is_locked) == (release.revision, True)


def test_the_public_position_falls_back_and_comes_back(maintainer):
    first = factories.make_released()
    second = _next_release(first.repository, "v2.0", maintainer)
    assert _public(first) == second.revision

    _take("suspend", second, maintainer)
    assert _public(first) == first.revision

    _take("restore", second, maintainer)
    assert _public(first) == second.revision

    _take("recall", second, maintainer)
    _take("suspend", first, maintainer)
    assert _public(first) is None
    main = Ref.objects.get(repository=first.repository, name="refs/heads/main")
    assert main.withdrawn == second.revision


def test_restoring_an_older_release_moves_nothing_back(maintainer):
    first = factories.make_released()
    _take("suspend", first, maintainer)
    second = _next_release(first.repository, "v2.0", maintainer)

    _take("restore", first, maintainer)

    assert _public(first) == second.revision


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_recalled_release_is_the_end(name, maintainer):
    release = _take("recall", factories.make_released(), maintainer)
    by = maintainer if name in BY_MAINTAINERS else factories.as_caller(release.opened_by)

    _refused(name, release, by, NotNow)


def test_a_rejected_or_withdrawn_label_may_be_used_again(maintainer):
    release = factories.make_release()
    _take("reject", release, maintainer)
    owner = factories.as_caller(release.opened_by)

    again = workflow.open_release(release.revision, version="v1.0", by=owner)
    _take("withdraw", again, owner)
    third = workflow.open_release(release.revision, version="v1.0", by=owner)

    assert _take("approve", third, maintainer).status == Status.RELEASED


def test_one_release_of_a_branch_is_open_at_a_time():
    release = factories.make_release()
    owner = factories.as_caller(release.opened_by)

    with pytest.raises(Conflict):
        workflow.open_release(release.revision, version="v2.0", by=owner)


def test_each_step_is_recorded_with_its_digest_and_reason(maintainer):
    release = factories.make_release()
    _take("approve", release, maintainer)
    _take("suspend", release, maintainer)

    entries = Entry.objects.filter(subject=release.public_id).order_by("sequence")
    assert [entry.event for entry in entries] == [
        "release.open",
        "release.submit",
        "release.approve",
        "release.suspend",
    ]
    assert all(entry.details["digest"] == release.digest for entry in entries)
    assert entries[3].details["reason"] == "a reason"
    decisions = release.decisions.order_by("pk")
    assert [(one.kind, one.digest) for one in decisions] == [
        ("approve", release.digest),
        ("suspend", release.digest),
    ]
