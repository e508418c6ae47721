"""Which license the `license_link` of a card leads to."""

from typing import Any

from registry.agreements.models import Document, DocumentKind, DocumentVersion, FoundText
from registry.catalog import files
from registry.catalog.files import FileEntry
from registry.catalog.models import Revision
from registry.errors import RegistryError

MAX_LINK = 500


def link_in(card: dict[str, Any]) -> str:
    """What a card says of where its license is: a file or an address; '' where it does not."""
    link = card.get("license_link")
    return link.strip()[:MAX_LINK] if isinstance(link, str) else ""


def license_of(revision: Revision) -> Document | None:
    """The license that is known to have its text there: by the file's hash, or the official address.
    Nothing is fetched, and no file is read."""
    link = link_in(revision.card)
    if not link:
        return None
    licenses = Document.objects.filter(kind=DocumentKind.LICENSE)
    if "://" in link:
        found = licenses.filter(official_url=link).order_by("slug")
    else:
        file = _file(revision, link.removeprefix("./"))
        if file is None:
            return None
        exact = DocumentVersion.objects.filter(sha256=file.sha256).exclude(text=None)
        known = FoundText.objects.filter(
            repository=revision.repository_id, path=file.path, sha256=file.sha256
        ).exclude(version=None)
        meant = list(exact.values_list("document", flat=True))
        meant = meant or list(known.values_list("version__document", flat=True))
        found = licenses.filter(pk__in=meant).order_by("slug")
    return found.select_related("policy", "stands_for__policy").first()


def _file(revision: Revision, path: str) -> FileEntry | None:
    try:
        return files.find(revision, path)
    except RegistryError:
        return None
