"""The licenses and policies that the site knows of from the start: facts and links, no texts."""

from typing import Any

from django.db import transaction

from registry.agreements import documents
from registry.agreements.models import Document, DocumentKind
from registry.catalog import facts

# Licenses under which anybody may use the files without agreeing to anything first.
PERMISSIVE = frozenset({"apache-2.0", "mit", "gpl-3.0", "cc"})

SITE_POLICY = "site-policy"
SITE_POLICY_TITLE = "Acceptable use of this registry"
SITE_POLICY_TEXT = """\
Acceptable use of this registry

This policy is the site's own. It stands beside the license of each model and does not replace it.

1. Use what you download lawfully, and within the license of the model.
2. Do not use it to harm people: no violence, no exploitation or abuse of children, no harassment,
   no weapons, no malicious code, no fraud, no impersonation.
3. Do not present what a model wrote as the words of a human being where that would deceive.
4. Do not remove license texts, notices or safety information when you pass files on.
5. Do not pass on files to people who would have had to accept terms here first, unless the
   model's license lets you.
6. Tell the site's maintainers when you find a model here that is dangerous in a way that its
   card does not say.

Downloads are recorded: who, which files, when, and under which acceptance.
"""


@transaction.atomic
def load() -> int:
    """Write every license and policy of the facts, and the site's policy. Returns how many."""
    entries = facts.read()["licenses"]
    for entry in entries:
        _document(entry)
    for entry in entries:
        if policy := entry.get("acceptable_use_policy"):
            Document.objects.filter(slug=_slug(entry["id"])).update(
                policy=Document.objects.get(slug=_slug(policy))
            )
    for document in Document.objects.filter(slug__in=[_slug(entry["id"]) for entry in entries]):
        documents.ensure_summary(document)
    _site_policy()
    return Document.objects.count()


def _document(entry: dict[str, Any]) -> None:
    tag = entry.get("hub_tag")
    name = entry.get("license_name") or entry["id"]
    kind = DocumentKind.LICENSE if entry["kind"] == "license" else DocumentKind.POLICY
    Document.objects.update_or_create(
        slug=_slug(entry["id"]),
        defaults={
            "kind": kind,
            "title": entry["title"],
            "publisher": entry.get("publisher") or "",
            "official_url": entry.get("official_url") or "",
            "hub_tags": [tag] if tag and tag != "other" else [],
            "license_names": [str(name).lower()] if kind == DocumentKind.LICENSE else [],
            "needs_acceptance": kind == DocumentKind.LICENSE and tag not in PERMISSIVE,
            "facts": entry,
        },
    )


def _site_policy() -> None:
    document, is_new = Document.objects.get_or_create(
        slug=SITE_POLICY,
        defaults={
            "kind": DocumentKind.POLICY,
            "title": SITE_POLICY_TITLE,
            "needs_acceptance": True,
            "is_site_policy": True,
        },
    )
    if is_new:
        documents.add_text(slug=SITE_POLICY, version="1", text=SITE_POLICY_TEXT.encode())


def _slug(name: str) -> str:
    return name.replace(".", "-")
