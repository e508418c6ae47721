"""Two to five models beside each other, by the names in the address."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry.accounts.callers import Caller
from registry.web import compared_models, models_named
from registry.web.models_named import Named
from registry.web.requests import CallerRequest, text_in


@require_safe
def models(request: CallerRequest) -> HttpResponse:
    wanted = [name.replace("\0", "").strip() for name in request.GET.getlist("m")]
    names = list(dict.fromkeys(name for name in wanted if name))[: compared_models.MOST + 1]
    is_cut = len(names) > compared_models.MOST
    named = models_named.find_all(names[: compared_models.MOST], caller=request.caller)
    chosen = list({one.key.lower(): one for one in named}.values())
    query = text_in(request.GET, "q").strip()
    page: dict[str, Any] = {
        "chosen": [
            (one, _address(other for other in chosen if other is not one)) for one in chosen
        ],
        "names": [one.key for one in chosen],
        "query": query,
        "found": _found(query, chosen, request.caller) if query else [],
        "is_cut": is_cut,
        "from_list": f"{reverse('catalog')}?{_query([one.key for one in chosen])}".rstrip("?"),
        "is_full": len(chosen) >= compared_models.MOST,
        "unknown": [one.name for one in chosen if not one.is_known],
    }
    known = [one for one in chosen if one.is_known]
    if len(known) >= compared_models.FEWEST:
        page |= _compared(known)
    return render(request, "compare/models.html", page)


def _compared(known: list[Named]) -> dict[str, Any]:
    machines, alone = compared_models.on_machines(known)
    return {
        "models": known,
        "facts": compared_models.facts(known),
        "licensing": compared_models.licensing(known),
        "scores": compared_models.scores(known),
        "comparisons": compared_models.reported(known),
        "machines": machines,
        "alone": alone,
        "files": compared_models.files(known),
    }


def _found(query: str, chosen: list[Named], caller: Caller) -> list[tuple[str, str, str]]:
    """What the words find: name, title, and the address with it added. Models here come first."""
    known = {one.key.lower() for one in chosen}
    found = models_named.matching(query, caller=caller)
    keys = [one.key for one in chosen]
    return [
        (name, title, f"{reverse('compare-models')}?{_query([*keys, name])}")
        for name, title in found.items()
        if name.lower() not in known
    ]


def _address(others: Any) -> str:
    return f"{reverse('compare-models')}?{_query([one.key for one in others])}"


def _query(names: list[str]) -> str:
    return urlencode([("m", name) for name in names], safe="/")
