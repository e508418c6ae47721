"""Version labels, and who wrote what since the last release."""

import re

from django.utils.translation import gettext as _

from registry.catalog.models import Revision, RevisionState
from registry.errors import Invalid

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


def check_label(label: str) -> None:
    """Raise unless a release may be called this; the label becomes a tag."""
    if not LABEL.fullmatch(label) or ".." in label or label.endswith((".", ".lock")):
        raise Invalid(
            _(
                "%(label)r cannot be a version label: use letters, digits, '.', '_', '+' and "
                "'-', such as v1.0."
            )
            % {"label": label[:80]}
        )
    if label.casefold() in {"head", "main"} or label.casefold().startswith("refs"):
        raise Invalid(
            _("%(label)r cannot be a version label: it means something else.") % {"label": label}
        )
    if re.fullmatch(r"[0-9a-fA-F]{7,40}", label):
        raise Invalid(
            _("%(label)r cannot be a version label: it looks like a commit id.") % {"label": label}
        )


def since_release(revision: Revision) -> list[Revision]:
    """The revision and those before it that no release has published yet."""
    seen = {
        r.oid: r
        for r in Revision.objects.filter(repository=revision.repository_id).only(
            "oid", "parents", "folds", "state", "author"
        )
    }
    found: dict[str, Revision] = {}
    queue = [revision.oid]
    while queue:
        one = seen.get(queue.pop())
        if one is None or one.oid in found:
            continue
        if one.state != RevisionState.QUARANTINE and one.oid != revision.oid:
            continue
        found[one.oid] = one
        queue += one.parents + one.folds
    return list(found.values())


def authors_since_release(revision: Revision) -> set[int]:
    """The keys of everybody who wrote a commit since the last release, this one included."""
    return {one.author_id for one in since_release(revision)}
