"""What the database itself refuses about releases and decisions."""

import pytest
from django.utils import timezone

from registry.releases.models import Decision, Policy, Release, Status
from tests import factories
from tests.refusals import refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def released():
    return factories.make_released()


def _copy(release: Release, **other) -> Release:
    fields = {
        field.attname: getattr(release, field.attname)
        for field in Release._meta.concrete_fields
        if field.name not in {"id", "public_id"}
    }
    return Release(**fields | other)


def _another_revision(release: Release) -> int:
    return factories.make_commit(release.repository, {"notes.txt": "more"}).pk


def test_a_version_label_is_there_once(released):
    with refused_by("version_label_once_in_a_repository"):
        _copy(released, revision_id=_another_revision(released)).save()


def test_one_release_of_a_branch_is_open():
    release = factories.make_release()

    with refused_by("one_open_release_of_a_branch"):
        _copy(
            release, version="v2", revision_id=release.repository.revisions.earliest("pk").pk
        ).save()


def test_a_revision_has_one_living_release(released):
    with refused_by("one_living_release_of_a_revision"):
        _copy(released, version="v2").save()


@pytest.mark.parametrize("status", Status.values)
def test_a_release_is_dated_once_it_was_released_and_not_before(released, status):
    was_released = status in {"released", "suspended", "recalled"}

    with refused_by("release_dated_once_released"):
        Release.objects.filter(pk=released.pk).update(
            status=status, released_at=None if was_released else timezone.now()
        )


def test_a_person_approves_a_digest_once(released):
    first = released.decisions.get()

    with refused_by("one_approval_of_a_digest_by_a_person"):
        Decision.objects.create(
            release=released,
            kind="approve",
            by=first.by,
            digest=first.digest,
            at=timezone.now(),
        )


def test_a_release_needs_at_least_one_approval(released):
    with refused_by("a_release_needs_an_approval"):
        Policy.objects.create(namespace=released.repository.namespace, approvals=0)


def test_a_decision_is_never_changed_or_deleted(released):
    with refused_as_evidence():
        Decision.objects.update(reason="another")
    with refused_as_evidence():
        released.decisions.get().delete()
