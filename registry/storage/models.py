"""What is stored. A row exists only for bytes that are all there and were verified."""

from django.db import models

from registry.ids import new_public_id


class Blob(models.Model):
    """Bytes, named by their SHA-256; shared by every repository that holds them.

    `came_at` is when they came last, `unneeded_since` the mark of garbage collection. Once `removed_at` is set the bytes are gone,
    and the row remembers that they were here; bytes that come again clear both.
    """

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    came_at = models.DateTimeField(null=True, blank=True)
    unneeded_since = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="blob_is_named_by_sha256", condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(
                name="blob_size_is_not_negative", condition=models.Q(size__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.sha256


class Upload(models.Model):
    """An object on its way in by parts, which its sender may send again. Gone once it is whole.

    `space`, `repository` and `by` are public ids of what is above this app: the namespace that the
    bytes count for, where they go, and who sends them. `writes` counts the changes to what lies
    there, so that a hash made on the way is trusted only where nobody wrote beside it. `remote` is
    the store's own name of the upload, where the parts go straight to the store.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    space = models.CharField(max_length=24, db_index=True)
    repository = models.CharField(max_length=24)
    by = models.CharField(max_length=24)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    part_size = models.BigIntegerField()
    writes = models.PositiveIntegerField(default=0)
    remote = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    touched_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "by", "sha256"], name="one_upload_of_an_object_by_a_person"
            ),
            models.CheckConstraint(
                name="upload_has_parts",
                condition=models.Q(size__gt=0, part_size__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id}: {self.sha256}"


class XetSpace(models.Model):
    """Where the xorbs of one repository lie that its uploads may refer to, for one epoch.

    Those who may write the repository share it; anybody else who may offer files has one of their
    own, so that nobody can name what they did not send. `repository`, `person` (empty for the
    shared one) and `namespace` (which the bytes count for) are public ids of what is above this app.
    Closed, it serves only uploads that began before; emptied, none, and its xorbs are gone.
    """

    repository = models.CharField(max_length=24)
    person = models.CharField(max_length=24, blank=True)
    namespace = models.CharField(max_length=24, db_index=True)
    epoch = models.PositiveIntegerField()
    opened_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    emptied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "person", "epoch"], name="xet_space_once_in_an_epoch"
            ),
            models.UniqueConstraint(
                fields=["repository", "person"],
                condition=models.Q(closed_at=None),
                name="xet_space_open_once",
            ),
            models.CheckConstraint(
                name="xet_space_closed_before_it_is_emptied",
                condition=models.Q(emptied_at=None) | models.Q(closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        parts = [self.repository, self.person, str(self.epoch)]
        return "-".join(part for part in parts if part)


class Xorb(models.Model):
    """Chunks of files, packed together and verified. `chunks` is the table that `xet.xorbs` reads.

    Once a file was put together of it, it counts for no quota: the file does.
    """

    space = models.ForeignKey(XetSpace, on_delete=models.CASCADE, related_name="xorbs")
    hash = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    chunks = models.BinaryField()
    is_used = models.BooleanField(default=False, db_default=False)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["space", "hash"], name="xorb_once_in_a_space"),
            models.CheckConstraint(
                name="xorb_is_named_by_its_hash", condition=models.Q(hash__regex=r"^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        return self.hash


class XetFile(models.Model):
    """A file that was put together from the xorbs of a space: who uses the space had its bytes."""

    space = models.ForeignKey(XetSpace, on_delete=models.CASCADE, related_name="files")
    hash = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["space", "hash"], name="xet_file_once_in_a_space"),
            models.CheckConstraint(
                name="xet_file_is_named_by_its_hashes",
                condition=models.Q(hash__regex=r"^[0-9a-f]{64}$", sha256__regex=r"^[0-9a-f]{64}$"),
            ),
        ]

    def __str__(self) -> str:
        return self.hash
