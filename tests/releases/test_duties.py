"""The duties of a revision: what its files, card and lineage show, and what a steward decides."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.agreements import documents
from registry.agreements.duties import rules
from registry.agreements.duties.engine import Verdict
from registry.audit.models import Entry
from registry.catalog import facts
from registry.errors import Invalid, NotAllowed, NotNow, SignInRequired
from registry.releases import duties, open_duties, review_queue, workflow
from registry.releases.models import DutyDecision, DutyVerdict, Release
from tests import factories
from tests.refusals import refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db
BASE = "meta-llama/Llama-3.1-8B"
DONE = "Built with Llama\n"


def fresh(revision):
    return type(revision).objects.select_related("repository__namespace").get(pk=revision.pk)


def of_card(front, prose=DONE, name="Llama-med", owner=None, repository=None, **files):
    repository = repository or factories.make_repository(owner, name)
    facts.load()
    card = f"---\n{front}\n---\n{prose}"
    return factories.make_revision(repository, files={"README.md": card, "m.bin": b"w"} | files)


def verdicts(revision, rule):
    return {one.verdict for one in duties.of_revision(fresh(revision)) if one.rule == rule}


@pytest.fixture
def steward():
    return factories.as_caller(factories.make_user(site_role="steward"))


def test_a_base_under_llama_is_held_until_license_notice_and_policy_are_files():
    revision = factories.make_revision()
    found = " ".join(duties.holds(duties.of_revision(fresh(revision))))

    assert "There is no copy of Llama 3.1 Community License Agreement" in found
    assert "NOTICE" in found
    assert "USE_POLICY.md" in found

    done = factories.make_commit(revision.repository, factories.copies_of("llama3.1"))
    assert duties.holds(duties.of_revision(fresh(done))) == []


def test_another_text_as_license_is_no_copy_and_one_with_other_markup_is():
    wanted = factories.copies_of("llama3.1")
    revision = factories.make_revision(
        files=factories.MODEL | wanted | {"LICENSE": "Do as you like."}
    )
    assert verdicts(revision, "own_license_copy") == {Verdict.BLOCK}

    shown = b"# " + bytes(wanted["LICENSE"]).upper().replace(b" ", b"\n")
    again = factories.make_commit(revision.repository, {"LICENSE": shown})
    assert verdicts(again, "own_license_copy") == {Verdict.PASS}


def test_where_the_site_holds_no_text_a_copy_is_left_to_a_steward_until_it_does():
    factories.make_facts()
    files = factories.MODEL | {"LICENSE": "Words of it", "USE_POLICY.md": "Words"}
    revision = factories.make_revision(files=files)
    assert verdicts(revision, "own_license_copy") == {Verdict.REVIEW}
    assert verdicts(revision, "policy_copy") == {Verdict.PASS}

    documents.add_text(slug="llama3-1", version="3.1", text=b"words of it")
    assert verdicts(revision, "own_license_copy") == {Verdict.PASS}


def test_a_permissive_license_without_its_text_is_a_warning_for_reviewers():
    revision = of_card("license: mit")

    assert duties.holds(duties.of_revision(fresh(revision))) == []
    assert "DUTY-kept_license_copy" in duties.warnings(duties.of_revision(fresh(revision)))


def test_a_fine_tune_of_a_published_model_owes_what_its_license_asks():
    revision = of_card(f"license: mit\nbase_model: {BASE}", prose="# Med\n", name="Med-8B")
    found = {one.rule: one for one in duties.of_revision(fresh(revision))}

    for rule in ("license_copy", "notice_file", "name_prefix_llama", "display_built_with_llama"):
        assert found[rule].verdict == Verdict.BLOCK, rule
        assert found[rule].license == "llama3.1"
        assert found[rule].path == (BASE,)
    assert found["license_not_looser"].verdict == Verdict.REVIEW
    assert found["base_declared"].verdict == Verdict.BLOCK


def test_a_fine_tune_that_does_all_is_free():
    front = f"license: llama3.1\nbase_model: {BASE}\nbase_model_relation: finetune"
    revision = of_card(front, **factories.copies_of("llama3.1"))

    assert duties.holds(duties.of_revision(fresh(revision))) == []
    assert duties.warnings(duties.of_revision(fresh(revision))) == {}


def test_duties_come_down_through_a_model_that_is_here():
    ada = factories.make_user("ada")
    factories.make_repository(ada, "Llama-one")
    facts.load()
    front = f"license: llama3.1\nbase_model: {BASE}\nbase_model_relation: finetune"
    first = factories.make_repository(ada, "Llama-first")
    text = f"---\n{front}\n---\n{DONE}"
    factories.make_released(
        first, files={"README.md": text, "m.bin": b"w"} | factories.copies_of("llama3.1")
    )

    below = of_card("license: mit\nbase_model: ada/Llama-first", name="Other", owner=ada)

    assert verdicts(below, "name_prefix_llama") == {Verdict.BLOCK}


def test_a_merge_owes_what_each_root_asks():
    bases = f"[{BASE}, meta-llama/Meta-Llama-3-8B]"
    front = f"license: llama3.1\nbase_model: {bases}\nbase_model_relation: merge"
    revision = of_card(front, **factories.copies_of("llama3.1"))
    found = [one for one in duties.of_revision(fresh(revision)) if one.rule == "notice_file"]

    assert {(one.license, one.verdict) for one in found} == {
        ("llama3.1", Verdict.PASS),
        ("llama3", Verdict.BLOCK),
    }
    assert verdicts(revision, "merge_union") == {Verdict.PASS}


def test_a_merge_with_a_parent_of_unknown_license_is_held():
    front = f"license: llama3.1\nbase_model: [{BASE}, some/where]\nbase_model_relation: merge"

    assert verdicts(of_card(front), "merge_union") == {Verdict.BLOCK}


def test_of_a_parent_that_is_not_here_the_tag_tells_unverified():
    front = "license: llama3.1\nbase_model: some/where\nbase_model_relation: finetune"
    revision = of_card(front, name="Med")
    found = {one.rule: one for one in duties.of_revision(fresh(revision))}

    assert found["name_prefix_llama"].verdict == Verdict.BLOCK
    assert not found["name_prefix_llama"].is_verified


def test_a_circle_of_models_ends():
    ada = factories.make_user("ada")
    own = factories.make_repository(ada, "Llama-own")
    front = "license: llama3.1\nbase_model: ada/Llama-own\nbase_model_relation: finetune"
    revision = of_card(front, repository=own, **factories.copies_of("llama3.1"))

    assert isinstance(duties.of_revision(fresh(revision)), list)


def test_output_of_llama_3_in_another_model_is_refused():
    front = "license: mit\npipeline_tag: text-generation\ntrained_on_outputs_of: llama3"

    assert verdicts(of_card(front, name="Other"), "output_training_ban") == {Verdict.BLOCK}


def test_an_adapter_without_a_declared_base_has_to_name_it():
    revision = of_card("license: llama3.1", **{"adapter_config.json": "{}"})

    assert verdicts(revision, "base_declared") == {Verdict.BLOCK}


def test_adding_image_input_starts_the_eu_rule_without_another_edit():
    front = "license: llama3.2\nbase_model: meta-llama/Llama-3.2-3B\nbase_model_relation: finetune"
    text = of_card(front)
    assert "eu_multimodal" not in {one.rule for one in duties.asked_at_download(fresh(text))}

    config = '{"architectures": ["X"], "vision_config": {"layers": 2}}'
    seeing = factories.make_commit(text.repository, {"config.json": config})
    asked = {one.rule: one for one in duties.asked_at_download(fresh(seeing))}
    assert asked["eu_multimodal"].license == "llama3.2"


def test_what_duties_cost_is_bounded():
    revision = fresh(of_card(f"license: llama3.1\nbase_model: {BASE}"))
    with CaptureQueriesContext(connection) as captured:
        duties.of_revision(revision)
    assert len(captured) <= 20

    with CaptureQueriesContext(connection) as captured:
        duties.holds(duties.of_revision(revision))
        duties.warnings(duties.of_revision(revision))
    assert len(captured) <= 2


# What a steward decides


@pytest.fixture
def doubtful():
    """A fine-tune that names a looser license than its base, and does all else."""
    front = f"license: mit\nbase_model: {BASE}\nbase_model_relation: finetune"
    return fresh(of_card(front, **factories.copies_of("llama3.1")))


def test_what_the_rules_leave_open_holds_until_a_steward_allows_it(doubtful, steward):
    assert [one.rule for one in duties.to_review(duties.of_revision(doubtful))] == [
        "license_not_looser"
    ]
    assert duties.holds(duties.of_revision(doubtful), submitting=True) == []
    assert "A steward has to decide" in " ".join(duties.holds(duties.of_revision(doubtful)))

    made = duties.decide(
        doubtful, "license_not_looser", verdict="allow", reason="Own changes only.", by=steward
    )

    assert duties.holds(duties.of_revision(fresh(doubtful))) == []
    entry = Entry.objects.filter(event="duty.decide").get()
    assert entry.details["facts"] == made.facts_digest


def test_what_a_steward_refuses_is_held_with_the_reason(doubtful, steward):
    duties.decide(doubtful, "license_not_looser", verdict="refuse", reason="Name both.", by=steward)

    assert "Name both." in " ".join(
        duties.holds(duties.of_revision(fresh(doubtful)), submitting=True)
    )


def test_other_facts_ask_again(doubtful, steward):
    duties.decide(doubtful, "license_not_looser", verdict="allow", reason="Fine.", by=steward)
    document = documents.Document.objects.get(slug="llama3-1")
    documents.add_text(slug=document.slug, version="newer", text=b"Newer words.")

    assert [one.rule for one in duties.to_review(duties.of_revision(fresh(doubtful)))] == [
        "license_not_looser"
    ]


def test_nobody_but_a_steward_decides(doubtful):
    for user in (
        doubtful.repository.created_by,
        factories.make_user(),
        factories.make_maintainer(),
    ):
        with pytest.raises(NotAllowed):
            duties.decide(
                doubtful,
                "license_not_looser",
                verdict="allow",
                reason="x",
                by=factories.as_caller(user),
            )
    with pytest.raises(SignInRequired):
        duties.decide(doubtful, "license_not_looser", verdict="allow", reason="x", by=Caller())
    assert not DutyDecision.objects.exists()


def test_a_steward_does_not_decide_about_their_own_work(steward):
    front = f"license: mit\nbase_model: {BASE}\nbase_model_relation: finetune"
    own = of_card(front, owner=steward.user, **factories.copies_of("llama3.1"))

    with pytest.raises(NotAllowed, match="own work"):
        duties.decide(own, "license_not_looser", verdict="allow", reason="x", by=steward)
    assert not duties.may_decide(fresh(own), steward)


def test_a_decision_needs_a_reason_a_known_verdict_and_something_to_decide(doubtful, steward):
    ask = {"verdict": "allow", "reason": "Fine.", "by": steward}
    for wrong, error in (
        ({"reason": " "}, Invalid),
        ({"reason": "x" * 1001}, Invalid),
        ({"verdict": "maybe"}, Invalid),
        ({"shown": "0" * 64}, NotNow),
    ):
        with pytest.raises(error):
            duties.decide(doubtful, "license_not_looser", **(ask | wrong))
    with pytest.raises(NotNow):
        duties.decide(doubtful, "license_copy", **ask)


def test_a_decision_is_evidence(doubtful, steward):
    made = duties.decide(
        doubtful, "license_not_looser", verdict="allow", reason="Fine.", by=steward
    )

    with refused_as_evidence():
        DutyDecision.objects.filter(pk=made.pk).update(reason="Other.")
    with refused_as_evidence():
        DutyDecision.objects.filter(pk=made.pk).delete()


def test_the_database_wants_a_reason(doubtful, steward):
    with refused_by("duty_decision_has_a_reason"):
        DutyDecision.objects.create(
            revision=doubtful,
            rule="x",
            facts_digest="0" * 64,
            verdict=DutyVerdict.ALLOW,
            reason="",
            by=steward.user,
            at="2026-01-01T00:00Z",
        )


def test_every_warning_fits_where_ticked_ones_are_kept():
    assert all(len(duties.WARNING + rule.id) <= 32 for rule in rules.all_rules())


def test_a_repository_of_data_has_no_duties_of_models(doubtful):
    doubtful.repository.type = "dataset"

    assert duties.of_revision(doubtful) == []


def test_open_duties_are_counted_for_the_digest_and_anew_after_a_decision(doubtful, steward):
    factories.finish_checks(doubtful)
    owner = factories.as_caller(doubtful.repository.created_by)
    release = workflow.open_release(doubtful, version="v1.0", by=owner)
    now = timezone.now()
    wanted = [one for one in duties.of_revision(fresh(doubtful)) if one.holds or one.warns]

    assert _queued(release) is None
    open_duties.recount(now)
    assert _queued(release) == len(wanted) > 0
    assert open_duties.recount(now) == 0

    duties.decide(
        fresh(doubtful), "license_not_looser", verdict="allow", reason="Own changes.", by=steward
    )
    assert open_duties.recount(timezone.now()) == 1
    assert _queued(release) == len(wanted) - 1
    assert open_duties.recount(timezone.now() + open_duties.FRESH) == 1

    Release.objects.filter(pk=release.pk).update(digest="0" * 64)
    assert _queued(release) is None
    assert open_duties.recount(timezone.now()) == 1


def _queued(release):
    maintainer = factories.as_caller(factories.make_maintainer())
    wanted = review_queue.find(maintainer, review_queue.Wanted(), now=timezone.now())
    [row] = review_queue.shown(wanted.filter(pk=release.pk), caller=maintainer, now=timezone.now())
    return row.open_duties
