"""What is different between two revisions, and who is told nothing of it."""

import hashlib
import json

import numpy
import pytest

from registry.accounts.callers import NOBODY
from registry.audit.models import Access
from registry.catalog import commits
from registry.catalog.models import Revision
from registry.checks.lineage import fingerprints
from registry.checks.models import CheckRun
from registry.releases import pushes
from registry.web import key_changes, revision_diff
from registry.web.revision_diff import RevisionDiff
from tests import factories
from tests.checks import kept_prints, models
from tests.factories import as_caller

pytestmark = pytest.mark.django_db

CARD = "---\nlicense: llama3.1\n---\nSaid first.\n"


def _tokenizer_config(template: str, most: int) -> str:
    return json.dumps({"chat_template": template, "model_max_length": most, "extra": {"a": 1}})


def _pair() -> tuple[Revision, Revision]:
    repository = factories.make_repository()
    before = factories.make_commit(
        repository,
        {
            "README.md": CARD,
            "a.txt": "one\ntwo\nthree\n",
            "moved.txt": "the same words\n",
            "gone.txt": "gone\n",
            "LICENSE": "Invented words.\n",
            "model.safetensors": b"w",
            "same.txt": "same\n",
            "tokenizer_config.json": _tokenizer_config("{{ a }}\n{{ b }}\n", 8),
        },
    )
    by = as_caller(repository.created_by)
    deleted = [commits.Delete("moved.txt"), commits.Delete("gone.txt")]
    pushes.push(repository, branch="main", operations=deleted, title="Remove", by=by)
    after = factories.make_commit(
        repository,
        {
            "README.md": CARD.replace("llama3.1", "mit").replace("first", "then"),
            "a.txt": "one\n2\nthree\n",
            "new/place.txt": "the same words\n",
            "LICENSE": "Invented words, changed.\n",
            "model.safetensors": b"\0v",
            "tokenizer_config.json": _tokenizer_config("{{ a }}\n{{ c }}\n", 9),
        },
    )
    return before, after


def test_each_kind_of_change_is_told_with_its_lines_keys_and_templates() -> None:
    before, after = _pair()
    by = as_caller(after.repository.created_by)

    diff = revision_diff.compare(before, after, caller=by)

    assert diff.is_open
    assert {change.path: change.kind for change in diff.files} == {
        "LICENSE": "changed",
        "README.md": "changed",
        "a.txt": "changed",
        "gone.txt": "removed",
        "model.safetensors": "changed",
        "new/place.txt": "renamed",
        "tokenizer_config.json": "changed",
    }
    assert diff.unchanged == 2  # one of them is .gitattributes
    texts = {text.path: text for text in diff.texts}
    assert [line.text for line in texts["a.txt"].hunks[0].lines] == ["one", "two", "2", "three"]
    assert (texts["a.txt"].added, texts["a.txt"].removed) == (1, 1)
    assert texts["model.safetensors"].why_not == "binary"
    assert texts["new/place.txt"].before_path == "moved.txt"
    (config,) = diff.config
    assert [(key.key, key.before, key.after) for key in config.keys] == [
        ("model_max_length", "8", "9")
    ]
    (template,) = diff.template
    assert (template.path, template.added, template.removed) == ("default", 1, 1)
    assert [key.key for key in diff.card.keys] == ["license"]
    assert diff.card.prose is texts["README.md"]
    assert diff.license.keys[0].after == "mit"
    assert [text.path for text in diff.license.texts] == ["LICENSE"]
    noted = set(Access.objects.values_list("path", "revision"))
    assert {("a.txt", before.oid), ("a.txt", after.oid), ("gone.txt", before.oid)} <= noted
    assert "new/place.txt" not in {path for path, _ in noted}  # no byte of it was read


def test_without_a_revision_before_all_of_it_is_new() -> None:
    before, _ = _pair()
    by = as_caller(before.repository.created_by)

    diff = revision_diff.compare(None, before, caller=by)

    assert {change.kind for change in diff.files} == {"added"}
    assert [text.added for text in diff.texts if text.path == "a.txt"] == [3]


def test_both_revisions_have_to_be_open_or_nothing_is_told_and_nothing_noted() -> None:
    release = factories.make_released(
        files={"README.md": CARD, "a.txt": "one\n", "model.safetensors": b"w"}
    )
    public = release.revision
    head = factories.make_commit(release.repository, {"a.txt": "secret\n"})
    factories.accept_terms(release, reader := factories.make_user())
    stranger = as_caller(factories.make_user())
    asked = [(public, head, as_caller(reader)), (head, public, as_caller(reader))]
    asked += [(None, head, as_caller(reader)), (None, public, stranger), (public, public, stranger)]
    asked += [(None, public, NOBODY), (head, public, NOBODY)]

    for before, after, caller in asked:
        diff = revision_diff.compare(before, after, caller=caller)
        assert not diff.is_open
        assert diff == RevisionDiff(before, after, closed=diff.closed, closed_side=diff.closed_side)
    assert not Access.objects.exists()

    assert revision_diff.compare(None, public, caller=as_caller(reader)).is_open
    assert revision_diff.compare(public, head, caller=as_caller(release.opened_by)).is_open


def test_long_differences_are_cut_and_shown_whole_for_one_file() -> None:
    repository = factories.make_repository()
    old = factories.make_commit(repository, {"a.txt": "a\n", "b.txt": "x\n" * 4_001})
    many = "".join(f"{number}\n" for number in range(1_000))
    new = factories.make_commit(repository, {"a.txt": many, "b.txt": "y\n"})
    by = as_caller(repository.created_by)

    texts = {one.path: one for one in revision_diff.compare(old, new, caller=by).texts}
    alone = revision_diff.compare(old, new, caller=by, path="a.txt").texts

    shown = sum(len(hunk.lines) for hunk in texts["a.txt"].hunks)
    assert shown == revision_diff.SHOWN_LINES
    assert texts["a.txt"].left_out == 1_001 - shown
    assert texts["b.txt"].why_not == "large"
    assert [(one.path, one.left_out) for one in alone] == [("a.txt", 0)]


def test_a_page_compares_so_many_lines_and_the_rest_one_file_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revision_diff, "MAX_LINES_OF_ALL", 5)
    repository = factories.make_repository()
    old = factories.make_commit(repository, {"a.txt": "a\na\n", "b.txt": "a\na\n"})
    new = factories.make_commit(repository, {"a.txt": "b\nb\n", "b.txt": "b\nb\n"})
    by = as_caller(repository.created_by)

    texts = revision_diff.compare(old, new, caller=by).texts
    alone = revision_diff.compare(old, new, caller=by, path="b.txt").texts

    assert [(one.path, one.why_not) for one in texts] == [("a.txt", ""), ("b.txt", "many")]
    assert [(one.path, one.why_not, one.added) for one in alone] == [("b.txt", "", 2)]


def test_keys_beyond_those_shown_are_counted_and_not_written_out() -> None:
    many = {f"k{number:04}": number for number in range(key_changes.MAX_CHANGES)}
    unwritable = {"last": object()}

    shown, left_out = key_changes.between(many | unwritable, {})

    assert (len(shown), left_out) == (key_changes.MAX_CHANGES, 1)
    assert (
        key_changes.between({"a": "\u202e" * 10**6}, {})[0][0].before
        == ("\\u{202e}" * 50)[: key_changes.MAX_VALUE] + "…"
    )


def test_a_settings_file_that_is_no_json_says_so() -> None:
    repository = factories.make_repository()
    old = factories.make_commit(repository, {"config.json": '{"a": 1, "b": {"c": [1, 2]}}'})
    new = factories.make_commit(repository, {"config.json": '{"a": 1, "b": {"c": [1]}, "d": null}'})
    bad = factories.make_commit(repository, {"config.json": '{"a": 1, "a": 2}'})
    by = as_caller(repository.created_by)

    (sound,) = revision_diff.compare(old, new, caller=by).config
    (broken,) = revision_diff.compare(new, bad, caller=by).config

    assert [(key.key, key.before, key.after) for key in sound.keys] == [
        ("b.c", "[1, 2]", "[1]"),
        ("d", None, "null"),
    ]
    assert "appears twice" in broken.problem


def test_a_tokenizer_is_compared_by_its_tokens() -> None:
    repository = factories.make_repository()
    old = factories.make_commit(repository, {"tokenizer.json": models.tokenizer()})
    moved = models.tokenizer(extra={"new<b>": 258, "a": 260})
    new = factories.make_commit(repository, {"tokenizer.json": moved})
    by = as_caller(repository.created_by)

    found = revision_diff.compare(old, new, caller=by).tokenizer

    assert found is not None
    assert (found.before, found.after) == (258, 259)
    assert (found.added.shown, found.removed.count, found.moved.shown) == (["new<b>"], 0, ["a"])
    assert found.special.count == 0
    broken = factories.make_commit(repository, {"tokenizer.json": "[" * 200_000})
    worse = revision_diff.compare(new, broken, caller=by).tokenizer
    assert worse is not None
    assert worse.problem


def test_tensors_are_compared_by_their_headers_and_by_what_the_checks_measured() -> None:
    repository = factories.make_repository()
    ones, zeros = numpy.ones((2, 4), "f4"), numpy.zeros((2, 4), "f4")
    before = {"a.weight": ones, "b.weight": ones, "gone.weight": ones}
    after = {"a.weight": zeros, "b.weight": ones[:1], "new.weight": ones}
    revisions = []
    for tensors in (before, after):
        raw = models.safetensors(tensors)
        revision = factories.make_commit(repository, {"model.safetensors": raw, "x.gguf": b"no"})
        run = factories.finish_checks(revision)
        _keep_print(run, tensors)
        revisions.append(revision)
    by = as_caller(repository.created_by)

    found = revision_diff.compare(*revisions, caller=by).tensors

    assert found is not None
    assert [(row.name, row.kind, row.before, row.after) for row in found.rows] == [
        ("b.weight", "changed", "F32 [2, 4]", "F32 [1, 4]"),
        ("gone.weight", "removed", "F32 [2, 4]", None),
        ("new.weight", "added", None, "F32 [2, 4]"),
    ]
    assert (found.same, found.measured, found.contents) == (1, 2, ["a.weight", "b.weight"])
    for path, first, last in Access.objects.values_list("path", "first_byte", "last_byte"):
        if path == "model.safetensors":
            assert first == 0
            assert last < 400  # the header, and no byte of a tensor
    assert Access.objects.filter(path="model.safetensors").count() == 2


def _keep_print(run: CheckRun, tensors: dict[str, numpy.ndarray]) -> None:
    prints = fingerprints.Prints(
        {
            name: fingerprints.Print(
                hashlib.sha256(tensor.tobytes()).hexdigest(), "F32", tensor.shape, 1.0, tensor[0]
            )
            for name, tensor in tensors.items()
        }
    )
    kept_prints.keep(run, prints)
