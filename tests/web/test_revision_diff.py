"""What is different between two revisions, and who is told nothing of it."""

import json

import pytest

from registry.accounts.callers import NOBODY
from registry.audit.models import Access
from registry.catalog import commits
from registry.catalog.models import Revision
from registry.releases import pushes
from registry.web import revision_diff
from registry.web.revision_diff import RevisionDiff
from tests import factories
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
        assert diff == RevisionDiff(before, after, closed=diff.closed)
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
