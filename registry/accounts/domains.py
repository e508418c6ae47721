"""Mail domains as they are compared: lower-case ASCII, however somebody wrote them."""

import re

from django.utils.translation import gettext as _

from registry.errors import Invalid

MAX_LENGTH = 253
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def normalised(written: str) -> str:
    """The domain in the form that is stored and compared, or the refusal.

    Other scripts become their ASCII form. Letters that this form would replace by others are
    refused: "straße.example" and "strasse.example" can belong to two parties.
    """
    text = written.strip().lower().removesuffix(".")
    shown = text[:60]
    if not text or len(text) > MAX_LENGTH or "@" in text or "/" in text or " " in text:
        raise Invalid(_("Write the domain alone, as it stands after the @: lab.example."))
    try:
        ascii_form = text.encode("idna").decode("ascii")
        returned = ascii_form.encode("ascii").decode("idna")
    except UnicodeError as error:
        raise Invalid(_("%(shown)r is not a domain.") % {"shown": shown}) from error
    if text not in (ascii_form, returned):
        raise Invalid(
            _("Write %(shown)r in its ASCII form, which begins with xn--.") % {"shown": shown}
        )
    labels = ascii_form.split(".")
    if len(labels) < 2 or len(ascii_form) > MAX_LENGTH or labels[-1].isdecimal():
        raise Invalid(
            _("%(shown)r is not a domain that an organisation can have.") % {"shown": shown}
        )
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise Invalid(_("%(shown)r is not a domain.") % {"shown": shown})
    return ascii_form


def of_address(address: str) -> str:
    """The domain of a mail address as it is compared, or "" where it has none that can be."""
    try:
        return normalised(address.rpartition("@")[2])
    except Invalid:
        return ""
