"""The form of a webhook: where to, about what, with which secret."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.outbox.models import Webhook

DOMAINS = [
    ("repo", _("repositories: made, moved, deleted, set, and files and releases that come")),
    ("discussion", _("discussions and pull requests")),
]


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        help_text=_("Events are posted here as JSON. It has to be reached from the internet."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    watched = forms.CharField(
        label=_("What to watch"),
        max_length=20_000,
        help_text=_("One a line: a model as “lab/tiny”, or a person or organisation as “lab”."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    domains = forms.MultipleChoiceField(
        label=_("Tell me about"),
        choices=DOMAINS,
        initial=["repo", "discussion"],
        widget=forms.CheckboxSelectMultiple,
    )
    secret = forms.CharField(
        label=_("Secret"),
        max_length=200,
        required=False,
        help_text=_("It proves that a post is from here. Left empty, one is made, or stays."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def wanted(self) -> dict[str, Any]:
        """What the rules about webhooks are asked for."""
        lines = [line.strip() for line in self.cleaned_data["watched"].splitlines()]
        return self.cleaned_data | {"watched": [_item(line) for line in lines if line]}


def shown(webhook: Webhook) -> dict[str, Any]:
    """What the form begins with. The secret is not among it."""
    return {
        "url": webhook.url,
        "watched": "\n".join(_line(item) for item in webhook.watched),
        "domains": webhook.domains,
    }


def _item(line: str) -> dict[str, str]:
    for kind in ("dataset", "space"):
        if line.startswith(f"{kind}s/"):
            return {"type": kind, "name": line.removeprefix(f"{kind}s/")}
    return {"type": "model" if "/" in line else "org", "name": line}


def _line(item: dict[str, str]) -> str:
    prefix = f"{item['type']}s/" if item["type"] in {"dataset", "space"} else ""
    return prefix + item["name"]
