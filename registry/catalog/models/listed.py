"""What lists of repositories are made from: search, counts by day, what people keep and what is
succeeded by something else."""

from datetime import UTC, datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Lower

from registry.accounts.models import User
from registry.catalog.models.repositories import Repository, Revision
from registry.ids import new_public_id

# When something was released that never was, for orders
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def own_name() -> Func:
    """The name of an entry without its namespace."""
    return Func(
        F("name"), Value("/"), Value(2), function="split_part", output_field=models.TextField()
    )


def size() -> Coalesce:
    """The bytes of what an entry was read from."""
    said = Cast(KeyTextTransform("size", "facts"), models.BigIntegerField())
    return Coalesce(said, Value(0), output_field=models.BigIntegerField())


class SearchEntry(models.Model):
    """What a repository is found by: its names, and what everybody gets from its `main`.

    `revision` is what the entry was read from, None while nothing is out; then there is a name
    alone, so that no search tells of what is in quarantine. `facets` are `key:value`. `facts` are
    what a row of a list says. Made again from the rows that it repeats whenever they change.
    """

    repository = models.OneToOneField(
        Repository, on_delete=models.CASCADE, primary_key=True, related_name="entry"
    )
    revision = models.ForeignKey(
        Revision, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    name = models.CharField(max_length=200)
    words = SearchVectorField()
    facets = ArrayField(models.CharField(max_length=120), default=list)
    facts = models.JSONField(default=dict)
    is_official = models.BooleanField(default=False)
    parameters = models.BigIntegerField(null=True, blank=True)
    context_length = models.BigIntegerField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    built_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "search entries"
        constraints = [
            models.CheckConstraint(
                name="entry_of_nothing_has_a_name_alone",
                condition=Q(revision__isnull=False) | Q(facets=[], facts={}),
            ),
            models.CheckConstraint(
                name="entry_is_named_in_small_letters",
                condition=Q(name=Lower("name")),
            ),
        ]
        indexes = [
            GinIndex(fields=["words"], name="entry_words"),
            GinIndex(fields=["facets"], name="entry_facets"),
            GinIndex(OpClass("name", name="gin_trgm_ops"), name="entry_name_trigrams"),
            models.Index(fields=["parameters"], name="entry_parameters"),
            models.Index(fields=["-released_at"], name="entry_released"),
            # The orders of lists, in their own words
            models.Index(
                Coalesce("released_at", Value(NEVER)).desc(),
                F("repository").desc(),
                name="entry_order_released",
            ),
            models.Index(
                Coalesce("parameters", Value(0)).desc(),
                F("repository").desc(),
                name="entry_order_parameters",
            ),
            models.Index(size().desc(), F("repository").desc(), name="entry_order_size"),
            models.Index(fields=["name", "repository"], name="entry_order_name"),
            models.Index(own_name(), name="entry_own_name"),
            models.Index(
                fields=["repository"], condition=Q(is_official=True), name="entry_official"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DailyDownloads(models.Model):
    """How often a repository was downloaded on a day (UTC), as the access log says it."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="by_day")
    day = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "daily downloads"
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "day"], name="downloads_counted_once_a_day"
            ),
            models.CheckConstraint(
                name="a_day_without_downloads_has_no_row", condition=Q(count__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repository_id} {self.day} {self.count}"


class SavedSearch(models.Model):
    """A search that somebody keeps: the query string of the catalog, under a name of theirs."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_searches")
    name = models.CharField(max_length=100)
    query = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "saved searches"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="search_saved_once_by_a_name"),
            models.CheckConstraint(name="saved_search_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class Deprecation(models.Model):
    """A repository that its owners advise against using anew, and what they name instead."""

    repository = models.OneToOneField(
        Repository, on_delete=models.CASCADE, related_name="deprecation"
    )
    successor = models.ForeignKey(
        Repository, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.CharField(max_length=1000, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="nothing_succeeds_itself",
                condition=Q(successor=None) | ~Q(successor=F("repository")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repository_id} since {self.at:%Y-%m-%d}"
