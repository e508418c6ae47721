"""The forms of advisories, and of reports and their answers."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.releases import advisories, cases
from registry.releases.models import Interest, Release, Status
from registry.releases.withdrawals import Scope
from registry.web import labels

STEPS = {
    "suspend": _("Suspend: downloads stop at once, until somebody restores it"),
    "recall": _("Recall for good: its files can never be downloaded again"),
    "restore": _("Restore: what is suspended can be downloaded again"),
    "notice": _("Warn only: nothing is taken back"),
}
THESE, ALL = "these", "all"


class AdvisoryForm(forms.Form):
    step = forms.ChoiceField(
        label=_("What is done"), choices=list(STEPS.items()), widget=forms.RadioSelect
    )
    scope = forms.ChoiceField(
        label=_("For which releases"),
        choices=[
            (THESE, _("those chosen below")),
            (ALL, _("all of the repository for which it can be done now")),
        ],
        initial=THESE,
        widget=forms.RadioSelect,
    )
    releases = forms.MultipleChoiceField(
        label=_("Releases"), required=False, widget=forms.CheckboxSelectMultiple
    )
    category = forms.ChoiceField(
        label=_("What it is about"), choices=list(labels.ADVISORY_CATEGORIES.items())
    )
    severity = forms.ChoiceField(
        label=_("How severe it is"), choices=list(labels.SEVERITIES.items()), initial="high"
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=advisories.MAX_REASON,
        help_text=_(
            "What is wrong, and what to do. Everybody who received it is told, and it is public where the repository is."
        ),
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    conflicts = forms.MultipleChoiceField(
        label=_("Your part in it, if you restore"),
        choices=[
            (Interest.SAME_ORGANISATION, _("I belong to the namespace that publishes this.")),
            (Interest.PARENT_AUTHOR, _("I am an author of a model that this one comes from.")),
        ],
        required=False,
        help_text=_("Tick what is true. It is kept with your decision."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, releases: list[Release], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if all(one.status != Status.SUSPENDED for one in releases):
            del self.fields["conflicts"]
        self.fields["releases"].choices = [  # type: ignore[attr-defined]
            (one.public_id, f"{one.version} · {labels.ALL.get(one.status, one.status)}")
            for one in releases
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("scope") == THESE and not given.get("releases"):
            self.add_error("releases", gettext("Choose at least one release."))
        return given

    def wanted(self) -> Scope:
        given = self.cleaned_data
        return Scope(is_all=True) if given["scope"] == ALL else Scope(given["releases"])


class ReportForm(forms.Form):
    category = forms.ChoiceField(label=_("What the report is about"))
    version = forms.ChoiceField(label=_("Release"), required=False)
    path = forms.CharField(label=_("File"), required=False, max_length=cases.MAX_PATH)
    text = forms.CharField(
        label=_("What is wrong"),
        max_length=cases.MAX_TEXT,
        help_text=_("Say where it can be seen, and which right or rule is meant."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def __init__(self, *args: Any, versions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(key, labels.category(key)) for key in cases.categories()]
        self.fields["category"].choices = [("", _("Choose one")), *named]  # type: ignore[attr-defined]
        chosen = [("", _("the whole repository")), *((one, one) for one in versions)]
        self.fields["version"].choices = chosen  # type: ignore[attr-defined]


class TextForm(forms.Form):
    text = forms.CharField(
        label=_("Message"), max_length=cases.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )


class AppealForm(forms.Form):
    text = forms.CharField(
        label=_("Why another look is needed"),
        max_length=cases.MAX_TEXT,
        help_text=_("Somebody else than before looks at it. There is one appeal for a case."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class AnswerForm(forms.Form):
    outcome = forms.ChoiceField(
        label=_("Decision"), choices=list(labels.OUTCOMES.items()), widget=forms.RadioSelect
    )
    facts = forms.CharField(
        label=_("Facts"),
        max_length=cases.MAX_TEXT,
        help_text=_("What was found. Name nobody: the publisher reads it where something is done."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    ground = forms.CharField(
        label=_("Ground"),
        max_length=cases.MAX_TEXT,
        help_text=_("The rule or the law, with its section."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    measure = forms.CharField(
        label=_("Measure"),
        max_length=cases.MAX_TEXT,
        help_text=_("What is done and for how long, if only that nothing is."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
