"""How a set of terms is shown to people: documents, statements, the publisher's prompt, lineage."""

from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from registry.agreements import attestations, linked, terms
from registry.catalog import countries, modalities
from registry.catalog.lineage import Ancestry, Parent
from registry.catalog.models import Revision, RevisionState
from registry.web import plain_terms

MAX_ROWS = 30
EUROPE = "eu_multimodal"


@dataclass(frozen=True)
class Statement:
    """What people have to state about themselves, in words for them."""

    title: str
    words: str
    countries: str = ""


@dataclass(frozen=True)
class Origin:
    """A model that this one comes from; `address` where a page of it is for everybody."""

    name: str
    address: str
    kind: str
    relation: str
    depth: int


def documents(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """Each document of a set, of any schema, with its version and its facts in plain words."""
    pairs = zip(terms.versions_in(shown), shown["documents"], strict=True)
    return [
        {
            "version": version,
            "item": item,
            "plain": plain_terms.of(version.document.facts),
            "inherited": _pages(item.get("inherited_from") or []),
        }
        for version, item in pairs
    ]


def statements(shown: dict[str, Any]) -> list[Statement]:
    """What a set has people state, in plain words."""
    titles = {item["slug"]: item["title"] for item in shown["documents"]}
    regions = [_region(one) for one in attestations.of(shown, attestations.REGION)]
    return regions + [
        _users(one, titles.get(one["license"], one["license"]))
        for one in attestations.of(shown, attestations.USERS)
    ]


def prompt(shown: dict[str, Any]) -> dict[str, Any] | None:
    """What the publisher shows and asks, with what each answer is."""
    given = shown.get("prompt")
    if not given:
        return None
    asked = [one for one in given["questions"] if one["kind"] != "ip_location"]
    return {**given, "asked": [{**one, "says": _kinds().get(one["kind"], "")} for one in asked]}


def of_card(revision: Revision, ancestry: Ancestry) -> dict[str, Any]:
    """What the card declares of the model's descent and its license, as it stands now."""
    link = linked.link_in(revision.card)
    return {
        "origins": [origin(one) for one in ancestry.ancestors[:MAX_ROWS]],
        "more_origins": max(0, len(ancestry.ancestors) - MAX_ROWS),
        "unknown_bases": ancestry.unknown[:MAX_ROWS],
        "has_circle": ancestry.has_circle,
        "is_cut": ancestry.is_cut,
        "license_link": link,
        "license_link_is_address": link.startswith("https://"),
    }


def _pages(inherited_from: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those of the models that bring a document along that have a page for everybody."""
    return [one for one in inherited_from if one["repository"]][:MAX_ROWS]


def _region(asked: dict[str, Any]) -> Statement:
    names = [name for code, name in countries.listed() if code in asked["countries"]]
    if asked["id"] == EUROPE:
        title = _("If you live or work in the European Union")
        words = _(
            "The license gives no rights in this model to people who live in the European Union, "
            "nor to companies with their principal place of business there. Whoever accepts states "
            "the country."
        )
    else:
        title = _("If you live or work in one of the listed countries")
        words = _(
            "The license gives no rights in this model to people who live there, nor to companies "
            "with their principal place of business there. Whoever accepts states the country."
        )
    return Statement(title, words, ", ".join(names))


def _users(asked: dict[str, Any], title: str) -> Statement:
    words = _(
        "%(title)s: with more than %(limit)s users a month, those of all affiliates counted, it "
        "needs a separate license from the publisher. Whoever signs for it states that it had no "
        "more."
    )
    if asked["measured_at"]:
        words = _(
            "%(title)s: with more than %(limit)s users in the month before %(on)s, those of all "
            "affiliates counted, it needs a separate license from the publisher. Whoever signs for "
            "it states that it had no more."
        )
    limit = number_format(asked["limit"], force_grouping=True)
    said = {"title": title, "limit": limit, "on": asked["measured_at"]}
    return Statement(_("If you accept for an organisation"), words % said)


def origin(parent: Parent) -> Origin:
    is_published = parent.variant is not None and parent.repository is None
    here = parent.repository.get_absolute_url() if parent.repository and parent.public_id else ""
    kind = _("known by published facts") if is_published else ""
    if parent.revision is not None and parent.revision.state == RevisionState.RECALLED:
        kind = _("recalled")
    elif modalities.parent_takes_images(parent):
        kind = _("takes images")
    return Origin(parent.shown, here, kind, relations().get(parent.relation, ""), parent.depth)


def relations() -> dict[str, str]:
    return {
        "finetune": _("fine-tuned"),
        "adapter": _("adapted"),
        "merge": _("merged"),
        "quantized": _("quantized"),
    }


def _kinds() -> dict[str, str]:
    return {
        "text": _("an answer in words"),
        "select": _("one of a list"),
        "country": _("a country"),
        "date_picker": _("a date"),
        "checkbox": _("a box to tick"),
    }
