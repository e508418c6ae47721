"""How a model is fetched and run: lines to copy, each with the revision that is out now."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from registry.catalog import cards
from registry.catalog.models import Repository, RepositoryType, Revision, TreeEntry
from registry.releases.models import Release, Status
from registry.web.standing import Standing

MAX_NAMES = 200
WEIGHTS = (".safetensors", ".gguf", ".bin", ".pth", ".parquet")
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
CLASSES = {
    "text-generation": "AutoModelForCausalLM",
    "image-text-to-text": "AutoModelForImageTextToText",
    "feature-extraction": "AutoModel",
    "text-classification": "AutoModelForSequenceClassification",
}


@dataclass(frozen=True)
class Way:
    """A tool, what to type for it, and what to know. `key` is unique among the ways."""

    key: str
    title: str
    text: str
    note: str = ""


def ways(here: Standing, *, address: str) -> list[Way]:
    """The ways to what everybody gets, the Hub's own client first; none where nothing is out."""
    revision = here.public
    if revision is None:
        return []
    pin, asks = pin_of(here), _asks(here.repository, here.public_release)
    return _ways(here.repository, revision, pin, names_shown(here, revision), address, asks)


def ways_to(release: Release, *, address: str, names: list[str]) -> list[Way]:
    """The ways to exactly this release, whatever came after it; none where it is out no more.
    `names` are files at its top as far as the visitor may know of them."""
    if release.status != Status.RELEASED:
        return []
    repository = release.repository
    asks = _asks(repository, release)
    return _ways(repository, release.revision, release.version, names, address, asks)


def names_shown(here: Standing, revision: Revision) -> list[str]:
    """Names at the top of the revision, where the page has asked the gate about this one."""
    return _names(revision) if here.answer.is_open and here.shown == revision else []


def _ways(
    repository: Repository,
    revision: Revision,
    pin: str,
    names: list[str],
    address: str,
    asks: bool,
) -> list[Way]:
    found = [_hf(repository, pin)]
    if repository.type == RepositoryType.MODEL:
        found += _for_models(repository, revision, pin, names)
    return [*found, _curl(repository, pin, names, address, asks)]


def pin_of(here: Standing) -> str:
    """What names the public revision for good: its version label, else its commit."""
    if here.public_release is not None:
        return here.public_release.version
    return here.public.oid if here.public is not None else ""


def line(repository: Repository, pin: str) -> str:
    """The line of the Hub's client that gets exactly this revision."""
    kind = "" if repository.type == RepositoryType.MODEL else f" --repo-type {repository.type}"
    return f"hf download {repository.full_name}{kind} --revision {pin}"


def _hf(repository: Repository, pin: str) -> Way:
    return Way("download", "hf", line(repository, pin))


def _for_models(
    repository: Repository, revision: Revision, pin: str, names: list[str]
) -> list[Way]:
    tags, name = set(revision.tags), repository.full_name
    task = str(revision.card.get("pipeline_tag") or "text-generation")
    found = []
    if _is_adapter(revision):
        found.append(_peft(name, pin))
    elif tags & {"safetensors", "pytorch"}:
        found.append(_transformers(name, pin, task))
        if task in {"text-generation", "image-text-to-text"}:
            found.append(Way("vllm", "vLLM", f"vllm serve {name} --revision {pin}"))
    if "gguf" in tags:
        file = next((one for one in names if one.endswith(".gguf")), "FILE.gguf")
        fetch = f"hf download {name} {file} --revision {pin} --local-dir ."
        note = "" if file != "FILE.gguf" else _("FILE.gguf is one of the files of the model.")
        found.append(Way("llama", "llama.cpp", f"{fetch}\nllama-cli -m {file}", note))
    return found


def _is_adapter(revision: Revision) -> bool:
    relation = revision.facts.get("relation") or revision.card.get("base_model_relation")
    return relation == "adapter" or "peft" in cards.as_list(revision.card.get("library_name"))


def _transformers(name: str, pin: str, task: str) -> Way:
    model = CLASSES.get(task, "AutoModel")
    reader = "AutoProcessor" if task == "image-text-to-text" else "AutoTokenizer"
    variable = "processor" if reader == "AutoProcessor" else "tokenizer"
    text = (
        f"from transformers import {model}, {reader}\n\n"
        f'{variable} = {reader}.from_pretrained("{name}", revision="{pin}")\n'
        f'model = {model}.from_pretrained("{name}", revision="{pin}")'
    )
    return Way("transformers", "transformers", text)


def _peft(name: str, pin: str) -> Way:
    text = (
        "from peft import AutoPeftModelForCausalLM\n\n"
        f'model = AutoPeftModelForCausalLM.from_pretrained("{name}", revision="{pin}")'
    )
    note = _("An adapter: peft fetches the base that it names, under that model's own terms.")
    return Way("peft", "peft", text, note)


def _curl(repository: Repository, pin: str, names: list[str], address: str, asks: bool) -> Way:
    file = next((one for one in names if one.endswith(WEIGHTS)), "README.md")
    token = ' -H "Authorization: Bearer $HF_TOKEN"' if asks else ""
    where = f"{address}{repository.get_absolute_url()}/resolve/{pin}/{file}"
    return Way("curl", "curl", f"curl -fL{token} -O {where}")


def _asks(repository: Repository, release: Release | None) -> bool:
    """Whether a file is for nobody without a token."""
    if repository.gated or repository.visibility == "private":
        return True
    return release is not None and release.terms["needs_acceptance"]


def _names(revision: Revision) -> list[str]:
    """Names at the top of the revision that a shell takes as they are."""
    found = TreeEntry.objects.filter(tree=revision.tree_id, file__isnull=False)
    names = found.order_by("name").values_list("name", flat=True)[:MAX_NAMES]
    return [name for name in names if _PLAIN.fullmatch(name)]
