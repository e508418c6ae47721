"""Feeds of what is released, for readers that sign in nowhere: they hold what everybody may know."""

import re
from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from registry.accounts.callers import NOBODY
from registry.accounts.models import Namespace
from registry.catalog import search
from registry.catalog.models import RepositoryType
from registry.catalog.search import Wanted
from registry.releases.models import Release, Status
from registry.web import catalog_page
from registry.web.requests import CallerRequest

ENTRIES = 50
# XML has no way to write these
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def models(request: CallerRequest) -> HttpResponse:
    """Any state of the catalog: its latest releases first."""
    return _of_list(request, search.parse(request.GET), reverse("catalog"), _("Latest releases"))


@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def datasets(request: CallerRequest) -> HttpResponse:
    """The same of the list of datasets, where there is one."""
    if RepositoryType.DATASET not in settings.REPOSITORY_TYPES:
        raise Http404("This site has no datasets.")
    wanted = search.parse(request.GET, kind=RepositoryType.DATASET)
    return _of_list(request, wanted, reverse("datasets"), _("Latest datasets"))


@require_safe
@cache_control(public=True, max_age=300)
@conditional_page
def of_namespace(request: CallerRequest, namespace: str) -> HttpResponse:
    """What a person or an organisation has released."""
    owner = get_object_or_404(Namespace, name__iexact=namespace)
    wanted = Wanted(kind="", namespace=owner.name)
    page = reverse("namespace", args=[owner.name])
    return _feed(request, wanted, title=f"{settings.SITE_NAME} · {owner.name}", page=page)


def _of_list(request: CallerRequest, wanted: Wanted, path: str, name: str) -> HttpResponse:
    words = ", ".join(catalog_page.labels_of(wanted)) or name
    query = replace(wanted, sort="relevance").as_query()
    page = f"{path}?{query}" if query else path
    return _feed(request, wanted, title=f"{settings.SITE_NAME} · {words}", page=page)


def _feed(request: CallerRequest, wanted: Wanted, *, title: str, page: str) -> HttpResponse:
    found = search.find(NOBODY, replace(wanted, sort="released"), size=ENTRIES, with_facets=False)
    feed = Atom1Feed(
        title=_clean(title),
        link=request.build_absolute_uri(page),
        description=None,
        feed_url=request.build_absolute_uri(),
        feed_guid=request.build_absolute_uri(page),
    )
    keys = [one.revision_id for one in found.entries if one.revision_id]
    for release in _released(keys):
        repository = release.repository
        feed.add_item(
            title=_clean(f"{repository.full_name} {release.version}"),
            link=request.build_absolute_uri(repository.get_absolute_url()),
            description=escape(_clean(release.notes)),  # readers take it for HTML
            unique_id=f"urn:registry:release:{release.public_id}",
            pubdate=release.released_at,
            updateddate=release.released_at,
            author_name=repository.namespace.name,
        )
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml")


def _released(revisions: Iterable[int]) -> Iterable[Release]:
    found = Release.objects.filter(revision__in=list(revisions), status=Status.RELEASED)
    return found.select_related("repository__namespace").order_by("-released_at")


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)
