"""The line of revisions that leads to one, and which of them last changed a path, as far as the
caller may know."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import cast

from django.db.models.functions import Coalesce

from registry.accounts.callers import Caller
from registry.catalog.models import Repository, Revision, TreeEntry

MAX_REVISIONS = 2000
# How many revisions are compared at once: few for what changed lately, more the longer it lasts
FIRST_WINDOW = 8
LAST_WINDOW = 256

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A revision as far as walking by it needs it."""

    key: int
    oid: str
    tree: int


def line(repository: Repository, start: Revision, *, caller: Caller) -> list[Place]:
    """The revisions that lead to `start`, newest first, as far as they exist for this caller."""
    known = {
        oid: (Place(key, oid, tree), parents)
        for oid, key, tree, parents in Revision.objects.filter(repository=repository)
        .order_by()
        .values_list("oid", "pk", "tree_id", "parents")
    }
    visible = set(
        Revision.objects.visible_to(caller)
        .filter(repository=repository)
        .order_by()
        .values_list("pk", flat=True)
    )
    found, queue, met = [], deque([start.oid]), {start.oid}
    while queue:
        if (one := known.get(queue.popleft())) is None:
            continue
        place, parents = one
        if place.key in visible:
            found.append(place)
        queue += [parent for parent in parents if parent not in met]
        met.update(parents)
    return found


def revisions_at(places: Iterable[Place]) -> list[Revision]:
    """The revisions themselves, in the same order, with their authors."""
    keys = [place.key for place in places]
    found = Revision.objects.select_related("author").in_bulk(keys)
    return [found[key] for key in keys]


def last_changes(
    repository: Repository, start: Revision, paths: Collection[str], *, caller: Caller
) -> dict[str, Revision]:
    """For each path the newest revision that the caller may know of and that changed it.

    Looks back over a limited number of revisions; what none of them changed is attributed to the
    oldest one looked at.
    """
    places = line(repository, start, caller=caller)[:MAX_REVISIONS]
    found: dict[str, Place] = {}
    left = {path: tuple(path.split("/")) for path in paths}
    first, width = 0, FIRST_WINDOW
    while left and first < len(places):
        window = places[first : first + width + 1]
        ids = _ids({place.tree for place in window}, set(left.values()))
        is_last = first + width >= len(places)
        for place, older in zip(window, [*window[1:], None], strict=True):
            if older is None and not is_last:
                break
            before = ids[older.tree] if older else {}
            changed = [
                path
                for path, parts in left.items()
                if parts in ids[place.tree] and ids[place.tree][parts] != before.get(parts)
            ]
            for path in changed:
                found[path] = place
                del left[path]
        first, width = first + width, min(width * 4, LAST_WINDOW)
    of = {revision.pk: revision for revision in revisions_at(set(found.values()))}
    return {path: of[place.key] for path, place in found.items()}


def _ids(trees: set[int], wanted: set[Parts]) -> dict[int, dict[Parts, str]]:
    """Git's ids of what is at these paths in each of the trees. One query for each level: equal
    folders of many trees are one and are looked at once."""
    found: dict[int, dict[Parts, str]] = {tree: {} for tree in trees}
    if not wanted:
        return found
    by_name: dict[str, set[Parts]] = {}
    for first, *rest in wanted:
        by_name.setdefault(first, set()).add(tuple(rest))
    entries = TreeEntry.objects.filter(tree__in=trees, name__in=by_name).values_list(
        "tree_id", "name", "folder_id", Coalesce("file__oid", "folder__oid")
    )
    inside: dict[int, list[tuple[int, str]]] = {}
    for tree, name, folder, oid in entries:
        found[tree][name,] = oid
        if folder is not None and by_name[name] != {()}:
            inside.setdefault(folder, []).append((tree, name))
    deeper = {parts for rests in by_name.values() for parts in rests if parts}
    below = _ids(set(inside), deeper) if inside and deeper else {}
    for folder, places in inside.items():
        for tree, name in places:
            found[tree] |= {(name, *parts): cast(str, oid) for parts, oid in below[folder].items()}
    return found
