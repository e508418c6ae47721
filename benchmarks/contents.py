"""What instances hold when they are measured, made through the rules: run by `Instance.make`."""

import hashlib
import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import django

PIECE = 4 * 1024**2


def people() -> dict[str, str]:
    """A publisher and a reader, each with a token."""
    from tests import factories

    publisher, reader = factories.make_user("publisher"), factories.make_user("reader")
    factories.make_maintainer("approver")
    return {
        "publisher": factories.make_token(publisher, "write"),
        "reader": factories.make_token(reader, "read"),
    }


def large(*, name: str, file: str) -> dict[str, str]:
    """A released model with one large file, whose terms the reader accepted."""
    from registry.catalog import commits
    from registry.storage import blobs

    repository, owner = _repository(name)
    with open(file, "rb") as content:
        blob = blobs.store(content, size=os.path.getsize(file))
    commits.hold(repository, blob, by=owner)
    add = [commits.AddFile("model.safetensors", blob, is_lfs=True)]
    _released(repository, owner, add)
    return {"path": f"/{repository}/resolve/main/model.safetensors"}


def tree(*, name: str, files: int) -> dict[str, str]:
    """A released model with this many files in one folder, whose terms the reader accepted."""
    from registry.catalog import commits
    from registry.storage import many

    repository, owner = _repository(name)
    contents = [f"part {number}\n".encode() * 40 for number in range(files)]
    found = many.store_all(contents)
    commits.hold_all(repository, found, by=owner)
    add = [
        commits.AddFile(f"parts/part-{number:05}.txt", blob, is_lfs=False)
        for number, blob in enumerate(found)
    ]
    config, weights = b'{"model_type": "llama"}', b"weights"
    for path, content in (("config.json", config), ("model.safetensors", weights)):
        blob = blobs_store(content)
        commits.hold(repository, blob, by=owner)
        add.append(commits.AddFile(path, blob, is_lfs=path.endswith(".safetensors")))
    _released(repository, owner, add)
    return {"name": str(repository)}


def listed(*, count: int) -> dict[str, int]:
    """This many small released models."""
    from tests import factories

    approver = _user("approver")
    for number in range(count):
        repository, _ = _repository(f"listed-{number:03}")
        factories.make_released(repository, by=approver)
    return {"count": count}


def scratch(*, name: str) -> dict[str, str]:
    """An empty repository of the publisher."""
    repository, _ = _repository(name)
    return {"name": str(repository)}


def queries(*, calls: list[list[str]], token: str) -> list[int]:
    """How many queries each call (method, path) makes once the token's use is noted."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    headers = {"authorization": f"Bearer {token}", "host": "127.0.0.1"}
    client = Client(headers=headers)
    counts = []
    for method, path in calls:
        client.generic(method, path, RAW_URI=path)
        with CaptureQueriesContext(connection) as captured:
            answer = client.generic(method, path, RAW_URI=path)
        if answer.status_code not in (200, 206, 302):
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.content!r}")
        answer.close()
        counts.append(len(captured))
    return counts


def random_file(*, path: str, size: int) -> dict[str, str]:
    """A file that no compression and no deduplication makes smaller."""
    base = bytearray(os.urandom(PIECE))
    hasher, left, number = hashlib.sha256(), size, 0
    with open(path, "wb") as file:
        while left:
            # Every 16 KiB differ from those of all other pieces, so that no chunk comes twice
            for at in range(0, PIECE, 16 * 1024):
                base[at : at + 8] = number.to_bytes(8, "big")
                number += 1
            piece = memoryview(base)[: min(left, PIECE)]
            file.write(piece)
            hasher.update(piece)
            left -= len(piece)
    return {"sha256": hasher.hexdigest()}


def waiting(*, count: int, late_namespaces: int, late_each: int) -> dict[str, int]:
    """Data sets of one person whose checks wait, and after them some of others. Of the many only
    the first is pushed: to write a commit takes longer than to check it, and is measured elsewhere."""
    from tests import factories

    def upload(owner: Any, number: int) -> Any:
        card = f"---\nlicense: mit\n---\n# Numbers {number}\n"
        repository = factories.make_repository(owner, type="dataset")
        return factories.make_commit(repository, {"README.md": card}, by=owner)

    first = upload(factories.make_user("crowd"), 0)
    _queue_like(first, count - 1)
    for place in range(late_namespaces):
        owner = factories.make_user(f"late{place}")
        for number in range(late_each):
            upload(owner, number)
    return {"count": count}


def _queue_like(first: Any, count: int) -> None:
    """More revisions of these files, each with a run that waits."""
    from registry.catalog.models import Revision
    from registry.checks.models import CheckRun, Job, JobKind, JobState

    revisions = Revision.objects.bulk_create(
        Revision(
            repository=first.repository,
            oid=f"{number:040x}",
            tree=first.tree,
            author=first.author,
            committed_at=first.committed_at,
            manifest_digest=f"{number:064x}",
            total_size=first.total_size,
        )
        for number in range(count)
    )
    run = CheckRun.objects.get(revision=first)
    scan = run.jobs.get(kind=JobKind.SCAN)
    runs = CheckRun.objects.bulk_create(
        CheckRun(revision=revision, profile=run.profile, queued_at=run.queued_at)
        for revision in revisions
    )
    Job.objects.bulk_create(
        job
        for one in runs
        for job in (
            Job(run=one, kind=JobKind.SCAN, state=JobState.QUEUED, due_at=scan.due_at),
            Job(run=one, kind=JobKind.SMOKE),
        )
    )


def ended() -> dict[str, float]:
    """How many runs live, how many ended with just one verdict on record, how long all took, and
    how many had ended when those of the late namespaces had."""
    from django.db.models import Max, Min

    from registry.audit.models import Entry
    from registry.checks.models import LIVE, CheckRun, Job

    runs = CheckRun.objects.exclude(state="superseded")
    if live := runs.filter(state__in=LIVE).count():
        return {"live": live}
    on_record = list(Entry.objects.filter(event="checks.finish").values_list("subject", flat=True))
    right = sum(on_record.count(run) == 1 for run in runs.values_list("public_id", flat=True))
    last = runs.filter(revision__repository__namespace__name__startswith="late")
    late_end = last.aggregate(at=Max("finished_at"))["at"]
    first = Job.objects.aggregate(at=Min("started_at"))["at"]
    end = runs.aggregate(at=Max("finished_at"))["at"]
    return {
        "live": 0,
        "right": right,
        "seconds": (end - first).total_seconds(),
        "late_by": runs.filter(finished_at__lte=late_end).count(),
    }


def blobs_store(content: bytes) -> Any:
    from registry.storage import blobs

    return blobs.store(io.BytesIO(content), size=len(content))


def _user(name: str) -> Any:
    from registry.accounts.models import User

    return User.objects.get(username=name)


def _repository(name: str) -> tuple[Any, Any]:
    from tests import factories

    owner = _user("publisher")
    return factories.make_repository(owner, name), owner


def _released(repository: Any, owner: Any, operations: list[Any]) -> None:
    from registry.catalog import commits
    from registry.releases import pushes, workflow
    from tests import factories

    by = factories.as_caller(owner)
    texts = factories.with_copies({"README.md": factories.CARD}, repository)
    for path, text in texts.items():
        blob = blobs_store(text.encode() if isinstance(text, str) else text)
        commits.hold(repository, blob, by=owner)
        operations = [*operations, commits.AddFile(path, blob, is_lfs=False)]
    revision = pushes.push(
        repository, branch="main", operations=operations, title="Add files", by=by
    )
    factories.finish_checks(revision)
    release = workflow.open_release(revision, version="v1.0", by=by)
    release = factories.approve(release, by=_user("approver"))
    factories.accept_terms(release, _user("reader"))


WHAT: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (people, large, tree, listed, scratch, queries, waiting, ended)
}

if __name__ == "__main__":
    django.setup()
    print(json.dumps(WHAT[sys.argv[1]](**json.loads(sys.argv[2]))))
