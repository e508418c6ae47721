"""How a revision's figures stand beside those of its parent, of the last release and of other devices."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from registry.accounts.callers import Caller
from registry.catalog.models import Repository, Revision
from registry.checks import figures
from registry.checks.figures import Machine
from registry.checks.lineage import references
from registry.checks.models import CheckRun, RunState, Verdict
from registry.releases.models import WAS_RELEASED, Release

MOST_RELEASES = 20


@dataclass(frozen=True)
class Measured:
    """The figures of one run. `label` names the release, the revision or the parent, `told` is all
    that was measured, `outputs` what was answered to the fixed prompts."""

    label: str
    revision: Revision
    machine: Machine
    figures: dict[str, float]
    told: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Beside:
    """This run, the release before it and the parent, as far as there are such."""

    this: Measured | None
    last: Measured | None
    parent: Measured | None


def beside(run: CheckRun, *, caller: Caller) -> Beside:
    """What the figures of this run are compared with, of what the caller may know of."""
    revision = run.revision
    return Beside(
        this=_of_run(revision.short, revision, _rows([revision], only=run)),
        last=_last_release(revision, caller),
        parent=_parent(revision, caller),
    )


def over_releases(repository: Repository, *, caller: Caller, run: CheckRun) -> list[Measured]:
    """The newest run on each kind of device for each release, oldest release first, and for the
    revision of this run where it is not released."""
    found = list(_released(repository, caller)[:MOST_RELEASES])
    named = {release.revision_id: release.version for release in reversed(found)}
    named.setdefault(run.revision_id, run.revision.short)
    revisions = {release.revision_id: release.revision for release in found}
    revisions[run.revision_id] = run.revision
    of_revision: dict[int, list[dict[str, Any]]] = {key: [] for key in named}
    for row in _rows(revisions.values()):
        of_revision[row["revision_id"]].append(row)
    return [
        measured
        for key, label in named.items()
        for measured in _of_devices(label, revisions[key], of_revision[key])
    ]


def newest(revisions: Iterable[Revision]) -> dict[int, list[Measured]]:
    """The newest figures of each revision on each kind of device, by the revision's key."""
    by_key = {one.pk: one for one in revisions}
    of_revision: dict[int, list[dict[str, Any]]] = {key: [] for key in by_key}
    for row in _rows(by_key.values()):
        of_revision[row["revision_id"]].append(row)
    return {key: _of_devices(one.short, one, of_revision[key]) for key, one in by_key.items()}


def _released(repository: Repository, caller: Caller) -> Any:
    return (
        Release.objects.visible_to(caller)
        .filter(repository=repository, status__in=WAS_RELEASED)
        .select_related("revision__repository__namespace")
        .order_by("-released_at", "-pk")
    )


def _last_release(revision: Revision, caller: Caller) -> Measured | None:
    """The release before this revision's own, or the last where it has none."""
    found = _released(revision.repository, caller)
    own = found.filter(revision=revision).first()
    if own is not None:
        found = found.filter(released_at__lt=own.released_at)
    last = found.exclude(revision=revision).first()
    return _of_run(last.version, last.revision, _rows([last.revision])) if last else None


def _parent(revision: Revision, caller: Caller) -> Measured | None:
    for declared in references.declared_by(revision):
        here = declared.revision
        if here is None:
            continue
        seen = Repository.objects.visible_to(caller).filter(pk=here.repository_id)
        if seen.exists():
            return _of_run(declared.name, here, _rows([here]))
    return None


def _rows(revisions: Iterable[Revision], *, only: CheckRun | None = None) -> list[dict[str, Any]]:
    """Of finished runs that count, newest first: no more than is compared."""
    counted = Q(rescan=None) | Q(rescan__adopted_at__isnull=False)
    found = CheckRun.objects.filter(
        counted, revision__in=list(revisions), state=RunState.FINISHED
    ).exclude(verdict=Verdict.ERROR)
    if only is not None:
        found = found.filter(pk=only.pk)
    wanted = found.order_by("-pk").values(
        "revision_id", "report__metrics", "report__device", "report__samples"
    )
    return [dict(row) for row in wanted]


def _of_run(label: str, revision: Revision, rows: list[dict[str, Any]]) -> Measured | None:
    return next(iter(_of_devices(label, revision, rows)), None)


def _of_devices(label: str, revision: Revision, rows: list[dict[str, Any]]) -> list[Measured]:
    found: dict[Machine, Measured] = {}
    for row in rows:
        told = row["report__metrics"]
        numbers = figures.figures_in(told)
        machine = figures.machine_of(row["report__device"])
        if numbers and machine not in found:
            outputs = figures.outputs_in(row["report__samples"])
            found[machine] = Measured(label, revision, machine, numbers, told, outputs)
    return list(found.values())
