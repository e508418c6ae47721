"""Commits: all operations or none, one after the other, with git's own ids."""

import io
import subprocess

import pytest

from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Role, Scope
from registry.audit.models import Entry
from registry.catalog import commits, files
from registry.catalog.commits import AddFile, Delete
from registry.catalog.models import Ref, Revision
from registry.errors import (
    EntryMissing,
    Invalid,
    InvalidPath,
    NotAllowed,
    RevisionMissing,
    SignInRequired,
    StaleParent,
    TooLarge,
)
from registry.storage import blobs
from tests import factories
from tests.refusals import at_once

pytestmark = pytest.mark.django_db


def _add(repository, path: str, content: bytes, *, is_lfs: bool = False) -> AddFile:
    blob = blobs.store(io.BytesIO(content), size=len(content))
    commits.hold(repository, blob, by=repository.created_by)
    return AddFile(path, blob, is_lfs)


def _commit(repository, *operations, by: Caller | None = None, **rest) -> Revision:
    return commits.commit(
        repository,
        branch=rest.pop("branch", "main"),
        operations=operations,
        title=rest.pop("title", "Change files"),
        by=by or factories.as_caller(repository.created_by),
        **rest,
    )


def _paths(revision: Revision) -> list[str]:
    return [file.path for file in files.files_of(revision)]


def _head(repository) -> Revision:
    return Ref.objects.get(repository=repository, name="refs/heads/main").head


@pytest.fixture
def repository():
    return factories.make_repository()


def test_a_commit_moves_the_branch_and_keeps_the_other_files(repository):
    first = _head(repository)

    revision = _commit(repository, _add(repository, "a/b.txt", b"b"), message="Why")

    assert _head(repository) == revision
    assert revision.parents == [first.oid]
    assert (revision.title, revision.message) == ("Change files", "Why")
    assert revision.state == "quarantine"
    assert _paths(revision) == [".gitattributes", "a/b.txt"]
    assert Entry.objects.filter(event="revision.commit", details__revision=revision.oid).exists()


def test_git_itself_computes_the_same_ids(repository, tmp_path):
    revision = _commit(
        repository,
        _add(repository, "README.md", b"# A model\n"),
        _add(repository, "a/x.txt", b"x"),
        _add(repository, "a.b", b"sorts before the folder a"),
        _add(repository, "a0", b"sorts after it"),
        _add(repository, "deep/er/y.txt", b""),
        _add(repository, "weights.safetensors", b"weights", is_lfs=True),
        message="In two\nlines",
    )
    first = Revision.objects.get(repository=repository, oid=revision.parents[0])

    def git(*command: str, **env: str) -> str:
        done = subprocess.run(
            ["git", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TZ": "UTC", **env},
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    git("config", "core.autocrlf", "false")
    for made in (first, revision):
        for file in files.files_of(made):
            target = tmp_path / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            content = blobs.read(file.sha256)
            if file.is_lfs:
                content = (
                    "version https://git-lfs.github.com/spec/v1\n"
                    f"oid sha256:{file.sha256}\nsize {file.size}\n"
                ).encode()
            target.write_bytes(content)
        git("-c", "filter.lfs.clean=cat", "-c", "filter.lfs.smudge=cat", "add", "-A")
        who, when = made.author.public_id, f"{int(made.committed_at.timestamp())} +0000"
        text = made.title if not made.message else f"{made.title}\n\n{made.message}"
        git(
            "commit",
            "-q",
            "-m",
            text,
            GIT_AUTHOR_NAME=who,
            GIT_AUTHOR_EMAIL=f"{who}@users.invalid",
            GIT_AUTHOR_DATE=when,
            GIT_COMMITTER_NAME=who,
            GIT_COMMITTER_EMAIL=f"{who}@users.invalid",
            GIT_COMMITTER_DATE=when,
        )
        assert git("rev-parse", "HEAD^{tree}") == made.tree.oid
        assert git("rev-parse", "HEAD") == made.oid
        listed = git("ls-tree", "-r", "HEAD").splitlines()
        assert sorted(line.split()[2] for line in listed) == sorted(
            file.oid for file in files.files_of(made)
        )


def test_a_title_that_is_too_long_is_cut_before_the_id_is_computed(repository):
    revision = _commit(repository, _add(repository, "a", b"a"), title="t" * 600)

    assert revision.title == "t" * 512


def test_a_folder_is_deleted_with_all_that_is_in_it(repository):
    _commit(
        repository,
        *[_add(repository, path, b"x") for path in ("a/b", "a/c/d", "ab", "a.txt")],
    )

    revision = _commit(repository, Delete("a/"))

    assert _paths(revision) == [".gitattributes", "a.txt", "ab"]


def test_a_long_name_that_is_not_there_is_not_repeated_whole(repository):
    with pytest.raises(EntryMissing) as refusal:
        _commit(repository, Delete("x" * 100_000))

    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("path", ["missing", "a/missing", "README", ".."])
def test_deleting_what_is_not_there_is_refused(repository, path):
    with pytest.raises(EntryMissing):
        _commit(repository, Delete(path))


def test_operations_apply_in_turn(repository):
    revision = _commit(
        repository,
        _add(repository, "a", b"first"),
        Delete("a"),
        _add(repository, "a/b", b"a is a folder now"),
    )

    assert _paths(revision) == [".gitattributes", "a/b"]


def test_a_commit_that_changes_nothing_writes_nothing(repository):
    before = _commit(repository, _add(repository, "a", b"a"))
    entries, revisions = Entry.objects.count(), Revision.objects.count()

    again = _commit(repository, _add(repository, "a", b"a"))

    assert again == before
    assert (Entry.objects.count(), Revision.objects.count()) == (entries, revisions)


def test_a_parent_that_is_not_the_head_is_refused(repository):
    first = _head(repository)
    _commit(repository, _add(repository, "a", b"a"), parent=first.oid[:7].upper())

    with pytest.raises(StaleParent):
        _commit(repository, _add(repository, "b", b"b"), parent=first.oid)

    assert "b" not in _paths(_head(repository))


def test_a_commit_that_arrives_twice_is_one(repository):
    """A client sends it again where the answer was lost, and says the same parent and deletions."""
    base = _commit(repository, _add(repository, "old", b"o"), _add(repository, "folder/x", b"x"))
    changes = [Delete("old"), Delete("folder/"), _add(repository, "new", b"n")]

    made = _commit(repository, *changes, parent=base.oid, message="Why")
    revisions = Revision.objects.count()

    assert _commit(repository, *changes, parent=base.oid[:7], message="Why") == made
    assert _commit(repository, *changes, message="Why") == made
    assert (_head(repository), Revision.objects.count()) == (made, revisions)


def test_another_commit_than_that_of_the_head_is_not_taken_for_it(repository):
    other = factories.as_caller(factories.make_user())
    base = _commit(repository, _add(repository, "a", b"a"), _add(repository, "b", b"b"))
    _commit(repository, Delete("a"), title="Delete", message="Why")
    told = {"title": "Delete", "message": "Why"}

    for refusal, change in (
        (EntryMissing, told | {"title": "Another"}),
        (EntryMissing, told | {"message": ""}),
        (StaleParent, told | {"parent": "f" * 7}),
    ):
        with pytest.raises(refusal):
            _commit(repository, Delete("a"), **change)
    with pytest.raises(StaleParent):
        _commit(repository, Delete("b"), **told, parent=base.oid)
    with pytest.raises(StaleParent):
        _commit(repository, Delete("a"), Delete("none"), **told, parent=base.oid)
    with pytest.raises(NotAllowed):
        _commit(repository, Delete("a"), **told, by=other)
    _commit(repository, _add(repository, "c", b"c"))
    with pytest.raises(StaleParent):
        _commit(repository, Delete("a"), **told, parent=base.oid)


def test_a_member_sends_nobody_else_s_commit_again():
    organisation = factories.make_organisation()
    repository = factories.make_repository(
        organisation.memberships.get().user, namespace=organisation.name
    )
    _commit(repository, _add(repository, "a", b"a"))
    _commit(repository, Delete("a"))
    member = factories.as_caller(factories.make_member(organisation, Role.WRITE))

    with pytest.raises(EntryMissing):
        _commit(repository, Delete("a"), by=member)


@pytest.mark.parametrize("path", ["../up", "/etc/passwd", ".git/config", "a\0", "a/"])
def test_a_path_that_is_not_allowed_refuses_the_whole_commit(repository, path):
    before = _head(repository)

    with pytest.raises(InvalidPath):
        _commit(repository, _add(repository, "good", b"x"), _add(repository, path, b"x"))

    assert _head(repository) == before


@pytest.mark.parametrize("path", ["README.MD", "readme.md/x"])
def test_a_path_that_is_equal_to_another_elsewhere_is_refused(repository, path):
    _commit(repository, _add(repository, "README.md", b"x"))

    with pytest.raises(InvalidPath):
        _commit(repository, _add(repository, path, b"y"))


def test_bytes_that_the_repository_does_not_hold_cannot_be_committed(repository):
    """Knowing the hash of somebody else's file is no way to get it."""
    other = factories.make_repository()
    secret = _add(other, "secret.bin", b"secret weights", is_lfs=True)

    with pytest.raises(Invalid, match="does not exist"):
        _commit(repository, secret)


def test_more_operations_or_files_than_the_site_takes_are_refused(repository, settings):
    settings.MAX_FILES = 3
    operations = [_add(repository, f"f{number}", b"x") for number in range(3)]

    with pytest.raises(TooLarge, match="at most 3 files"):
        _commit(repository, *operations)
    with pytest.raises(TooLarge, match="operations"):
        _commit(repository, *[Delete("a")] * (commits.MAX_OPERATIONS + 1))


def test_a_branch_that_is_not_there_is_refused(repository):
    with pytest.raises(RevisionMissing):
        _commit(repository, _add(repository, "a", b"a"), branch="other")


@pytest.mark.parametrize(
    "card",
    [
        "---\nlicense: no-such\n---\n",
        "---\nlicense: [\n---\n",
        "---\na: &a 1\nb: *a\n---\n",
        b"---\n\xff\n---\n",
    ],
)
def test_a_card_that_is_not_valid_refuses_the_commit(repository, card):
    content = card.encode() if isinstance(card, str) else card

    with pytest.raises(Invalid, match=r"Invalid metadata in README\.md"):
        _commit(repository, _add(repository, "README.md", content), known_licenses=["mit"])


@pytest.mark.parametrize("config", [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"model_type": {}}'])
def test_a_config_that_cannot_be_read_is_left_to_the_checks(repository, config):
    revision = _commit(repository, _add(repository, "config.json", config))

    assert revision.tags == []


def test_what_the_texts_of_a_model_say_becomes_its_tags(repository):
    card = b"---\nbase_model: a/b\n---\nAs in https://arxiv.org/abs/2407.21783.\n"
    config = b'{"model_type": "llama", "quantization_config": {"quant_method": "awq"}}'

    revision = _commit(
        repository,
        _add(repository, "README.md", card),
        _add(repository, "config.json", config),
    )
    by_file = _commit(
        repository, Delete("config.json"), _add(repository, "quantize_config.json", b"{}")
    )

    assert {"arxiv:2407.21783", "base_model:quantized:a/b", "llama"} <= set(revision.tags)
    assert "base_model:quantized:a/b" in by_file.tags
    assert by_file.facts["relation"] == "quantized"


# Who may


def test_those_who_may_not_write_cannot_commit(repository):
    owner = repository.created_by
    refused = {
        "a stranger": factories.as_caller(factories.make_user()),
        "a maintainer": factories.as_caller(factories.make_maintainer()),
        "a read token of the owner": Caller(user=owner, scope=Scope.READ),
        "a token of the owner for another repository": Caller(
            user=owner, scope=Scope.WRITE, repositories=frozenset({"0" * 24})
        ),
    }
    for who, caller in refused.items():
        with pytest.raises(NotAllowed):
            _commit(repository, _add(repository, "a", who.encode()), by=caller)
    with pytest.raises(SignInRequired):
        _commit(repository, _add(repository, "a", b"a"), by=NOBODY)


def test_members_commit_by_their_role():
    organisation = factories.make_organisation()
    admin = organisation.memberships.get().user
    repository = factories.make_repository(admin, namespace=organisation.name)

    for role in (Role.CONTRIBUTOR, Role.WRITE, Role.ADMIN):
        member = factories.make_member(organisation, role)
        _commit(
            repository,
            _add(repository, f"{role}.txt", b"x"),
            by=Caller(user=member, scope=Scope.WRITE),
        )
    with pytest.raises(NotAllowed):
        _commit(
            repository,
            _add(repository, "x", b"x"),
            by=factories.as_caller(factories.make_member(organisation, Role.READ)),
        )


# At once


@pytest.mark.django_db(transaction=True)
def test_writers_to_one_branch_take_turns_and_none_is_lost():
    repository = factories.make_repository()

    def write(number: int):
        return lambda: factories.make_commit(repository, {f"file{number}": f"{number}"})

    made = at_once(*(write(number) for number in range(4)))

    assert all(isinstance(one, Revision) for one in made), made
    assert _paths(_head(repository)) == [
        ".gitattributes",
        *(f"file{number}" for number in range(4)),
    ]
    chain, revision = 0, _head(repository)
    while revision.parents:
        chain += 1
        revision = Revision.objects.get(repository=repository, oid=revision.parents[0])
    assert chain == 4


@pytest.mark.django_db(transaction=True)
def test_of_writers_that_build_on_the_same_parent_one_wins():
    repository = factories.make_repository()
    parent = _head(repository).oid
    operations = [_add(repository, f"file{number}", b"x") for number in range(4)]

    made = at_once(
        *(
            lambda operation=operation: _commit(repository, operation, parent=parent)
            for operation in operations
        )
    )

    assert sorted(type(one).__name__ for one in made) == ["Revision", *["StaleParent"] * 3]
    assert len(_paths(_head(repository))) == 2
