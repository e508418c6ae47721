"""Writing commits: operations on a branch become git objects, all of them or none.

Commits to one repository take turns under its row lock, so that a parent is compared and a branch
moved without anybody in between.
"""

import io
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit import log
from registry.catalog import (
    branches,
    cards,
    files,
    git,
    holdings,
    paths,
    proposals,
    questions,
    rights,
    trees,
    turns,
    weights,
)
from registry.catalog.announcements import announce_refs
from registry.catalog.files import FileEntry
from registry.catalog.models import (
    MAIN,
    Bringing,
    Holding,
    Proposal,
    Ref,
    Repository,
    Revision,
    Tree,
)
from registry.errors import (
    EntryMissing,
    Invalid,
    RegistryError,
    RevisionMissing,
    StaleParent,
    TooLarge,
)
from registry.storage import blobs
from registry.storage.models import Blob

MAX_OPERATIONS = 25_000
MAX_CARD = 1024 * 1024
MAX_TITLE = 512
DESCRIBING = ("README.md", "config.json", "tokenizer_config.json", *cards.QUANTIZED)
STALE = gettext_noop(
    "The branch was updated since you opened this page. Please refresh and try again."
)


@dataclass(frozen=True)
class AddFile:
    """Put these bytes at this path. LFS files enter git as pointers. `oid` is git's id of them,
    where it is known: else they are read once more."""

    path: str
    blob: Blob
    is_lfs: bool
    oid: str = ""


@dataclass(frozen=True)
class Delete:
    """Remove a file, or a folder with all that is in it."""

    path: str


Operation = AddFile | Delete


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
    opened: Collection[str] = (),
) -> Revision:
    """Apply the operations in turn to the head of a branch, and move the branch.

    `branch` is its name, or `refs/pr/N`. Without any change the head itself is the answer and
    nothing is written; so too where this very commit made the head, which makes a client's retries
    harmless. `parent` (5 to 40 hex digits) must be the head, if given. `opened` are SHA-256 open to
    those who neither write nor sent them.
    """
    holdings.share(repository)
    turns.take(repository)
    rights.require_push(repository, branches.full_name(branch), by)  # it may have just moved
    ref = lock_ref(repository, branch)
    try:
        if parent and not ref.head.oid.startswith(parent.lower()):
            raise StaleParent(_(STALE))
        _check_named(repository, operations, by, opened)
        tree = _apply(repository, ref.head.tree, operations)
    except (StaleParent, EntryMissing):
        if not _made_head(ref.head, operations, parent=parent, by=by, said=(title, message)):
            raise
        return ref.head
    if tree.pk == ref.head.tree_id:
        return ref.head
    touches_card = "README.md" in {operation.path for operation in operations}
    revision = write_revision(
        repository,
        tree=tree,
        parents=[ref.head.oid],
        author=cast(User, by.user),
        title=title,
        message=message,
        known_licenses=known_licenses if touches_card else None,
        proposal=Proposal.objects.filter(ref=ref).first() if ref.is_pull_request else None,
    )
    advance(repository, ref, revision)
    _record(repository, revision, branch, by)
    return revision


def write_first(repository: Repository, *, author: User, files: dict[str, bytes]) -> Revision:
    """The commit that a new repository begins with; makes `main`."""
    draft = trees.Draft(repository)
    for path, content in files.items():
        blob = blobs.store(io.BytesIO(content), size=len(content))
        hold(repository, blob, by=author)
        draft.put(path, trees.Leaf(git.blob_id(content), blob=blob))
    revision = write_revision(
        repository, tree=draft.write(), parents=[], author=author, title="initial commit"
    )
    Ref.objects.create(repository=repository, name=MAIN, head=revision)
    return revision


def write_revision(
    repository: Repository,
    *,
    tree: Tree,
    parents: list[str],
    author: User,
    title: str,
    message: str = "",
    known_licenses: Iterable[str] | None = None,
    proposal: Proposal | None = None,
    folds: Iterable[str] = (),
) -> Revision:
    """A revision of this tree. Its card is read, and judged where the licenses are given."""
    title = title[:MAX_TITLE]  # before the id is computed: what is stored has to give the id again
    text = title if not message else f"{title}\n\n{message}"
    told_apart = {"proposal": proposal, "folds": list(folds)}
    named = partial(git.commit_id, tree=tree.oid, parents=parents, author=author.public_id)
    at, oid, made = _dated(repository, lambda at: named(at=at, message=text), told_apart)
    summary = files.summary(tree.pk, telling=cards.TELLING)
    if summary.files > settings.MAX_FILES:
        raise TooLarge(
            _("A repository holds at most %(most)s files; this has %(files)s.")
            % {"most": settings.MAX_FILES, "files": summary.files}
        )
    described = files.at_tree(tree.pk, DESCRIBING)
    card, papers = _card(described.get("README.md"), known=known_licenses)
    config = _config(described.get("config.json"))
    names = [*summary.telling, *described]
    facts = weights.read(tree) | _said(card, config, names)
    return made or Revision.objects.create(
        repository=repository,
        oid=oid,
        tree=tree,
        parents=parents,
        author=author,
        title=title,
        message=message,
        committed_at=at,
        card=card,
        tags=cards.tags(card, names, config, papers),
        manifest_digest=summary.manifest_digest,
        total_size=summary.size,
        facts=facts,
        parameters=weights.total(facts),
        **told_apart,
    )


def _dated(
    repository: Repository, id_at: Callable[[datetime], str], told_apart: dict[str, Any]
) -> tuple[datetime, str, Revision | None]:
    """When a revision is made, its id, and the revision itself where it is there already: one
    person's same change in the same second, to two branches, is one commit to git. What a pull
    request or a squash tells apart is not the same: it is dated as much later as it takes."""
    at = timezone.now().replace(microsecond=0)
    while True:
        oid = id_at(at)
        found = Revision.objects.filter(repository=repository, oid=oid).first()
        if found is None or all(getattr(found, name) == told_apart[name] for name in told_apart):
            return at, oid, found
        at += timedelta(seconds=1)


def _said(card: dict[str, Any], config: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """What the texts of a revision say of the model, as facts."""
    facts: dict[str, Any] = {}
    if "vision_config" in config:
        facts["inputs"] = ["image"]
        config = {key: value for key, value in config.items() if key != "vision_config"}
    if config:
        facts["config"] = config
    if "tokenizer_config.json" in names:
        facts["processor"] = "AutoTokenizer"
    if card.get("base_model"):
        facts["relation"] = cards.relation(card, names, config)
    if asked := questions.order_in(card):
        facts["asked"] = asked
    return facts


def hold(repository: Repository, blob: Blob, *, by: User) -> None:
    """Note that the repository holds these bytes, brought by this person."""
    hold_all(repository, [blob], by=by)


@transaction.atomic
def hold_all(repository: Repository, found: Iterable[Blob], *, by: User) -> None:
    """As `hold`, for many at once. Raises QuotaExceeded where the namespace may not hold them."""
    # In one order, so that two of these never wait for each other
    sent = sorted(found, key=lambda blob: blob.pk)
    if not sent:
        return
    holdings.share(repository)
    holdings.require_room(repository, sent)
    Holding.objects.bulk_create(
        [Holding(repository=repository, blob=blob, brought_by=by) for blob in sent],
        ignore_conflicts=True,
    )
    of_others = Holding.objects.filter(repository=repository, blob__in=sent).exclude(brought_by=by)
    Bringing.objects.bulk_create(
        [Bringing(holding=holding, by=by) for holding in of_others.order_by("pk")],
        ignore_conflicts=True,
    )
    holdings.keep(repository, sent, by=by)


def held_blobs(repository: Repository, hashes: Iterable[str]) -> dict[str, Blob]:
    """The blobs of these SHA-256 that the repository holds, by SHA-256."""
    found = Blob.objects.filter(sha256__in=set(hashes), holdings__repository=repository)
    return {blob.sha256: blob for blob in found}


def lock_ref(repository: Repository, branch: str) -> Ref:
    """A branch or pull request with its head, locked, or RevisionMissing."""
    ref = (
        Ref.objects.select_for_update(of=("self",))
        .select_related("head__tree")
        .filter(repository=repository, name=branches.full_name(branch))
        .first()
    )
    if ref is None:
        raise RevisionMissing(f"Invalid rev id: {branch}")
    return ref


def advance(repository: Repository, ref: Ref, revision: Revision) -> None:
    """Have a branch or pull request that is locked stand at this revision."""
    announce_refs(repository, (ref.name, ref.head.oid, revision.oid))
    ref.head = revision
    ref.save(update_fields=["head", "updated_at"])
    Repository.objects.filter(pk=repository.pk).update(updated_at=revision.committed_at)


def _apply(repository: Repository, tree: Tree, operations: Sequence[Operation]) -> Tree:
    """The tree after the operations, one after the other."""
    draft = trees.Draft(repository, tree)
    draft.read(operation.path.strip("/") for operation in operations)
    for operation in operations:
        if isinstance(operation, Delete):
            draft.remove(operation.path.strip("/"))
            continue
        paths.check(operation.path)
        draft.put(
            operation.path, trees.Leaf(_git_id(operation), operation.is_lfs, blob=operation.blob)
        )
    return draft.write()


def _record(repository: Repository, revision: Revision, branch: str, by: Caller) -> None:
    log.record(
        "revision.commit",
        actor=by.public_id,
        subject=repository,
        revision=revision.oid,
        branch=branch,
        manifest=revision.manifest_digest,
    )


def _made_head(
    head: Revision,
    operations: Sequence[Operation],
    *,
    parent: str,
    by: Caller,
    said: tuple[str, str],
) -> bool:
    """Whether this very commit made the head. A client that got no answer sends it once more, and
    what it builds on and what it deletes is no longer there then."""
    if len(head.parents) != 1 or not head.parents[0].startswith(parent.lower()):
        return False
    title, message = said
    if (head.author, head.title, head.message) != (by.user, title[:MAX_TITLE], message):
        return False
    before = Revision.objects.get(repository=head.repository_id, oid=head.parents[0])
    try:
        return _apply(head.repository, before.tree, operations).pk == head.tree_id
    except RegistryError:
        return False


def _check_named(
    repository: Repository, operations: Sequence[Operation], by: Caller, opened: Collection[str]
) -> None:
    """Raise where a file is named whose bytes the repository lacks, or this caller did not bring."""
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(
            _("A commit takes at most %(most)s operations; this one has more.")
            % {"most": MAX_OPERATIONS}
        )
    added = {op.blob.sha256: op for op in operations if isinstance(op, AddFile)}
    named = proposals.nameable(repository, added, by=by, opened=opened)
    for sha256, operation in added.items():
        if sha256 not in named:
            raise Invalid(
                f"LFS pointer pointed to a file that does not exist: {operation.path} ({sha256})"
            )
        if not operation.is_lfs and _is_pointer(operation.blob):
            raise Invalid(
                _("%(path)s is the pointer to a large file; send the file itself.")
                % {"path": operation.path[:200]}
            )
    lost = blobs.missing(op.blob for op in added.values() if op.is_lfs)
    if lost:
        path = added[lost[0].sha256].path
        raise Invalid(
            _("The bytes of %(path)s are not in the store; send the file again.")
            % {"path": path[:200]}
        )


def _is_pointer(blob: Blob) -> bool:
    """Whether these bytes are what git has in place of a large file. As a file of its own it would
    have the id of that file, and a folder with it the id of the folder with that file."""
    return blob.size <= git.LONGEST_POINTER and git.is_pointer(blobs.read(blob.sha256))


def _git_id(operation: AddFile) -> str:
    blob = operation.blob
    if operation.is_lfs:
        return git.blob_id(git.pointer(blob.sha256, blob.size))
    return operation.oid or git.blob_id(blobs.read(blob.sha256))


def _card(
    readme: files.Entry | None, *, known: Iterable[str] | None
) -> tuple[dict[str, Any], list[str]]:
    """The front matter, and the tags of the papers that the text names."""
    if not isinstance(readme, FileEntry) or readme.size > MAX_CARD:
        return {}, []
    try:
        text = blobs.read(readme.sha256, limit=MAX_CARD).decode()
        card = cards.parse(text)
    except UnicodeDecodeError as error:
        raise Invalid(_("Invalid metadata in README.md. The file is not UTF-8 text.")) from error
    except Invalid as error:
        raise Invalid(_("Invalid metadata in README.md. %(error)s") % {"error": error}) from error
    if known is not None and (found := cards.problems(card, known_licenses=known)):
        raise Invalid(_("Invalid metadata in README.md. %(error)s") % {"error": "; ".join(found)})
    return card, cards.papers(text)


def _config(config: files.Entry | None) -> dict[str, Any]:
    if not isinstance(config, FileEntry) or config.size > MAX_CARD:
        return {}
    return cards.configuration(blobs.read(config.sha256, limit=MAX_CARD))
