"""The licenses and policies that the site knows of from the start: facts and links, no texts."""

from typing import Any

from django.db import transaction

from registry.agreements import documents
from registry.agreements.models import Document, DocumentKind
from registry.catalog import facts

# Kinds of entries. A reference says that something is under the license of another entry.
LICENSE, REFERENCE = "license", "license_reference"

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
    """Write every license and policy of the facts, and the site's policy. Returns how many. What
    stewards decided, and documents that they added, stay."""
    entries = facts.read()["licenses"]
    loaded = {entry["id"]: _document(entry) for entry in entries}
    policies = {entry["part_of_license"]: entry["id"] for entry in entries if _is_policy(entry)}
    for entry in entries:
        document = loaded[entry["id"]]
        policy = entry.get("acceptable_use_policy") or policies.get(entry["id"])
        document.policy = loaded.get(policy)
        document.stands_for = loaded.get(entry.get("same_terms_as"))
        document.save(update_fields=["policy", "stands_for"])
        documents.ensure_summary(document)
    _site_policy()
    return Document.objects.count()


def _document(entry: dict[str, Any]) -> Document:
    kind = DocumentKind.POLICY if _is_policy(entry) else DocumentKind.LICENSE
    slug = _slug(entry["id"])
    # Under an open source license anybody may use the files without agreeing to anything first
    is_open_source = entry.get("open_source_definition_met") is True
    asks = kind == DocumentKind.LICENSE and not is_open_source
    Document.objects.filter(slug=slug).exclude(kind=kind).update(needs_acceptance=asks)
    written = {
        "kind": kind,
        "title": entry["title"],
        "publisher": entry.get("publisher") or "",
        "official_url": entry.get("official_url") or "",
        "hub_tags": _free(_tags(entry), slug, "hub_tags"),
        "license_names": _free(_names(entry), slug, "license_names"),
        "facts": entry,
    }
    document, _ = Document.objects.update_or_create(
        slug=slug, defaults=written, create_defaults=written | {"needs_acceptance": asks}
    )
    return document


def _tags(entry: dict[str, Any]) -> list[str]:
    """What a card's `license` says for it. One that refers to another leaves the tag to that one."""
    tag = entry.get("hub_tag")
    return [tag] if entry["kind"] == LICENSE and tag and tag != documents.OTHER else []


def _names(entry: dict[str, Any]) -> list[str]:
    """What `license_name` says for it. One that refers to several, by model, has no name: nobody
    could say which it means."""
    if _is_policy(entry) or (entry["kind"] == REFERENCE and not entry.get("same_terms_as")):
        return []
    return [str(entry.get("license_name") or entry["id"]).lower()]


def _free(names: list[str], slug: str, field: str) -> list[str]:
    """Those that no other document has: what a steward added before stays what it means."""
    others = Document.objects.exclude(slug=slug)
    return [name for name in names if not others.filter(**{f"{field}__contains": [name]}).exists()]


def _is_policy(entry: dict[str, Any]) -> bool:
    return bool(entry["kind"] not in {LICENSE, REFERENCE})


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
