"""The forms of allauth in our words: labels as sentences begin, and no label a second time inside its
field, where it vanishes once somebody types."""

from typing import TYPE_CHECKING, Any

from allauth.account import forms as allauth
from django import forms
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

LABELS = {
    "login": _("User name or e-mail address"),
    "username": _("User name"),
    "email": _("E-mail address"),
    "password": _("Password"),
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password again"),
    "remember": _("Stay signed in"),
}


def reword(fields: dict[str, forms.Field], **other: "StrPromise") -> None:
    for name, field in fields.items():
        field.label = other.get(name) or LABELS.get(name, field.label)
        field.widget.attrs.pop("placeholder", None)


class LoginForm(allauth.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reword(self.fields)


class SignupForm(allauth.SignupForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reword(self.fields, password1=_("Password"), password2=_("Password again"))


class ChangePasswordForm(allauth.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reword(self.fields)


class ResetPasswordForm(allauth.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reword(self.fields)


class ResetPasswordKeyForm(allauth.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reword(self.fields)
