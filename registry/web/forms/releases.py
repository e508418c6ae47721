"""The form that asks for a release."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.catalog import versions
from registry.errors import Invalid


class ReleaseForm(forms.Form):
    revision = forms.CharField(widget=forms.HiddenInput, max_length=40)
    version = forms.CharField(
        label=_("Version label"),
        max_length=64,
        help_text=_("Such as v1.0. It becomes a tag that nobody can move."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    notes = forms.CharField(
        label=_("What is new"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_version(self) -> str:
        version: str = self.cleaned_data["version"]
        try:
            versions.check_label(version)
        except Invalid as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return version
