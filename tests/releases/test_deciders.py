"""Whether somebody may decide a case is the same question asked of all and of each."""

import itertools

import pytest
from django.db import transaction

from registry.accounts.models import Membership, Role, SiteRole, User
from registry.releases import cases, deciders
from registry.releases.models import Report, ReportAnswer
from tests import factories

pytestmark = pytest.mark.django_db
TIES = ("is closed", "reported", "is a member", "owns it", "asked for a release", "answered")


class _Scene:
    """A case about a person's model, on a site where nobody but `person` might decide it."""

    def __init__(self) -> None:
        self.owner, self.person = factories.make_user(), factories.make_user()
        self.release = factories.make_release(factories.make_repository(self.owner))
        self.report: Report = cases.open_case(
            self.release.repository,
            category="other",
            text="Bad.",
            by=factories.as_caller(factories.make_user()),
        )

    def tie(self, ties: set[str], role: str) -> None:
        person, repository = self.person, self.release.repository
        User.objects.filter(pk=person.pk).update(site_role=role, is_active="is closed" not in ties)
        if "reported" in ties:
            Report.objects.filter(pk=self.report.pk).update(reporter=person)
        if "is a member" in ties:
            Membership.objects.create(user=person, namespace=repository.namespace, role=Role.READ)
        if "owns it" in ties:
            type(repository).objects.filter(pk=repository.pk).update(namespace=person.namespace)
        if "asked for a release" in ties:
            type(self.release).objects.filter(pk=self.release.pk).update(opened_by=person)
        if "answered" in ties:
            ReportAnswer.objects.create(
                report=self.report, outcome="dismissed", facts="a", ground="b", measure="c",
                by=person, at=self.report.opened_at,
            )  # fmt: skip


def test_whoever_is_refused_is_not_counted_and_nobody_else() -> None:
    scene = _Scene()
    roles = (SiteRole.NONE, SiteRole.MAINTAINER, SiteRole.STEWARD)
    for role in roles:
        for chosen in itertools.product((False, True), repeat=len(TIES)):
            ties = {tie for tie, holds in zip(TIES, chosen, strict=True) if holds}
            with transaction.atomic():
                scene.tie(ties, role)
                report = Report.objects.select_related("repository").get(pk=scene.report.pk)
                person = User.objects.get(pk=scene.person.pk)
                is_fit = cases._unfit(report, person) is None
                assert deciders.has_any(report) == is_fit, (role, ties)
                if role and not ties - {"reported"}:
                    assert deciders.has_any(report, for_publisher=True)
                transaction.set_rollback(True)
