"""Uploads by parts, to a folder of this machine or straight to the store: begun once for an object,
a person and a repository, completed into a blob, and forgotten when nothing comes any more."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from registry.errors import Invalid
from registry.storage import direct, parts
from registry.storage.models import Blob, Upload


def begun(hashes: Iterable[str], *, repository: str, by: str) -> set[str]:
    """Those of these SHA-256 for which this person has an open upload to the repository."""
    found = Upload.objects.filter(repository=repository, by=by, sha256__in=set(hashes))
    return set(found.values_list("sha256", flat=True))


@transaction.atomic
def begin(*, space: str, repository: str, by: str, sha256: str, size: int) -> Upload:
    """The upload of this object: the one that was begun before, with what has arrived of it, or a
    new one. It lives on from here, as it is asked for to be sent to. All but the last two are
    public ids."""
    named = Upload.objects.filter(repository=repository, by=by, sha256=sha256)
    named.exclude(size=size).delete()
    # Completed at this moment, it goes while it is waited for
    while (upload := named.select_for_update(no_key=True).first()) is None:
        named.get_or_create(
            repository=repository,
            by=by,
            sha256=sha256,
            defaults={"space": space, "size": size, "part_size": parts.part_size(size)},
        )
    upload.touched_at = timezone.now()
    if not direct.is_offered():
        parts.begin(upload)
    else:
        upload.remote = upload.remote or direct.begin(upload.public_id)
        # Parts come past this server, for as long as the links to send them live
        upload.touched_at += timedelta(seconds=direct.LINK_SECONDS)
    upload.save(update_fields=["remote", "touched_at"])
    return upload


def of_id(public_id: str) -> Upload | None:
    return Upload.objects.filter(public_id=public_id).first()


def complete(upload: Upload, etags: Mapping[int, str]) -> Blob:
    """Make the parts a blob. The row is the caller's to delete, together with taking hold."""
    if upload.remote:
        try:
            return direct.complete(
                upload.public_id, upload.remote, etags, size=upload.size, sha256=upload.sha256
            )
        except Invalid:
            # The store takes no more parts of it: who sends the object again begins anew
            Upload.objects.filter(pk=upload.pk, remote=upload.remote).update(remote="")
            raise
    return parts.complete(upload)


def clear_abandoned(*, before: datetime) -> int:
    """Forget the uploads to which nothing came since, and what lies there of none. Returns how
    many."""
    removed = 0
    for upload in list(Upload.objects.filter(touched_at__lt=before)):
        with transaction.atomic():
            gone, _ = Upload.objects.filter(pk=upload.pk, touched_at__lt=before).delete()
            if not gone:
                continue
            if upload.remote:
                direct.abort(upload.public_id, upload.remote)
            else:
                parts.discard(upload)
            removed += 1
    lying = set(parts.strays())
    for stray in lying - set(
        Upload.objects.filter(public_id__in=lying).values_list("public_id", flat=True)
    ):
        removed += parts.discard_stray(stray, before=before)
    return removed
