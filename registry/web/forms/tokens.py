"""The form that makes an access token."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.accounts.models import Scope

SCOPES = [
    (Scope.READ, _("read: it downloads what you may download, and changes nothing.")),
    (Scope.WRITE, _("write: it also uploads, and asks for releases.")),
    (Scope.ADMIN, _("admin: it does all that you may do here, reviews and terms included.")),
]
LIFETIMES = [
    ("30", _("30 days")),
    ("90", _("90 days")),
    ("365", _("1 year")),
    ("0", _("never ends")),
]


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("The machine or job that will use it, such as “laptop”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label=_("What it may do"),
        choices=SCOPES,
        help_text=_("Choose the least that the job needs."),
        widget=forms.RadioSelect,
    )
    days = forms.ChoiceField(label=_("How long it works"), choices=LIFETIMES, initial="90")

    def expires_at(self) -> datetime | None:
        days = int(self.cleaned_data["days"])
        return timezone.now() + timedelta(days=days) if days else None
