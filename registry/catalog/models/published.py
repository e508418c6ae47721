"""The Llama family as published facts."""

from django.db import models


class Family(models.Model):
    """A generation of Llama, as a published fact."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    released_on = models.CharField(max_length=10, blank=True)
    license = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict)
    position = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "families"
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """An official release of a family: a size, a kind, a context length."""

    slug = models.SlugField(max_length=100, unique=True)
    family = models.ForeignKey(Family, on_delete=models.CASCADE, related_name="variants")
    name = models.CharField(max_length=200)
    hub_repo_id = models.CharField(max_length=200, blank=True)
    facts = models.JSONField(default=dict)
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name
