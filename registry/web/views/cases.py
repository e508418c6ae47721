"""The pages of reports: making one, the cases that somebody may see, one of them, and statements."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.errors import Invalid, Missing, RegistryError
from registry.releases import advisories, cases, deciders
from registry.releases.cases import Statement
from registry.releases.models import Report
from registry.web import case_table, labels, lookup
from registry.web.forms.aftermath import AnswerForm, AppealForm, ReportForm, TextForm
from registry.web.requests import CallerRequest, text_in

PER_PAGE = 25
ORDERS = {"": (), "newest": ("-opened_at", "-pk"), "oldest": ("opened_at", "pk")}
FILTERS = ["", "waiting", "overdue", "mine", "answered", "closed"]


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: CallerRequest, namespace: str, name: str) -> HttpResponse:
    """Reporting a repository, or a release or a file of it."""
    repository = lookup.repository_or_404(request, namespace, name)
    releases = advisories.releases_of(repository)[: advisories.MAX_SCOPE]
    versions = [one.version for one in releases]
    if request.method != "POST":
        given = {"path": text_in(request.GET, "path", limit=cases.MAX_PATH)}
        form, status = ReportForm(initial=given, versions=versions), 200
    else:
        form, status = ReportForm(request.POST, versions=versions), 422
        if form.is_valid():
            try:
                made = cases.open_case(repository, by=request.caller, **form.cleaned_data)
            except RegistryError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("Thank you. A maintainer answers you here."))
                return redirect(made)
    context = {"repository": repository, "form": form}
    return render(request, "cases/report.html", context, status=status)


@never_cache
@login_required
@require_safe
def index(request: CallerRequest) -> HttpResponseBase:
    """The visitor's own reports; for maintainers those of everybody, for stewards as a table too."""
    state, category = text_in(request.GET, "state"), text_in(request.GET, "category")
    found = cases.listed(request.caller, state=state, category=category)
    sort = text_in(request.GET, "sort")
    if order := ORDERS.get(sort):
        found = found.order_by(*order)
    may_take = request.caller.is_steward and request.caller.can_administer
    if text_in(request.GET, "export") == "csv":
        if not may_take:
            raise Http404("Only stewards take reports away.")
        return case_table.answer(request.caller, found)
    page = Paginator(found, PER_PAGE).get_page(text_in(request.GET, "page"))
    names = cases.names_for(page.object_list, request.caller)
    context = {
        "page": page,
        "rows": [{"report": one, "name": names[one.repository_id]} for one in page.object_list],
        "filters": FILTERS,
        "sort": sort if sort in ORDERS else "",
        "may_take": may_take,
        "kept": urlencode(
            [("state", state), ("category", category), ("sort", sort), ("export", "csv")]
        ),
        "state": state,
        "category": category,
        "categories": [(key, labels.category(key)) for key in cases.categories()],
        "now": timezone.now(),
    }
    return render(request, "cases/index.html", context)


@never_cache
@login_required
@require_safe
def one(request: CallerRequest, report_id: str) -> HttpResponse:
    return _page(request, _or_404(request, report_id))


@never_cache
@login_required
@require_POST
def take_step(request: CallerRequest, report_id: str, step: str) -> HttpResponse:
    found = _or_404(request, report_id)
    kind = {"say": TextForm, "answer": AnswerForm, "appeal": AppealForm, "claim": forms.Form}
    if step not in kind:
        raise Http404("There is no such step.")
    form = kind[step](request.POST, prefix=step)
    if not form.is_valid():
        return _page(request, found, {step: form}, status=422)
    try:
        said = _take(request, found, step, form.cleaned_data)
    except RegistryError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, _or_404(request, report_id), {step: form}, status=409)
    messages.success(request, said)
    return redirect(found)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def statement(request: CallerRequest, answer_id: str) -> HttpResponse:
    """An answer, for the publisher whom it concerns: nothing of the report itself."""
    try:
        given = cases.find_statement(answer_id, caller=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal
    case, status = given.report, 200
    form = AppealForm(request.POST if request.method == "POST" else None, prefix="appeal")
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                cases.appeal(case, text=form.cleaned_data["text"], by=request.caller)
            except RegistryError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _said_of_appeal(case, request.caller))
                return redirect("report-statement", answer_id)
    context = {
        "answer": given,
        "name": cases.names_for([case], request.caller)[case.repository_id],
        "repository": case.repository,
        "form": form,
        "cannot_appeal": str(cases.refusal("appeal", case, request.caller) or ""),
        "is_appealed": case.state == "appealed",
        "nobody_yet": "" if _has_decider(case, request.caller) else _(deciders.NOBODY_YET),
    }
    return render(request, "cases/statement.html", context, status=status)


def _take(request: CallerRequest, found: Report, step: str, given: dict[str, Any]) -> str:
    by = request.caller
    if step == "say":
        internal = text_in(request.POST, "internal") == "1"
        cases.say(found, text=given["text"], by=by, is_internal=internal)
        return _("Noted for maintainers.") if internal else _("Sent.")
    if step == "answer":
        cases.answer(found, statement=Statement(**given), by=by)
        return _("Answered. Whom it concerns is told by mail.")
    if step == "appeal":
        cases.appeal(found, text=given["text"], by=by)
        return _said_of_appeal(found, by)
    cases.claim(found, by=by, handler=_named(text_in(request.POST, "handler")))
    return _("The case is assigned.")


def _named(name: str) -> User | None:
    if not name.strip():
        return None
    found = User.objects.filter(username__iexact=name.strip()).first()
    if found is None:
        raise Invalid(_("There is nobody of this name."))
    return found


def _or_404(request: CallerRequest, report_id: str) -> Report:
    try:
        return cases.find(report_id, caller=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal


def _page(
    request: CallerRequest,
    found: Report,
    bound: dict[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    by = request.caller
    made = {"say": TextForm, "answer": AnswerForm, "appeal": AppealForm}
    context = {
        "report": found,
        "repository": found.repository,
        "name": cases.names_for([found], by)[found.repository_id],
        "handles": cases.handles(found, by),
        "messages_of_case": cases.messages_for(found, by),
        "answers": found.answers.select_related("by"),
        "appeal": getattr(found, "appeal", None),
        "cannot_answer": str(cases.refusal("answer", found, by) or ""),
        "may_appeal": cases.refusal("appeal", found, by) is None,
        "nobody_yet": "" if _has_decider(found, by) else _(deciders.NOBODY_YET),
        "is_reporter": by.user is not None and found.reporter_id == by.user.pk,
        "forms": {name: form(prefix=name) for name, form in made.items()} | (bound or {}),
        "now": timezone.now(),
    }
    return render(request, "cases/case.html", context, status=status)


def _has_decider(case: Report, by: Caller) -> bool:
    """As far as the visitor may know; only who has the whole case is told of the reporter's part."""
    is_inside = cases.handles(case, by) or (by.user is not None and case.reporter_id == by.user.pk)
    return deciders.has_any(case, for_publisher=not is_inside)


def _said_of_appeal(case: Report, by: Caller) -> str:
    if _has_decider(case, by):
        return _("Appealed. Somebody else looks at it again.")
    return _("Appealed. It waits until this site has somebody who may answer it.")
