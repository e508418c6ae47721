"""What the duties of a revision are judged by is what its terms are made of."""

import pytest

from registry.agreements import terms
from registry.agreements.models import Document
from registry.catalog import facts
from registry.catalog.models import Revision
from registry.errors import NotNow
from registry.releases import duties, situations, workflow
from registry.releases.models import Status
from tests import factories

pytestmark = pytest.mark.django_db
NAMED = "license: other\nlicense_name: lab-license\nlicense_link: "


def _revision(card: str, **files: bytes | str) -> Revision:
    facts.load()
    content = {"README.md": f"---\n{card}\n---\n# A model\n", "model.bin": b"w"} | files
    made = factories.make_revision(factories.make_repository(name="Lab-one"), files=content)
    return Revision.objects.select_related("repository__namespace").get(pk=made.pk)


@pytest.mark.parametrize("by_file", [True, False])
def test_a_license_that_the_link_of_the_card_leads_to_has_its_duties(by_file: bool) -> None:
    text = factories.copies_of("llama3.1")["LICENSE"]
    address = Document.objects.get(slug="llama3-1").official_url
    link = "LICENSE" if by_file else address
    revision = _revision(f"{NAMED}{link}", LICENSE=text)

    roots = [root.license for root in situations.of_revision(revision).roots or ()]

    assert terms.of_revision(revision.repository, revision).problem == ""
    assert roots == ["llama3.1"]
    assert any("NOTICE" in hold for hold in duties.holds(duties.of_revision(revision)))


def test_a_link_that_nobody_knows_brings_no_duties_and_no_release() -> None:
    factories.make_facts()
    revision = _revision(f"{NAMED}LICENSE", LICENSE="Words that nobody knows.")

    assert situations.of_revision(revision).roots == ()
    assert "not known here" in terms.of_revision(revision.repository, revision).problem


def test_nothing_is_submitted_or_released_while_a_duty_is_unmet() -> None:
    factories.make_facts()
    revision = _revision("license: llama3.1")
    factories.finish_checks(revision)
    by = factories.as_caller(revision.repository.created_by)

    with pytest.raises(NotNow, match="copy of Llama 3.1"):
        workflow.open_release(revision, version="v1.0", by=by)

    copied = factories.make_commit(revision.repository, factories.copies_of("llama3.1"))
    factories.finish_checks(copied)
    assert workflow.open_release(copied, version="v1.0", by=by).status == Status.IN_REVIEW
