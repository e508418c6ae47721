"""Which licenses a model is under: those that its card names and those of what it comes from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet

from registry.agreements.models import Document, DocumentKind
from registry.catalog import cards, lineage
from registry.catalog.lineage import Ancestry, Parent
from registry.catalog.models import Repository
from registry.prepared import Prepared

MAX_LICENSES = 50
MAX_TAG = 100
OTHER = "other"
TAGS, NAMES = "hub_tags", "license_names"
LINK = "license_link"


@dataclass(frozen=True)
class Source:
    """Who puts the model under a license: its own card (`parent` is None) or one it comes from.

    `tag` is the license as it is written there, and `field` what of a document it has to be among:
    either where it is empty. Where the card that names it also names bases of which nothing is
    known, only the tag says so, and it is not verified.
    """

    parent: Parent | None
    tag: str
    field: str = ""
    is_verified: bool = True
    is_root: bool = True


@dataclass(frozen=True)
class Licensed:
    """A license with all who say so, the model's own card first. `document` is the one whose texts
    and duties count, `named` the one that was written, where that only refers to it."""

    document: Document
    named: Document
    sources: tuple[Source, ...]

    @property
    def is_declared(self) -> bool:
        return self.sources[0].parent is None

    @property
    def is_verified(self) -> bool:
        return any(source.is_verified for source in self.sources)

    @property
    def is_root(self) -> bool:
        """Whether it is the license of something at the top of the lineage."""
        return any(source.is_root for source in self.sources)

    @property
    def parents(self) -> tuple[Parent, ...]:
        return tuple(source.parent for source in self.sources if source.parent is not None)


@dataclass(frozen=True)
class Licenses:
    """`unknown` are licenses that the site does not know, with who names them; `silent` those that
    a model comes from and that name none. `is_cut` says that a card names more than is read."""

    known: tuple[Licensed, ...] = ()
    unknown: tuple[Source, ...] = ()
    silent: tuple[Parent, ...] = ()
    is_cut: bool = False

    @property
    def roots(self) -> tuple[Licensed, ...]:
        return tuple(one for one in self.known if one.is_root)


def licenses_of(
    ancestry: Ancestry, card: dict[str, Any], *, linked: Document | None = None
) -> Licenses:
    """The licenses of a model with this card and lineage. One query, however many there are.

    `linked` is the license whose text the card's `license_link` leads to. It counts beside those
    that the card names, and in place of a name of its own that nobody knows.
    """
    verified, is_root = not ancestry.own_unknown, not ancestry.ancestors
    sources = [Source(None, tag, field, verified, is_root) for tag, field in tags_of(card)]
    is_cut = _names_more(card) or any(
        _names_more(one.revision.card) for one in ancestry.ancestors if one.revision is not None
    )
    found = _judged(sources, ancestry, is_cut=is_cut)
    return found if linked is None else _with_linked(found, linked, ancestry)


def _with_linked(found: Licenses, linked: Document, ancestry: Ancestry) -> Licenses:
    document = linked.stands_for or linked
    own = Source(None, LINK, is_verified=not ancestry.own_unknown, is_root=not ancestry.ancestors)
    unknown = [one for one in found.unknown if one.parent is not None or one.field != NAMES]
    same = [one for one in found.known if one.document.pk == document.pk]
    if same and same[0].is_declared:
        known = found.known
    else:
        sources = (own, *(same[0].sources if same else ()))
        rest = [one for one in found.known if one not in same]
        declared = [one for one in rest if one.is_declared]
        inherited = [one for one in rest if not one.is_declared]
        known = (*declared, Licensed(document, linked, sources), *inherited)
    return Licenses(known, tuple(unknown), found.silent, found.is_cut)


def _judged(sources: list[Source], ancestry: Ancestry, *, is_cut: bool) -> Licenses:
    for parent in ancestry.ancestors:
        sources += _of_parent(parent)
    silent = [one for one in ancestry.ancestors if not any(s.parent is one for s in sources)]
    library = _Library(source.tag for source in sources)
    found: dict[int, tuple[Document, list[Source]]] = {}
    unknown = []
    for source in sources:
        if (named := library.find(source.tag, source.field)) is None:
            unknown.append(source)
            continue
        document = named.stands_for or named
        found.setdefault(document.pk, (named, []))[1].append(source)
    known = (Licensed(named.stands_for or named, named, tuple(s)) for named, s in found.values())
    return Licenses(tuple(known), tuple(unknown), tuple(silent), is_cut)


def named_in(card: dict[str, Any]) -> list[Document | str]:
    """The licenses that a card names, each once, in order; for one that the site does not know, its
    name. A name that only looks like a known one is not known."""
    return named_in_each([card])[0]


def named_in_each(found: Sequence[dict[str, Any]]) -> list[list[Document | str]]:
    """As `named_in`, for many cards with one query."""
    tags = [tags_of(card) for card in found]
    library = _Library(tag for each in tags for tag, _ in each)
    return [[library.find(tag, field) or tag for tag, field in each] for each in tags]


def outputs_of(repository: Repository, card: dict[str, Any]) -> Licenses:
    """The licenses of the models whose output this one was trained on, as its card declares it in
    `trained_on_outputs_of`: ids of models, or licenses by their tag or name."""
    ancestry = lineage.of_outputs(repository, card)
    return _judged([Source(None, name) for name in ancestry.own_unknown], ancestry, is_cut=False)


def tags_of(card: dict[str, Any]) -> list[tuple[str, str]]:
    """The licenses that a card names, each once: the tag, or beside `other` the name, and which of
    the two it is."""
    name = _text(card.get("license_name"))
    # Folding case would make some look-alikes, such as the sign of kelvin, the letter itself
    name = name.lower() if name.isascii() else name
    found = [_text(one) for one in cards.as_list(card.get("license"))]
    named = ((name, NAMES) if tag == OTHER and name else (tag, TAGS) for tag in found if tag)
    return list(dict.fromkeys(named))[:MAX_LICENSES]


def _of_parent(parent: Parent) -> list[Source]:
    found = []
    if parent.revision is not None:
        verified = not parent.unknown
        tags = tags_of(parent.revision.card)
        found = [Source(parent, tag, field, verified, parent.is_root) for tag, field in tags]
    if parent.variant is not None and (said := _text(parent.variant.facts.get("license"))):
        found.append(Source(parent, said))
    return found


class _Library:
    """The documents that some tags and names may mean."""

    def __init__(self, tags: Iterable[str]) -> None:
        self._tags = sorted({tag for tag in tags if tag.isascii()})

    @cached_property
    def _documents(self) -> list[Document]:
        return _NAMED.rows(tags=self._tags)

    def find(self, tag: str, field: str) -> Document | None:
        """The license of this tag or name. Letters that merely look like Latin ones are others."""
        if tag not in self._tags:
            return None
        fields = [field] if field else [TAGS, NAMES]
        meant = [
            one for one in self._documents if any(tag in getattr(one, name) for name in fields)
        ]
        # A tag that several share means the one with the text
        meant.sort(key=lambda one: (one.stands_for_id is not None, one.slug))
        return meant[0] if meant else None


def _named(tags: Any) -> QuerySet[Document]:
    named = Q(hub_tags__overlap=tags) | Q(license_names__overlap=tags)
    found = Document.objects.filter(named, kind=DocumentKind.LICENSE)
    return found.select_related("policy", "stands_for__policy")


_NAMED = Prepared(_named)


def _names_more(card: dict[str, Any]) -> bool:
    return len({_text(one) for one in cards.as_list(card.get("license"))}) > MAX_LICENSES


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()[: MAX_TAG + 1]
