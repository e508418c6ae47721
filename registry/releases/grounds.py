"""What a step of a release is decided on, each read when it is first asked for, and once."""

from functools import cached_property

from registry.accounts.models import User
from registry.agreements import terms as terms_of
from registry.agreements.duties.engine import Result
from registry.agreements.terms import Terms
from registry.catalog.models import Revision
from registry.checks import runs
from registry.checks.models import CheckRun
from registry.releases import duties
from registry.releases.interests import Stake
from registry.releases.models import Release


class Grounds:
    """Of one revision, for as long as one request or step takes."""

    def __init__(self, revision: Revision) -> None:
        self.revision = revision
        self._stakes: dict[tuple[int, int], Stake] = {}

    @cached_property
    def run(self) -> CheckRun | None:
        return runs.latest(self.revision)

    @cached_property
    def checks_hold(self) -> list[str]:
        return runs.holds_of(self.run, self.revision)

    @cached_property
    def terms(self) -> Terms:
        return terms_of.of_revision(self.revision.repository, self.revision)

    @cached_property
    def duties(self) -> list[Result]:
        return duties.of_revision(self.revision, terms=self.terms)

    def stake(self, release: Release, user: User) -> Stake:
        """What this person has to do with the release of the revision."""
        return self._stakes.setdefault((release.pk, user.pk), Stake(release, user))
