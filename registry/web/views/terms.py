"""Reading the terms of a repository, and accepting exactly what was shown."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from registry.agreements import acceptances, organisations, terms
from registry.agreements.models import Acceptance, DocumentVersion
from registry.catalog import markdown, questions
from registry.errors import Conflict, RegistryError
from registry.releases import alike, in_force, offers
from registry.releases.in_force import InForce
from registry.releases.models import Release
from registry.web import lookup, plain_terms, standing, terms_changes
from registry.web.forms.terms import AcceptForm
from registry.web.requests import CallerRequest, text_in


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """The terms in force for what is offered, or of the release of a label (`version`), or those
    that a campaign will put in force (`terms`, by their hash)."""
    repository = lookup.repository_or_404(request, namespace, name)
    version, now = text_in(request.GET, "version"), timezone.now()
    release = offers.current(repository, version=version)
    about = release.revision if release is not None and version else None
    here = standing.of(repository, caller=request.caller, revision=about)
    if here is None or release is None:
        return redirect("repository-license", namespace, name)
    if request.method == "POST" and not request.caller.is_signed_in:
        return redirect_to_login(request.get_full_path())
    shown = in_force.named(release, text_in(request.GET, "terms"), now)
    form, status = _form(request, shown), 200
    if request.method == "POST":
        status = _accept(request, form, release, version)
        if status == 302:
            return redirect(request.get_full_path())
        if status == 409:
            form = _again(request, release, shown, form)
    page = _page(request, release, shown, now) | {
        "form": form,
        "here": here,
        "repository": repository,
        "tab": "license",
    }
    return render(request, "repository/terms.html", page, status=status)


def _form(request: CallerRequest, shown: InForce, data: Any = None) -> AcceptForm:
    signs_for = organisations.signs_for(request.caller)
    if data is None:
        data = request.POST if request.method == "POST" else None
    return AcceptForm(shown.terms, list(signs_for), data, initial={"shown_hash": shown.hash})


def _again(
    request: CallerRequest, release: Release, shown: InForce, refused: AcceptForm
) -> AcceptForm:
    """The form for the terms as they are now, with what was typed."""
    now_shown = request.POST.copy()
    now_shown["shown_hash"] = shown.hash
    form = _form(request, shown, now_shown)
    for error in refused.non_field_errors():
        form.add_error(None, error)
    return form


def _accept(request: CallerRequest, form: AcceptForm, release: Release, version: str) -> int:
    """The status of the answer; the form says why it is not 302."""
    echoed = text_in(request.POST, "shown_hash")
    if echoed and echoed != in_force.named(release, echoed).hash:
        # Before the fields are looked at: other terms may ask for others
        form.add_error(
            None,
            _(
                "The terms have changed since they were shown. Nothing was recorded; read them again."
            ),
        )
        return 409
    if not form.is_valid() or form.above:
        return 422
    said, wanted = form.said(), form.cleaned_data["models"].split(",")
    try:
        with transaction.atomic():
            made = offers.accept(
                release.repository,
                version=version,
                shown_hash=form.cleaned_data["shown_hash"],
                by=request.caller,
                **said,
            )
            more = []
            if form.cleaned_data["also"]:
                more = alike.accept_also(made, wanted, by=request.caller, said=said)
    except Conflict as refusal:
        form.add_error(None, str(refusal))
        return 409
    except RegistryError as refusal:
        form.add_error(None, str(refusal))
        return 422
    _say_what_was_accepted(request, release, len(more))
    return 302


def _say_what_was_accepted(request: CallerRequest, release: Release, more: int) -> None:
    said = _("Accepted for %(name)s.") % {"name": release.repository.full_name}
    if more:
        said += " " + ngettext(
            "So are the same terms of %(count)d other model.",
            "So are the same terms of %(count)d other models.",
            more,
        ) % {"count": more}
    messages.success(request, said)


def _page(
    request: CallerRequest, release: Release, shown: InForce, now: datetime
) -> dict[str, Any]:
    accepted = _accepted(request, release, shown, now)
    earlier = _earlier(request, release, shown) if accepted is None else None
    versions = terms.versions_in(shown.terms)
    prompt = questions.of_json(shown.terms.get("prompt"))
    also = []
    if accepted is None:
        also = alike.others(release.repository, shown.terms, caller=request.caller, now=now)
    known = _policy_accepted_elsewhere(request, versions)
    return {
        "release": release,
        "shown": shown,
        "is_coming": shown.since is not None and shown.since > now,
        "accepted": accepted,
        "receipt": getattr(accepted, "receipt", None),
        "earlier": earlier,
        "changes": terms_changes.between(earlier.terms, shown.terms) if earlier else [],
        "asked_changes": terms_changes.of_prompt(earlier.terms, shown.terms) if earlier else (),
        "prompt": prompt,
        "prompt_html": markdown.render(prompt.text, files_url="") if prompt.text else "",
        "also": also,
        "also_ids": ",".join(one.repository.public_id for one in also),
        "documents": [
            {
                "version": version,
                "item": item,
                "plain": plain_terms.of(version.document.facts),
                "known_since": known if version.document.is_site_policy else None,
            }
            for version, item in zip(versions, shown.terms["documents"], strict=True)
        ],
    }


def _accepted(
    request: CallerRequest, release: Release, shown: InForce, now: datetime
) -> Acceptance | None:
    """By which acceptance the visitor is covered: of the set in force also by an earlier one that
    still counts."""
    if shown.since is not None and shown.since > now:
        return acceptances.find(
            release.repository, terms_hash=shown.hash, caller=request.caller, now=now
        )
    return offers.acceptance_of(release, caller=request.caller, now=now)


def _earlier(request: CallerRequest, release: Release, shown: InForce) -> Acceptance | None:
    """What this person accepted here before, so that the difference can be shown."""
    if request.caller.user is None:
        return None
    return (
        Acceptance.objects.filter(user=request.caller.user, repository=release.repository)
        .exclude(terms_hash=shown.hash)
        .order_by("-accepted_at")
        .first()
    )


def _policy_accepted_elsewhere(
    request: CallerRequest, versions: list[DocumentVersion]
) -> datetime | None:
    """When the visitor first accepted this version of the site's policy, with whatever model."""
    policy = next((one for one in versions if one.document.is_site_policy), None)
    if request.caller.user is None or policy is None:
        return None
    item = {"document": policy.document.public_id, "sha256": policy.sha256}
    found = Acceptance.objects.filter(user=request.caller.user, terms__documents__contains=[item])
    return found.order_by("accepted_at").values_list("accepted_at", flat=True).first()
