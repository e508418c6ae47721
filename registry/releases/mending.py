"""What the registry can do itself about an unmet duty: files and words, in one commit or a proposal."""

import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from django.utils.translation import gettext

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.agreements import documents
from registry.agreements.duties import licenses as facts_of
from registry.agreements.duties import normal
from registry.agreements.duties.checks_of_files import (
    LICENSE_NAMES,
    NOTICE_NAMES,
    POLICY_NAMES,
    named,
)
from registry.agreements.duties.engine import Result
from registry.agreements.duties.situation import File
from registry.agreements.models import Document
from registry.catalog import cards, commits, files, rights
from registry.catalog.files import FileEntry
from registry.catalog.models import Repository, Revision
from registry.discussions.models import Discussion
from registry.errors import Invalid, NotNow
from registry.releases import duties, front_matter, pushes
from registry.releases.situations import CARD, MAX_CARD
from registry.storage import blobs

TITLE = "Add what the license asks for"
_AS_ONE = ("collapse white space", "treat (c) and © alike")


@dataclass(frozen=True)
class Fix:
    """One thing that meets duties. `id` names it in forms; `path` is the file that it writes, ""
    for a suggestion that only people can follow. `problem` says why it cannot be done here."""

    id: str
    kind: str
    value: str
    path: str
    words: str
    rules: tuple[str, ...]
    problem: str = ""

    @property
    def can_be_made(self) -> bool:
        return bool(self.path) and not self.problem


@dataclass(frozen=True)
class Change:
    """What a file is, and what it would be."""

    path: str
    before: str
    after: str

    @property
    def is_new(self) -> bool:
        return not self.before


def plan(revision: Revision, results: Sequence[Result] | None = None) -> list[Fix]:
    """Every fix that the unmet duties of a revision ask for, each once, files before words.
    `results` are those of the revision where they were read already."""
    found: dict[str, Fix] = {}
    for result in duties.of_revision(revision) if results is None else results:
        if not (result.holds or result.warns):
            continue
        for remedy in result.remedies:
            name = f"{remedy.kind or 'words'}:{remedy.value or result.rule}"[:200]
            if name in found:
                rules = dict.fromkeys((*found[name].rules, result.rule))
                found[name] = replace(found[name], rules=tuple(rules))
            else:
                made = Fix(name, remedy.kind, remedy.value, "", remedy.words, (result.rule,))
                found[name] = _placed(made, revision, found.values())
    return sorted(found.values(), key=lambda one: (not one.can_be_made, not one.path))


def fixes_of(result: Result, fixes: Iterable[Fix]) -> list[Fix]:
    return [one for one in fixes if result.rule in one.rules]


def changes(revision: Revision, fixes: Collection[Fix]) -> list[Change]:
    """The files that these fixes write, as they are and as they would be."""
    before = {one.path: "" for one in fixes if one.can_be_made}
    for path in before:
        before[path] = _text_at(revision, path)
    after = dict(before)
    for fix in fixes:
        if fix.can_be_made:
            after[fix.path] = _written(fix, after[fix.path], revision)
    made = [Change(path, before[path], after[path]) for path in before]
    return [one for one in made if one.before != one.after]


def apply(
    revision: Revision,
    fixes: Collection[Fix],
    *,
    by: Caller,
    as_pull_request: bool = False,
) -> Revision | Discussion:
    """Write the fixes as one commit on `main`, whose head the revision must be still; or as a pull
    request with one commit, by whoever may not write there."""
    repository = revision.repository
    if as_pull_request:
        rights.require_propose(repository, by)
    else:
        rights.require_write(repository, by)
    if impossible := [one for one in fixes if not one.can_be_made]:
        raise NotNow(" ".join(one.problem or one.words for one in impossible))
    written = changes(revision, fixes)
    if not written:
        raise Invalid(gettext("Choose at least one fix that changes something."))
    operations = [_operation(repository, one, by=cast(User, by.user)) for one in written]
    message = "\n".join(f"- {one.words}" for one in fixes)
    if as_pull_request:
        discussion, _ = pushes.propose(
            repository,
            branch="main",
            operations=operations,
            title=TITLE,
            message=message,
            parent=revision.oid,
            by=by,
        )
        return discussion
    return pushes.push(
        repository,
        branch="main",
        operations=operations,
        title=TITLE,
        message=message,
        parent=revision.oid,
        by=by,
    )


def suggested_name(name: str, prefix: str) -> str:
    """The name with the words in front that a license wants there, or without the publisher's."""
    rest = name[len("Meta") :].lstrip("-_. ") if name.startswith("Meta") else name
    if not prefix:
        return rest or name
    steps = ("lower case", "drop every character that is not a letter or a digit")
    if normal.apply(steps, rest).startswith(normal.apply(steps, prefix)):
        return rest
    return f"{prefix.replace(' ', '-')}-{rest}"[:96]


def _placed(fix: Fix, revision: Revision, others: Iterable[Fix]) -> Fix:
    """The fix with the file that it writes, or with what keeps it from being made."""
    held = dict(duties.situation_of(revision).files or {})
    held |= {one.path: File() for one in others if one.can_be_made}
    if fix.kind in {"license", "policy"}:
        return _copy(fix, held)
    if fix.kind == "notice":
        there = sorted(named(held, NOTICE_NAMES))
        path = there[0] if there else NOTICE_NAMES[0]
        unreadable = path in held and held[path].text is None and not _is_planned(path, others)
        return replace(fix, path=path, problem=_unreadable(path) if unreadable else "")
    if fix.kind in {"card", "declare", "display"}:
        return _of_card(fix, revision)
    if fix.kind == "name":
        name = suggested_name(revision.repository.name, fix.value)
        full = f"{revision.repository.namespace.name}/{name}"
        now = revision.repository.full_name
        return replace(
            fix, words=f"{fix.words} An owner does that with `hf repos move {now} {full}`."
        )
    return fix


def _is_planned(path: str, others: Iterable[Fix]) -> bool:
    return any(one.path == path for one in others)


def _copy(fix: Fix, held: dict[str, File]) -> Fix:
    """Where a copy of a text goes: a free name of those that are looked at."""
    document = _document(fix.value)
    title = facts_of.title(fix.value)
    if document is None or _text_of(document) is None:
        return replace(
            fix,
            problem=gettext(
                "The site holds no text of %(title)s. Ask a steward to load it, or add the file "
                "yourself."
            )
            % {"title": title},
        )
    if fix.kind == "license":
        names = [LICENSE_NAMES[0], f"LICENSE-{document.slug}"]
    else:
        names = list(POLICY_NAMES)
    free = next((name for name in names if name not in held), "")
    if not free:
        taken = gettext("%(names)s are taken by other texts. Put one right.")
        return replace(fix, problem=taken % {"names": ", ".join(names)})
    return replace(fix, path=free)


def _of_card(fix: Fix, revision: Revision) -> Fix:
    if fix.kind == "card" and fix.value != "base_model_relation":
        return fix
    made = replace(fix, path=CARD)
    try:
        _written(made, _text_at(revision, CARD), revision)
    except Invalid as error:
        return replace(made, problem=str(error))
    return made


def _written(fix: Fix, text: str, revision: Revision) -> str:
    """The file with what the fix puts into it."""
    if fix.kind in {"license", "policy"}:
        document = _document(fix.value)
        return (_text_of(document) if document else None) or text
    if fix.kind == "notice":
        return _with_notice(text, fix.value)
    if fix.kind == "display":
        return front_matter.with_line(text, fix.value)
    if fix.kind == "declare":
        return front_matter.changed(text, _declaring(text, fix.value))
    relation = duties.situation_of(revision).relation
    return front_matter.changed(text, {"base_model_relation": relation})


def _with_notice(text: str, line: str) -> str:
    """The notice with the line of one license more; what it says already stays."""
    if normal.apply(_AS_ONE, line) in normal.apply(_AS_ONE, text):
        return text
    gap = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{gap}{line}\n"


def _declaring(text: str, license_id: str) -> dict[str, Any]:
    """The card's `license` with that of the base in front of what it says already."""
    document = _document(license_id)
    if document is None:
        raise Invalid(
            gettext("The license %(license_id)s is not known here. Change the card by hand.")
            % {"license_id": license_id}
        )
    tag = document.hub_tags[0] if document.hub_tags else "other"
    card = cards.parse(text)
    others = [str(one) for one in cards.as_list(card.get("license")) if one != tag]
    said: dict[str, Any] = {"license": [tag, *others] if others else tag}
    if tag == "other":
        if "other" in cards.as_list(card.get("license")) and card.get("license_name"):
            raise Invalid(
                gettext("The card names another license of its own already. Change it by hand.")
            )
        said["license_name"] = document.license_names[0] if document.license_names else license_id
    return said


def _document(license_id: str) -> Document | None:
    return Document.objects.filter(slug=license_id.replace(".", "-")).first()


def _text_of(document: Document) -> str | None:
    """The text of a document that is in force, as it can stand in a file."""
    held = documents.in_force(document)
    return held.words if held is not None and held.has_text else None


def _text_at(revision: Revision, path: str) -> str:
    entry = files.at(revision, [path]).get(path)
    if not isinstance(entry, FileEntry):
        return ""
    try:
        return blobs.read(entry.sha256, limit=MAX_CARD).decode()
    except UnicodeDecodeError as error:
        raise Invalid(_unreadable(path)) from error


def _unreadable(path: str) -> str:
    return gettext("%(path)s is not a text in UTF-8, so nothing can be added to it.") % {
        "path": path
    }


def _operation(repository: Repository, one: Change, *, by: User) -> commits.AddFile:
    raw = one.after.encode()
    blob = blobs.store(io.BytesIO(raw), size=len(raw))
    commits.hold(repository, blob, by=by)
    return commits.AddFile(one.path, blob, is_lfs=False)
