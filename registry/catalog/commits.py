"""Writing commits: operations on a branch become git objects, all of them or none.

Commits to one repository take turns under its row lock, so that a parent is compared and a branch
moved without anybody in between.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit import log
from registry.catalog import cards, files, git, paths, rights
from registry.catalog.models import (
    GitBlob,
    Holding,
    Ref,
    Repository,
    Revision,
    Tree,
    TreeEntry,
)
from registry.errors import (
    EntryMissing,
    Invalid,
    RevisionMissing,
    StaleParent,
    TooLarge,
)
from registry.storage import blobs
from registry.storage.models import Blob

MAX_OPERATIONS = 25_000
MAX_CARD = 1024 * 1024
STALE = "The branch was updated since you opened this page. Please refresh and try again."


@dataclass(frozen=True)
class AddFile:
    """Put these bytes at this path. LFS files enter git as pointers."""

    path: str
    blob: Blob
    is_lfs: bool


@dataclass(frozen=True)
class Delete:
    """Remove a file, or a folder with all that is in it."""

    path: str


Operation = AddFile | Delete


@dataclass(frozen=True)
class _Held:
    oid: str
    blob: Blob
    is_lfs: bool


@transaction.atomic
def commit(
    repository: Repository,
    *,
    branch: str,
    operations: Sequence[Operation],
    title: str,
    message: str = "",
    parent: str = "",
    by: Caller,
    known_licenses: Iterable[str] | None = None,
) -> Revision:
    """Apply the operations in turn to the head of a branch, and move the branch.

    Without any change the head itself is the answer and nothing is written, which makes a client's
    retries harmless. `parent` (5 to 40 hex digits) must be the head where it is given.
    """
    rights.require_write(repository, by)
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(f"A commit takes at most {MAX_OPERATIONS} operations; this one has more.")
    Repository.objects.select_for_update().get(pk=repository.pk)
    ref = _branch(repository, branch)
    if parent and not ref.head.oid.startswith(parent.lower()):
        raise StaleParent(STALE)
    before = {f.path: f for f in files.files_of(ref.head)}
    held = _apply(repository, before, operations)
    tree = _write_trees(repository, held)
    if tree.pk == ref.head.tree_id:
        return ref.head
    card = _card(held, changed="README.md" in {op.path for op in operations}, known=known_licenses)
    revision = _write_revision(
        repository,
        tree=tree,
        held=held,
        parents=[ref.head.oid],
        author=cast(User, by.user),
        title=title,
        message=message,
        card=card,
    )
    _advance(repository, ref, revision)
    log.record(
        "revision.commit",
        actor=by.public_id,
        subject=repository,
        revision=revision.oid,
        branch=branch,
        manifest=revision.manifest_digest,
    )
    return revision


def write_first(repository: Repository, *, author: User, files: dict[str, bytes]) -> Revision:
    """The commit that a new repository begins with; makes `main`."""
    held = {}
    for path, content in files.items():
        blob = blobs.store(io.BytesIO(content), size=len(content))
        held[path] = _Held(git.blob_id(content), blob, is_lfs=False)
        Holding.objects.get_or_create(
            repository=repository, blob=blob, defaults={"brought_by": author}
        )
    revision = _write_revision(
        repository,
        tree=_write_trees(repository, held),
        held=held,
        parents=[],
        author=author,
        title="initial commit",
        message="",
        card={},
    )
    Ref.objects.create(repository=repository, name="refs/heads/main", head=revision)
    return revision


def hold(repository: Repository, blob: Blob, *, by: User) -> None:
    """Note that the repository holds these bytes, brought by this person."""
    Holding.objects.get_or_create(repository=repository, blob=blob, defaults={"brought_by": by})


def hold_all(repository: Repository, found: Iterable[Blob], *, by: User) -> None:
    """As `hold`, for many at once."""
    Holding.objects.bulk_create(
        [Holding(repository=repository, blob=blob, brought_by=by) for blob in found],
        ignore_conflicts=True,
    )


def held_blobs(repository: Repository, hashes: Iterable[str]) -> dict[str, Blob]:
    """The blobs of these SHA-256 that the repository holds, by SHA-256."""
    found = Blob.objects.filter(sha256__in=set(hashes), holdings__repository=repository)
    return {blob.sha256: blob for blob in found}


def _branch(repository: Repository, branch: str) -> Ref:
    ref = (
        Ref.objects.select_for_update(of=("self",))
        .select_related("head")
        .filter(repository=repository, name=f"refs/heads/{branch}")
        .first()
    )
    if ref is None:
        raise RevisionMissing(f"Invalid rev id: {branch}")
    return ref


def _advance(repository: Repository, ref: Ref, revision: Revision) -> None:
    ref.head = revision
    ref.save(update_fields=["head", "updated_at"])
    Repository.objects.filter(pk=repository.pk).update(updated_at=revision.committed_at)


def _apply(
    repository: Repository, before: dict[str, files.FileEntry], operations: Sequence[Operation]
) -> dict[str, _Held]:
    known = Blob.objects.in_bulk({f.sha256 for f in before.values()}, field_name="sha256")
    held = {p: _Held(f.oid, known[f.sha256], f.is_lfs) for p, f in before.items()}
    holdings = set(
        Holding.objects.filter(
            repository=repository,
            blob__in={op.blob for op in operations if isinstance(op, AddFile)},
        ).values_list("blob_id", flat=True)
    )
    for operation in operations:
        if isinstance(operation, Delete):
            _delete(held, operation.path)
            continue
        paths.check(operation.path)
        if operation.blob.pk not in holdings:
            raise Invalid(
                "LFS pointer pointed to a file that does not exist: "
                f"{operation.path} ({operation.blob.sha256})"
            )
        held[operation.path] = _Held(_git_id(operation), operation.blob, operation.is_lfs)
    paths.check_all(held)
    if len(held) > settings.MAX_FILES:
        raise TooLarge(
            f"A repository holds at most {settings.MAX_FILES} files; this has {len(held)}."
        )
    return held


def _delete(held: dict[str, _Held], path: str) -> None:
    target = path.strip("/")
    gone = [p for p in held if p == target or p.startswith(target + "/")]
    if not gone:
        raise EntryMissing(f"A file with this name doesn't exist: {target[:200]}")
    for p in gone:
        del held[p]


def _git_id(operation: AddFile) -> str:
    blob = operation.blob
    if operation.is_lfs:
        return git.blob_id(git.pointer(blob.sha256, blob.size))
    return git.blob_id(blobs.read(blob.sha256))


def _write_trees(repository: Repository, held: dict[str, _Held]) -> Tree:
    """The root tree of these files; folders that the repository has already are shared."""
    root: dict[str, Any] = {}
    for path, file in held.items():
        *folders, name = path.split("/")
        folder = root
        for part in folders:
            folder = folder.setdefault(part, {})
        folder[name] = file
    git_blobs = _git_blobs(repository, held.values())
    return _write_tree(repository, root, git_blobs)


def _git_blobs(repository: Repository, held: Iterable[_Held]) -> dict[tuple[str, bool], GitBlob]:
    wanted = {(file.oid, file.is_lfs): file for file in held}
    GitBlob.objects.bulk_create(
        [
            GitBlob(repository=repository, oid=file.oid, blob=file.blob, is_lfs=file.is_lfs)
            for file in wanted.values()
        ],
        ignore_conflicts=True,
    )
    found = GitBlob.objects.filter(repository=repository, oid__in=[oid for oid, _ in wanted])
    return {(b.oid, b.is_lfs): b for b in found}


def _write_tree(
    repository: Repository, folder: dict[str, Any], git_blobs: dict[tuple[str, bool], GitBlob]
) -> Tree:
    children = {
        name: _write_tree(repository, item, git_blobs)
        if isinstance(item, dict)
        else git_blobs[item.oid, item.is_lfs]
        for name, item in folder.items()
    }
    oid = git.tree_id((name, item.oid, isinstance(item, Tree)) for name, item in children.items())
    tree, is_new = Tree.objects.get_or_create(repository=repository, oid=oid)
    if is_new:
        TreeEntry.objects.bulk_create(
            TreeEntry(
                tree=tree,
                name=name,
                folder=item if isinstance(item, Tree) else None,
                file=item if isinstance(item, GitBlob) else None,
            )
            for name, item in children.items()
        )
    return tree


def _write_revision(
    repository: Repository,
    *,
    tree: Tree,
    held: dict[str, _Held],
    parents: list[str],
    author: User,
    title: str,
    message: str,
    card: dict[str, Any],
) -> Revision:
    at = timezone.now().replace(microsecond=0)
    title = title[:512]  # before the id is computed: what is stored has to give the id again
    text = title if not message else f"{title}\n\n{message}"
    oid = git.commit_id(
        tree=tree.oid, parents=parents, author=author.public_id, at=at, message=text
    )
    manifest = [
        files.FileEntry(path, file.blob.size, file.oid, file.blob.sha256, file.is_lfs)
        for path, file in held.items()
    ]
    return Revision.objects.create(
        repository=repository,
        oid=oid,
        tree=tree,
        parents=parents,
        author=author,
        title=title,
        message=message,
        committed_at=at,
        card=card,
        tags=cards.tags(card, held, _config(held)),
        manifest_digest=files.manifest_digest(manifest),
        total_size=sum(file.size for file in manifest),
    )


def _card(held: dict[str, _Held], *, changed: bool, known: Iterable[str] | None) -> dict[str, Any]:
    readme = held.get("README.md")
    if readme is None or readme.blob.size > MAX_CARD:
        return {}
    try:
        text = blobs.read(readme.blob.sha256, limit=MAX_CARD).decode()
        card = cards.parse(text)
    except UnicodeDecodeError as error:
        raise Invalid("Invalid metadata in README.md. The file is not UTF-8 text.") from error
    except Invalid as error:
        raise Invalid(f"Invalid metadata in README.md. {error}") from error
    if changed and known is not None and (found := cards.problems(card, known_licenses=known)):
        raise Invalid("Invalid metadata in README.md. " + "; ".join(found))
    return card


def _config(held: dict[str, _Held]) -> dict[str, Any]:
    config = held.get("config.json")
    if config is None or config.blob.size > MAX_CARD:
        return {}
    return cards.configuration(blobs.read(config.blob.sha256, limit=MAX_CARD))
