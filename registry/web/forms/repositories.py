"""The forms of a repository's settings."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.catalog import deprecations
from registry.catalog.models import Visibility

WHO = [
    (Visibility.PUBLIC, _("everybody, once something is released")),
    (Visibility.PRIVATE, _("the members of the namespace")),
]
MAX_ID = 200


class VisibilityForm(forms.Form):
    visibility = forms.ChoiceField(
        label=_("Who may know of it"), choices=WHO, widget=forms.RadioSelect
    )


class MoveForm(forms.Form):
    to = forms.RegexField(
        r"^[^/\s]+/[^/\s]+$",
        label=_("New name"),
        max_length=MAX_ID,
        help_text=_("As namespace/name. Old addresses lead to the new one."),
        error_messages={"invalid": _("Write it as namespace/name.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class DeprecationForm(forms.Form):
    successor = forms.CharField(
        label=_("What to use instead"),
        max_length=MAX_ID,
        required=False,
        help_text=_("A model of this site, as namespace/name."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    note = forms.CharField(
        label=_("Why"),
        max_length=deprecations.MAX_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
