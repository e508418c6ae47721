"""Which model of this registry a revision may be measured against: its declared base, as published."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry.accounts.callers import Caller
from registry.catalog import files, lineage
from registry.catalog.models import Repository, Revision, RevisionState, Visibility
from registry.checks import figures
from registry.checks.findings import Finding, ModelFile
from registry.checks.lineage import kept
from registry.checks.lineage.nearest import counted
from registry.checks.models import Fingerprint
from registry.checks.scanners import adapters, config
from registry.checks.scanners.adapters import Adapter
from registry.checks.scanners.folder import Folder
from registry.checks.smoke.limits import Base

ADAPTER = "adapter"
# What tells how the base reads and writes text; its weights are only for adapters
_TEXT = re.compile(
    r"([a-z_]*config|tokenizer|vocab|added_tokens|special_tokens_map|chat_template)\.json"
    r"|chat_template\.jinja|tokenizer\.model|merges\.txt"
)


@dataclass(frozen=True)
class Declared:
    """A base as the card names it. `revision` is what the outside gets of it, None where it is not
    here: it may be elsewhere, unreleased, or somebody's secret, and all that looks the same."""

    name: str
    relation: str
    revision: Revision | None

    @property
    def is_usable(self) -> bool:
        """Whether the model is out now, and may be run."""
        gone = (RevisionState.SUSPENDED, RevisionState.RECALLED)
        return self.revision is not None and self.revision.state not in gone


def declared_by(revision: Revision) -> list[Declared]:
    """The bases that the card of the revision names."""
    return _told(revision, lineage.of_revision(revision))


def _declared(revision: Revision, name: str, relation: str) -> list[Declared]:
    """As if the card named this base alone."""
    card = {"base_model": name, "base_model_relation": relation}
    return _told(revision, lineage.of(revision.repository, card))


def _told(revision: Revision, ancestry: lineage.Ancestry) -> list[Declared]:
    found = []
    for parent in ancestry.parents:
        here = parent.revision
        if parent.repository is None or not _may_be_told(parent.repository, revision):
            here = None
        found.append(Declared(parent.name, parent.relation, here))
    return found + [Declared(name, "", None) for name in ancestry.own_unknown]


def base_of(revision: Revision, folder: Folder, *, local: Callable[[str], Path]) -> Base | None:
    """The published model that the smoke test may use: the base that an adapter in this folder
    names, else the first that the card declares, as far as it is here. `local` gives a copy of a
    file by its hash."""
    names = [name for _, name in _adapters(folder)]
    named = [one for name in names for one in _declared(revision, name, ADAPTER)]
    for declared in named or declared_by(revision):
        here = declared.revision
        if here is None or not declared.is_usable:
            continue
        wanted = [
            entry
            for entry in files.files_of(here)
            if declared in named or _TEXT.fullmatch(entry.path)
        ]
        beside = tuple(
            ModelFile(entry.path, entry.size, entry.sha256, local(entry.sha256)) for entry in wanted
        )
        return Base(declared.name, here.oid, beside, record_of(here))
    return None


def adapter_findings(revision: Revision, folder: Folder, base: Base | None) -> list[Finding]:
    """Whether the adapters of the revision have their base here, and fit it."""
    found: list[Finding] = []
    for adapter, name in _adapters(folder):
        is_here = any(one.is_usable for one in _declared(revision, name, ADAPTER))
        if said := adapters.base_finding(name, is_here=is_here, file=adapter.config_path):
            found.append(said)
        elif base is not None and name == base.repository:
            beside = Folder(base.files, repository=base.repository)
            for model in config.models_of(beside):
                if model.tensors is not None and not model.folder:
                    found += adapters.against_base(folder, model.tensors)
    return found


def prints_of(revision: Revision) -> list[Fingerprint]:
    """What the newest run that measured the revision kept of its models, in their order."""
    newest = counted().filter(run__revision=revision).order_by("-run_id").values("run_id")[:1]
    return list(Fingerprint.objects.filter(run__in=newest).select_related("run").order_by("pk"))


def record_of(revision: Revision) -> dict[str, Any]:
    """What an earlier run kept of the model besides its weights."""
    rows = prints_of(revision)
    found = kept.record({row.target: row.facts for row in rows})
    return {**found, "measured": figures.about(rows[0].run.report or {})} if found else {}


def _adapters(folder: Folder) -> list[tuple[Adapter, str]]:
    """The adapters of a folder with the names of their bases, which the scan has judged."""
    found = []
    for adapter in adapters.adapters_of(folder):
        name = (adapter.settings or {}).get("base_model_name_or_path")
        if isinstance(name, str) and name:
            found.append((adapter, name))
    return found


def _may_be_told(repository: Repository, revision: Revision) -> bool:
    """Whether whoever made the revision may know of the base: a private one of their own namespace
    that they see themselves."""
    if repository.visibility == Visibility.PUBLIC:
        return True
    if repository.namespace_id != revision.repository.namespace_id:
        return False
    author = Caller(user=revision.author)
    return Repository.objects.visible_to(author).filter(pk=repository.pk).exists()
