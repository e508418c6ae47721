"""What people have to state about themselves under a set of licenses: as data, by published rules."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from registry.agreements.models import Document, DocumentVersion
from registry.catalog import facts

REGION, USERS = "region", "users"


@dataclass(frozen=True)
class Subject:
    """A license of the set, and its version that is pinned."""

    document: Document
    version: DocumentVersion


@dataclass(frozen=True)
class _Rule:
    """Whom a license shuts out by country, and what input of a model it is about."""

    countries: tuple[str, ...]
    inputs: frozenset[str]


def statements(subjects: Sequence[Subject], inputs: Collection[str]) -> list[dict[str, Any]]:
    """What these licenses ask people to state, of a model that takes these inputs, or comes from
    one that does. A rule that several licenses have is asked once, and names them all."""
    asked: dict[str, list[Subject]] = {}
    for subject in subjects:
        for exclusion in subject.document.facts.get("geographic_exclusions") or []:
            rule = _regional().get(str(exclusion.get("id")))
            if rule is not None and rule.inputs <= set(inputs):
                asked.setdefault(str(exclusion["id"]), []).append(subject)
    regions = [_region(name, having) for name, having in sorted(asked.items())]
    return regions + [one for one in map(_users, subjects) if one is not None]


def _region(name: str, having: list[Subject]) -> dict[str, Any]:
    titles = " and ".join(one.document.title for one in having)
    region = _region_of(having[0].document, name)
    return {
        "id": name,
        "kind": REGION,
        "license": having[0].document.slug,
        "version_sha256": having[0].version.sha256,
        "countries": sorted(_regional()[name].countries),
        "clause": (
            f"{titles} gives no rights in models that take images to people who live in the "
            f"{region}, nor to companies with their principal place of business there."
        ),
    }


def _users(subject: Subject) -> dict[str, Any] | None:
    threshold = subject.document.facts.get("monthly_active_users_threshold") or {}
    limit = threshold.get("limit")
    if not isinstance(limit, int):
        return None
    measured_at = str(threshold.get("measured_at") or "")
    when = f" in the calendar month before {measured_at}" if measured_at else ""
    return {
        "id": f"monthly_users:{subject.document.slug}",
        "kind": USERS,
        "license": subject.document.slug,
        "version_sha256": subject.version.sha256,
        "limit": limit,
        "measured_at": measured_at,
        "clause": (
            f"{subject.document.title} gives no rights to organisations whose products and services, "
            f"with those of their affiliates, had more than {limit:,} monthly active users{when}."
        ),
    }


def _region_of(document: Document, name: str) -> str:
    for exclusion in document.facts.get("geographic_exclusions") or []:
        if exclusion.get("id") == name:
            return str(exclusion.get("region") or "listed countries")
    return "listed countries"


@cache
def _regional() -> dict[str, _Rule]:
    """The published rules that shut out countries, by the id that licenses name them by."""
    found = {}
    for rule in facts.read()["relations"]["rules"]:
        checks = [one for one in rule["require"] if one["check"] == "country_not_in"]
        if not checks:
            continue
        conditions = rule["when"].get("all") or []
        inputs = [
            one["root_variant_input_modalities_include"]
            for one in conditions
            if "root_variant_input_modalities_include" in one
        ]
        found[rule["id"]] = _Rule(tuple(map(str, checks[0]["countries"])), frozenset(inputs))
    return found
