"""Uploading in a browser: the page, the short-lived token that its script works with, and the plain
form of who runs no script."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from registry.accounts import tokens
from registry.accounts.models import AccessToken, Scope
from registry.catalog.models import Repository
from registry.errors import NotAllowed, RegistryError, RevisionMissing
from registry.releases import contributions
from registry.releases.contributions import Place
from registry.storage import direct
from registry.web import lookup, upload_words
from registry.web.forms.uploads import MAX_BYTES, UploadForm
from registry.web.path_words import FILE_NAMES
from registry.web.requests import CallerRequest

LIFETIME = timedelta(hours=2)
# The form's other fields and the lines between its parts
MAX_BODY = MAX_BYTES + 1024**2

View = Callable[..., HttpResponse]


def _bounded(view: View) -> View:
    """Refuse a body that is too large before anything of it is read, its CSRF token included."""

    @wraps(view)
    def run(request: CallerRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            request._read_started = True  # type: ignore[attr-defined]  # nothing reads it later
            where = {name: kwargs[name] for name in ("namespace", "name", "branch")}
            return render(request, "uploads/too_large.html", where, status=413)
        return csrf_protect(view)(request, *args, **kwargs)

    return csrf_exempt(run)


@_bounded
@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: CallerRequest, namespace: str, name: str, branch: str) -> HttpResponse:
    """Files for a branch, or for a pull request by whoever may not write it."""
    repository = lookup.repository_or_404(request, namespace, name)
    try:
        place = _place(request, repository, branch)
    except NotAllowed as refusal:
        context = {"repository": repository, "refusal": f"{str(refusal).rstrip('.')}."}
        return render(request, "uploads/closed.html", context, status=403)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        try:
            made, discussion = contributions.commit(
                place, form.contents(), title=form.title(), by=request.caller
            )
        except RegistryError as refusal:
            form.add_error(None, FILE_NAMES.said(str(refusal)))
        else:
            messages.success(request, _("Your files are in quarantine. Their checks start soon."))
            if discussion is not None:
                return redirect(discussion)
            return redirect("repository-checks-revision", namespace, name, made.oid)
    context = {"place": place, "repository": repository, "form": form, "bounds": form.bounds()}
    context |= {"words": upload_words.of_page(), "setup": _setup(place, namespace)}
    status = 400 if form.errors else 200
    response = render(request, "uploads/page.html", context, status=status)
    if (store := _store_origin()) is not None:
        response._csp_update = {"connect-src": [store]}  # type: ignore[attr-defined]
    return response


@never_cache
@login_required
@require_POST
def start(request: CallerRequest, namespace: str, name: str, branch: str) -> HttpResponse:
    """A token for the page's script: for this repository, to write, and soon over."""
    repository = lookup.repository_or_404(request, namespace, name)
    try:
        _place(request, repository, branch)
        now = timezone.now()
        token, secret = tokens.issue(
            user=request.caller.user,  # type: ignore[arg-type]
            name=_("Upload in the browser"),
            scope=Scope.WRITE,
            repositories=[repository.public_id],
            expires_at=now + LIFETIME,
        )
    except RegistryError as refusal:
        return JsonResponse({"error": str(refusal)}, status=403)
    seconds = int(LIFETIME.total_seconds())
    return JsonResponse({"id": token.public_id, "token": secret, "seconds": seconds})


@never_cache
@login_required
@require_POST
def end(request: CallerRequest, namespace: str, name: str, token_id: str) -> HttpResponse:
    """The script is done, or the page is left: its token ends."""
    token = AccessToken.objects.filter(user=request.caller.user, public_id=token_id).first()
    if token is not None:
        tokens.revoke(token, by=request.caller)
    return HttpResponse(status=204)


def _place(request: CallerRequest, repository: Repository, branch: str) -> Place:
    try:
        return contributions.place_of(repository, branch, caller=request.caller)
    except RevisionMissing as refusal:
        raise Http404(str(refusal)) from refusal


def _setup(place: Place, namespace: str) -> dict[str, Any]:
    """What the script has to know: addresses, names and limits."""
    repository = place.repository
    return {
        "repository": repository.full_name,
        "kind": f"{repository.type}s",
        "revision": place.target.removeprefix("refs/heads/") or place.branch,
        "isProposal": place.is_proposal,
        "place": f"/{namespace}/{repository.name}",
        "largest": settings.MAX_FILE_SIZE,
        "whose": str(repository.public_id),
    }


def _store_origin() -> str | None:
    """Where parts of large files go, where they do not come to us."""
    if not direct.is_offered():
        return None
    parts = urlsplit(settings.S3["public_endpoint"] or settings.S3["endpoint"])
    if not parts.netloc:
        return None
    if settings.S3["addressing"] == "virtual":
        return f"{parts.scheme}://{settings.S3['bucket']}.{parts.netloc}"
    return f"{parts.scheme}://{parts.netloc}"
