"""The product in one sentence, in rules."""

import pytest

from registry.audit import log
from registry.catalog import revisions
from registry.catalog.models import Repository
from registry.errors import NotAllowed, TermsRequired
from registry.releases import gate, workflow
from registry.releases.models import Status
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_model_goes_from_quarantine_to_a_reader_who_accepted_its_terms():
    release = factories.make_release()
    repository, revision = release.repository, release.revision
    reader = factories.as_caller(factories.make_user())
    assert not Repository.objects.visible_to(reader).exists()

    with pytest.raises(NotAllowed):
        workflow.transition("approve", release, by=factories.as_caller(release.opened_by))
    release = workflow.transition(
        "approve", release, by=factories.as_caller(factories.make_maintainer())
    )

    assert release.status == Status.RELEASED
    revision = revisions.find(repository, "main", caller=reader)
    with pytest.raises(TermsRequired):
        gate.open_file(repository, revision, "model.safetensors", caller=reader)
    acceptance = factories.accept_terms(release, reader.user)
    file, answer = gate.open_file(repository, revision, "model.safetensors", caller=reader)
    assert file.is_lfs
    assert answer.acceptance == acceptance
    assert log.verify().problems == []
