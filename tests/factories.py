"""`make_*`: rows in the states that tests need, reached through the rules."""

import itertools
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from registry.accounts import callers, people, tokens
from registry.accounts.callers import Caller
from registry.accounts.models import Namespace, Role, Scope, User
from registry.agreements import acceptances, documents, licenses
from registry.agreements import facts as license_facts
from registry.agreements.models import Acceptance, Document
from registry.catalog import cards, commits, lineage, repositories
from registry.catalog.commits import AddFile
from registry.catalog.models import Repository, Revision
from registry.checks import runs
from registry.checks.findings import Finding, Severity
from registry.checks.models import LIVE, CheckRun, Job, JobKind, JobState
from registry.discussions import pull_requests, threads
from registry.discussions.models import Discussion
from registry.errors import Invalid
from registry.releases import duties, front_matter, pushes, workflow
from registry.releases.models import Release
from registry.storage import many

PASSWORD = "a-long-enough-passphrase"
_numbers = itertools.count(1)
CARD = "---\nlicense: llama3.1\npipeline_tag: text-generation\n---\n# A model\n\nIt writes text.\n"

MODEL: dict[str, bytes | str] = {"README.md": CARD, "model.safetensors": b"weights of the model"}


def make_user(name: str = "", *, site_role: str = "", **rest: Any) -> User:
    name = name or f"person{next(_numbers)}"
    return people.create_person(
        username=name, email=f"{name}@example.org", password=PASSWORD, site_role=site_role, **rest
    )


def make_maintainer(name: str = "") -> User:
    return make_user(name, site_role="maintainer")


def make_organisation(name: str = "", *, owner: User | None = None) -> Namespace:
    return people.create_organisation(
        name=name or f"org{next(_numbers)}", owner=owner or make_user()
    )


def make_member(namespace: Namespace, role: str = Role.WRITE) -> User:
    user = make_user()
    people.set_role(namespace=namespace, user=user, role=role, by="")
    return user


def as_caller(user: User) -> Caller:
    """The person at the site's own pages."""
    return callers.of_session(user)


def make_token(user: User, scope: str = Scope.WRITE, **rest: Any) -> str:
    """The secret text of a new token."""
    _, secret = tokens.issue(user=user, name="test", scope=scope, **rest)
    return secret


def make_facts() -> None:
    """The licenses and the site's policy, once in a test."""
    if not Document.objects.exists():
        license_facts.load()


def make_repository(
    owner: User | None = None, name: str = "", *, namespace: str | None = None, **rest: Any
) -> Repository:
    make_facts()
    return repositories.create(
        namespace=namespace,
        name=name or f"model{next(_numbers)}",
        by=as_caller(owner or make_user()),
        **rest,
    )


def make_commit(
    repository: Repository,
    files: Mapping[str, bytes | str],
    *,
    by: User | None = None,
    title: str = "Add files",
    lfs: tuple[str, ...] = (".safetensors", ".gguf", ".bin"),
    branch: str = "main",
) -> Revision:
    """A commit of these files, pushed as the repository's creator unless `by` says otherwise."""
    author = by or repository.created_by
    contents = [one.encode() if isinstance(one, str) else one for one in files.values()]
    stored = many.store_all(contents)
    commits.hold_all(repository, {blob.pk: blob for blob in stored}.values(), by=author)
    operations = [
        AddFile(path, blob, is_lfs=path.endswith(lfs))
        for path, blob in zip(files, stored, strict=True)
    ]
    return pushes.push(
        repository, branch=branch, operations=operations, title=title, by=as_caller(author)
    )


def with_copies(
    files: Mapping[str, bytes | str], repository: Repository | None = None
) -> dict[str, bytes | str]:
    """These files, and those that the licenses of their card want beside them: a copy of each,
    the notice, the policy; for a model with a base also the words in the card."""
    raw = files.get("README.md", "")
    text = raw if isinstance(raw, str) else raw.decode()
    try:
        card = cards.parse(text)
    except Invalid:
        return dict(files)
    found = copies(card, repository) | dict(files)
    if card.get("base_model"):
        relation = cards.relation(card, files, {})
        text = front_matter.changed(text, {"base_model_relation": relation})
        shown = "\nBuilt with Llama, Built with Meta Llama 3\n" if "NOTICE" in found else ""
        found["README.md"] = f"{text}{shown}"
    return found


def copies_of(tag: str) -> dict[str, bytes | str]:
    """What a license wants as files, by its tag."""
    return copies({"license": tag})


def copies(
    card: Mapping[str, Any] | None = None, repository: Repository | None = None
) -> dict[str, bytes | str]:
    """License, notice and policy as files, for the licenses of a card and its bases. The site then
    holds a stand-in as the text of each."""
    make_facts()
    said = dict(card) if card is not None else cards.parse(CARD)
    above = lineage.of(repository, said) if repository else lineage.Ancestry()
    found = [one.document for one in licenses.licenses_of(above, said).known]
    wanted: dict[str, bytes | str] = {}
    lines = []
    for document in found:
        asked = document.facts.get("redistribution_duties", [])
        if {"provide_license_copy", "keep_license_copy"} & set(asked):
            name = f"LICENSE-{document.slug}" if "LICENSE" in wanted else "LICENSE"
            wanted[name] = _stand_in(document) if "keep_license_copy" not in asked else "Words.\n"
        kept = "Kept." if above.ancestors and "keep_notice_file" in asked else ""
        lines += [str(document.facts.get("attribution_notice", {}).get("text") or kept)]
        if document.policy is not None and "USE_POLICY.md" not in wanted:
            wanted["USE_POLICY.md"] = _stand_in(document.policy)
    if any(lines):
        wanted["NOTICE"] = "\n".join(line for line in lines if line)
    return wanted


def _stand_in(document: Document) -> bytes:
    """The text that the site holds of a document; an invented one where it held none."""
    held = document.versions.exclude(text=None).first()
    if held is None:
        words = f"Invented words in place of {document.title}.\n".encode()
        held = documents.add_text(slug=document.slug, version="stand-in", text=words)
    return bytes(held.text or b"")


def make_pull_request(
    repository: Repository,
    files: Mapping[str, bytes | str],
    *,
    by: User | None = None,
    title: str = "Add files",
) -> Discussion:
    """An open pull request onto `main` with one commit of these files, sent by its author."""
    author = by or make_user()
    discussion = pull_requests.open_pull_request(
        repository, title=title, text="Please take these.", by=as_caller(author), status="open"
    )
    make_commit(repository, files, by=author, title=title, branch=discussion.ref_name)
    return threads.find(repository, discussion.number, caller=as_caller(author))


def make_revision(repository: Repository | None = None, **rest: Any) -> Revision:
    repository = repository or make_repository()
    files = rest.pop("files", MODEL)
    return make_commit(repository, files, **rest)


def make_ready(repository: Repository | None = None, **rest: Any) -> Revision:
    """A revision with the copies that its license wants, not checked yet."""
    return make_revision(repository, files=with_copies(MODEL, repository), **rest)


def claim_job(run: CheckRun, kind: str = JobKind.SCAN) -> Job:
    """A job of the run, due at once and claimed by a worker."""
    waiting = Job.objects.get(run=run, kind=kind)
    if waiting.state == JobState.QUEUED and waiting.due_at > timezone.now():
        Job.objects.filter(pk=waiting.pk).update(due_at=timezone.now())
    job = runs.claim(waiting.pk, worker="test")
    assert job is not None
    return job


def finish_checks(
    revision: Revision, verdict: str = "passed", findings: tuple[tuple[str, str, str], ...] = ()
) -> CheckRun:
    """End a revision's run with a verdict, as a worker would. Findings: (check, severity, words)."""
    run = CheckRun.objects.get(revision=revision, state__in=LIVE)
    found = [Finding(check, Severity(severity), words) for check, severity, words in findings]
    if verdict == "error":
        Job.objects.filter(run=run).update(attempt=runs.MAX_ATTEMPTS - 1)
        runs.fail(claim_job(run), reason="The worker was lost")
    else:
        if not found and verdict != "passed":
            severity = Severity.BLOCK if verdict == "blocked" else Severity.WARN
            found = [Finding("W-FINITE", severity, "Some weights are not numbers.")]
        runs.finish(claim_job(run), runs.Outcome(found))
        if Job.objects.filter(run=run, kind=JobKind.SMOKE, state=JobState.QUEUED).exists():
            runs.finish(claim_job(run, JobKind.SMOKE), runs.Outcome([]))
    run.refresh_from_db()
    assert run.verdict == verdict
    return run


def make_release(
    repository: Repository | None = None, *, version: str = "v1.0", **rest: Any
) -> Release:
    """A release in review, of a revision whose checks passed, with the copies that its license
    wants."""
    repository = repository or make_repository()
    files = rest.pop("files", MODEL)
    revision = make_revision(repository, files=with_copies(files, repository), **rest)
    finish_checks(revision)
    return workflow.open_release(
        revision, version=version, by=as_caller(revision.repository.created_by)
    )


def make_released(
    repository: Repository | None = None, *, by: User | None = None, **rest: Any
) -> Release:
    """A release that a maintainer approved, once a steward allowed what is left to one."""
    return approve(make_release(repository, **rest), by=by)


def approve(release: Release, *, by: User | None = None) -> Release:
    """The release, approved by a maintainer, once a steward allowed what is left to one."""
    found = duties.of_revision(release.revision)
    if rules := {one.rule for one in duties.to_review(found)}:
        for rule in rules:
            steward = as_caller(make_user(site_role="steward"))
            duties.decide(release.revision, rule, verdict="allow", reason="Looked at.", by=steward)
        found = duties.of_revision(release.revision)
    return workflow.transition(
        "approve",
        release,
        by=as_caller(by or make_maintainer()),
        acknowledged=duties.warnings(found),
    )


def accept_terms(release: Release, user: User, **answers: Any) -> Acceptance:
    return acceptances.accept(
        release.repository,
        terms=release.terms,
        shown_hash=release.terms_hash,
        typed_name="Some Body",
        answers=answers,
        by=as_caller(user),
    )
