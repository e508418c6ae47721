"""The tabs of a repository: card, releases, license and access."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from registry.agreements import terms
from registry.catalog import cards, files, likes, lineage, markdown
from registry.catalog.markdown import Heading
from registry.catalog.models import Repository, Revision
from registry.errors import EntryMissing, RegistryError
from registry.releases import gate, in_force, offers, steps, withdrawals, workflow
from registry.releases.models import Release
from registry.storage import blobs
from registry.web import (
    card_panel,
    findings,
    lookup,
    release_rows,
    shown_terms,
    standing,
    trends,
)
from registry.web import duties as shown_duties
from registry.web.forms.releases import ReleaseForm
from registry.web.requests import CallerRequest, text_in
from registry.web.standing import Standing

CARD_FILE = "README.md"
DEEPEST = 3
MOST_PEOPLE = 8
RELEASES_PER_PAGE = 10


@require_safe
def card(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    if repository.get_absolute_url() != f"/{namespace}/{name}":
        return redirect(repository)
    here = _standing(request, repository, text_in(request.GET, "revision"))
    html, headings = _card(here.shown, repository)
    caller = request.caller
    page = {
        "card": html,
        "contents": [one for one in headings if one.level <= DEEPEST],
        "panel": card_panel.of(here.shown, run=here.run, answer=here.answer, caller=caller),
        "trend": trends.of(repository, now=timezone.now()),
        "newer": card_panel.newer(here.shown, caller=caller),
        "people": likes.of_repository(repository)[:MOST_PEOPLE],
    }
    return _render(request, "card", here, page)


@require_safe
def releases(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    return _releases_page(request, _standing(request, repository, ""))


@login_required
@require_POST
def request_release(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Ask for the head of `main` to be released."""
    repository = lookup.repository_or_404(request, namespace, name)
    here = _standing(request, repository, "")
    form = ReleaseForm(request.POST)
    if form.is_valid():
        revision = lookup.revision_or_404(request, repository, form.cleaned_data["revision"])
        try:
            release = workflow.open_release(
                revision,
                version=form.cleaned_data["version"],
                notes=form.cleaned_data["notes"],
                by=request.caller,
            )
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, findings.asked_for(release.version))
            return redirect(release)
    if here.head is not None:  # what was refused may be of an older head; the page names this one
        typed = request.POST.copy()
        typed["revision"] = here.head.oid
        form.data = typed
    return _releases_page(request, here, form)


@require_safe
def license_and_access(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """The terms in plain words, what this visitor still has to do, and why not."""
    repository = lookup.repository_or_404(request, namespace, name)
    here = _standing(request, repository, "")
    if here.release is not None:
        present = in_force.of(here.release)
        shown, terms_hash, problem = present.terms, present.hash, ""
        accepted = offers.acceptance_of(here.release, caller=request.caller)
        ancestry = lineage.of_revision(here.shown)
    else:
        proposed = terms.of_revision(repository, here.shown)
        shown, terms_hash, problem = proposed.as_json(), proposed.hash, proposed.problem
        accepted, ancestry = None, proposed.ancestry
    page = shown_terms.of_card(here.shown, ancestry) | {
        "documents": shown_terms.documents(shown),
        "statements": shown_terms.statements(shown),
        "prompt": shown_terms.prompt(shown),
        "needs_acceptance": shown["needs_acceptance"],
        "terms_hash": terms_hash,
        "accepted": accepted,
        "problem": problem,
    }
    return _render(request, "license", here, page)


def _standing(request: CallerRequest, repository: Repository, revision: str) -> Standing:
    wanted = lookup.revision_or_404(request, repository, revision) if revision else None
    found = standing.of(repository, caller=request.caller, revision=wanted)
    if found is None:
        raise Http404("Nothing of this repository is released.")
    return found


def _releases_page(
    request: CallerRequest, here: Standing, form: ReleaseForm | None = None
) -> HttpResponse:
    found = (
        Release.objects.visible_to(request.caller)
        .filter(repository=here.repository)
        .select_related("revision", "opened_by", "repository__namespace")
    )
    shown = Paginator(found, RELEASES_PER_PAGE).get_page(request.GET.get("page"))
    releases = list(shown.object_list)
    can_request = here.may_write and here.open_release is None and here.is_ahead
    page = {
        "page": shown,
        "rows": release_rows.rows(
            here,
            releases,
            caller=request.caller,
            address=request.build_absolute_uri("/").rstrip("/"),
        ),
        "form": form or ReleaseForm(initial={"revision": here.head.oid if here.head else ""}),
        "can_request": can_request,
        "holds": steps.holds(here.head) if can_request and here.head else [],
        "duties": shown_duties.unmet(here.head) if can_request and here.head else [],
        "may_act": request.caller.is_maintainer
        and withdrawals.may_act(here.repository, request.caller),
    }
    return _render(request, "releases", here, page)


def _render(request: CallerRequest, tab: str, here: Standing, page: dict[str, Any]) -> HttpResponse:
    context = {"here": here, "repository": here.repository, "tab": tab} | page
    return render(request, f"repository/{tab}.html", context)


def _card(revision: Revision, repository: Repository) -> tuple[str, list[Heading]]:
    """The card is readable by whoever may know of the revision (gate: OPEN_FILES), and looking at
    this page is no download of it: the access log has no row for it."""
    try:
        entry = files.find(revision, CARD_FILE)
    except EntryMissing:
        return "", []
    if entry.size > gate.OPEN_FILE_MAX:
        return "", []
    text = blobs.read(entry.sha256, limit=gate.OPEN_FILE_MAX).decode(errors="replace")
    prose = cards.split(text)[1]
    files_url = f"{repository.get_absolute_url()}/blob/{revision.oid}"
    return markdown.with_headings(prose, files_url=files_url)
