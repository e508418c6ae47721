"""The form that accepts terms."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.agreements.acceptances import MAX_NAME
from registry.agreements.models import Capacity

CAPACITIES = [
    (Capacity.SELF, _("for myself")),
    (Capacity.ORGANISATION, _("for my organisation, and I may sign for it")),
]


class AcceptForm(forms.Form):
    shown_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    capacity = forms.ChoiceField(
        label=_("You accept"), choices=CAPACITIES, initial=Capacity.SELF, widget=forms.RadioSelect
    )
    typed_name = forms.CharField(
        label=_("Your full name"),
        max_length=MAX_NAME,
        help_text=_("Typed in place of a signature. It is kept with the acceptance."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
