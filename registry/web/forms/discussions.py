"""The forms of a thread: opening one, and saying something in it."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.discussions.models import MAX_TITLE
from registry.discussions.threads import MAX_TEXT


class ThreadForm(forms.Form):
    title = forms.CharField(
        label=_("Title"),
        max_length=MAX_TITLE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = forms.CharField(
        label=_("Text"),
        max_length=MAX_TEXT,
        help_text=_("Markdown. Everybody who may know of the repository can read it."),
        widget=forms.Textarea(attrs={"rows": 8}),
    )


class TitleForm(forms.Form):
    title = forms.CharField(
        label=_("Title"),
        max_length=MAX_TITLE,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_("Your comment"),
        max_length=MAX_TEXT,
        help_text=_("Markdown."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )
