"""A site in the middle of its work, for the pictures that the README shows. Its models, figures and
findings are invented."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from registry.accounts.models import User
from registry.catalog import facts
from registry.catalog.models import DailyDownloads, Repository, Revision
from registry.checks.models import CheckRun
from registry.releases import checklists, entries, remarks, workflow
from registry.releases.models import Release
from registry.releases.remarks import Where
from tests import factories
from tests.factories import as_caller

BASE = "meta-llama/Llama-3.1-8B-Instruct"
EIGHT_B = 8_030_261_248


@dataclass(frozen=True)
class Shown:
    """A model in the list: what its card says of it, and what everybody did with it."""

    place: str
    name: str
    license: str
    bases: tuple[str, ...]
    relation: str
    parameters: int
    downloads: int
    likes: int
    tags: str = "[conversational]"
    task: str = "text-generation"


MODELS = (
    Shown("open-clinic", "Llama-3.1-8B-Clinic", "llama3.1", (BASE,), "finetune", EIGHT_B,
          48_210, 312, "[medical, conversational]"),
    Shown("quant-works", "Llama-3.1-8B-Clinic-Q4_K_M", "llama3.1",
          ("open-clinic/Llama-3.1-8B-Clinic",), "quantized", EIGHT_B, 21_904, 141,
          "[gguf, medical]"),
    Shown("open-clinic", "Llama-3.1-8B-Clinic-Notes-LoRA", "llama3.1",
          ("open-clinic/Llama-3.1-8B-Clinic",), "adapter", 42 * 10**6, 6_120, 57,
          "[lora, medical]"),
    Shown("nordic-lab", "Llama-3.1-8B-Nordic", "llama3.1", (BASE,), "finetune", EIGHT_B,
          17_333, 204, "[translation, conversational]"),
    Shown("nordic-lab", "Llama-3.1-8B-Nordic-Clinic", "llama3.1",
          ("nordic-lab/Llama-3.1-8B-Nordic", "open-clinic/Llama-3.1-8B-Clinic"), "merge",
          EIGHT_B, 1_204, 33, "[merge, medical]"),
    Shown("law-desk", "Llama-3.3-70B-Contracts", "llama3.3",
          ("meta-llama/Llama-3.3-70B-Instruct",), "finetune", 70_553_706_496, 9_876, 98, "[legal]"),
    Shown("pocket-models", "Llama-3.2-1B-Recipes", "llama3.2",
          ("meta-llama/Llama-3.2-1B-Instruct",), "finetune", 1_235_814_400, 30_518, 187,
          "[conversational]"),
    Shown("campus", "tiny-teaching-llama", "apache-2.0", (), "", 134_515_008, 2_410, 76,
          "[education]"),
)  # fmt: skip


@dataclass
class Showcase:
    reader: User
    maintainer: User
    model: Repository
    in_review: Release


def build() -> Showcase:
    facts.load()
    maintainer = factories.make_maintainer("bob")
    owners = {name: factories.make_user(f"owner-{name}") for name in {one.place for one in MODELS}}
    for name, owner in owners.items():
        factories.make_organisation(name, owner=owner)
    made = [_made(one, owners[one.place], maintainer) for one in MODELS]
    model = made[0].repository
    for age, count in enumerate((410, 520, 610, 505, 720, 690, 810, 770, 905, 1010, 980, 1180)):
        day = timezone.now().date() - timedelta(days=2 * age)
        DailyDownloads.objects.create(repository=model, day=day, count=count)
    in_review = _in_review(model, owners["open-clinic"], maintainer)
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    return Showcase(factories.make_user("carol"), maintainer, model, in_review)


def _made(shown: Shown, owner: User, maintainer: User) -> Release:
    repository = factories.make_repository(owner, shown.name, namespace=shown.place)
    weights = "model-Q4_K_M.gguf" if "gguf" in shown.tags else "model.safetensors"
    if shown.relation == "adapter":
        weights = "adapter_model.safetensors"
    files = {
        "README.md": card(shown),
        "config.json": '{"model_type": "llama", "max_position_embeddings": 131072}\n',
        weights: shown.name.encode(),
    }
    release = factories.make_released(repository, by=maintainer, files=files)
    Revision.objects.filter(pk=release.revision_id).update(
        parameters=shown.parameters, total_size=shown.parameters * 2
    )
    Repository.objects.filter(pk=repository.pk).update(
        downloads=shown.downloads, likes=shown.likes, trending=shown.downloads
    )
    bases = [{"model": base, "verdict": "supported"} for base in shown.bases]
    CheckRun.objects.filter(revision=release.revision).update(report={"lineage": {"bases": bases}})
    return release


def card(shown: Shown) -> str:
    """A card as a careful publisher writes one."""
    above = f"base_model: [{', '.join(shown.bases)}]\n" if shown.bases else ""
    how = f"base_model_relation: {shown.relation}\n" if shown.relation else ""
    title = shown.name.replace("-", " ")
    return f"""---
license: {shown.license}
{above}{how}pipeline_tag: {shown.task}
library_name: transformers
language: [en, fr]
tags: {shown.tags}
datasets: [openly-licensed-textbooks]
---
# {title}

{title} answers questions about anatomy, common drugs and their interactions, and says when it does
not know. It was trained on openly licensed textbooks alone; no patient's record was used.

## Use

```python
from transformers import pipeline

chat = pipeline("text-generation", "{shown.place}/{shown.name}", revision="v1.0")
chat([{{"role": "user", "content": "Which muscles does the median nerve supply?"}}])
```

## Limits

It is no doctor. Answers in languages other than English and French were not looked at.
"""


def _in_review(repository: Repository, owner: User, maintainer: User) -> Release:
    """The next version of the first model, with what its checks found and what was said of it."""
    files = {
        "README.md": card(MODELS[0]) + "\n## News\n\nTrained for another epoch.\n",
        "config.json": '{"model_type": "llama", "max_position_embeddings": 65536}\n',
        "model.safetensors": b"another epoch",
    }
    revision = factories.make_commit(
        repository, factories.with_copies(files, repository), title="Train for another epoch"
    )
    factories.finish_checks(
        revision,
        "warned",
        (
            ("GEN-DEGENERATE", "warn", "The model repeats itself: «and and and and and and»."),
            ("PERF", "info", "24.1 tokens per second on the CPU, 1,912 MiB at most."),
        ),
    )
    release = workflow.open_release(
        revision,
        version="v1.1",
        notes="Trained for another epoch on the same data.\nAnswers are shorter.",
        by=as_caller(owner),
    )
    checklists.add("The samples were read", namespace=None, by=as_caller(maintainer))
    checklists.add("The card names all data", namespace=None, by=as_caller(maintainer))
    where = Where("line", "README.md", 3, "after")
    remarks.make(
        release, "Which textbooks? Name their **licenses**.", where=where, by=as_caller(maintainer)
    )
    return release
