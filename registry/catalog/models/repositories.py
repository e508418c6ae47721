"""Repositories with git's data model in tables.

Git objects belong to one repository and carry the ids that git itself would compute. Their bytes
are blobs, shared by SHA-256. A revision is a commit.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from registry.accounts import permissions, plain_hub
from registry.accounts.callers import NOBODY, Caller
from registry.accounts.models import Namespace, User
from registry.accounts.permissions import Permission
from registry.ids import new_public_id
from registry.storage.models import Blob

MAIN = "refs/heads/main"


class RepositoryType(models.TextChoices):
    """What a repository holds. Which types a site takes is a setting."""

    MODEL = "model", "model"
    DATASET = "dataset", "dataset"


class Gated(models.TextChoices):
    """The publisher's own lock, beside the terms: nobody, whoever asks, or whom a person lets in."""

    NO = "", "not gated"
    AUTO = "auto", "whoever asks"
    MANUAL = "manual", "whom a person lets in"


class Visibility(models.TextChoices):
    PUBLIC = "public", "public"
    PRIVATE = "private", "private"


class RepositoryQuerySet(models.QuerySet["Repository"]):
    def visible_to(self, caller: Caller) -> "RepositoryQuerySet":
        """The one definition of who may know of a repository.

        Those who may write it and site maintainers, always; everybody else once a revision was
        released, and of a private one only its namespace's members. In a plain hub nothing waits
        for a release.
        """
        alive = self.filter(_within_reach(caller))
        if caller.is_maintainer:
            return alive
        known = Q(_has_known_revision()) | plain_hub.where()
        circle = Q(visibility=Visibility.PUBLIC) | permissions.namespaces_with(
            caller, Permission.READ
        )
        return alive.filter(
            (circle & known) | permissions.namespaces_with(caller, Permission.WRITE)
        )

    def beyond_public(self, caller: Caller) -> "RepositoryQuerySet":
        """What `visible_to` has for this caller and not for everybody. But for maintainers, that is
        of namespaces of theirs, from which the database then begins."""
        everybody = Repository.objects.visible_to(NOBODY).filter(pk=models.OuterRef("pk"))
        found = self.visible_to(caller).exclude(models.Exists(everybody))
        if caller.is_maintainer:
            return found
        return found.filter(namespace__in=keys_of_namespaces(caller, Permission.READ))

    def quarantine_seen_by(self, caller: Caller) -> "RepositoryQuerySet":
        """Repositories whose unreleased revisions the caller may see and read back."""
        return self.filter(shows_quarantine_to(caller))

    def writable_by(self, caller: Caller) -> "RepositoryQuerySet":
        """Repositories that the caller may commit to, with the token that they used."""
        return self.filter(may_be_written_by(caller))


def keys_of_namespaces(caller: Caller, permission: Permission) -> list[int]:
    """Those in which the caller's role gives the permission, asked for at once: with the keys the
    database knows how few repositories it has to look at."""
    own = permissions.namespaces_with(caller.afresh(), permission, field="pk")
    return list(Namespace.objects.filter(own).values_list("pk", flat=True))


def shows_quarantine_to(caller: Caller) -> Q:
    """The condition of `quarantine_seen_by`."""
    if caller.is_maintainer:
        return _within_reach(caller)
    return _within_reach(caller) & permissions.namespaces_with(caller, Permission.WRITE)


def may_be_written_by(caller: Caller) -> Q:
    """The condition of `writable_by`."""
    if not caller.can_write:
        return Q(pk__in=[])
    return _within_reach(caller) & permissions.namespaces_with(caller, Permission.WRITE)


def _within_reach(caller: Caller) -> Q:
    """Neither deleted nor of a type that is switched off nor beyond the token."""
    found = Q(deleted_at=None)
    if not set(RepositoryType.values) <= set(settings.REPOSITORY_TYPES):
        found &= Q(type__in=settings.REPOSITORY_TYPES)
    if caller.repositories is not None:
        found &= Q(public_id__in=caller.repositories)
    return found


class Repository(models.Model):
    """`namespace/name`: one model with all its revisions."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    type = models.CharField(max_length=16, choices=RepositoryType, default=RepositoryType.MODEL)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="repositories")
    name = models.CharField(max_length=96)
    visibility = models.CharField(max_length=8, choices=Visibility, default=Visibility.PUBLIC)
    gated = models.CharField(
        max_length=8, choices=Gated, blank=True, default=Gated.NO, db_default=""
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    downloads = models.BigIntegerField(default=0)
    likes = models.BigIntegerField(default=0, db_default=0)
    trending = models.BigIntegerField(default=0, db_default=0)

    objects = RepositoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "repositories"
        constraints = [
            models.UniqueConstraint(
                "type",
                "namespace",
                Lower("name"),
                condition=Q(deleted_at=None),
                name="repository_name_is_unique_in_any_case",
            ),
        ]
        # The orders of lists
        indexes = [
            models.Index(fields=["-downloads", "-id"], name="repository_order_downloads"),
            models.Index(fields=["-likes", "-id"], name="repository_order_likes"),
            models.Index(fields=["-trending", "-id"], name="repository_order_trending"),
            models.Index(fields=["-updated_at", "-id"], name="repository_order_updated"),
            models.Index(
                (F("downloads") + F("likes") * 5).desc(),
                F("id").desc(),
                name="repository_order_used",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        return f"/{self.place}/{self.name}"

    @property
    def place(self) -> str:
        """What stands before the name in addresses of pages and files: the namespace, after the
        prefix that all types but models have."""
        prefix = "" if self.type == RepositoryType.MODEL else f"{self.type}s/"
        return f"{prefix}{self.namespace.name}"

    @property
    def full_name(self) -> str:
        """`namespace/name`. Fetch with `select_related("namespace")`."""
        return f"{self.namespace.name}/{self.name}"


def _has_known_revision() -> models.Exists:
    return models.Exists(
        Revision.objects.filter(repository=models.OuterRef("pk")).exclude(
            state=RevisionState.QUARANTINE
        )
    )


class FormerName(models.Model):
    """A name that a repository had: addresses with it lead to the repository, and nobody but the
    former owner can take it."""

    type = models.CharField(max_length=16, choices=RepositoryType)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=96)
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="former_names"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "type", "namespace", Lower("name"), name="former_name_leads_to_one_repository"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.namespace_id}/{self.name}"


class Like(models.Model):
    """A person likes a repository."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="likes")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="liked_by")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "repository"], name="liked_once_by_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.repository_id}"


class Tree(models.Model):
    """A folder as git knows it."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="trees")
    oid = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "oid"], name="tree_once_in_a_repository"),
        ]

    def __str__(self) -> str:
        return self.oid


class GitBlob(models.Model):
    """A file's content as git knows it: the bytes, or for LFS files the pointer to them.

    `oid` is git's id (of the pointer text for LFS files); `blob` holds the file's own bytes. Once
    `removed_at` is set the repository has given them up: files of this content vanish from all its
    revisions, whose ids stay.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="git_blobs")
    oid = models.CharField(max_length=40)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    is_lfs = models.BooleanField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "oid", "is_lfs"], name="git_blob_once_in_a_repository"
            ),
        ]

    def __str__(self) -> str:
        return self.oid


class TreeEntry(models.Model):
    """A name in a folder: a file or another folder, never both."""

    tree = models.ForeignKey(Tree, on_delete=models.CASCADE, related_name="entries")
    name = models.CharField(max_length=255)
    folder = models.ForeignKey(
        Tree, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    file = models.ForeignKey(
        GitBlob, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "tree entries"
        constraints = [
            models.UniqueConstraint(fields=["tree", "name"], name="name_once_in_a_folder"),
            models.CheckConstraint(
                name="entry_is_a_file_or_a_folder",
                condition=Q(folder=None, file__isnull=False) | Q(folder__isnull=False, file=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RevisionState(models.TextChoices):
    QUARANTINE = "quarantine", "in quarantine"
    RELEASED = "released", "released"
    SUSPENDED = "suspended", "suspended"
    RECALLED = "recalled", "recalled"


class RevisionQuerySet(models.QuerySet["Revision"]):
    def visible_to(self, caller: Caller) -> "RevisionQuerySet":
        """Revisions that the caller may know of: released ones of what they may know of, those in
        quarantine where they see quarantine, and those of pull requests that they opened. In a
        plain hub, all of what they may know of but pull requests of others."""
        known = Q(repository__in=Repository.objects.visible_to(caller)) & _out_for(caller)
        own = Q(repository__in=Repository.objects.quarantine_seen_by(caller))
        return self.filter(known | own)

    def out_for(self, caller: Caller) -> "RevisionQuerySet":
        """`visible_to`, within repositories that the caller may know of and whose quarantine they
        do not see."""
        return self.filter(_out_for(caller))


def _out_for(caller: Caller) -> Q:
    out = ~Q(state=RevisionState.QUARANTINE) | (
        plain_hub.where("repository__namespace") & Q(proposal=None)
    )
    if caller.user is not None:
        out |= Q(proposal__in=Proposal.objects.opened_by(caller))
    return out


class Revision(models.Model):
    """A commit. `state` is written by `releases.workflow` alone.

    `facts` and `parameters` are what its files say of the model, read when it was made. `folds`
    names revisions whose changes it holds though they are no parents of it: those that a squash
    put together. `proposal` is that of the pull request that it was pushed to.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="revisions")
    oid = models.CharField(max_length=40)
    tree = models.ForeignKey(Tree, on_delete=models.PROTECT, related_name="+")
    parents = ArrayField(models.CharField(max_length=40), default=list)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=512)
    message = models.TextField(blank=True)
    committed_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=RevisionState, default=RevisionState.QUARANTINE)
    card = models.JSONField(default=dict)
    tags = ArrayField(models.CharField(max_length=200), default=list)
    manifest_digest = models.CharField(max_length=64)
    total_size = models.BigIntegerField(default=0)
    facts = models.JSONField(default=dict, db_default={})
    parameters = models.BigIntegerField(null=True, blank=True)
    folds = ArrayField(models.CharField(max_length=40), default=list, db_default=[])
    proposal = models.ForeignKey(
        "Proposal", on_delete=models.SET_NULL, null=True, blank=True, related_name="revisions"
    )

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "oid"], name="revision_once_in_a_repository"
            ),
        ]
        indexes = [
            models.Index(
                fields=["repository", "state"],
                condition=~Q(state="quarantine"),
                name="revision_known_outside",
            ),
        ]

    def __str__(self) -> str:
        return self.oid[:12]

    @property
    def short(self) -> str:
        return self.oid[:8]


class Ref(models.Model):
    """A branch, a tag or a pull request (`refs/heads/main`, `refs/tags/v1`, `refs/pr/1`).

    `head` is where uploads build on. `public` is the revision last released from the branch that
    still is released: what everybody else gets. `withdrawn` is the last one where none still is,
    so that the gate can say why. Only `releases.workflow` writes these two.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="refs")
    name = models.CharField(max_length=255)
    head = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    public = models.ForeignKey(
        Revision, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    withdrawn = models.ForeignKey(
        Revision, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    is_locked = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="ref_once_in_a_repository"),
            models.CheckConstraint(
                name="ref_is_a_branch_a_tag_or_a_pull_request",
                condition=Q(name__startswith="refs/heads/")
                | Q(name__startswith="refs/tags/")
                | Q(name__regex=r"^refs/pr/[1-9][0-9]*$"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def short(self) -> str:
        return self.name.split("/", 2)[2]

    @property
    def is_pull_request(self) -> bool:
        return self.name.startswith("refs/pr/")


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def opened_by(self, caller: Caller) -> "ProposalQuerySet":
        """Those of this caller. One that began where they saw quarantine, which they see no more,
        is theirs no more either."""
        if caller.user is None:
            return self.none()
        known = ~Q(start__state=RevisionState.QUARANTINE)
        mine = Q(by_id=caller.user.pk)
        return self.filter(known | plain_hub.where("ref__repository__namespace"), mine)


class Proposal(models.Model):
    """What stands behind `refs/pr/N`: who opened the pull request, onto which branch, and where it
    began, which is that branch as its author saw it."""

    ref = models.OneToOneField(Ref, on_delete=models.CASCADE, related_name="proposal")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    base = models.CharField(max_length=255)
    start = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")

    objects = ProposalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="proposal_is_onto_a_branch", condition=Q(base__startswith="refs/heads/")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref_id} onto {self.base}"


class Holding(models.Model):
    """A repository holds a blob, and who brought it first: the answer to "already stored".

    `unneeded_since` is the mark of garbage collection: since then no revision needs it.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="holdings")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="holdings")
    brought_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    unneeded_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "blob"], name="blob_held_once_by_a_repository"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repository_id} holds {self.blob_id}"


class Bringing(models.Model):
    """Somebody else sent the same bytes into the repository later: they may name and read them."""

    holding = models.ForeignKey(Holding, on_delete=models.CASCADE, related_name="brought_again")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["holding", "by"], name="brought_again_once_by_a_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by_id} brought {self.holding_id}"
