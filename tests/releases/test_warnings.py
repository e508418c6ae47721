"""A warning needs a maintainer's tick before the release may go out."""

import pytest

from registry.errors import Invalid
from registry.releases import workflow
from registry.releases.models import Status
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def warned():
    revision = factories.make_revision(files=factories.with_copies(factories.MODEL))
    factories.finish_checks(
        revision, "warned", (("RUN-SKIPPED", "warn", "No GPU."), ("W-DEAD", "warn", "Constant."))
    )
    return workflow.open_release(
        revision, version="v1", by=factories.as_caller(revision.repository.created_by)
    )


def test_approving_without_ticking_every_warning_is_refused(warned):
    maintainer = factories.as_caller(factories.make_maintainer())

    with pytest.raises(Invalid, match="W-DEAD"):
        workflow.transition("approve", warned, by=maintainer, acknowledged=["RUN-SKIPPED"])

    warned.refresh_from_db()
    assert warned.status == Status.IN_REVIEW


def test_the_ticked_warnings_stay_on_record(warned):
    maintainer = factories.as_caller(factories.make_maintainer())

    release = workflow.transition(
        "approve", warned, by=maintainer, acknowledged=["RUN-SKIPPED", "W-DEAD", "OTHER"]
    )

    assert release.status == Status.RELEASED
    assert release.decisions.get().acknowledged == ["RUN-SKIPPED", "W-DEAD"]
