"""The forms of organisations: members, domains, and words that confirm an act."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.accounts.models import Role
from registry.agreements.domains import MAX_WORDS

ROLES = [
    (Role.READ, _("read: know of private repositories")),
    (Role.CONTRIBUTOR, _("contributor: commit and ask for releases, as with write")),
    (Role.WRITE, _("write: commit and ask for releases")),
    (Role.ADMIN, _("admin: members, domains, settings, and sign for the organisation")),
]


class MemberForm(forms.Form):
    username = forms.CharField(
        label=_("User name"),
        max_length=96,
        help_text=_("A person or a service account of this site."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=ROLES, initial=Role.READ, widget=forms.RadioSelect
    )


class DomainForm(forms.Form):
    domain = forms.CharField(
        label=_("Domain"),
        max_length=254,
        help_text=_("What stands after the @ in the mail addresses of the organisation."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "lab.example"}),
    )


class TypedForm(forms.Form):
    """A name that has to be typed before something ends."""

    typed = forms.CharField(
        max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.fields["typed"].label = gettext("Type %(name)s to confirm") % {"name": name}

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"]).strip()
        if typed.lower() != self.name.lower():
            raise forms.ValidationError(gettext("That is not the name."))
        return typed


class DecisionForm(forms.Form):
    """A steward's words about a domain."""

    words = forms.CharField(
        label=_("What you checked, or why not"),
        max_length=MAX_WORDS,
        help_text=_("Kept in the audit log. A reason for refusing or ending is mailed."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
