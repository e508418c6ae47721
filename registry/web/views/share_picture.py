"""The picture of a model for previews of links. It holds what everybody may know, whoever asks."""

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils import translation
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from registry.accounts.callers import NOBODY
from registry.catalog.models import SearchEntry
from registry.releases.models import Status
from registry.web import catalog_rows, lookup, share_picture
from registry.web.catalog_rows import Row
from registry.web.requests import CallerRequest
from registry.web.share_picture import Shown
from registry.web.templatetags.catalog import context_size, parameters, relation_words
from registry.web.templatetags.web import verdict

ASKS = {"terms": "terms to accept", "open": "open to all"}
JUDGED = ("passed", "warned", "blocked")


@require_safe
@cache_control(public=True, max_age=3600)
def picture(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """GET /{namespace}/{name}/share.png: 1200 by 630 pixels."""
    repository = lookup.repository_or_404(request, namespace, name, caller=NOBODY)
    entries = SearchEntry.objects.filter(repository=repository).select_related(
        "repository__namespace"
    )
    row = next(iter(catalog_rows.rows(entries, NOBODY)), None)
    if row is None or row.revision is None:
        raise Http404("Nothing of it is out.")
    # The font draws English alone
    with translation.override("en"):
        drawn = share_picture.draw(_shown(row))
    return HttpResponse(drawn, content_type="image/png")


def _shown(row: Row) -> Shown:
    facts = [
        f"{parameters(row.parameters)} parameters" if row.parameters else "",
        f"{context_size(row.context_length)} context" if row.context_length else "",
        *row.licenses[:1],
        row.task,
    ]
    version = row.release.version if row.release else ""
    lock = "on request" if row.repository.gated == "manual" else ASKS.get(row.asks, "")
    look, state = _state(row)
    return Shown(
        site=settings.SITE_NAME,
        owner=f"{row.repository.namespace.name} /",
        name=row.repository.name,
        base=f"{relation_words(row.relation)} {' + '.join(row.bases)}" if row.bases else "",
        facts=" · ".join(fact.replace("\xa0", " ") for fact in facts if fact),
        look=look,
        state=state,
        rest=" · ".join(one for one in (version, lock) if one),
    )


def _state(row: Row) -> tuple[str, str]:
    if row.release and row.release.status != Status.RELEASED:
        said = verdict(row.release.status)
    elif row.is_plain:
        return "is-warned", "without review"
    else:
        said = verdict(row.run.verdict if row.run else "unknown")
    word = str(said["word"])
    return said["look"], f"checks {word}" if word in JUDGED else word
