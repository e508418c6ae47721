"""The forms of access: what a publisher asks of readers, and how a publisher decides."""

from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.agreements import groups, locks, requests, scopes
from registry.catalog import countries
from registry.catalog.models import Gated
from registry.catalog.questions import MAX_ANSWER, Prompt, Question

MODES = [
    (Gated.NO, _("nobody: the files are open as far as the terms allow")),
    (Gated.AUTO, _("whoever asks: a request is accepted at once")),
    (Gated.MANUAL, _("a person: each request waits until somebody here accepts it")),
]


def day_field(label: Any, **rest: Any) -> forms.DateField:
    """A day, which begins at 00:00 UTC."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, input_formats=["%Y-%m-%d"], widget=widget, **rest)


def start_of(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, UTC) if day else None


class QuestionsForm(forms.Form):
    """The publisher's own questions, and where a person decides, what one wants access for. Labels
    of questions may be anything, so fields are named by place."""

    def __init__(self, prompt: Prompt, *args: Any, mode: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = {f"answer{i}": one for i, one in enumerate(prompt.asked)}
        for name, question in self.questions.items():
            self.fields[name] = question_field(question)
        if mode == Gated.MANUAL:
            self.fields["purpose"] = forms.CharField(
                label=_("What you want it for"), max_length=scopes.MAX_PURPOSE, required=False
            )
            self.fields["wanted_until"] = day_field(
                _("Until when you need it"),
                required=False,
                help_text=_("Access ends when this day begins, 00:00 UTC."),
            )

    def wish(self) -> dict[str, Any]:
        """What access is wanted for, and until when."""
        return {
            "purpose": self.cleaned_data.get("purpose", ""),
            "wanted_until": start_of(self.cleaned_data.get("wanted_until")),
        }

    def answers(self) -> dict[str, str]:
        """What was answered, by label."""
        return {
            question.label: str(self.cleaned_data[name]).lower()
            if question.kind == "checkbox"
            else str(self.cleaned_data[name])
            for name, question in self.questions.items()
        }


class LockForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("Who lets readers in"), choices=MODES, required=False, widget=forms.RadioSelect
    )
    ask_again_days = forms.IntegerField(
        label=_("Days until a rejected person may ask again"),
        min_value=0,
        max_value=locks.MOST_DAYS,
    )
    lapse_days = forms.IntegerField(
        label=_("Days until a request that nobody decides lapses"),
        min_value=1,
        max_value=locks.MOST_DAYS,
    )
    grant_days = forms.IntegerField(
        label=_("Days that access lasts"),
        help_text=_("Empty: without an end, unless you set one."),
        min_value=1,
        max_value=locks.MOST_DAYS,
        required=False,
    )


class DecisionForm(forms.Form):
    request = forms.CharField(max_length=24)
    status = forms.ChoiceField(choices=[(s, s) for s in ("accepted", "rejected", "pending")])
    reason = forms.CharField(max_length=requests.MAX_REASON, required=False)


class MessageForm(forms.Form):
    """A question to who asks, or their answer."""

    text = forms.CharField(
        label=_("Your answer"),
        max_length=requests.MAX_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class GroupForm(forms.Form):
    name = forms.CharField(label=_("Name of a new group"), max_length=groups.MAX_NAME)


class GroupModeForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("Who lets readers in"), choices=MODES, required=False, widget=forms.RadioSelect
    )


def question_field(question: Question) -> forms.Field:
    common: dict[str, Any] = {"label": question.label}
    if question.kind == "checkbox":
        return forms.BooleanField(**common)
    if question.kind == "select":
        options = [("", _("Choose")), *question.options]
        return forms.ChoiceField(choices=options, **common)
    if question.kind == "date_picker":
        return day_field(question.label)
    if question.kind == "country":
        named = [("", _("Choose")), *countries.listed()]
        widget = forms.Select(attrs={"autocomplete": "country"})
        return forms.ChoiceField(choices=named, widget=widget, **common)
    return forms.CharField(max_length=MAX_ANSWER, **common)
