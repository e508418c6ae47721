"""What measured lineage says of a revision, and whose models it may name to whom."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from django.utils import timezone

from registry.accounts.models import Role, User
from registry.catalog import files
from registry.catalog.models import Repository, Revision, Visibility
from registry.checks.lineage import judge, nearest, references
from registry.checks.lineage.judge import Judged
from registry.checks.models import CheckRun, Fingerprint
from registry.checks.scanners.folder import Folder
from registry.releases import workflow
from registry.storage import blobs
from tests import factories
from tests.checks import models, prints
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db

WEIGHTS = prints.weights()
RECORDS = prints.records(WEIGHTS)
TUNED = prints.records(prints.tuned(WEIGHTS))


@pytest.fixture
def base() -> Repository:
    """A released and measured model, ada/base."""
    return _published("ada", "base", RECORDS)


def _published(owner: str, name: str, records: prints.Records, card: str = "") -> Repository:
    repository = _repository(owner, name)
    release = factories.make_released(repository, files=_files(card))
    _keep(release.revision, records)
    return repository


def _repository(owner: str, name: str, **rest: Any) -> Repository:
    user = User.objects.filter(username=owner).first() or factories.make_user(owner)
    return factories.make_repository(user, name, **rest)


def _files(card: str = "") -> dict[str, bytes | str]:
    text = f"---\nlicense: apache-2.0\n{card}---\n# A model\n\nIt writes.\n"
    return {"README.md": text, "model.safetensors": b"weights"}


def _keep(revision: Revision, records: prints.Records) -> None:
    run = CheckRun.objects.get(revision=revision)
    Fingerprint.objects.bulk_create(_judged(run, records).rows)


def _judged(run: CheckRun, records: prints.Records) -> Judged:
    return judge.judge(run, {"safetensors": records}, metrics={}, now=timezone.now())


def _judge(
    records: prints.Records,
    card: str = "",
    *,
    repository: Repository | None = None,
    by: User | None = None,
) -> Judged:
    """What is said of an upload of these weights by bob, with these lines in its card."""
    repository = repository or _repository("bob", "upload")
    revision = factories.make_revision(repository, files=_files(card), by=by)
    return _judged(CheckRun.objects.get(revision=revision), records)


def _said(judged: Judged) -> dict[str, str]:
    return {found.check: found.message for found in judged.findings}


def test_a_fine_tune_of_its_declared_base_is_supported(base):
    judged = _judge(TUNED, "base_model: ada/base\n")

    assert set(_said(judged)) == {"LIN-KIND"}
    assert judged.report["verdict"] == "supported"
    assert (judged.report["declared"], judged.report["kind"]) == ("ada/base", "full fine-tune")
    assert judged.report["cosine"] > 0.99
    assert [one["layer"] for one in judged.report["layers"]][:2] == ["embedding", "0"]
    assert judged.stage["status"] == "done"


def test_other_weights_than_the_declared_base_contradict_it(base):
    judged = _judge(prints.records(prints.weights(8)), "base_model: ada/base\n")

    assert "do not come from ada/base" in _said(judged)["LIN-BASE"]
    assert "LIN-KIND" not in _said(judged)
    assert judged.report["verdict"] == "contradicted"


def test_a_copy_is_called_one_whatever_base_it_declares(base):
    declared = _judge(RECORDS, "base_model: ada/base\n")
    elsewhere = _judge(
        RECORDS, "base_model: far/away\n", repository=_repository("bob", "elsewhere")
    )
    nothing = _judge(RECORDS, repository=_repository("bob", "nothing"))

    for judged in (declared, elsewhere, nothing):
        assert _said(judged)["LIN-IDENTICAL"] == "This is a copy of ada/base."


def test_a_declared_quantization_with_the_same_tensors_is_no_copy(base):
    card = "base_model: ada/base\nbase_model_relation: quantized\n"

    assert set(_said(_judge(RECORDS, card))) == {"LIN-KIND"}


def test_without_a_base_the_nearest_published_model_is_named(base):
    judged = _judge(TUNED)

    assert "Looks derived from ada/base" in _said(judged)["LIN-UNDECLARED"]
    assert judged.report["nearest"][0]["model"] == "ada/base"
    assert judged.report["compared_with"] == "ada/base"
    assert judged.report["verdict"] is None


def test_a_disguised_copy_is_named_with_and_without_a_declared_base(base):
    for number, weights in enumerate([prints.rotated(WEIGHTS), prints.permuted_units(WEIGHTS)]):
        records = prints.records(weights)
        alone = _judge(records, repository=_repository("bob", f"alone{number}"))
        declared = _judge(
            records, "base_model: ada/base\n", repository=_repository("bob", f"said{number}")
        )

        assert "weights of ada/base" in _said(alone)["LIN-DISGUISED"]
        assert set(_said(declared)) == {"LIN-DISGUISED"}
        assert declared.report["verdict"] == "not supported"


def test_an_unrelated_model_is_told_nothing(base):
    judged = _judge(prints.records(prints.weights(3)))

    assert (judged.findings, judged.report["nearest"]) == ([], [])


def test_models_of_one_parent_that_is_elsewhere_are_not_called_derived_from_each_other(base):
    judged = _judge(TUNED, "base_model: far/parent\n")

    assert judged.findings == []
    assert judged.report["verdict"] == "unverified"
    assert judged.report["nearest"][0]["model"] == "ada/base"


def test_a_new_version_is_no_copy_of_the_one_before_nor_derived_from_its_descendants(base):
    child = _published("bob", "child", TUNED, "base_model: ada/base\n")
    undeclared = _published("bob", "second", TUNED)

    revision = factories.make_revision(base, files=_files() | {"more.md": "New."})
    judged = _judged(CheckRun.objects.get(revision=revision), prints.records(WEIGHTS))

    assert child != undeclared
    assert (judged.findings, judged.report["nearest"]) == ([], [])


def test_the_weights_of_an_adapter_say_nothing_of_its_base(base):
    name = "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"
    records = prints.records({name: WEIGHTS["model.layers.0.mlp.up_proj.weight"]})

    judged = _judge(records, "base_model: ada/base\nbase_model_relation: adapter\n")

    assert judged.findings == []
    assert judged.report["verdict"] == "unverified"


def test_each_of_several_bases_has_its_verdict_and_the_worst_counts(base):
    _published("ada", "other", prints.records(prints.weights(4)))
    card = "base_model:\n- ada/base\n- ada/other\n- far/away\n"

    judged = _judge(TUNED, card)

    verdicts = {one["model"]: one["verdict"] for one in judged.report["bases"]}
    assert verdicts == {
        "ada/base": "supported",
        "ada/other": "contradicted",
        "far/away": "unverified",
    }
    assert judged.report["verdict"] == "contradicted"


# Whose models may be named


HIDDEN = "base_model: ada/hidden\n"


def _upload(name: str, card: str) -> CheckRun:
    revision = factories.make_revision(_repository("bob", name), files=_files(card))
    return CheckRun.objects.get(revision=revision)


def _hidden(kind: str) -> Repository:
    """A measured model of ada that bob may not know of."""
    if kind == "private":
        repository = _published("ada", "hidden", RECORDS)
        Repository.objects.filter(pk=repository.pk).update(visibility=Visibility.PRIVATE)
    elif kind == "deleted":
        repository = _published("ada", "hidden", RECORDS)
        Repository.objects.filter(pk=repository.pk).update(deleted_at=timezone.now())
    else:
        repository = _repository("ada", "hidden")
        revision = factories.make_revision(repository, files=_files())
        factories.finish_checks(revision)
        _keep(revision, RECORDS)
    return repository


@pytest.mark.parametrize("kind", ["private", "deleted", "quarantined"])
def test_a_model_that_is_not_public_is_as_if_it_were_not_there(kind):
    named, alone = (_upload(name, card) for name, card in (("named", HIDDEN), ("alone", "")))
    before = [_judged(run, records) for run in (named, alone) for records in (RECORDS, TUNED)]

    _hidden(kind)

    after = [_judged(run, records) for run in (named, alone) for records in (RECORDS, TUNED)]
    assert [one.report for one in after] == [one.report for one in before]
    assert not any(one.findings or one.report["nearest"] for one in after)


def test_a_maintainer_who_uploads_learns_of_no_hidden_model_either():
    _hidden("quarantined")
    chief = factories.make_maintainer("chief")

    judged = _judge(RECORDS, repository=factories.make_repository(chief, "own"))

    assert judged.findings == []


def test_a_private_base_is_compared_for_those_of_its_namespace_alone():
    ada = factories.make_user("ada")
    lab = factories.make_organisation("lab", owner=ada)
    secret = factories.make_repository(ada, "secret", namespace="lab")
    release = factories.make_released(secret, files=_files())
    _keep(release.revision, RECORDS)
    Repository.objects.filter(pk=secret.pk).update(visibility=Visibility.PRIVATE)
    open_one = factories.make_repository(ada, "open", namespace="lab")
    factories.make_released(open_one, files=_files())
    files = _files("base_model: lab/secret\n")
    member = factories.make_member(lab, Role.WRITE)

    inside = _judge(TUNED, "base_model: lab/secret\n", repository=open_one, by=member)
    discussion = factories.make_pull_request(open_one, files, by=factories.make_user("bob"))
    proposed = Revision.objects.filter(proposal__discussion=discussion).first()
    run = CheckRun.objects.filter(revision=proposed).first() or CheckRun(revision=proposed)
    outside = _judged(run, TUNED)
    elsewhere = _judge(TUNED, "base_model: lab/secret\n")

    assert inside.report["verdict"] == "supported"
    for judged in (outside, elsewhere):
        assert judged.report["verdict"] == "unverified"
        assert judged.report["reason"] == judge.NOT_HERE
        assert judged.findings == []
    assert references.base_of(proposed, _folder(), local=lambda sha256: None) is None


def test_a_recalled_model_is_still_known(base):
    release = base.releases.get()
    chief = factories.as_caller(factories.make_maintainer())
    workflow.transition("recall", release, by=chief, reason="It was wrong.")

    assert "LIN-IDENTICAL" in _said(_judge(RECORDS))
    card = "base_model: ada/base\n"
    revision = factories.make_revision(_repository("bob", "child"), files=_files(card))
    assert references.base_of(revision, _folder(), local=lambda sha256: None) is None


def _folder(place: Path | None = None, base: str = "", *, wide: int = 32) -> Folder:
    """A folder with an adapter of this base, of one pair, or with nothing."""
    if place is None:
        return Folder([], repository="bob/upload")
    settings = {"peft_type": "LORA", "r": 2, "base_model_name_or_path": base}
    module = "base_model.model.model.layers.0.self_attn.q_proj"
    pair = {
        f"{module}.lora_A.weight": numpy.ones((2, wide), "f4"),
        f"{module}.lora_B.weight": numpy.ones((32, 2), "f4"),
    }
    content = {
        "adapter_config.json": json.dumps(settings).encode(),
        "adapter_model.safetensors": models.safetensors(pair),
    }
    return Folder(models.put(place, content), repository="bob/upload")


# What is kept


def test_a_run_keeps_one_fingerprint_of_a_model(base):
    row = Fingerprint.objects.get(run__revision__repository=base)
    row.pk = None
    with refused_by("one_fingerprint_of_a_model_in_a_run"):
        row.save()


def test_many_copies_and_neighbours_are_looked_through_with_few_queries(
    base, django_assert_max_num_queries
):
    row = Fingerprint.objects.get()
    for number in range(12):
        row.pk, row.target, row.weights_digest = None, f"copy {number}", f"{number:064}"
        row.save()
    upload = _repository("bob", "upload")

    with django_assert_max_num_queries(2 + 1 + nearest.MOST_COMPARED):
        found = nearest.search(judge.read(TUNED), apart_from=upload)

    assert [one.name for one in found] == ["ada/base"]


def test_the_base_of_a_revision_brings_its_text_files_and_what_was_measured(base, tmp_path):
    run = CheckRun.objects.get(revision__repository=base)
    Fingerprint.objects.all().delete()
    said = RECORDS | {
        "tokenizer": [{"vocab": "a" * 64, "size": 300}],
        "template": [{"sha256": "b" * 64, "text": "\0{{ x }}"}],
        "refusals": [{"asked": 3, "refused": 2}],
    }
    metrics = {"targets": {"safetensors": {"perplexity": {"en": 17.3}}}}
    judged = judge.judge(run, {"safetensors": said}, metrics=metrics, now=timezone.now())
    Fingerprint.objects.bulk_create(judged.rows)
    revision = factories.make_revision(
        _repository("bob", "child"), files=_files("base_model: ada/base\n")
    )

    found = references.base_of(revision, _folder(), local=lambda sha256: tmp_path / sha256)

    assert (found.repository, found.revision) == ("ada/base", run.revision.oid)
    assert found.files == ()
    assert found.record["perplexity"] == {"en": 17.3}
    assert found.record["tokenizer"] == [{"vocab": "a" * 64, "size": 300}]
    assert found.record["template"][0]["text"] == "\ufffd{{ x }}"
    assert found.record["targets"]["safetensors"]["refusals"] == [{"asked": 3, "refused": 2}]


def test_what_the_fixed_texts_cost_the_base_is_there_for_the_next_run(base, tmp_path):
    from registry.checks.smoke.behaviour.parent import Parent

    run = CheckRun.objects.get(revision__repository=base)
    Fingerprint.objects.all().delete()
    metrics = {"targets": {"safetensors": _figures(7.4) | {"load_s": 3.1}}}
    judged = judge.judge(run, {"safetensors": RECORDS}, metrics=metrics, now=timezone.now())
    Fingerprint.objects.bulk_create(judged.rows)
    revision = factories.make_revision(
        _repository("bob", "child"), files=_files("base_model: ada/base\n")
    )

    found = references.base_of(revision, _folder(), local=lambda sha256: tmp_path / sha256)

    assert Parent(found.repository, found.record).losses() == {"en": (2.0, 100)}
    assert "load_s" not in found.record["metrics"]


def test_a_model_without_a_base_is_held_against_what_is_usual_for_its_family_and_size():
    for number, perplexity in enumerate((9.0, 10.0, 40.0)):
        _out_with_perplexity(f"u{number}", perplexity)

    def said(perplexity: float, records: prints.Records = RECORDS, **more: Any) -> list[str]:
        revision = factories.make_revision(_repository("bob", f"of{next(counter)}"))
        run = CheckRun.objects.get(revision=revision)
        judged = judge.judge(
            run,
            {"tiny.gguf": records},
            metrics={"targets": {"tiny.gguf": _figures(perplexity) | more}},
            now=timezone.now(),
        )
        return [one.message for one in judged.findings if one.check == "QUAL-BASE"]

    counter = itertools.count()
    wanted = ["Perplexity 15.1, and 10.0 is usual for this family and size (3 models)."]
    assert said(15.1) == wanted
    assert said(15.0) == []
    assert said(15.1, perplexity_of_base=14.0) == []
    assert said(15.1, probe="probe-v0") == []
    assert said(15.1, prints.records(prints.cut(WEIGHTS, 1, 2))) == []
    Fingerprint.objects.order_by("pk").first().delete()
    assert said(15.1) == []


def _out_with_perplexity(owner: str, perplexity: float) -> None:
    release = factories.make_released(_repository(owner, "model"), files=_files())
    run = CheckRun.objects.get(revision=release.revision)
    metrics = {"targets": {"safetensors": _figures(perplexity)}}
    judged = judge.judge(run, {"safetensors": RECORDS}, metrics=metrics, now=timezone.now())
    Fingerprint.objects.bulk_create(judged.rows)


def _figures(perplexity: float) -> dict[str, Any]:
    return {
        "probe": "probe-v1",
        "nll": {"en": 2.0},
        "probe_tokens": {"en": 100},
        "perplexity": {"en": perplexity},
    }


def test_an_adapter_gets_all_files_of_the_base_that_it_names(base, tmp_path):
    revision = factories.make_revision(_repository("bob", "child"), files=_files())
    folder = _folder(tmp_path / "ours", "ada/base")

    found = references.base_of(revision, folder, local=lambda sha256: tmp_path / sha256)

    assert found.repository == "ada/base"
    assert {file.path for file in found.files} >= {"README.md", "model.safetensors"}


@pytest.mark.parametrize("name", ["far/away", "ada/hidden"])
def test_an_adapter_whose_base_is_not_here_says_so_and_no_more(name, tmp_path):
    _hidden("quarantined")
    revision = factories.make_revision(_repository("bob", "child"), files=_files())
    folder = _folder(tmp_path, name)

    (found,) = references.adapter_findings(revision, folder, None)

    assert references.base_of(revision, folder, local=lambda sha256: tmp_path / sha256) is None
    assert (found.check, found.severity) == ("LORA-BASE", "warn")
    assert found.message == f"Base {name} is not in the registry, so the adapter was not run."


def test_an_adapter_is_held_against_the_tensors_of_its_base(tmp_path):
    repository = _repository("ada", "base")
    release = factories.make_released(repository, files=models.llama(readme=_files()["README.md"]))
    entries = {entry.sha256: entry for entry in files.files_of(release.revision)}
    revision = factories.make_revision(_repository("bob", "child"), files=_files())

    def local(sha256: str) -> Path:
        place = tmp_path / sha256
        place.write_bytes(blobs.read(sha256, limit=entries[sha256].size))
        return place

    for wide, said in ((32, []), (16, ["LORA-SHAPE"])):
        folder = _folder(tmp_path / str(wide), "ada/base", wide=wide)
        base = references.base_of(revision, folder, local=local)
        found = references.adapter_findings(revision, folder, base)
        assert [one.check for one in found] == said
