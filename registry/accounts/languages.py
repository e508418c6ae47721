"""The language a person reads: that of their mail, and of pages in a browser that was told of none."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.conf import settings
from django.utils import dateformat, translation
from django.utils.translation import gettext as _

from registry.accounts.models import User
from registry.errors import Invalid


def choose(user: User, language: str) -> None:
    """Remember what a person chose; "" forgets it, and the site's own language is used."""
    if language and language not in dict(settings.LANGUAGES):
        raise Invalid(_("This site does not speak that language."))
    user.language = language
    user.save(update_fields=["language"])


def of(user: User) -> str:
    """What a person is written to in. A language that the site has unlearned is not asked for."""
    return user.language if user.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def day(at: datetime) -> str:
    """A day as mails name it, in the language spoken now: 3 November 2026."""
    return dateformat.format(at.astimezone(UTC), "j F Y")


def moment(at: datetime) -> str:
    """A day and its time: 3 November 2026, 14:05 UTC."""
    return dateformat.format(at.astimezone(UTC), "j F Y, H:i") + " UTC"


@contextmanager
def speaking_to(user: User) -> Iterator[None]:
    """What is said within is said in this person's language, whoever's act it comes of."""
    with translation.override(of(user)):
        yield
