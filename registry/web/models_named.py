"""What names of models mean: one that is here, one that published facts know, both, or neither."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Lower

from registry.accounts.callers import Caller
from registry.catalog import revisions, search
from registry.catalog.models import Ref, Repository, RepositoryType, Revision, Variant
from registry.catalog.search import Wanted

MAX_NAME = 200
FOUND = 8


@dataclass(frozen=True)
class Named:
    """`name` is as it was asked for where nothing is known by it. `revision` is what `main` means
    for whoever asks."""

    name: str
    repository: Repository | None = None
    revision: Revision | None = None
    variant: Variant | None = None

    @property
    def is_known(self) -> bool:
        return self.revision is not None or self.variant is not None

    @property
    def key(self) -> str:
        """How addresses name it."""
        if self.repository is not None:
            return self.repository.full_name
        if self.variant is not None:
            return self.variant.hub_repo_id or self.variant.slug
        return self.name

    @property
    def title(self) -> str:
        if self.repository is not None:
            return self.repository.full_name
        return self.variant.name if self.variant is not None else self.name


def find_all(names: Sequence[str], *, caller: Caller) -> list[Named]:
    """What each name means for this caller, in their order. A fixed number of queries."""
    wanted = [name.replace("\0", "").strip()[:MAX_NAME] for name in names]
    mains = _mains(wanted, caller)
    shown = Revision.objects.in_bulk([getattr(ref, "shown") for ref in mains.values()])  # noqa: B009
    variants = variants_named(wanted)
    found = []
    for name in wanted:
        folded = name.lower()
        ref, variant = mains.get(folded), variants.get(folded)
        if ref is None:
            found.append(Named(name, variant=variant))
            continue
        revision = shown[getattr(ref, "shown")]  # noqa: B009
        revision.repository = ref.repository
        found.append(Named(ref.repository.full_name, ref.repository, revision, variant))
    return found


def hosted(names: Iterable[str], *, caller: Caller) -> dict[str, Repository]:
    """The models here that bear one of these names, by the name in small letters."""
    return {name: ref.repository for name, ref in _mains(list(names), caller).items()}


def variants_named(names: Iterable[str]) -> dict[str, Variant]:
    """Published models by any name that they go by, in small letters. One query."""
    folded = {name.lower() for name in names if name}
    also = Q(pk__in=[])
    for name in names:
        also |= Q(facts__also_published_as__contains=[name])
    rows = (
        Variant.objects.alias(hub=Lower("hub_repo_id"))
        .filter(Q(hub__in=folded) | Q(slug__in=folded) | also)
        .select_related("family")
    )
    found: dict[str, Variant] = {}
    for one in rows:
        for name in names_of(one):
            if name.lower() in folded:
                found.setdefault(name.lower(), one)
    return found


def matching(query: str, *, caller: Caller) -> dict[str, str]:
    """What the words find: titles by the names that addresses take. Models here come first. Without
    words: the published ones."""
    found: dict[str, str] = {}
    if query:
        here = search.find(caller, Wanted(query=query), size=FOUND, with_facets=False)
        found = {one.full_name: one.full_name for one in here.repositories}
    words = Q()
    for word in query.split()[:8]:
        words &= Q(name__icontains=word) | Q(hub_repo_id__icontains=word)
    for one in Variant.objects.filter(words)[: FOUND if query else MAX_NAME]:
        found.setdefault(one.hub_repo_id or one.slug, one.name)
    return found


def names_of(variant: Variant) -> list[str]:
    """Every name by which a published model goes: of hubs, and the one in addresses here."""
    also = [str(one) for one in variant.facts.get("also_published_as") or []]
    return [name for name in (variant.hub_repo_id, *also, variant.slug) if name]


def _mains(names: Sequence[str], caller: Caller) -> dict[str, Ref]:
    folded = {name.lower() for name in names if "/" in name}
    if not folded:
        return {}
    parts = [name.partition("/") for name in folded]
    rows = revisions.mains(caller=caller, kind=RepositoryType.MODEL).alias(
        owner=Lower("repository__namespace__name"), own=Lower("repository__name")
    )
    rows = rows.filter(owner__in=[one[0] for one in parts], own__in=[one[2] for one in parts])
    by_name = {ref.repository.full_name.lower(): ref for ref in rows}
    return {name: ref for name, ref in by_name.items() if name in folded}
