"""A new repository: the name and the license that its base suggests, the duties that they bring, and
its first card."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from registry.accounts import lookalikes, naming
from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.accounts.permissions import BY_ROLE, Permission
from registry.agreements import licenses
from registry.agreements.duties import engine
from registry.agreements.duties.engine import Result, Verdict
from registry.agreements.models import Document
from registry.catalog import cards, lineage, repositories
from registry.catalog.models import Repository, Variant
from registry.errors import Invalid
from registry.releases import contributions, front_matter, mending, situations

CARD = "README.md"
TITLE = "Begin the model card"
# What a repository is called until it has a name
UNNAMED = "model"
MOST_OF_NAME = 96
_WRITING = [role for role, gives in BY_ROLE.items() if Permission.WRITE in gives]


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to begin. `license` empty: that of the base."""

    owner: Namespace
    name: str = ""
    base: str = ""
    relation: str = ""
    license: str = ""


@dataclass(frozen=True)
class Proposal:
    """What the base suggests. `name` is the one to take, `license` a tag ("" where none follows),
    `documents` the licenses that come down the lineage, `unknown` bases of which nothing is known,
    `alike` an official model whose name this one could be taken for."""

    name: str
    license: str
    documents: tuple[Document, ...]
    unknown: tuple[str, ...]
    alike: str
    duties: tuple[Result, ...]


def owners(caller: Caller) -> QuerySet[Namespace]:
    """The namespaces in which this caller may make a repository, their own first."""
    if caller.user is None or not caller.can_write:
        return Namespace.objects.none()
    member = Q(memberships__user=caller.user, memberships__role__in=_WRITING)
    found = Namespace.objects.filter(Q(pk=caller.user.namespace_id) | member).distinct()
    return found.order_by("kind", Lower("name"))


def propose(wanted: Wanted) -> Proposal:
    """What follows from a base, as things stand. Whoever asks may write to the owner."""
    if wanted.base and not cards.REPO_ID.fullmatch(wanted.base):
        raise Invalid(_("Write the base as namespace/name."))
    repository = Repository(namespace=wanted.owner, name=wanted.name or _named_after(wanted))
    above = lineage.of(repository, {"base_model": wanted.base} if wanted.base else {})
    inherited = licenses.licenses_of(above, {}).known
    suggested = next((one.named.hub_tags[0] for one in inherited if one.named.hub_tags), "")
    name = _suggested(repository, card_of(wanted, suggested))
    repository.name = wanted.name or name
    card = card_of(wanted, suggested)
    found = engine.evaluate(situations.of_beginning(repository, card), engine.rules_of_models())
    asked = [one for one in found if one.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE}]
    return Proposal(
        name=name,
        license=suggested,
        documents=tuple(one.document for one in inherited),
        unknown=tuple(above.own_unknown),
        alike=_alike(repository),
        duties=tuple(asked),
    )


@transaction.atomic
def begin(wanted: Wanted, *, visibility: str, by: Caller) -> Repository:
    """Make the repository, and where something is known of it the card that says so."""
    naming.check_repository(wanted.name)
    proposed = propose(wanted)
    made = repositories.create(
        namespace=wanted.owner.name, name=wanted.name, by=by, visibility=visibility
    )
    card = card_of(wanted, proposed.license)
    if card:
        text = front_matter.changed(f"# {wanted.name}\n", card)
        place = contributions.place_of(made, "main", caller=by)
        contributions.commit(place, {CARD: text.encode()}, title=TITLE, by=by)
    return made


def card_of(wanted: Wanted, suggested: str) -> dict[str, Any]:
    """The front matter that the card begins with."""
    said: dict[str, Any] = {}
    if license_tag := wanted.license or suggested:
        said["license"] = license_tag
    if wanted.base:
        said["base_model"] = wanted.base
        if wanted.relation:
            said["base_model_relation"] = wanted.relation
    return said


def _named_after(wanted: Wanted) -> str:
    """The base's name with what makes it another model: how it is made, or whose it is."""
    if not wanted.base:
        return UNNAMED
    what = f"-{wanted.relation or wanted.owner.name}"
    return wanted.base.rpartition("/")[2][: MOST_OF_NAME - len(what)] + what


def _suggested(repository: Repository, card: dict[str, Any]) -> str:
    """The name with what its licenses want in front of it, or without what they do not want."""
    name = repository.name
    for one in engine.evaluate(situations.of_beginning(repository, card), engine.rules_of_models()):
        for remedy in one.remedies:
            if remedy.kind == "name" and one.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE}:
                name = mending.suggested_name(name, remedy.value)
    return name


def _alike(repository: Repository) -> str:
    """The official model whose name looks like this one, where somebody else has it."""
    looks = lookalikes.skeleton(repository.name)
    for official in Variant.objects.exclude(hub_repo_id="").values_list("hub_repo_id", flat=True):
        owner, _, name = official.partition("/")
        is_theirs = owner.lower() == repository.namespace.name.lower()
        if not is_theirs and lookalikes.skeleton(name) == looks:
            return str(official)
    return ""
