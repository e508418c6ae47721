"""A person's webhooks: listed, made, changed, switched, and what was sent to them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from registry.errors import Missing, RegistryError
from registry.outbox import webhooks
from registry.outbox.models import Webhook
from registry.web.forms.webhooks import WebhookForm, shown
from registry.web.requests import CallerRequest, text_in

NEW_SECRET = "new_webhook_secret"  # noqa: S105 - where the session keeps it until it is shown
DELIVERIES = 30


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: CallerRequest) -> HttpResponse:
    """The list, and the form that makes another."""
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = webhooks.create(**form.wanted(), by=request.caller)
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            request.session[NEW_SECRET] = secret
            return redirect("webhook", made.public_id)
    page = {"form": form, "webhooks": webhooks.of(request.caller)}
    return render(request, "settings/webhooks.html", page)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: CallerRequest, webhook_id: str) -> HttpResponse:
    """One webhook: its form, and its last deliveries."""
    found = _or_404(request, webhook_id)
    form = WebhookForm(request.POST or None, initial=shown(found))
    if request.method == "POST" and form.is_valid():
        try:
            webhooks.update(found, **form.wanted(), by=request.caller)
        except RegistryError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The webhook was changed."))
            return redirect("webhook", found.public_id)
    page = {
        "form": form,
        "webhook": found,
        "secret": request.session.pop(NEW_SECRET, "") if request.method == "GET" else "",
        "deliveries": Paginator(webhooks.deliveries(found), DELIVERIES).get_page(
            text_in(request.GET, "page")
        ),
    }
    return render(request, "settings/webhook.html", page)


@login_required
@require_POST
def act(request: CallerRequest, webhook_id: str, step: str) -> HttpResponse:
    """Switch a webhook on or off, delete it, or send one of its deliveries again."""
    found = _or_404(request, webhook_id)
    try:
        if step == "enable":
            webhooks.enable(found, by=request.caller)
        elif step == "disable":
            webhooks.disable(found, by=request.caller)
        elif step == "delete":
            webhooks.delete(found, by=request.caller)
            messages.success(request, _("The webhook was deleted."))
            return redirect("webhooks")
        elif step == "send-again":
            delivery = text_in(request.POST, "delivery")
            webhooks.send_again(found, delivery, by=request.caller)
            messages.success(request, _("It is sent again within a few seconds."))
        else:
            raise Http404
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    return redirect("webhook", found.public_id)


def _or_404(request: CallerRequest, webhook_id: str) -> Webhook:
    try:
        return webhooks.find(webhook_id, caller=request.caller)
    except Missing as refusal:
        raise Http404(str(refusal)) from refusal
