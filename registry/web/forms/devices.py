"""The form that lets a program in, or keeps it out."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.accounts.models import Scope

SCOPES = [
    (Scope.WRITE, _("read and write: it downloads and uploads what you may.")),
    (Scope.READ, _("read: it downloads what you may download, and changes nothing.")),
]


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        help_text=_("Eight letters, as the program shows them, such as “WDJB-MJHT”."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )


class DecisionForm(forms.Form):
    code = forms.CharField(max_length=20, widget=forms.HiddenInput)
    scope = forms.ChoiceField(
        label=_("What it may do"),
        choices=SCOPES,
        initial=Scope.WRITE,
        widget=forms.RadioSelect,
    )
