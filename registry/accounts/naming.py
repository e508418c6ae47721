"""Whether something may be called this, refused in the words of whoever asks.

`names` knows the same without Django, for the scanners.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts import names
from registry.errors import Invalid

# What `names.problem` says, marked for translation
PROBLEMS = (
    gettext_noop("it is empty"),
    gettext_noop("it is longer than 96 characters"),
    gettext_noop(
        "use letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
    ),
    gettext_noop("it has '--' or '..' in it"),
    gettext_noop("it ends in '.git' or '.ipynb'"),
)


def check_namespace(name: str) -> None:
    """Raise unless a person or an organisation may be called this."""
    why = _(names.problem(name)) if names.problem(name) else ""
    if not why and name.lower() in names.RESERVED:
        why = _("it is reserved for the site's own pages")
    if not why and names.CLOSED.fullmatch(name.lower()):
        why = _("it is kept for an account that was closed")
    if why:
        raise refusal(name, why)


def check_repository(name: str) -> None:
    """Raise unless a repository may be called this."""
    if why := names.problem(name):
        raise refusal(name, _(why))


def refusal(name: str, why: str) -> Invalid:
    return Invalid(
        _("The name %(name)r cannot be used: %(why)s.") % {"name": name[:96], "why": why}
    )
