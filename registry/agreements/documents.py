"""Finding the document that a card means, and loading texts of it."""

import hashlib
from datetime import UTC, date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from registry.agreements import wording
from registry.agreements.models import Document, DocumentKind, DocumentVersion
from registry.audit import canonical, log
from registry.catalog import cards
from registry.errors import Conflict, Invalid

MAX_TEXT = 1024 * 1024


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


def licenses_of_card(card: dict[str, Any]) -> list[Document | str]:
    """The licenses that a card names, each once, in order; for one that the site does not know, its
    name."""
    name = str(card.get("license_name") or "").strip().lower()
    found: list[Document | str] = []
    for tag in dict.fromkeys(str(tag) for tag in cards.as_list(card.get("license"))):
        lookup = (
            Document.objects.filter(license_names__contains=[name])
            if tag == "other" and name
            else Document.objects.filter(hub_tags__contains=[tag])
        )
        document = lookup.filter(kind=DocumentKind.LICENSE).select_related("policy").first()
        found.append(document or (name if tag == "other" and name else tag))
    return found


def known_tags() -> list[str]:
    """Every value of a card's `license` that the registry takes."""
    rows = Document.objects.filter(kind=DocumentKind.LICENSE).values_list("hub_tags", flat=True)
    return sorted({tag for tags in rows for tag in tags} | {"other"})


def site_policy() -> Document | None:
    return Document.objects.filter(is_site_policy=True).first()


def cards_that_ask() -> Q:
    """The condition, for rows with a `card`, that terms would have to be accepted: `licenses_of_card`
    and the site's policy, for many at once."""
    policy = site_policy()
    if policy is not None and policy.needs_acceptance:
        return Q(pk__isnull=False)
    asking = Document.objects.filter(
        Q(needs_acceptance=True) | Q(policy__needs_acceptance=True), kind=DocumentKind.LICENSE
    )
    found = Q(pk__in=[])
    for document in asking:
        for tag in document.hub_tags:
            found |= Q(card__license__contains=tag)
        for name in document.license_names:
            found |= Q(card__license__contains="other", card__license_name__iexact=name)
    return found


def current(document: Document) -> DocumentVersion:
    """The version in force: the newest one with a text, else the newest summary. A version takes
    effect on its date, at 00:00 UTC."""
    today = timezone.now().astimezone(UTC).date()
    versions = document.versions.order_by("-pk").filter(
        Q(effective_date=None) | Q(effective_date__lte=today)
    )
    version = versions.exclude(text=None).first() or versions.first()
    if version is None:
        raise Invalid(
            f"{document.title} has no version in force; load one with `manage.py document add`."
        )
    return version


@transaction.atomic
def add_text(
    *,
    slug: str,
    version: str,
    text: bytes,
    effective_date: date | None = None,
    by: str = "",
) -> DocumentVersion:
    """Load the exact bytes of a license or policy text. Once loaded it cannot change."""
    document = Document.objects.select_for_update().filter(slug=slug).first()
    if document is None:
        known = ", ".join(Document.objects.order_by("slug").values_list("slug", flat=True))
        raise Invalid(f"There is no license or policy {slug!r}. Known ones: {known}.")
    if not text.strip():
        raise Invalid("The text is empty.")
    if len(text) > MAX_TEXT:
        raise Invalid(f"The text is larger than {MAX_TEXT // 1024} KiB.")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Invalid("The text is not UTF-8.") from error
    if not version.strip() or len(version) > 64:
        raise Invalid("Give the text a version of 1 to 64 characters, such as 3.1.")
    _check_label(document, version.strip(), text)
    try:
        with transaction.atomic():
            made = DocumentVersion.objects.create(
                document=document,
                version=version.strip(),
                effective_date=effective_date,
                text=text,
                summary=summary_of(document),
                sha256=hashlib.sha256(text).hexdigest(),
                normalised=wording.hash_of(text.decode()),
                loaded_by=by,
            )
    except IntegrityError as error:
        raise Conflict(f"{document.title} holds exactly this text already.") from error
    log.record(
        "document.add-text", actor=by, subject=document, version=made.version, sha256=made.sha256
    )
    return made


def _check_label(document: Document, label: str, text: bytes) -> None:
    """Raise when another text stands under this label: people could not tell the two apart."""
    taken = document.versions.filter(version=label).exclude(text=None).first()
    if taken is not None and bytes(taken.text or b"") != text:
        raise Conflict(
            f"{document.title} has another text as version {label} already, and a loaded text never "
            "changes. Give this one a label of its own, such as the date it took effect."
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


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
