"""What is wrong with a model card, in the reader's language. `cards.problems` knows no Django and
its English is the wire's; the page that shows it translates it here."""

import re

from django.utils.translation import gettext, gettext_noop

# The sentences of `cards.problems` and `cards.warnings`; a placeholder stands for names kept as is.
SENTENCES = (
    gettext_noop('"license_name" is required with "license: other"'),
    gettext_noop('"base_model" must be the id of a model, or a list of ids'),
    gettext_noop('"%(key)s" must be one of [%(names)s]'),
    gettext_noop('"%(key)s" must be text'),
    gettext_noop('"%(key)s" must be a list of texts'),
    gettext_noop('"%(key)s" must be a list'),
    gettext_noop('"co2_eq_emissions" must be a number, or an object with "emissions"'),
    gettext_noop('"language" must be a language code, or a list of codes'),
    gettext_noop('"license" is missing: without one the model cannot be released'),
    gettext_noop('"base_model" %(base)s is called %(now)s now'),
    gettext_noop('"base_model" %(base)s is not known to this registry'),
    gettext_noop("empty or missing yaml metadata in repo card"),
)
_PATTERNS = tuple(
    (
        sentence,
        re.compile(
            re.sub(r"%\((\w+)\)s", r"(?P<\1>.+)", re.sub(r"([\[\].?+*])", r"\\\1", sentence))
        ),
    )
    for sentence in SENTENCES
)


def said(problem: str) -> str:
    """The same sentence in the reader's language, or as it is where it is none of these."""
    for sentence, pattern in _PATTERNS:
        if found := pattern.fullmatch(problem):
            return gettext(sentence) % found.groupdict() if found.groupdict() else gettext(sentence)
    return problem
