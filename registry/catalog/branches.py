"""Making and removing branches and tags. What a release named stays as it is."""

import re

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts.callers import Caller
from registry.audit import log
from registry.catalog import announcements, files, holdings, paths, rights, turns
from registry.catalog.models import Ref, Repository, Revision
from registry.errors import Conflict, Invalid, NotAllowed, RevisionMissing

MAIN = "main"
MAX_NAME = 200
# What git refuses in the name of a ref, and what a client takes for a commit id
_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[/.-]|[/.]$|/\.|\.lock(/|$)")
_COMMIT_ID = re.compile(r"[0-9a-fA-F]{7,40}")


def full_name(name: str) -> str:
    """`refs/heads/main` for `main`; the name of a pull request is full already."""
    if name.startswith(("refs/heads/", rights.PULL_REQUESTS)):
        return name
    return f"refs/heads/{name}"


def is_moving(repository: Repository, full_name: str) -> bool:
    """Whether this names what commits move, and not a tag. What names nothing is for the look-up."""
    if full_name.startswith("refs/heads/refs/tags/"):
        return False
    named = Ref.objects.filter(repository=repository)
    tag = full_name.replace("refs/heads/", "refs/tags/", 1)
    return named.filter(name=full_name).exists() or not named.filter(name=tag).exists()


@transaction.atomic
def create_branch(repository: Repository, name: str, *, start: Revision, by: Caller) -> Ref:
    """A branch whose head is `start`. The public sees it once something of it is released."""
    _check(name, gettext_noop("branch"))
    _take_turn(repository)
    rights.require_write(repository, by)  # it may have just moved
    _check_free(repository, f"refs/tags/{name}", gettext_noop("a tag"))
    return _create(repository, f"refs/heads/{name}", start, by)


@transaction.atomic
def create_tag(repository: Repository, name: str, *, start: Revision, by: Caller) -> Ref:
    _check(name, gettext_noop("tag"))
    _take_turn(repository)
    rights.require_write(repository, by)  # it may have just moved
    _check_free(repository, f"refs/heads/{name}", gettext_noop("a branch"))
    return _create(repository, f"refs/tags/{name}", start, by)


@transaction.atomic
def delete_branch(repository: Repository, name: str, *, by: Caller) -> None:
    rights.require_write(repository, by)
    if name == MAIN:
        raise NotAllowed(_("Cannot delete refs/heads/main"))
    _delete(repository, f"refs/heads/{name}", name, by)


@transaction.atomic
def delete_tag(repository: Repository, name: str, *, by: Caller) -> None:
    rights.require_write(repository, by)
    _delete(repository, f"refs/tags/{name}", name, by)


def _take_turn(repository: Repository) -> None:
    """Nobody removes what the new name is going to need, or gives the same name to something else."""
    holdings.share(repository)
    turns.take(repository)


def _create(repository: Repository, full_name: str, start: Revision, by: Caller) -> Ref:
    files.require_whole(start)
    try:
        with transaction.atomic():
            ref = Ref.objects.create(repository=repository, name=full_name, head=start)
    except IntegrityError as error:
        raise Conflict(
            _("Reference %(full_name)s already exists") % {"full_name": full_name}
        ) from error
    log.record(
        "ref.create", actor=by.public_id, subject=repository, ref=full_name, revision=start.oid
    )
    announcements.announce_refs(repository, (full_name, None, start.oid))
    return ref


def _delete(repository: Repository, full_name: str, name: str, by: Caller) -> None:
    ref = (
        Ref.objects.select_for_update(of=("self",))
        .select_related("head")
        .filter(repository=repository, name=full_name)
        .first()
    )
    if ref is None:
        raise RevisionMissing(f"Invalid rev id: {name}")
    if ref.is_locked:
        raise NotAllowed(
            _("%(full_name)s is the tag of a release and is neither moved nor deleted.")
            % {"full_name": full_name}
        )
    if ref.public_id is not None or ref.withdrawn_id is not None:
        raise NotAllowed(
            _("Cannot delete %(full_name)s: a release was made from it.") % {"full_name": full_name}
        )
    ref.delete()
    log.record(
        "ref.delete", actor=by.public_id, subject=repository, ref=full_name, revision=ref.head.oid
    )
    announcements.announce_refs(repository, (full_name, ref.head.oid, None))


def _check_free(repository: Repository, full_name: str, what: str) -> None:
    """One name, one thing: addresses and clients give a name alone. No Conflict, which clients
    take for the very branch or tag that they want."""
    if Ref.objects.filter(repository=repository, name=full_name).exists():
        raise Invalid(
            _("%(full_name)r is %(what)s already; choose another name.")
            % {"full_name": full_name.split("/", 2)[2], "what": _(what)}
        )


def _check(name: str, what: str) -> None:
    if why := paths.character_problem(name):
        raise Invalid(
            _("Invalid reference for a %(what)s: %(name)s: %(why)s.")
            % {"what": _(what), "name": ascii(name[:80]), "why": why}
        )
    if (
        not name
        or len(name.encode()) > MAX_NAME
        or name.startswith("refs/")
        or name == "HEAD"
        or _BAD.search(name)
        or _COMMIT_ID.fullmatch(name)
    ):
        raise Invalid(
            _(
                "Invalid reference for a %(what)s: %(name)r. Use letters, digits, '.', '_', "
                "'-' and '/'; it cannot begin with refs/ or look like a commit id."
            )
            % {"what": _(what), "name": name[:80]}
        )
