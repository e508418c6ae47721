"""What was accepted, asked for, granted and ended, as rows to take away: who may, which columns."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace, User
from registry.agreements import groups, requests
from registry.agreements.models import (
    Acceptance,
    AccessRequest,
    Adherence,
    Document,
    Ending,
    Grant,
)
from registry.audit import log
from registry.catalog.models import Repository
from registry.errors import Invalid, NotAllowed

FORMATS = ("csv", "jsonl")
CHUNK = 200
# A cell that begins like this is run as a formula by programs for tables
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which rows and columns. Starts are inclusive, ends exclusive. `repositories` are the public
    ids that the caller's token was limited to."""

    kind: str
    format: str = "csv"
    since: datetime | None = None
    until: datetime | None = None
    repository: Repository | None = None
    organisation: Namespace | None = None
    license: Document | None = None
    personal: bool = False
    repositories: frozenset[str] | None = None

    def details(self) -> dict[str, Any]:
        """What the audit log keeps of it: ids alone."""
        return {
            "format": self.format,
            "since": _time(self.since),
            "until": _time(self.until),
            "repository": self.repository.public_id if self.repository else "",
            "organisation": self.organisation.public_id if self.organisation else "",
            "license": self.license.slug if self.license else "",
            "personal": self.personal,
        }


@dataclass(frozen=True)
class Kind:
    """One sort of rows: where they come from, what they say, and what of it names people."""

    rows: Callable[[], QuerySet[Any]]
    row: Callable[[Any], Row]
    named: Callable[[Any], Row]
    date: str
    acceptance: str = ""
    repository: str = "repository"
    user: str = "user"
    organisation: Callable[[Namespace], Q] | None = None
    for_publishers: bool = False
    publisher_sees: tuple[str, ...] = field(default=())


def for_steward(wanted: Wanted, *, by: Caller) -> Iterator[str]:
    """The rows of the whole site, text by text, for a steward."""
    if not (by.is_steward and by.can_administer):
        raise NotAllowed(_("Only stewards take away what happened on the whole site."))
    return _begin(replace(wanted, repositories=by.repositories), actor=by.public_id)


def for_publisher(wanted: Wanted, *, by: Caller) -> Iterator[str]:
    """The requests or grants of one repository, for those who decide about them. What names people
    goes no further than the page of requests."""
    if wanted.repository is None:
        raise Invalid(_("Name the repository."))
    requests.require_review(wanted.repository, by)
    if not _kind(wanted).for_publishers:
        raise NotAllowed(_("Publishers take away the requests and grants of their repositories."))
    if wanted.organisation is not None:
        raise NotAllowed(_("Only stewards ask by organisation."))
    return _begin(wanted, actor=by.public_id, is_publisher=True)


def for_operator(wanted: Wanted) -> Iterator[str]:
    """The same for whoever runs the site, at its own console."""
    return _begin(wanted, actor="")


def columns(kind: str, *, personal: bool = False) -> list[str]:
    """The columns of a sort of rows, in their order."""
    return [*COLUMNS[kind], *(PERSONAL[kind] if personal else [])]


def file_name(wanted: Wanted) -> str:
    where = f"-{wanted.repository.full_name.replace('/', '-')}" if wanted.repository else ""
    return f"{wanted.kind}{where}.{wanted.format}"


def _begin(wanted: Wanted, *, actor: str, is_publisher: bool = False) -> Iterator[str]:
    kind = _kind(wanted)
    if wanted.format not in FORMATS:
        raise Invalid(_("Choose one of %(formats)s.") % {"formats": ", ".join(FORMATS)})
    log.record_about(
        "export.take",
        actor=actor,
        subject_type="export",
        subject=wanted.kind,
        **wanted.details(),
    )
    return _texts(kind, wanted, is_publisher=is_publisher)


def _kind(wanted: Wanted) -> Kind:
    if wanted.kind not in KINDS:
        raise Invalid(_("Choose one of %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    return KINDS[wanted.kind]


def _texts(kind: Kind, wanted: Wanted, *, is_publisher: bool) -> Iterator[str]:
    """A line for each row, read from the database a chunk at a time."""
    names = columns(wanted.kind, personal=wanted.personal)
    if wanted.personal and is_publisher:
        names = [*COLUMNS[wanted.kind], *kind.publisher_sees]
    if wanted.format == "csv":
        yield _csv_line(names)
    found = _of_publisher(kind, wanted) if is_publisher else _selected(kind, wanted)
    for one in found.iterator(chunk_size=CHUNK):
        row = kind.row(one) | (kind.named(one) if wanted.personal else {})
        values = {name: row[name] for name in names}
        if wanted.format == "csv":
            yield _csv_line([_cell(value) for value in values.values()])
        else:
            yield json.dumps(values, ensure_ascii=False) + "\n"


def _of_publisher(kind: Kind, wanted: Wanted) -> QuerySet[Any]:
    """As on the page of requests: what is for the repository or the group that it is in now. What
    was withdrawn, or has a newer one of the same person after it, names nobody there."""
    assert wanted.repository is not None  # noqa: S101 - asked before
    found = _selected(kind, replace(wanted, repository=None))
    found = found.filter(groups.counting_for(wanted.repository))
    if wanted.personal and wanted.kind == "requests":
        found = found.filter(pk__in=requests.shown(wanted.repository).values("pk"))
    return found


def _selected(kind: Kind, wanted: Wanted) -> QuerySet[Any]:
    found = kind.rows().order_by("pk")
    if wanted.since is not None:
        found = found.filter(**{f"{kind.date}__gte": wanted.since})
    if wanted.until is not None:
        found = found.filter(**{f"{kind.date}__lt": wanted.until})
    if wanted.repository is not None:
        found = found.filter(**{kind.repository: wanted.repository})
    if wanted.repositories is not None:
        found = found.filter(**{f"{kind.repository}__public_id__in": wanted.repositories})
    if wanted.organisation is not None:
        if kind.organisation is None:
            raise Invalid(_("People ask and are let in for themselves, not for an organisation."))
        found = found.filter(kind.organisation(wanted.organisation))
    if wanted.license is not None:
        found = found.filter(_under(kind, wanted.license))
    return found


def _under(kind: Kind, document: Document) -> Q:
    """The condition that the terms that were accepted name this license. Requests and grants are
    of the people who accepted it for the same repository."""
    named = [{"document": document.public_id}]
    if kind.acceptance or kind.date == "accepted_at":
        prefix = f"{kind.acceptance}__" if kind.acceptance else ""
        return Q(**{f"{prefix}terms__documents__contains": named})
    accepted = Acceptance.objects.filter(terms__documents__contains=named)
    return Q(repository__in=accepted.values("repository"))


def _csv_line(values: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else _plain(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _plain(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _time(at: datetime | None) -> str:
    if at is None:
        return ""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _id(row: Model | None) -> str:
    return row.public_id if row is not None else ""  # type: ignore[attr-defined]


def _of_repository(repository: Repository) -> Row:
    return {"repository": repository.full_name, "repository_id": repository.public_id}


def _person(user: User) -> Row:
    return {"user": user.username, "full_name": user.full_name, "email": user.email}


def _acceptance(one: Acceptance) -> Row:
    return {
        "acceptance": one.public_id,
        "person": one.user.public_id,
        "organisation": _id(one.organisation),
        **_of_repository(one.repository),
        "terms_hash": one.terms_hash,
        "documents": [
            f"{item['slug']}@{item['version']}#{item['sha256']}" for item in one.terms["documents"]
        ],
        "capacity": one.capacity,
        "release_digest": one.release_digest,
        "accepted_at": _time(one.accepted_at),
        "receipt": _id(getattr(one, "receipt", None)),
        "ended_at": _time(one.ending.at) if hasattr(one, "ending") else "",
    }


def _acceptance_named(one: Acceptance) -> Row:
    words = getattr(one, "words", None)
    return {
        **_person(one.user),
        "typed_name": words.typed_name if words else "",
        "name": words.name if words else "",
        "address": words.address if words else "",
        "country": words.country if words else "",
        "answers": words.answers if words else {},
    }


def _request(one: AccessRequest) -> Row:
    return {
        "request": one.public_id,
        "person": one.user.public_id,
        **_of_repository(one.repository),
        "group": _id(one.group),
        "state": one.state,
        "mode": one.mode,
        "granted_without_asking": one.granted_without_asking,
        "terms_hash": one.terms_hash,
        "prompt_hash": one.prompt_hash,
        "answers_digest": one.answers_digest,
        "asked_at": _time(one.asked_at),
        "reviewed_at": _time(one.reviewed_at),
        "decided_by": _id(one.decided_by),
        "lapses_at": _time(one.lapses_at),
    }


def _request_named(one: AccessRequest) -> Row:
    words = {"purpose": one.purpose, "reason": one.reason, "answers": requests.answers_of(one)}
    return _person(one.user) | words


def _grant(one: Grant) -> Row:
    return {
        "grant": one.public_id,
        "request": one.request.public_id,
        "person": one.user.public_id,
        **_of_repository(one.repository),
        "group": _id(one.group),
        "starts_at": _time(one.starts_at),
        "ends_at": _time(one.ends_at),
        "patterns": one.patterns,
        "first_release": one.first_release,
        "last_release": one.last_release,
        "full_downloads": one.full_downloads,
        "renews": _id(one.renews),
        "granted_by": _id(one.granted_by),
        "revoked_at": _time(one.revoked_at),
        "revoked_by": _id(one.revoked_by),
    }


def _grant_named(one: Grant) -> Row:
    return _person(one.user) | {"purpose": one.purpose}


def _ending(one: Ending) -> Row:
    acceptance = one.acceptance
    deletion = getattr(one, "deletion", None)
    return {
        "acceptance": acceptance.public_id,
        "person": acceptance.user.public_id,
        "organisation": _id(acceptance.organisation),
        **_of_repository(acceptance.repository),
        "terms_hash": acceptance.terms_hash,
        "event": one.event,
        "ended_by": _id(one.by),
        "ended_at": _time(one.at),
        "deletion_confirmed_at": _time(deletion.at) if deletion else "",
        "deletion_confirmed_by": _id(deletion.by) if deletion else "",
    }


def _ending_named(one: Ending) -> Row:
    return _person(one.acceptance.user) | {"reason": one.reason}


def _adherence(one: Adherence) -> Row:
    return {
        "acceptance": one.acceptance.public_id,
        "person": one.user.public_id,
        "signatory": one.acceptance.user.public_id,
        "organisation": _id(one.acceptance.organisation),
        **_of_repository(one.acceptance.repository),
        "terms_hash": one.acceptance.terms_hash,
        "adhered_at": _time(one.at),
    }


def _adherence_named(one: Adherence) -> Row:
    return _person(one.user)


_PERSON = ["user", "full_name", "email"]
COLUMNS = {
    "acceptances": [
        "acceptance",
        "person",
        "organisation",
        "repository",
        "repository_id",
        "terms_hash",
        "documents",
        "capacity",
        "release_digest",
        "accepted_at",
        "receipt",
        "ended_at",
    ],
    "requests": [
        "request",
        "person",
        "repository",
        "repository_id",
        "group",
        "state",
        "mode",
        "granted_without_asking",
        "terms_hash",
        "prompt_hash",
        "answers_digest",
        "asked_at",
        "reviewed_at",
        "decided_by",
        "lapses_at",
    ],
    "grants": [
        "grant",
        "request",
        "person",
        "repository",
        "repository_id",
        "group",
        "starts_at",
        "ends_at",
        "patterns",
        "first_release",
        "last_release",
        "full_downloads",
        "renews",
        "granted_by",
        "revoked_at",
        "revoked_by",
    ],
    "endings": [
        "acceptance",
        "person",
        "organisation",
        "repository",
        "repository_id",
        "terms_hash",
        "event",
        "ended_by",
        "ended_at",
        "deletion_confirmed_at",
        "deletion_confirmed_by",
    ],
    "adherences": [
        "acceptance",
        "person",
        "signatory",
        "organisation",
        "repository",
        "repository_id",
        "terms_hash",
        "adhered_at",
    ],
}
PERSONAL = {
    "acceptances": [*_PERSON, "typed_name", "name", "address", "country", "answers"],
    "requests": [*_PERSON, "purpose", "reason", "answers"],
    "grants": [*_PERSON, "purpose"],
    "endings": [*_PERSON, "reason"],
    "adherences": _PERSON,
}
KINDS = {
    "acceptances": Kind(
        rows=lambda: Acceptance.objects.select_related(
            "user", "organisation", "repository__namespace", "receipt", "ending", "words"
        ),
        row=_acceptance,
        named=_acceptance_named,
        date="accepted_at",
        organisation=lambda namespace: Q(organisation=namespace),
    ),
    "requests": Kind(
        rows=lambda: AccessRequest.objects.select_related(
            "user", "repository__namespace", "group", "decided_by", "words"
        ),
        row=_request,
        named=_request_named,
        date="asked_at",
        for_publishers=True,
        publisher_sees=("user", "full_name", "purpose", "reason", "answers"),
    ),
    "grants": Kind(
        rows=lambda: Grant.objects.select_related(
            "request",
            "user",
            "repository__namespace",
            "group",
            "renews",
            "granted_by",
            "revoked_by",
        ),
        row=_grant,
        named=_grant_named,
        date="starts_at",
        for_publishers=True,
        publisher_sees=("user", "full_name", "purpose"),
    ),
    "endings": Kind(
        rows=lambda: Ending.objects.select_related(
            "acceptance__user",
            "acceptance__organisation",
            "acceptance__repository__namespace",
            "by",
            "deletion__by",
        ),
        row=_ending,
        named=_ending_named,
        date="at",
        acceptance="acceptance",
        repository="acceptance__repository",
        organisation=lambda namespace: Q(acceptance__organisation=namespace),
    ),
    "adherences": Kind(
        rows=lambda: Adherence.objects.select_related(
            "acceptance__user",
            "acceptance__organisation",
            "acceptance__repository__namespace",
            "user",
        ),
        row=_adherence,
        named=_adherence_named,
        date="at",
        acceptance="acceptance",
        repository="acceptance__repository",
        organisation=lambda namespace: Q(acceptance__organisation=namespace),
    ),
}
