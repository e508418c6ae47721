"""What programs that visit the whole site are told: which pages there are, and which are no use."""

from collections.abc import Iterator
from datetime import datetime
from math import ceil
from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from registry.accounts.callers import NOBODY
from registry.accounts.models import Namespace
from registry.agreements.models import Document
from registry.catalog.models import Family, Repository, RepositoryType

# Of the 50,000 that the protocol allows in one file some are left for the other pages
PER_FILE = 49_000
OWNERS = 500
XML = "application/xml; charset=utf-8"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
PLACES = (
    "catalog",
    "families",
    "compare-models",
    "licenses",
    "license-matrix",
    "license-finder",
    "advisories",
    "docs-checks",
    "docs-glossary",
)
# States of lists, and pages that are about whoever looks at them
ROBOTS = """User-agent: *
Disallow: /?
Disallow: /datasets?
Disallow: /accounts/
Disallow: /api/
Disallow: /compare?
Disallow: /device$
Disallow: /operations/
Disallow: /receipts/
Disallow: /review/
Disallow: /settings/
Disallow: /steward/
Disallow: /*/*/resolve/
Disallow: /*/*/commit/
Disallow: /*/*/commits/
Disallow: /*/*/compare?

Sitemap: {sitemap}
"""


@require_safe
@cache_control(public=True, max_age=86_400)
def robots(request: HttpRequest) -> HttpResponse:
    address = request.build_absolute_uri(reverse("sitemap"))
    return HttpResponse(ROBOTS.format(sitemap=address), content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=3600)
def sitemap(request: HttpRequest) -> HttpResponseBase:
    """What everybody may know of. Beyond what one file may hold, a list of files."""
    files = ceil(_repositories().count() / PER_FILE)
    asked = request.GET.get("file", "")
    if not asked and files > 1:
        return HttpResponse(_index(request, files), content_type=XML)
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    if not 1 <= number <= max(files, 1):
        raise Http404("There is no such part of the sitemap.")
    return StreamingHttpResponse(_file(request, number), content_type=XML)


def _index(request: HttpRequest, files: int) -> Iterator[str]:
    yield f"{HEAD}<sitemapindex {SPACE}>\n"
    here = escape(request.build_absolute_uri(reverse("sitemap")))
    for number in range(1, files + 1):
        yield f"<sitemap><loc>{here}?file={number}</loc></sitemap>\n"
    yield "</sitemapindex>\n"


def _file(request: HttpRequest, number: int) -> Iterator[str]:
    yield f"{HEAD}<urlset {SPACE}>\n"
    if number == 1:
        for path in _places():
            yield _entry(request, path)
    first = (number - 1) * PER_FILE
    found = _repositories()[first : first + PER_FILE].select_related("namespace", "entry")
    for repository in found.iterator(chunk_size=2000):
        entry = getattr(repository, "entry", None)
        yield _entry(request, repository.get_absolute_url(), entry.released_at if entry else None)
    yield "</urlset>\n"


def _entry(request: HttpRequest, path: str, at: datetime | None = None) -> str:
    address = escape(request.build_absolute_uri(path))
    changed = f"<lastmod>{at.isoformat(timespec='seconds')}</lastmod>" if at else ""
    return f"<url><loc>{address}</loc>{changed}</url>\n"


def _places() -> Iterator[str]:
    """The pages that are the site's own, and of whom something is released. They are few beside
    the repositories, and stand in the first file."""
    yield from (reverse(name) for name in PLACES)
    if RepositoryType.DATASET in settings.REPOSITORY_TYPES:
        yield reverse("datasets")
    yield from (f"/families/{slug}" for slug in Family.objects.values_list("slug", flat=True))
    for document in Document.objects.exclude(versions=None).order_by("slug"):
        yield document.get_absolute_url()
    owners = Namespace.objects.filter(pk__in=_repositories().values("namespace")).order_by("pk")
    for name in owners.values_list("name", flat=True)[:OWNERS]:
        yield reverse("namespace", args=[name])


def _repositories() -> QuerySet[Repository]:
    return Repository.objects.visible_to(NOBODY).order_by("pk")
