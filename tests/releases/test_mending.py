"""One press writes what unmet duties ask for: files, the notice, the card."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements import documents
from registry.agreements.duties.checks_of_files import LICENSE_NAMES, NOTICE_NAMES, POLICY_NAMES
from registry.agreements.models import Document
from registry.catalog import cards, facts, files
from registry.catalog.models import Revision
from registry.discussions.models import Discussion
from registry.errors import NotAllowed, NotNow, RegistryError, SignInRequired
from registry.releases import duties, mending, present
from registry.storage import blobs
from tests import factories

pytestmark = pytest.mark.django_db
BASE = "meta-llama/Llama-3.1-8B"


def fresh(revision):
    return Revision.objects.select_related("repository__namespace").get(pk=revision.pk)


def read(revision, path):
    return blobs.read(files.find(revision, path).sha256).decode()


def apply_all(revision, **rest):
    fixes = [one for one in mending.plan(revision) if one.can_be_made]
    by = rest.pop("by", factories.as_caller(revision.repository.created_by))
    return mending.apply(revision, fixes, by=by, **rest)


@pytest.fixture
def bare():
    """A fine-tune whose card says only what it is based on."""
    factories.copies_of("llama3.1")
    facts.load()
    repository = factories.make_repository(name="Llama-med")
    card = f"---\n# mine\nlicense: mit\nbase_model: {BASE}\n---\n# Med\n\nIt heals.\n"
    return fresh(factories.make_revision(repository, files={"README.md": card, "m.bin": b"w"}))


def test_one_press_makes_one_commit_after_which_nothing_holds(bare):
    made = apply_all(bare)

    assert made.parents == [bare.oid]
    assert duties.holds(duties.of_revision(fresh(made))) == []
    assert read(made, "LICENSE").startswith("Invented words")
    assert "Llama 3.1 is licensed under" in read(made, "NOTICE")
    card = read(made, "README.md")
    assert card.startswith("---\n# mine\nlicense: [llama3.1, mit]\n")
    assert "# Med\n\nBuilt with Llama\n\nIt heals.\n" in card
    assert cards.parse(card)["base_model_relation"] == "finetune"


def test_a_notice_that_is_there_keeps_its_lines(bare):
    bare = fresh(factories.make_commit(bare.repository, {"Notice.txt": "Ours."}))
    made = apply_all(bare)

    assert read(made, "Notice.txt").startswith("Ours.\nLlama 3.1 is licensed")
    assert "NOTICE" not in files.at(made, ["NOTICE"])


def test_a_merge_gets_one_line_and_one_text_for_each_root():
    factories.copies_of("llama3.1")
    factories.copies_of("llama3")
    facts.load()
    repository = factories.make_repository(name="Llama-3-both")
    bases = f"[{BASE}, meta-llama/Meta-Llama-3-8B]"
    card = f"---\nlicense: llama3.1\nbase_model: {bases}\n---\n# Both\n"
    made = apply_all(
        fresh(factories.make_revision(repository, files={"README.md": card, "m.bin": b"w"}))
    )

    assert duties.holds(duties.of_revision(fresh(made))) == []
    assert read(made, "NOTICE").count("is licensed under") == 2
    assert {"LICENSE", "LICENSE-llama3"} <= set(files.at(made, ["LICENSE", "LICENSE-llama3"]))


def test_another_license_file_stays_and_the_text_gets_a_name_of_its_own(bare):
    bare = fresh(factories.make_commit(bare.repository, {"LICENSE": "Mine."}))
    made = apply_all(bare)

    assert read(made, "LICENSE") == "Mine."
    assert read(made, "LICENSE-llama3-1").startswith("Invented words")


def test_without_a_stored_text_the_fix_says_who_has_to_load_it():
    revision = fresh(factories.make_revision())
    fix = next(one for one in mending.plan(revision) if one.kind == "license")

    assert not fix.can_be_made
    assert "Ask a steward" in fix.problem
    with pytest.raises(NotNow, match="Ask a steward"):
        mending.apply(revision, [fix], by=factories.as_caller(revision.repository.created_by))


def test_a_name_is_only_suggested():
    factories.make_facts()
    facts.load()
    repository = factories.make_repository(name="Meta-Med")
    card = f"---\nlicense: llama3.1\nbase_model: {BASE}\n---\n"
    found = mending.plan(fresh(factories.make_revision(repository, files={"README.md": card})))

    names = [one for one in found if one.kind == "name"]
    assert any(f"{repository.namespace.name}/Llama-Med" in one.words for one in names)
    assert not any(one.can_be_made for one in names)


def test_the_preview_is_what_is_written(bare):
    fixes = [one for one in mending.plan(bare) if one.can_be_made]
    shown = mending.changes(bare, fixes)
    made = mending.apply(bare, fixes, by=factories.as_caller(bare.repository.created_by))

    assert {one.path: one.after for one in shown} == {
        one.path: read(made, one.path) for one in shown
    }


def test_who_may_not_write_proposes_a_pull_request(bare):
    reader = factories.as_caller(factories.make_user())
    with pytest.raises(NotAllowed):
        apply_all(bare, by=reader)
    with pytest.raises(SignInRequired):
        apply_all(bare, by=Caller(), as_pull_request=True)


def test_a_reader_proposes_the_copies_of_what_is_out():
    release = factories.make_released(
        files={"README.md": "---\nlicense: mit\n---\n# M\n", "m.bin": b"w"}
    )
    writer = factories.as_caller(release.repository.created_by)
    head = fresh(release.revision)
    fix = mending.Fix("display:x", "display", "Built with care", "README.md", "Say it.", ("x",))
    reader = factories.as_caller(factories.make_user())

    found = mending.apply(head, [fix], by=reader, as_pull_request=True)

    assert isinstance(found, Discussion)
    assert found.is_pull_request
    assert found.author == reader.user
    assert mending.apply(head, [fix], by=writer).parents == [head.oid]


def test_a_head_that_moved_meanwhile_is_not_written_over(bare):
    factories.make_commit(bare.repository, {"notes.txt": "new"})

    with pytest.raises(RegistryError):
        apply_all(bare)


def test_the_copy_is_of_the_text_in_force_and_not_of_the_one_loaded_last(bare):
    later = timezone.now().date() + timedelta(days=9)
    for label, day in (("older", date(2001, 1, 1)), ("coming", later)):
        documents.add_text(slug="llama3-1", version=label, text=label.encode(), effective_date=day)

    made = apply_all(bare)

    assert read(made, "LICENSE").startswith("Invented words")


def test_every_copy_that_is_written_is_a_file_that_all_may_read(bare):
    names = (*LICENSE_NAMES, *POLICY_NAMES, *NOTICE_NAMES)
    documents_of = [f"LICENSE-{slug}" for slug in Document.objects.values_list("slug", flat=True)]

    closed = [
        name
        for name in (*(one.replace("*", "a.txt") for one in names), *documents_of)
        if not present.is_open_name(name)
    ]

    assert closed == []
