"""The forms of access: what a publisher asks of readers, and how a publisher decides."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.agreements import locks, requests
from registry.catalog.models import Gated
from registry.catalog.questions import MAX_ANSWER, Prompt, Question

MODES = [
    (Gated.NO, _("nobody: the files are open as far as the terms allow")),
    (Gated.AUTO, _("whoever asks: a request is accepted at once")),
    (Gated.MANUAL, _("a person: each request waits until somebody here accepts it")),
]


class QuestionsForm(forms.Form):
    """The publisher's own questions. Their labels may be anything, so fields are named by place."""

    def __init__(self, prompt: Prompt, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = {f"answer{i}": one for i, one in enumerate(prompt.asked)}
        for name, question in self.questions.items():
            self.fields[name] = question_field(question)

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


class GrantForm(forms.Form):
    user = forms.CharField(
        label=_("User name"),
        max_length=96,
        help_text=_("They are let in at once, whether they asked or not."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class DecisionForm(forms.Form):
    request = forms.CharField(max_length=24)
    status = forms.ChoiceField(choices=[(s, s) for s in ("accepted", "rejected", "pending")])
    reason = forms.CharField(max_length=requests.MAX_REASON, required=False)


def question_field(question: Question) -> forms.Field:
    common: dict[str, Any] = {"label": question.label}
    if question.kind == "checkbox":
        return forms.BooleanField(**common)
    if question.kind == "select":
        options = [("", _("Choose")), *question.options]
        return forms.ChoiceField(choices=options, **common)
    if question.kind == "date_picker":
        return forms.DateField(
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            **common,
        )
    attributes = {"autocomplete": "country-name"} if question.kind == "country" else {}
    widget = forms.TextInput(attrs=attributes)
    return forms.CharField(max_length=MAX_ANSWER, widget=widget, **common)
