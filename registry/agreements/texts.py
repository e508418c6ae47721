"""License, policy and notice files that people upload: known by their words, or a steward's to name."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import documents, wording
from registry.agreements.models import (
    Document,
    DocumentKind,
    DocumentVersion,
    FoundState,
    FoundText,
)
from registry.audit import log
from registry.catalog.models import Repository, Revision, Tree, TreeEntry
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, TooLarge
from registry.storage import blobs

FOLDER = "LICENSES"
_NAMED = r"^(licen[sc]e|copying|use_policy|acceptable_use|notice)"
_POLICY = re.compile(r"use_policy|acceptable_use", re.IGNORECASE)
_NOTICE = re.compile(r"notice", re.IGNORECASE)
# One upload must not fill the stewards' list, nor keep a process busy
MOST_FILES = 20
MOST_BYTES = 4 * documents.MAX_TEXT
MOST_WAITING = 50
NEAR = 0.5


@dataclass(frozen=True)
class Group:
    """One unknown text, wherever it was found: `first` is where it came first."""

    first: FoundText
    repositories: int
    places: int


@dataclass(frozen=True)
class Nearest:
    """The known text that shares most words with another one; `share` is between 0 and 1."""

    version: DocumentVersion
    share: float

    @property
    def percent(self) -> int:
        return int(self.share * 100)

    @property
    def is_near(self) -> bool:
        return self.share >= NEAR


def look_through(revision: Revision, *, now: datetime | None = None) -> list[FoundText]:
    """Note the texts of a revision that were not seen in its repository before. Files that cannot be
    read as text are passed over; whoever sent them is told nothing."""
    repository, left = revision.repository, MOST_BYTES
    found: list[FoundText] = []
    for path, sha256, size in _candidates(revision):
        if size > left:
            break
        if FoundText.objects.filter(repository=repository, path=path, sha256=sha256).exists():
            continue
        left -= size
        if (text := _read(sha256)) is not None and (
            made := _note(revision, path, sha256, text, now=now or timezone.now())
        ):
            found.append(made)
    return found


def _candidates(revision: Revision) -> list[tuple[str, str, int]]:
    """Path, SHA-256 and size of the small files whose names say that they are such texts."""
    held = TreeEntry.objects.filter(
        file__removed_at=None, file__blob__size__range=(1, documents.MAX_TEXT)
    ).order_by("name")
    fields = ("name", "file__blob__sha256", "file__blob__size")
    root = held.filter(tree=revision.tree_id, name__iregex=_NAMED).values_list(*fields)
    found = list(root[:MOST_FILES])
    folder = Tree.objects.filter(
        pk__in=TreeEntry.objects.filter(tree=revision.tree_id, name=FOLDER).values("folder")
    ).first()
    if folder is not None:
        inside = held.filter(tree=folder).values_list(*fields)[: MOST_FILES - len(found)]
        found += [(f"{FOLDER}/{name}", sha256, size) for name, sha256, size in inside]
    return [one for one in found if len(one[0]) <= 255]


def _read(sha256: str) -> str | None:
    try:
        return blobs.read(sha256, limit=documents.MAX_TEXT).decode()
    except (FileNotFoundError, UnicodeDecodeError, TooLarge):
        return None


@transaction.atomic
def _note(
    revision: Revision, path: str, sha256: str, text: str, *, now: datetime
) -> FoundText | None:
    normalised = wording.hash_of(text)
    kind = _kind(path)
    if not normalised or "\0" in text or (kind == DocumentKind.NOTICE and _is_asked_for(text)):
        return None
    version = documents.recognise(text.encode())
    values: dict[str, Any] = {
        "revision": revision,
        "kind": kind,
        "normalised": normalised,
        "version": version,
        "state": FoundState.RECOGNISED if version else FoundState.UNKNOWN,
        "found_at": now,
    }
    if version is None:
        decided = FoundText.objects.filter(state=FoundState.DISMISSED, normalised=normalised)
        if (before := decided.order_by("-pk").first()) is not None:
            values |= {
                "state": FoundState.DISMISSED,
                "decided_by": before.decided_by,
                "decided_at": before.decided_at,
                "reason": before.reason,
            }
        elif _waiting_in(revision.repository) >= MOST_WAITING:
            return None
    made, _ = FoundText.objects.get_or_create(
        repository=revision.repository, path=path, sha256=sha256, defaults=values
    )
    return made


def _kind(path: str) -> DocumentKind:
    name = path.rpartition("/")[2]
    if _NOTICE.match(name):
        return DocumentKind.NOTICE
    return DocumentKind.POLICY if _POLICY.match(name) else DocumentKind.LICENSE


def _is_asked_for(text: str) -> bool:
    """Whether a notice says just what a known license asks it to: nobody has to look at that."""
    asked = Document.objects.exclude(facts__attribution_notice__text=None).values_list(
        "facts__attribution_notice__text", flat=True
    )
    words = wording.normalise(text)
    return any(words == wording.normalise(str(one)) for one in asked if one)


def _waiting_in(repository: Repository) -> int:
    return FoundText.objects.filter(repository=repository, state=FoundState.UNKNOWN).count()


def waiting() -> QuerySet[FoundText]:
    """Texts that no steward has named. One whose words were loaded while it came in is known."""
    known = DocumentVersion.objects.exclude(text=None).filter(normalised=OuterRef("normalised"))
    return FoundText.objects.filter(
        ~Exists(known), state=FoundState.UNKNOWN, repository__deleted_at=None
    )


def groups(*, kind: str = "") -> QuerySet[FoundText, Any]:
    """The waiting texts, each once however often it was found, the newest first; for `with_places`."""
    found = waiting().filter(kind=kind) if kind in DocumentKind.values else waiting()
    return (
        found.order_by()
        .values("normalised")
        .annotate(
            first=Min("pk"),
            last=Max("pk"),
            places=Count("pk"),
            repositories=Count("repository", distinct=True),
        )
        .order_by("-last")
    )


def with_places(page: list[dict[str, Any]]) -> list[Group]:
    rows = FoundText.objects.select_related("repository__namespace", "revision").in_bulk(
        [one["first"] for one in page]
    )
    return [Group(rows[one["first"]], one["repositories"], one["places"]) for one in page]


def places(found: FoundText) -> QuerySet[FoundText]:
    """Everywhere the same words wait."""
    same = waiting().filter(normalised=found.normalised).order_by("pk")
    return same.select_related("repository__namespace", "revision")


def bytes_of(found: FoundText) -> bytes:
    """The exact bytes, as long as the repository has them."""
    try:
        text = blobs.read(found.sha256, limit=documents.MAX_TEXT)
    except FileNotFoundError as error:
        raise NotNow(
            _("The file is no longer stored; it was removed with its repository.")
        ) from error
    if hashlib.sha256(text).hexdigest() != found.sha256:
        raise NotNow(_("The stored file is damaged."))
    return text


def nearest(text: str) -> Nearest | None:
    """The known text with the most words in common, counted however often they stand there."""
    counted = Counter(wording.words(text))
    best: Nearest | None = None
    held = DocumentVersion.objects.exclude(text=None).select_related("document")
    for version in held.order_by("pk").iterator(chunk_size=20):
        other = Counter(wording.words(version.words))
        both = counted.total() + other.total()
        share = 2 * (counted & other).total() / both if both else 0.0
        if share and (best is None or share >= best.share):
            best = Nearest(version, share)
    return best


@transaction.atomic
def take(
    found: FoundText,
    *,
    slug: str,
    version: str,
    effective_date: date | None = None,
    by: Caller,
    now: datetime | None = None,
) -> DocumentVersion:
    """Make the text a version of a document. The same words elsewhere are then recognised."""
    _require_steward(by)
    documents.lock(slug)
    row = _undecided(found)
    made = documents.add_text(
        slug=slug,
        version=version,
        text=bytes_of(row),
        effective_date=effective_date,
        by=by,
        source={
            "repository": row.repository.public_id,
            "revision": row.revision.oid,
            "path": row.path,
        },
        now=now,
    )
    row.state, row.version = FoundState.TAKEN, made
    row.decided_by, row.decided_at = cast(User, by.user), now or timezone.now()
    row.save(update_fields=["state", "version", "decided_by", "decided_at"])
    return made


@transaction.atomic
def dismiss(found: FoundText, *, reason: str, by: Caller, now: datetime | None = None) -> int:
    """Say that the text is none that the site has to know, here and wherever its words come up.
    Returns in how many places it waited."""
    _require_steward(by)
    row = _undecided(found)
    if not reason.strip() or len(reason.strip()) > documents.MAX_REASON:
        raise Invalid(
            _("Give a reason of 1 to %(most)s characters.") % {"most": documents.MAX_REASON}
        )
    decided = _same(row).update(
        state=FoundState.DISMISSED,
        decided_by=by.user,
        decided_at=now or timezone.now(),
        reason=reason.strip(),
    )
    log.record(
        "text.dismiss",
        actor=by.public_id,
        subject=row,
        normalised=row.normalised,
        places=decided,
        reason=reason.strip(),
    )
    return decided


def _same(found: FoundText) -> QuerySet[FoundText]:
    same = Q(normalised=found.normalised) | Q(pk=found.pk)
    return FoundText.objects.filter(same, state=FoundState.UNKNOWN)


def _require_steward(by: Caller) -> None:
    if not documents.may_govern(by):
        raise NotAllowed(
            _("Only a steward, in a browser or with an admin token, decides on texts.")
        )


def _undecided(found: FoundText) -> FoundText:
    """The text, with all that have its words, locked; or why nobody decides on it any more."""
    waiting = _same(found).select_related("repository", "revision").order_by("pk")
    rows = {row.pk: row for row in waiting.select_for_update(of=("self",), no_key=True)}
    if found.pk not in rows:
        raise Conflict(_("Somebody has decided on this text meanwhile."))
    return rows[found.pk]
