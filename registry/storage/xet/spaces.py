"""Where xorbs lie: a space for each repository, and how long clients may refer to what is in it.

Clients remember for weeks what they sent to an address, and do not send it again. So the address
changes (a new epoch) before anything that was sent to it goes.
"""

import re
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef

from registry.errors import NotNow
from registry.storage import objects
from registry.storage.models import XetFile, XetSpace, Xorb

NAME = re.compile(r"([0-9a-f]{24})(?:-([0-9a-f]{24}))?-(\d{1,9})", re.ASCII)
# An upload calls more often than this, and a session of a client never rests longer
LONGEST_PAUSE = timedelta(hours=6)
USE_NOTED_EVERY = timedelta(minutes=1)
CLEARED = "What was sent to this address before was cleared away. Start the upload again."


def open_space(repository: str, *, person: str, namespace: str) -> XetSpace:
    """The space that uploads begin in now; `person` is empty for those who may write."""
    spaces = XetSpace.objects.filter(repository=repository, person=person)
    while (space := spaces.filter(closed_at=None).first()) is None:
        last: int = spaces.aggregate(last=Max("epoch"))["last"] or 0
        try:
            with transaction.atomic():
                XetSpace.objects.create(
                    repository=repository, person=person, namespace=namespace, epoch=last + 1
                )
        except IntegrityError:
            continue  # somebody else has opened it at the same moment
    return space


def find(name: str) -> XetSpace | None:
    """The space of this name, as addresses have it."""
    if (parts := NAME.fullmatch(name)) is None:
        return None
    repository, person, epoch = parts.groups(default="")
    return XetSpace.objects.filter(repository=repository, person=person, epoch=int(epoch)).first()


def use(space: XetSpace, *, now: datetime) -> None:
    """Note that an upload goes on here. Raises NotNow where the space was emptied."""
    if space.emptied_at is None and now - space.used_at < USE_NOTED_EVERY:
        return
    if not XetSpace.objects.filter(pk=space.pk, emptied_at=None).update(used_at=now):
        raise NotNow(CLEARED)


def close(space: XetSpace, *, now: datetime) -> None:
    """Have uploads that begin from now on use another space."""
    XetSpace.objects.filter(pk=space.pk, closed_at=None).update(closed_at=now)


def clear(*, keep: timedelta, now: datetime) -> int:
    """Close what has held xorbs for this long, and empty what is closed and used no more. Returns
    how many spaces were emptied. Interrupted, the next run goes on with it."""
    old = Xorb.objects.filter(space=OuterRef("pk"), at__lte=now - keep)
    XetSpace.objects.filter(Exists(old), closed_at=None).update(closed_at=now)
    XetSpace.objects.filter(
        closed_at__isnull=False, emptied_at=None, used_at__lte=now - LONGEST_PAUSE
    ).update(emptied_at=now)
    emptied = 0
    left = Exists(Xorb.objects.filter(space=OuterRef("pk"))) | Exists(
        XetFile.objects.filter(space=OuterRef("pk"))
    )
    for space in XetSpace.objects.filter(left, emptied_at__isnull=False):
        _empty(space)
        emptied += 1
    return emptied


def folder(space: XetSpace) -> str:
    """Where the bytes of the xorbs lie."""
    return f"xet/{space.pk}/"


def key(space: XetSpace, digest: str) -> str:
    return folder(space) + digest


def _empty(space: XetSpace) -> None:
    """All that lies there, also what got no row: the process that wrote it may have been killed."""
    for name, _size in list(objects.keys(folder(space))):
        objects.delete(name)
    space.files.all().delete()
    space.xorbs.all().delete()
