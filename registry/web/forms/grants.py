"""The forms of grants: what a publisher gives, for how long, and that it ends."""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.agreements import requests, scopes
from registry.agreements.scopes import Scope
from registry.web.forms.access import day_field, start_of


class ScopeForm(forms.Form):
    """What is granted. Whatever is left empty is the publisher's rule, or everything."""

    purpose = forms.CharField(label=_("Purpose"), max_length=scopes.MAX_PURPOSE, required=False)
    starts_on = day_field(_("Begins on"), required=False)
    ends_on = day_field(
        _("Ends on"), required=False, help_text=_("When this day begins, 00:00 UTC.")
    )
    is_endless = forms.BooleanField(label=_("Without an end"), required=False)
    patterns = forms.CharField(
        label=_("Only these files"),
        help_text=_(
            "One pattern a line, such as <code>*.safetensors</code> or <code>original/*</code>."
        ),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        max_length=scopes.MAX_PATTERNS * scopes.MAX_PATTERN,
        required=False,
    )
    first_release = forms.ChoiceField(label=_("From release"), required=False)
    last_release = forms.ChoiceField(label=_("Up to release"), required=False)
    full_downloads = forms.IntegerField(
        label=_("Full downloads"),
        help_text=_("How many times the weights may be fetched whole."),
        min_value=1,
        max_value=scopes.MAX_DOWNLOADS,
        required=False,
    )

    def __init__(self, *args: Any, versions: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("any")), *((one, one) for one in versions)]
        for name in ("first_release", "last_release"):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - as declared above
            field.choices = choices

    def scope(self) -> Scope:
        """The scope that was written, but for its releases."""
        wanted = self.cleaned_data
        return Scope(
            purpose=wanted["purpose"] or None,
            starts_at=start_of(wanted["starts_on"]),
            ends_at=start_of(wanted["ends_on"]),
            is_endless=wanted["is_endless"],
            patterns=wanted["patterns"].splitlines(),
            full_downloads=wanted["full_downloads"],
        )


class GrantForm(ScopeForm):
    user = forms.CharField(
        label=_("User name"),
        max_length=96,
        help_text=_("They are let in at once, whether they asked or not."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    field_order = ["user"]


class EndForm(forms.Form):
    """Until when a grant is renewed."""

    ends_on = day_field(_("Ends on"))

    def end(self) -> datetime:
        return datetime.combine(self.cleaned_data["ends_on"], time.min, UTC)


class RevocationForm(forms.Form):
    reason = forms.CharField(max_length=requests.MAX_REASON, required=False)
