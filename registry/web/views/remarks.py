"""Remarks on a release under review: the form for one, answers, and what is dealt with."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from registry.discussions.threads import MAX_TEXT
from registry.errors import RegistryError
from registry.releases import remarks
from registry.releases.models import Release, Remark
from registry.releases.remarks import Where
from registry.web.requests import CallerRequest, text_in
from registry.web.revision_diff import anchor_of
from registry.web.views.reviews import find

LONGEST_PATH = 1000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: CallerRequest, release_id: str) -> HttpResponse:
    """The form for a remark on the place that the address names, and the remark."""
    release = find(request, release_id)
    if not remarks.may_remark(release, request.caller):
        raise Http404("You do not take part in this review.")
    where = _where(request)
    page: dict[str, Any] = {"release": release, "repository": release.repository, "where": where}
    if request.method != "POST":
        return render(request, "reviews/remark.html", page)
    text = text_in(request.POST, "text", limit=MAX_TEXT + 1)
    digest = text_in(request.POST, "digest")
    try:
        made = remarks.make(release, text, where=where, by=request.caller, digest=digest)
    except RegistryError as refusal:
        page |= {"refusal": str(refusal), "text": text}
        return render(request, "reviews/remark.html", page, status=409)
    messages.success(request, _("Your remark is in the thread of the release."))
    return redirect(_place(release, made))


@login_required
@require_POST
def act(request: CallerRequest, release_id: str, remark_id: str, step: str) -> HttpResponse:
    """Answer a remark, or say that it is dealt with or not."""
    release = find(request, release_id)
    remark = remarks.find(remark_id, caller=request.caller)
    if remark is None or remark.release_id != release.pk:
        raise Http404("There is no such remark.")
    try:
        if step == "answer":
            text = text_in(request.POST, "text", limit=MAX_TEXT + 1)
            remarks.answer(remark, text, by=request.caller)
        elif step == "resolve":
            remarks.resolve(remark, by=request.caller)
        elif step == "reopen":
            remarks.reopen(remark, by=request.caller)
        else:
            raise Http404
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    return redirect(_place(release, remark))


def _where(request: CallerRequest) -> Where:
    line = text_in(request.GET, "line")
    path = text_in(request.GET, "path", limit=LONGEST_PATH)
    check = text_in(request.GET, "check")
    if line:
        number = int(line) if line.isdecimal() and line.isascii() and len(line) < 9 else 0
        return Where("line", path, number, text_in(request.GET, "side"))
    if check:
        return Where("finding", path, check_id=check)
    return Where("file", path) if path else Where()


def _place(release: Release, remark: Remark) -> str:
    """Where the page shows it: at its line, else in the list."""
    address = reverse("release", args=[release.public_id])
    if remark.line and remark.side == "after" and remark.revision_id == release.revision_id:
        return f"{address}#{anchor_of(remark.path)}-L{remark.line}"
    return f"{address}#remarks"
