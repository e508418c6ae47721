"""The form that proposes a campaign."""

from datetime import UTC, date, datetime, time

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.agreements import documents
from registry.errors import Invalid
from registry.releases import campaigns
from registry.releases.models import CampaignKind

KINDS = [
    (
        CampaignKind.MATERIAL,
        _(
            "Material: rights or duties change. Everybody is asked again; until the grace ends, what "
            "they accepted goes on opening downloads."
        ),
    ),
    (
        CampaignKind.EDITORIAL,
        _(
            "Editorial: nothing changes for anybody, such as a corrected misprint. What was accepted "
            "carries over, and nobody is asked."
        ),
    ),
]


class CampaignForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("What kind of change it is"),
        choices=KINDS,
        initial=CampaignKind.MATERIAL,
        widget=forms.RadioSelect,
    )
    effective_on = forms.CharField(
        label=_("Takes effect on"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "2027-01-31"}),
    )
    note = forms.CharField(
        label=_("What changes"),
        max_length=campaigns.MAX_NOTE,
        help_text=_("One or two sentences in plain words. Everybody affected is told them."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: object, hours: int, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["effective_on"].help_text = gettext(
            "Year-month-day, at 00:00 UTC. A material change needs %(hours)s hours from the "
            "confirmation on; an editorial one without a date takes effect when it is confirmed."
        ) % {"hours": hours}

    def clean_effective_on(self) -> date | None:
        typed = str(self.cleaned_data["effective_on"])
        try:
            return documents.date_in(typed) if typed.strip() else None
        except Invalid as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean(self) -> dict[str, object]:
        given = super().clean() or self.cleaned_data
        if given.get("kind") == CampaignKind.MATERIAL and given.get("effective_on", "") is None:
            self.add_error("effective_on", gettext("Say when the grace ends."))
        return given

    def moment(self, now: datetime) -> datetime:
        """When the change is to take effect."""
        day = self.cleaned_data.get("effective_on")
        return datetime.combine(day, time(tzinfo=UTC)) if day else now


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why it is cancelled"),
        max_length=campaigns.MAX_REASON,
        help_text=_("Whoever was told of the change is told this."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
