"""What a check blocks is released only when two maintainers who did not write it say why in writing."""

import pytest
from django.db import IntegrityError, transaction

from registry.accounts.models import Role
from registry.audit.models import Entry
from registry.checks import overrides, runs
from registry.checks.models import CheckRun, Override
from registry.errors import Conflict, Invalid, NotAllowed, NotNow
from registry.releases import steps, workflow
from tests import factories
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db
WHY = "The tensor is a buffer that no layer reads; measured by hand."
BLOCKS = (("W-FINITE", "block", "It has 3 values that are not numbers."),)


def _blocked(findings: tuple[tuple[str, str, str], ...] = BLOCKS) -> CheckRun:
    revision = factories.make_revision()
    run = CheckRun.objects.get(revision=revision)
    return factories.finish_checks(run.revision, "blocked", findings)


def _maintainer(name: str = ""):
    return factories.as_caller(factories.make_maintainer(name))


def test_two_maintainers_lift_a_block_and_one_does_not():
    run = _blocked()
    revision = run.revision
    assert any("W-FINITE" in hold for hold in runs.holds(revision))

    overrides.override(run, "W-FINITE", reason=WHY, by=_maintainer())
    assert any("W-FINITE" in hold for hold in runs.holds(revision))
    second = overrides.override(run, "W-FINITE", reason=WHY, by=_maintainer())

    assert runs.holds(revision) == []
    run.refresh_from_db()
    assert run.verdict == "blocked"
    assert Entry.objects.filter(event="checks.override").count() == 2
    assert WHY not in str(list(Entry.objects.values_list("details", flat=True)))
    overrides.withdraw(second, by=_maintainer())
    assert any("W-FINITE" in hold for hold in runs.holds(revision))
    with pytest.raises(NotNow):
        overrides.withdraw(second, by=_maintainer())


def test_one_person_is_never_two():
    run, once = _blocked(), _maintainer()
    overrides.override(run, "W-FINITE", reason=WHY, by=once)

    with pytest.raises(Conflict):
        overrides.override(run, "W-FINITE", reason=WHY, by=once)

    assert overrides.lifted(run.revision) == set()


def test_neither_authors_nor_others_may_and_narrow_tokens_do_not():
    run = _blocked()
    namespace = run.revision.repository.namespace
    author = run.revision.author
    author.site_role = "maintainer"
    author.save()
    others = [
        factories.as_caller(author),
        factories.as_caller(factories.make_user()),
        factories.as_caller(factories.make_member(namespace, Role.ADMIN)),
    ]
    for caller in others:
        assert not overrides.may_override(run.revision, by=caller)
        with pytest.raises(NotAllowed):
            overrides.override(run, "W-FINITE", reason=WHY, by=caller)
    made = overrides.override(run, "W-FINITE", reason=WHY, by=_maintainer())
    for caller in others[1:]:
        with pytest.raises(NotAllowed):
            overrides.withdraw(made, by=caller)


@pytest.mark.parametrize("check", ["SEC-PICKLE", "UPL-TYPE", "NO-SUCH"])
def test_what_upload_and_scan_block_nobody_overrides(check: str):
    run = _blocked(((check, "block", "It is hostile."),))

    with pytest.raises(NotAllowed):
        overrides.override(run, check, reason=WHY, by=_maintainer())

    for _ in range(2):  # and rows written by another way count for nothing
        Override.objects.create(
            revision=run.revision, manifest_digest=run.revision.manifest_digest, check_id=check,
            reason=WHY, by=factories.make_maintainer(), created_at=run.finished_at,
        )  # fmt: skip
    assert overrides.lifted(run.revision) == set()
    assert runs.holds(run.revision)


def test_an_override_needs_a_block_and_words():
    run = _blocked()

    for reason in ("", "fine", " " * 40, "x" * 3000, WHY + "\0"):
        with pytest.raises(Invalid):
            overrides.override(run, "W-FINITE", reason=reason, by=_maintainer())
    with pytest.raises(NotNow):
        overrides.override(run, "RUN-FINITE", reason=WHY, by=_maintainer())


def test_an_override_of_other_files_counts_for_nothing():
    run = _blocked()
    for _ in range(2):
        overrides.override(run, "W-FINITE", reason=WHY, by=_maintainer())
    assert runs.holds(run.revision) == []

    Override.objects.update(manifest_digest="0" * 64)

    assert runs.holds(run.revision)


def test_a_release_takes_no_override_along_to_another_commit():
    repository = factories.make_repository()
    files = factories.with_copies(factories.MODEL, repository)
    revision = factories.make_revision(repository, files=files)
    author = factories.as_caller(repository.created_by)
    run = factories.finish_checks(revision, "blocked", BLOCKS)
    with pytest.raises(NotNow, match="W-FINITE"):
        workflow.open_release(revision, version="v1", by=author)
    for _ in range(2):
        overrides.override(run, "W-FINITE", reason=WHY, by=_maintainer())
    release = workflow.open_release(revision, version="v1", by=author)
    assert not any("W-FINITE" in hold for hold in steps.holds(release))
    assert (steps.approvals(release), release.status) == (0, "in_review")
    manifest, digest = release.manifest_digest, release.digest

    # Other files, and then the same files as before in another commit
    for words in ("new", files["README.md"]):
        head = factories.make_commit(repository, {"README.md": words})
        factories.finish_checks(head, "blocked", BLOCKS)
        release.refresh_from_db()
        assert release.revision == head
        assert any("W-FINITE" in hold for hold in steps.holds(release))
    assert (release.manifest_digest, release.digest) == (manifest, digest)


def test_the_database_keeps_one_override_of_a_person_for_a_check():
    run = _blocked()
    made = overrides.override(run, "W-FINITE", reason=WHY, by=_maintainer())

    with refused_by("one_override_of_a_maintainer_for_a_check"), transaction.atomic():
        made.pk, made.public_id = None, "f" * 24
        made.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_by_one_person_one_counts():
    run, caller = _blocked(), _maintainer()

    def act() -> None:
        overrides.override(run, "W-FINITE", reason=WHY, by=caller)

    outcomes = at_once(act, act)

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
    assert not any(isinstance(outcome, IntegrityError) for outcome in outcomes)
    assert Override.objects.count() == 1
