"""Whether a new name could be taken for that of somebody else (UPL-REPONAME)."""

from django.conf import settings
from django.db.models import CharField, F, Func, Value
from django.utils.translation import gettext as _

from registry.accounts import lookalikes
from registry.accounts.models import ReservedName

# Shorter names are a letter away from too many others
LEAST_LENGTH = 5


def problem(name: str) -> str:
    """Why a new owner may not be called this, as the end of a sentence, or ''."""
    if any(_is_near(name.lower(), known.lower()) for known in settings.VERIFIED_OWNERS):
        return _("it is too close to the name of a verified owner")
    if _same_looks(name):
        return _("it looks like a name that somebody else has")
    return ""


def _same_looks(name: str) -> bool:
    """Whether another name, in use or ever used, has the same skeleton."""
    drawn = Func(F("folded"), Value("01i"), Value("oll"), function="translate")
    kept = Func(drawn, Value("[^a-z0-9]"), Value(""), Value("g"), function="regexp_replace")
    for letters, letter in lookalikes.PAIRS:
        kept = Func(kept, Value(letters), Value(letter), function="replace")
    kept.output_field = CharField()
    others = ReservedName.objects.exclude(folded=name.lower())
    return others.alias(looks=kept).filter(looks=lookalikes.skeleton(name)).exists()


def _is_near(name: str, known: str) -> bool:
    """Whether one letter more, less, changed or swapped with the next makes one of the other, or
    they look alike. The verified owner's own name is not near itself."""
    if name == known:
        return False
    if lookalikes.skeleton(name) == lookalikes.skeleton(known):
        return True
    if len(known) < LEAST_LENGTH or abs(len(name) - len(known)) > 1:
        return False
    same = next((at for at, (a, b) in enumerate(zip(name, known, strict=False)) if a != b), None)
    at = min(len(name), len(known)) if same is None else same
    swapped = name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]
    return (
        swapped == known
        or name[at + 1 :] == known[at + 1 :]
        or name[at + 1 :] == known[at:]
        or name[at:] == known[at + 1 :]
    )
