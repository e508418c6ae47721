"""Small answers that clients ask for in passing."""

from django.http import HttpResponse

from registry.accounts.callers import NOBODY
from registry.catalog.models import MAIN, Ref, Repository
from registry.hub import wire
from registry.hub.wire import WireRequest

MOST_MODELS = 5000


@wire.endpoint("GET")
def tags_by_type(request: WireRequest, kind: str) -> HttpResponse:
    """GET /api/models-tags-by-type: the tags of what everybody may know of."""
    public = Ref.objects.filter(
        name=MAIN,
        public__isnull=False,
        repository__in=Repository.objects.visible_to(NOBODY).filter(type=kind),
    ).order_by("-pk")
    rows = public.values_list(
        "public__tags", "public__card__pipeline_tag", "public__card__library_name"
    )
    found: dict[str, set[str]] = {"pipeline_tag": set(), "library": set()}
    for tags, task, library in rows[:MOST_MODELS]:
        named = {"pipeline_tag": task, "library": library}
        for group, value in named.items():
            if isinstance(value, str):
                found[group].add(value)
        for tag in tags:
            if tag not in named.values() and not tag.startswith("base_model:"):
                found.setdefault(_group(tag), set()).add(tag)
    return wire.json_answer({group: _labelled(group, tags) for group, tags in found.items()})


# Whatever token it comes with is not looked at: the Xet library sends that of an upload
@wire.endpoint("GET", "POST", caller=lambda request: NOBODY)
def telemetry(request: WireRequest, topic: str = "") -> HttpResponse:
    """HEAD /api/telemetry/…: taken note of by nobody."""
    return wire.json_answer({})


@wire.endpoint("GET")
def agent_harnesses(request: WireRequest) -> HttpResponse:
    """GET /api/agent-harnesses: the agents a client may look for; none are named"""
    return wire.json_answer({"standardEnvVars": [], "harnesses": {}})


def _group(tag: str) -> str:
    prefix, colon, _ = tag.partition(":")
    return prefix if colon and prefix in {"license", "dataset", "arxiv"} else "other"


def _labelled(group: str, tags: set[str]) -> list[dict[str, str]]:
    return [
        {"id": tag, "label": tag.removeprefix(f"{group}:"), "type": group} for tag in sorted(tags)
    ]
