"""The story of the Llama family as data: generations, variants, what became of them."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from registry.agreements import duty_table
from registry.catalog import search
from registry.catalog.models import Family, Variant
from registry.catalog.search import Wanted
from registry.web import benchmarks, family_story, license_history, models_named
from registry.web.requests import CallerRequest

DERIVED = 10
# What a person who is not signed in puts their own name in place of
ANYBODY = "you"


@require_safe
def index(request: CallerRequest) -> HttpResponse:
    """Every generation in its order, with what is here of it."""
    families = list(Family.objects.all())
    page = {
        "generations": family_story.generations(families, caller=request.caller),
        "timeline": family_story.timeline(families),
        "conflicts": family_story.conflicts_of_all(),
        "community_count": len(family_story.published.read()["community"]),
    }
    return render(request, "families/index.html", page)


@require_safe
def family(request: CallerRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Family, slug=slug)
    (generation,) = family_story.generations([found], caller=request.caller)
    variants = [row.variant for row in generation.rows]
    page = {
        "family": found,
        "facts": found.facts,
        "generation": generation,
        "history": license_history.before(generation.license) if generation.license else None,
        "community": family_story.community_of(variants, caller=request.caller),
        "conflicts": family_story.conflicts_of([found.name]),
        "before": Family.objects.filter(position__lt=found.position).order_by("-position").first(),
        "after": Family.objects.filter(position__gt=found.position).order_by("position").first(),
    }
    return render(request, "families/family.html", page)


@require_safe
def variant(request: CallerRequest, slug: str, variant: str) -> HttpResponse:
    known = Variant.objects.select_related("family")
    found = get_object_or_404(known, family__slug=slug, slug=variant)
    (row,) = family_story.rows_of([found], caller=request.caller)
    said = str(found.facts.get("license") or "")
    names = tuple(name.lower() for name in models_named.names_of(found))
    derived = Wanted(facets={"base": names})
    page = {
        "variant": found,
        "facts": found.facts,
        "row": row,
        "license": duty_table.by_fact([said]).get(said),
        "config": _plain_values(found.facts.get("config") or {}),
        "benchmarks": benchmarks.of_variant(found),
        "comparisons": family_story.comparisons_of(found),
        "community": family_story.community_of([found], caller=request.caller),
        "conflicts": family_story.conflicts_of([found.name]),
        "derived": search.find(request.caller, derived, size=DERIVED, with_facets=False),
        "derived_query": derived.as_query(),
        "base": models_named.variants_named([_base(found)]).get(_base(found)),
        "lines": _lines(request, found),
    }
    return render(request, "families/variant.html", page)


def _lines(request: CallerRequest, found: Variant) -> list[str]:
    if not found.hub_repo_id:
        return []
    user = request.caller.user
    site = request.build_absolute_uri("/").rstrip("/")
    return family_story.import_lines(found, site=site, namespace=user.username if user else ANYBODY)


def _base(found: Variant) -> str:
    said = found.facts.get("base_model")
    return str(said).replace(".", "-").lower() if isinstance(said, str) else ""


def _plain_values(config: dict[str, Any]) -> list[tuple[str, str]]:
    """The keys of a configuration on one level, as its file names them."""
    found: list[tuple[str, str]] = []
    for key, value in config.items():
        if isinstance(value, dict):
            found += [(f"{key}.{name}", str(inner)) for name, inner in value.items()]
        elif key != "source":
            found.append((key, str(value).lower() if isinstance(value, bool) else str(value)))
    return found
