"""Which addresses belong to the wire. What exactly they mean is in `routes`."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, get_resolver, re_path
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt

from registry.hub import addresses, refusals, wire


@csrf_exempt
def dispatch(request: HttpRequest, **_: str) -> HttpResponseBase:
    """Find the endpoint by the path as it was sent: Django's own has `%2F` decoded already.

    Answers are English whatever the visitor's browser prefers: clients look for words in them, and
    headers hold only Latin-1.
    """
    translation.activate("en")
    resolver = get_resolver("registry.hub.routes")
    try:
        view, _args, kwargs = resolver.resolve(f"/{addresses.raw_path(request)}")
    except Resolver404:
        return wire.finish(request, refusals.not_found())
    kind = kwargs.get("kind")
    if kind is not None and kind not in settings.REPOSITORY_TYPES:
        return wire.finish(request, refusals.not_found())
    return view(request, **kwargs)


urlpatterns = [
    re_path(r"^api(?:/.*)?$", dispatch),
    re_path(r"^v1/telemetry$", dispatch),
    re_path(r"^v2/[^/]+/[^/]+/manifests/[^/]+$", dispatch),
    re_path(r"^xet/.+$", dispatch),
    re_path(r"^oauth/(?:device|token)$", dispatch),
    re_path(r"^lfs/objects/(?P<oid>[^/]+)$", dispatch, name="hub-lfs-put"),
    re_path(r"^lfs/uploads/(?P<upload>[^/]+)$", dispatch, name="hub-lfs-complete"),
    re_path(r"^lfs/uploads/(?P<upload>[^/]+)/(?P<number>[^/]+)$", dispatch, name="hub-lfs-part"),
    re_path(r"^(?:datasets/)?[^/]+/[^/]+/(?:resolve|raw)/.+$", dispatch),
    re_path(r"^(?:datasets/)?[^/]+/[^/]+/(?:ask-access|user-access-report)$", dispatch),
    # A name without a namespace; `resolve` may also be the name of a repository that has pages
    re_path(r"^[^/]+/resolve/(?!tree/|blob/|checks/|releases/|discussions/)[^/]+/.+$", dispatch),
    re_path(r"^(?:[^/]+/){0,2}[^/]+\.git/info/lfs/.+$", dispatch),
]
