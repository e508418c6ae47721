"""What lies in uploads that are not whole yet, by the namespace that it counts for."""

from django.db.models import Sum

from registry.storage.models import Upload, Xorb


def staged_bytes(space: str) -> int:
    """Bytes announced or lying in open uploads that count for this namespace (its public id)."""
    announced = Upload.objects.filter(space=space).aggregate(all=Sum("size", default=0))["all"]
    packed = Xorb.objects.filter(space__namespace=space, space__emptied_at=None, is_used=False)
    return int(announced + packed.aggregate(all=Sum("size", default=0))["all"])
