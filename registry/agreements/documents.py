"""Finding the document that a card means, its version in force, and loading texts of it."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_slug
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import lookalikes
from registry.accounts.callers import Caller
from registry.agreements import wording
from registry.agreements.models import (
    Document,
    DocumentKind,
    DocumentVersion,
    FoundState,
    FoundText,
)
from registry.audit import canonical, log
from registry.errors import Conflict, Invalid, NotAllowed, NotNow
from registry.prepared import Prepared

MAX_TEXT = 1024 * 1024
MAX_REASON = 500
EARLIEST = date(1970, 1, 1)
YEARS_AHEAD = 10
OTHER = "other"
_TAG = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def normalise(text: str) -> str:
    """The words of a text alone: copies that differ in markup, case or wrapping give the same."""
    return wording.normalise(text)


def recognise(text: bytes) -> DocumentVersion | None:
    """The version that these bytes are a copy of: to the byte, or else in their words."""
    held = DocumentVersion.objects.exclude(text=None).select_related("document").order_by("-pk")
    if found := held.filter(sha256=hashlib.sha256(text).hexdigest()).first():
        return found
    try:
        normalised = wording.hash_of(text.decode())
    except UnicodeDecodeError:
        return None
    return held.filter(normalised=normalised).first() if normalised else None


def _is_plain(name: str) -> bool:
    """Whether no letter is a form of another one, which lower case would make of it."""
    return unicodedata.normalize("NFKC", name) == name


def lookalike(name: str) -> Document | None:
    """The license that a person could take this unknown name for, as of letters of another script."""
    wanted = lookalikes.skeleton(name)
    for document in Document.objects.filter(kind=DocumentKind.LICENSE).order_by("pk"):
        known = {*document.hub_tags, *document.license_names}
        if name.strip().lower() in known and _is_plain(name):
            return None
        if wanted and wanted in {lookalikes.skeleton(one) for one in known}:
            return document
    return None


def why_unknown(name: str) -> str:
    """What people are told of a license that the site does not know."""
    shown = name[:100]
    if (like := lookalike(name)) is not None:
        known = (like.hub_tags or like.license_names)[0]
        return (
            f"The license {shown!r} is not known here. It looks like {known!r} ({like.title}), and "
            "is not the same to the letter. Write the name in README.md exactly so, if you mean it."
        )
    return (
        f"The license {shown!r} is not known here, so nobody can be asked to accept it. "
        "Correct `license` (or `license_name`) in README.md, or ask a steward to add it."
    )


def known_tags() -> list[str]:
    """Every value of a card's `license` that the registry takes."""
    return list(titles_by_tag())


def titles_by_tag() -> dict[str, str]:
    """The same values, each with the title of its license."""
    found = {OTHER: ""}
    for license in Document.objects.filter(kind=DocumentKind.LICENSE):
        found |= dict.fromkeys(license.hub_tags, license.title)
    return dict(sorted(found.items()))


def site_policy() -> Document | None:
    return next(iter(_SITE_POLICY.rows()), None)


def current(document: Document, *, now: datetime | None = None) -> DocumentVersion:
    """The version in force; Invalid where there is none."""
    if (version := in_force(document, now=now)) is None:
        raise Invalid(none_in_force(document))
    return version


def none_in_force(document: Document) -> str:
    return f"{document.title} has no version in force; load one with `manage.py document add`."


def in_force(document: Document, *, now: datetime | None = None) -> DocumentVersion | None:
    """The text that took effect last, else our summary as it stands. A version takes effect on its
    date at 00:00 UTC, and one without a date when it is loaded."""
    return in_force_of([document], now=now).get(document.pk)


def in_force_of(
    wanted: Sequence[Document], *, now: datetime | None = None
) -> dict[int, DocumentVersion]:
    """The version in force of each document that has one, by its key; all texts in one query."""
    today = _today(now)
    keys = sorted({one.pk for one in wanted})
    found = {one.document_id: one for one in _TEXTS.rows(documents=keys, today=today)}
    for document in wanted:
        if document.pk not in found and (summary := _summary(document, today)) is not None:
            found[document.pk] = summary
        if document.pk in found:
            found[document.pk].document = document
    return found


def _texts_in_force(documents: Any, today: Any) -> QuerySet[DocumentVersion]:
    since = Coalesce("effective_date", TruncDate("loaded_at", tzinfo=UTC))
    begun = DocumentVersion.objects.filter(_begun(today), document__any_of=documents)
    newest = begun.exclude(text=None).order_by("document_id", since.desc(), "-pk")
    return newest.distinct("document_id")


def _summary(document: Document, today: date) -> DocumentVersion | None:
    summaries = document.versions.filter(_begun(today), text=None).order_by("-pk")
    summary = canonical.digest(summary_of(document))
    return summaries.filter(sha256=summary).first() or summaries.first()


def _begun(today: Any) -> Q:
    return Q(effective_date=None) | Q(effective_date__lte=today)


_TEXTS = Prepared(_texts_in_force)
_SITE_POLICY = Prepared(lambda: Document.objects.filter(is_site_policy=True)[:1])


def coming(document: Document, *, now: datetime | None = None) -> QuerySet[DocumentVersion]:
    """Versions that are loaded and take effect later, the next one first."""
    return document.versions.filter(effective_date__gt=_today(now)).order_by("effective_date", "pk")


def date_in(text: str) -> date:
    """A date as people give it. Years of other calendars are told by their distance from ours."""
    try:
        if _DATE.fullmatch(text.strip()):
            return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(_("There is no day %(text)s.") % {"text": text.strip()}) from error
    raise Invalid(
        _("Write the date as year-month-day of the Gregorian calendar, such as 2024-07-23.")
    )


@transaction.atomic
def add_text(
    *,
    slug: str,
    version: str,
    text: bytes,
    effective_date: date | None = None,
    by: Caller | None = None,
    source: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> DocumentVersion:
    """Load the exact bytes of a license or policy text. Once loaded it cannot change. `by` is None
    for the operator, `source` says where the bytes are from."""
    _require_steward(by)
    document = lock(slug)
    label = _checked(document, version.strip(), text, effective_date, _today(now))
    try:
        with transaction.atomic():
            made = DocumentVersion.objects.create(
                document=document,
                version=label,
                effective_date=effective_date,
                text=text,
                summary=summary_of(document),
                sha256=hashlib.sha256(text).hexdigest(),
                normalised=wording.hash_of(text.decode()),
                source=source or {},
                loaded_by=by.public_id if by else "",
            )
    except IntegrityError as error:
        raise Conflict(
            _("%(document)s holds exactly this text already.") % {"document": document.title}
        ) from error
    if made.normalised:
        waiting = FoundText.objects.filter(state=FoundState.UNKNOWN, normalised=made.normalised)
        waiting.update(state=FoundState.RECOGNISED, version=made)
    log.record(
        "document.add-text",
        actor=made.loaded_by,
        subject=document,
        version=made.version,
        sha256=made.sha256,
    )
    return made


def lock(slug: str) -> Document:
    """The document, locked until the transaction ends. Texts that were found come after it."""
    document = Document.objects.select_for_update(no_key=True).filter(slug=slug).first()
    if document is None:
        known = ", ".join(Document.objects.order_by("slug").values_list("slug", flat=True))
        raise Invalid(
            _("There is no license or policy %(slug)r. Known ones: %(known)s.")
            % {"slug": slug, "known": known}
        )
    return document


def _checked(
    document: Document, label: str, text: bytes, effective: date | None, today: date
) -> str:
    """The label, or the reason why this text cannot be loaded under it."""
    if document.stands_for is not None:
        raise Invalid(
            _("%(document)s has no text of its own: load it as %(stands_for)s.")
            % {"document": document.title, "stands_for": document.stands_for}
        )
    if not text.strip():
        raise Invalid(_("The text is empty."))
    if len(text) > MAX_TEXT:
        raise Invalid(_("The text is larger than %(most)s KiB.") % {"most": MAX_TEXT // 1024})
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Invalid(_("The text is not UTF-8.")) from error
    if b"\0" in text:
        raise Invalid(_("The text holds bytes that no text has."))
    if not 1 <= len(label) <= 64 or not label.isprintable():
        raise Invalid(_("Give the text a version of 1 to 64 characters, such as 3.1."))
    latest = today + timedelta(days=366 * YEARS_AHEAD)
    if effective is not None and not EARLIEST <= effective <= latest:
        raise Invalid(
            _(
                "The year %(year)s is not near: give the date in the Gregorian calendar, from "
                "%(earliest)s to %(latest)s."
            )
            % {"year": effective.year, "earliest": EARLIEST.year, "latest": latest.year}
        )
    taken = document.versions.filter(version=label).exclude(text=None).first()
    if taken is not None and bytes(taken.text or b"") != text:
        # People could not tell the two apart
        raise Conflict(
            _(
                "%(document)s has another text as version %(label)s already, and a loaded text "
                "never changes. Give this one a label of its own, such as the date it took "
                "effect."
            )
            % {"document": document.title, "label": label}
        )
    return label


@transaction.atomic
def create(
    *,
    slug: str,
    title: str,
    kind: str,
    publisher: str = "",
    official_url: str = "",
    hub_tags: Sequence[str] = (),
    license_names: Sequence[str] = (),
    needs_acceptance: bool = True,
    by: Caller | None = None,
) -> Document:
    """Add a document that the site does not know. Its name must be no other's, nor look like it."""
    _require_steward(by)
    title, publisher, official_url = title.strip(), publisher.strip(), official_url.strip()
    tags, names = _names(hub_tags), _names(license_names)
    _check_described(slug, title, kind, publisher, official_url)
    # Names are in lists, which no constraint keeps apart: whoever adds one waits for the other
    list(Document.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    known = list(Document.objects.order_by("pk"))
    if any(one.slug == slug for one in known):
        raise Conflict(_("There is a document %(slug)r already.") % {"slug": slug})
    if kind != DocumentKind.LICENSE and (tags or names):
        raise Invalid(_("Only a license has names that a model card can give."))
    if kind == DocumentKind.LICENSE and not (tags or names):
        raise Invalid(_("Give the name by which model cards mean this license."))
    for name in [*tags, *names]:
        _check_name(name, known, is_tag=name in tags)
    made = Document.objects.create(
        slug=slug,
        title=title,
        kind=kind,
        publisher=publisher,
        official_url=official_url,
        hub_tags=tags,
        license_names=names,
        needs_acceptance=needs_acceptance,
    )
    log.record(
        "document.create",
        actor=by.public_id if by else "",
        subject=made,
        slug=slug,
        kind=kind,
        hub_tags=tags,
        license_names=names,
        needs_acceptance=needs_acceptance,
    )
    ensure_summary(made)
    return made


def _names(given: Sequence[str]) -> list[str]:
    names = [name.strip() for name in given if name.strip()]
    return list(dict.fromkeys(name.lower() if _is_plain(name) else name for name in names))


def _check_described(slug: str, title: str, kind: str, publisher: str, official_url: str) -> None:
    if kind not in DocumentKind.values:
        raise Invalid(
            _("A document is one of %(values)s.") % {"values": ", ".join(DocumentKind.values)}
        )
    if not 1 <= len(title) <= 300 or len(publisher) > 300 or not (title + publisher).isprintable():
        raise Invalid(
            _("Title and publisher have up to 300 characters each, and there is a title.")
        )
    try:
        validate_slug(slug)
        if official_url:
            URLValidator(schemes=["http", "https"])(official_url)
    except ValidationError as error:
        raise Invalid(str(error.messages[0])) from error
    if len(slug) > 100 or len(official_url) > 500:
        raise Invalid(_("The id has up to 100 characters, the address up to 500."))


def _check_name(name: str, known: Sequence[Document], *, is_tag: bool) -> None:
    if is_tag and (name == OTHER or not _TAG.fullmatch(name)):
        raise Invalid(
            _("%(name)r cannot be a tag: small letters, digits and . + _ - only.")
            % {"name": name[:64]}
        )
    if len(name) > 100 or not name.isprintable() or not _is_plain(name):
        raise Invalid(
            _("%(name)r cannot be the name of a license: letters in plain forms only.")
            % {"name": name[:100]}
        )
    for document in known:
        if name in {*document.hub_tags, *document.license_names}:
            raise Conflict(
                _("%(name)r means %(document)s already.")
                % {"name": name, "document": document.title}
            )
    like = lookalike(name)
    if like is not None:
        raise Invalid(
            _("%(name)r looks like a name of %(like)s; nobody could tell them apart.")
            % {"name": name, "like": like.title}
        )


@transaction.atomic
def set_needs_acceptance(
    document: Document, needed: bool, *, reason: str, by: Caller | None = None
) -> Document:
    """Say whether downloads under this document wait for an acceptance, from the next release on."""
    _require_steward(by)
    row = Document.objects.select_for_update(no_key=True).get(pk=document.pk)
    if row.stands_for is not None:
        raise NotNow(
            _("%(row)s stands for %(stands_for)s, which decides.")
            % {"row": row.title, "stands_for": row.stands_for}
        )
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Invalid(_("Give a reason of 1 to %(most)s characters.") % {"most": MAX_REASON})
    if row.needs_acceptance == needed:
        raise NotNow(_("%(row)s is set so already.") % {"row": row.title})
    row.needs_acceptance = needed
    row.save(update_fields=["needs_acceptance"])
    log.record(
        "document.set-needs-acceptance",
        actor=by.public_id if by else "",
        subject=row,
        needs_acceptance=needed,
        reason=reason.strip(),
    )
    return row


def _require_steward(by: Caller | None) -> None:
    """The operator, or a steward in a browser or with an admin token."""
    if by is not None and not may_govern(by):
        raise NotAllowed(_("Only a steward, in a browser or with an admin token, does this."))


def may_govern(caller: Caller) -> bool:
    return (
        caller.is_steward and caller.can_administer and bool(caller.user and caller.user.is_active)
    )


def ensure_summary(document: Document) -> DocumentVersion:
    """The version that stands for a document without a text: our summary and the official link."""
    summary = summary_of(document)
    made, is_new = DocumentVersion.objects.get_or_create(
        document=document,
        sha256=canonical.digest(summary),
        defaults={
            "version": f"{document.facts.get('version') or '1'} (summary)"[:64],
            "summary": summary,
            "effective_date": _date(document.facts.get("effective_date")),
        },
    )
    if is_new:
        log.record("document.add-summary", actor="", subject=document, sha256=made.sha256)
    return made


def summary_of(document: Document) -> dict[str, Any]:
    """What a person is shown in our words: the facts of the license, and where the text is."""
    return {
        "title": document.title,
        "publisher": document.publisher,
        "official_url": document.official_url,
        "facts": document.facts,
    }


def _today(now: datetime | None) -> date:
    return (now or timezone.now()).astimezone(UTC).date()


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
