"""A small site with models in every state, for looking at pages."""

from dataclasses import dataclass

from registry.accounts.models import Role, User
from registry.catalog.models import Repository
from registry.checks import runs
from registry.checks.models import CheckRun, JobKind
from registry.releases import workflow
from registry.releases.models import Release
from tests import factories
from tests.factories import as_caller

CARD = """---
license: llama3.1
base_model: meta-llama/Llama-3.1-8B-Instruct
base_model_relation: finetune
pipeline_tag: text-generation
library_name: transformers
language: [en, fr]
tags: [medical, conversational]
---
# Llama Med 8B

A fine-tune of Llama 3.1 8B Instruct on openly licensed medical textbooks. It answers questions about
anatomy and drug interactions, and it says when it does not know.

## Use

```python
from transformers import pipeline

chat = pipeline("text-generation", "lab/llama-med-8b", revision="v1.0")
chat([{"role": "user", "content": "Which muscles does the median nerve supply?"}])
```

## How it was measured

| benchmark | this model | base |
|---|---|---|
| MedQA (4 options) | 0.641 | 0.587 |
| PubMedQA | 0.752 | 0.731 |
| A-benchmark-with-a-very-long-name-without-any-space | 0.500 | 0.500 |

> It is no doctor. Do not let it decide about treatment.

See [the license](LICENSE) and the [data sheet](docs/data.md).
"""

MEASURED = {
    "stages": [
        {"name": "load", "status": "done", "seconds": 1.2},
        {"name": "measure", "status": "skipped", "reason": "too little time was left"},
    ],
    "metrics": {
        "targets": {
            "model.safetensors": {
                "parameters": 8030261248,
                "dtype": "bfloat16",
                "perplexity": {"de": 18.312, "en": 11.204, "es": 14.031, "fr": 13.5, "zh": 20.75},
            }
        }
    },
}


@dataclass
class Scene:
    """Who and what there is. `carol` may do nothing special."""

    ada: User
    bob: User
    carol: User
    released: Release
    in_review: Release
    blocked: Repository
    running: Repository
    ready: Repository
    suspended: Repository


def build() -> Scene:
    ada, bob, carol = (
        factories.make_user("ada"),
        factories.make_maintainer("bob"),
        factories.make_user("carol"),
    )
    lab = factories.make_organisation("lab", owner=ada)
    factories.people.set_role(namespace=lab, user=ada, role=Role.ADMIN, by="")
    files = {
        "README.md": CARD,
        "config.json": '{"model_type": "llama"}\n',
        "model.safetensors": b"w",
    }
    released = factories.make_released(
        factories.make_repository(ada, "llama-med-8b", namespace="lab"),
        by=bob,
        files=files | {"docs/data.md": "# Data\n\nBooks.\n"},
    )
    return Scene(
        ada=ada,
        bob=bob,
        carol=carol,
        released=released,
        in_review=_in_review(released.repository),
        blocked=_blocked(ada),
        running=factories.make_revision(
            factories.make_repository(ada, "a-model-with-a-rather-long-name-Q4_K_M-gguf")
        ).repository,
        ready=_ready(ada),
        suspended=_suspended(ada, bob),
    )


def _in_review(repository: Repository) -> Release:
    files = {"model.safetensors": b"more weights", "README.md": CARD + "\nNow with more data.\n"}
    revision = factories.make_commit(
        repository,
        factories.with_copies(files, repository),
        title="Train for another epoch",
    )
    factories.finish_checks(
        revision,
        "warned",
        (
            ("GEN-DEGENERATE", "warn", "The model repeats itself: «and and and and and and»."),
            ("PERF", "info", "24.1 tokens per second on the CPU, 1,912 MiB at most."),
        ),
    )
    return workflow.open_release(
        revision,
        version="v1.1",
        notes="Trained for another epoch on the same data.\nAnswers are shorter.",
        by=as_caller(repository.created_by),
    )


def _blocked(owner: User) -> Repository:
    revision = factories.make_revision(factories.make_repository(owner, "pickled"))
    factories.finish_checks(
        revision,
        "blocked",
        (
            ("SEC-PICKLE", "block", "`pytorch_model.bin` calls `os.system` when opened."),
            ("UPL-TYPE", "block", "`train.ipynb`: notebook files are not accepted here."),
            ("UPL-TYPE", "block", "`run.sh`: script files are not accepted here."),
            ("TOK-VOCAB", "warn", "Only 71 % of the embedding's rows have a token."),
        ),
    )
    return revision.repository


def _ready(owner: User) -> Repository:
    files = factories.with_copies(factories.MODEL)
    revision = factories.make_revision(factories.make_repository(owner, "measured"), files=files)
    runs.finish(factories.claim_job(CheckRun.objects.get(revision=revision)), runs.Outcome([]))
    smoke = factories.claim_job(CheckRun.objects.get(revision=revision), JobKind.SMOKE)
    runs.finish(smoke, runs.Outcome([], MEASURED))
    return revision.repository


def _suspended(owner: User, maintainer: User) -> Repository:
    release = factories.make_released(factories.make_repository(owner, "tiny-chat"), by=maintainer)
    workflow.transition(
        "suspend", release, by=as_caller(maintainer), reason="A license question is open."
    )
    return release.repository
