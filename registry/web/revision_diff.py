"""What is different between two revisions: files, texts, settings, templates, tokenizer, tensors,
card and license, for those to whom the gate opens both. What was read for it is in the access log.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from posixpath import basename

from registry.accounts.callers import Caller
from registry.audit import access
from registry.catalog import files
from registry.catalog.files import FileEntry
from registry.catalog.models import Revision
from registry.checks.scanners import strict_json
from registry.releases import gate, line_diff
from registry.releases.gate import Answer
from registry.releases.line_diff import Effort, Hunk
from registry.storage import blobs
from registry.web import (
    chat_templates,
    differences,
    key_changes,
    tensor_diff,
    tokenizer_diff,
)
from registry.web.differences import Change
from registry.web.key_changes import KeyChange
from registry.web.tensor_diff import TensorChange
from registry.web.tokenizer_diff import TokenizerChange

MAX_FILE = 256 * 1024
MAX_LINES = 4_000
# Of both sides of all texts of a page
MAX_LINES_OF_ALL = 80_000
MAX_TEXTS = 200
MAX_OF_ALL = 16 * 1024 * 1024
# Of one file, and of all files of a page
SHOWN_LINES, SHOWN_LINES_OF_ALL = 300, 1_200
SHOWN_LINES_ALONE = 2 * MAX_LINES

SETTINGS = re.compile(
    r"(.*/)?(config|generation_config|tokenizer_config|special_tokens_map|adapter_config|"
    r"preprocessor_config|processor_config|quantize_config|quant_config|hf_quant_config)\.json"
)
LICENSE = re.compile(r"(LICENSE|NOTICE|Notice|USE_POLICY)[\w.-]*|LICENSES/[\w.-]+")
LICENSE_KEYS = ("license", "license_name", "license_link", "base_model", "base_model_relation")
CARD = "README.md"


@dataclass(frozen=True)
class TextDiff:
    """One text with the lines that differ. `why_not` says why there are none to see: `binary`,
    `large` or `many`; `left_out` is how many more lines would be shown."""

    path: str
    before_path: str
    kind: str  # added, removed, changed, renamed
    hunks: tuple[Hunk, ...] = ()
    added: int = 0
    removed: int = 0
    left_out: int = 0
    why_not: str = ""

    @property
    def anchor(self) -> str:
        """What the ids of its lines begin with; the same for this path on every page."""
        return anchor_of(self.path)


@dataclass(frozen=True)
class SettingsChange:
    """A JSON file of settings, key by key; `problem` says why it could not be read."""

    path: str
    keys: list[KeyChange] = field(default_factory=list)
    left_out: int = 0
    problem: str = ""


@dataclass(frozen=True)
class CardChange:
    keys: list[KeyChange] = field(default_factory=list)
    left_out: int = 0
    prose: TextDiff | None = None


@dataclass(frozen=True)
class LicenseChange:
    """What the card says of license and base, and the license texts that differ."""

    keys: list[KeyChange] = field(default_factory=list)
    texts: list[TextDiff] = field(default_factory=list)


@dataclass(frozen=True)
class RevisionDiff:
    """`closed` is the gate's no to one side, and then there is nothing else. `template` has a difference for
    each chat template, `config` one for each file of settings that differs."""

    before: Revision | None
    after: Revision
    closed: Answer | None = None
    files: list[Change] = field(default_factory=list)
    unchanged: int = 0
    texts: list[TextDiff] = field(default_factory=list)
    config: list[SettingsChange] = field(default_factory=list)
    template: list[TextDiff] = field(default_factory=list)
    tokenizer: TokenizerChange | None = None
    tensors: TensorChange | None = None
    card: CardChange = field(default_factory=CardChange)
    license: LicenseChange = field(default_factory=LicenseChange)

    closed_side: str = ""

    @property
    def is_open(self) -> bool:
        return self.closed is None


def anchor_of(path: str) -> str:
    return f"f{hashlib.sha256(path.encode()).hexdigest()[:12]}"


def compare(
    before: Revision | None, after: Revision, *, caller: Caller, path: str = ""
) -> RevisionDiff:
    """Both revisions are of one repository, which the caller may know of. With `path` the texts are
    those of this file alone, with more of its lines. Without `before` all of it is new."""
    repository = after.repository
    sides = [after] if before is None else [before, after]
    answers = {side.pk: gate.decide(repository, side, caller=caller) for side in sides}
    for side in sides:
        if not answers[side.pk].is_open:
            which = "before" if side is before else "after"
            return RevisionDiff(before, after, closed=answers[side.pk], closed_side=which)
    found = files.files_of_many(sides)
    old, new = found[before.pk] if before else [], found[after.pk]
    reading = _Reading()
    changes = differences.renamed(differences.between(old, new))
    wanted = [one for one in changes if one.path == path] if path else changes
    most = (SHOWN_LINES_ALONE,) * 2 if path else (SHOWN_LINES, SHOWN_LINES_OF_ALL)
    texts = _cut(_texts(wanted, reading), *most)
    by_path = {one.path: one for one in texts}
    diff = RevisionDiff(
        before,
        after,
        files=changes,
        unchanged=differences.unchanged(old, new),
        texts=texts,
        config=list(_settings(changes, reading)),
        template=_cut(_templates(old, new, changes, reading), *most),
        tokenizer=_tokenizer(changes, reading),
        tensors=_tensors(before, after, changes, reading),
        card=_card(before, after, by_path),
        license=_license(before, after, texts),
    )
    access.note_all(
        gate.access_row(
            file,
            answers[side.pk],
            repository=repository,
            revision=side,
            caller=caller,
            first_byte=0,
            last_byte=max(length - 1, 0),
        )
        for side in sides
        for file, length in (reading.old if side is before else reading.new).values()
    )
    return diff


_Opened = dict[str, tuple[FileEntry, int]]


class _Reading:
    """Reads files of both sides, small ones alone, and knows how much of which."""

    def __init__(self) -> None:
        self.old: _Opened = {}
        self.new: _Opened = {}
        self.effort = Effort()
        self.lines_left = MAX_LINES_OF_ALL
        self._left = MAX_OF_ALL

    def before(self, file: FileEntry | None, *, limit: int = MAX_FILE) -> bytes | None:
        return self._read(file, self.old, limit)

    def after(self, file: FileEntry | None, *, limit: int = MAX_FILE) -> bytes | None:
        return self._read(file, self.new, limit)

    def both(self, change: Change, *, limit: int) -> tuple[bytes | None, bytes | None]:
        """Of a file that may be large, which a page asks for once."""
        left, self._left = self._left, 2 * limit
        found = self.before(change.before, limit=limit), self.after(change.after, limit=limit)
        self._left = left
        return found

    def note_before(self, file: FileEntry, length: int) -> None:
        self.old.setdefault(file.path, (file, length))

    def note_after(self, file: FileEntry, length: int) -> None:
        self.new.setdefault(file.path, (file, length))

    def _read(self, file: FileEntry | None, side: _Opened, limit: int) -> bytes | None:
        """The bytes; b"" where there is no file, None where it is too large."""
        if file is None:
            return b""
        if file.size > limit or file.size > self._left:
            return None
        self._left -= file.size
        side[file.path] = file, file.size
        return blobs.read(file.sha256, limit=limit)


def _texts(changes: Iterable[Change], reading: _Reading) -> list[TextDiff]:
    return [
        _text(one, reading) if number < MAX_TEXTS else _unread(one, "many")
        for number, one in enumerate(changes)
    ]


def _unread(change: Change, why_not: str) -> TextDiff:
    before_path = change.before.path if change.before else change.path
    return TextDiff(change.path, before_path, change.kind, why_not=why_not)


def _text(change: Change, reading: _Reading) -> TextDiff:
    if change.kind == "renamed":
        return _unread(change, "")
    if basename(change.path) == tokenizer_diff.NAME:  # compared by its tokens
        return _unread(change, "large")
    old, new = reading.before(change.before), reading.after(change.after)
    if old is None or new is None:
        return _unread(change, "large")
    was, now = _lines(old), _lines(new)
    if was is None or now is None:
        return _unread(change, "binary")
    if len(was) > MAX_LINES or len(now) > MAX_LINES:
        return _unread(change, "large")
    if len(was) + len(now) > reading.lines_left:
        return _unread(change, "many")
    reading.lines_left -= len(was) + len(now)
    return _compared(_unread(change, ""), was, now, reading.effort)


def _compared(empty: TextDiff, was: list[str], now: list[str], effort: Effort) -> TextDiff:
    hunks = line_diff.hunks_of(was, now, effort)
    kinds = [line.kind for hunk in hunks for line in hunk.lines]
    return replace(
        empty, hunks=tuple(hunks), added=kinds.count("added"), removed=kinds.count("removed")
    )


def _lines(content: bytes) -> list[str] | None:
    if b"\0" in content:
        return None
    try:
        return line_diff.lines_of(content.decode())
    except UnicodeDecodeError:
        return None


def _cut(texts: Iterable[TextDiff], most: int, most_of_all: int) -> list[TextDiff]:
    """The texts with no more lines than a page has room for; hunks stay in their order."""
    found = []
    for text in texts:
        left = min(most, most_of_all)
        kept, left_out = [], 0
        for hunk in text.hunks:
            lines = hunk.lines[:left]
            left -= len(lines)
            left_out += len(hunk.lines) - len(lines)
            kept += [Hunk(lines)] if lines else []
        most_of_all -= sum(len(hunk.lines) for hunk in kept)
        found.append(replace(text, hunks=tuple(kept), left_out=left_out))
    return found


def _settings(changes: Iterable[Change], reading: _Reading) -> Iterable[SettingsChange]:
    for change in changes:
        if change.kind == "renamed" or not SETTINGS.fullmatch(change.path):
            continue
        old = reading.before(change.before, limit=strict_json.MAX_BYTES)
        new = reading.after(change.after, limit=strict_json.MAX_BYTES)
        try:
            was, now = _json(old), _json(new)
        except strict_json.JsonProblem as problem:
            yield SettingsChange(change.path, problem=line_diff.readable(str(problem)))
            continue
        keys, left_out = key_changes.between(was, now, without=frozenset({chat_templates.KEY}))
        if keys:
            yield SettingsChange(change.path, keys, left_out)


def _json(content: bytes | None) -> object:
    if content is None:
        raise strict_json.JsonProblem("it is too large to be compared here")
    return strict_json.parse(content) if content else None


def _templates(
    old: list[FileEntry], new: list[FileEntry], changes: list[Change], reading: _Reading
) -> list[TextDiff]:
    """The chat templates that differ, wherever they stand: moved from one file to another unchanged,
    one does not."""
    if not any(chat_templates.holds(change.path) for change in changes):
        return []
    most = strict_json.MAX_BYTES
    was = chat_templates.of(
        {one.path: reading.before(one, limit=most) for one in old if _is_template(one)}
    )
    now = chat_templates.of(
        {one.path: reading.after(one, limit=most) for one in new if _is_template(one)}
    )
    found = []
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) == now.get(name):
            continue
        kind = "added" if name not in was else "removed" if name not in now else "changed"
        old_lines, new_lines = (line_diff.lines_of(side.get(name, "")) for side in (was, now))
        empty = TextDiff(name, name, kind)
        if max(len(old_lines), len(new_lines)) > MAX_LINES:
            found.append(replace(empty, why_not="large"))
        else:
            found.append(_compared(empty, old_lines, new_lines, reading.effort))
    return found


def _is_template(file: FileEntry) -> bool:
    return chat_templates.holds(file.path)


def _tokenizer(changes: Iterable[Change], reading: _Reading) -> TokenizerChange | None:
    """What differs in the first tokenizer that both have."""
    for change in changes:
        if basename(change.path) != tokenizer_diff.NAME or change.kind != "changed":
            continue
        old, new = reading.both(change, limit=tokenizer_diff.MAX_BYTES)
        if old is None or new is None:
            return TokenizerChange(change.path, problem="it is too large to be compared here")
        return tokenizer_diff.between(change.path, old, new)
    return None


def _tensors(
    before: Revision | None, after: Revision, changes: Iterable[Change], reading: _Reading
) -> TensorChange | None:
    if before is None:
        return None
    return tensor_diff.of(
        before,
        after,
        changes,
        note_before=reading.note_before,
        note_after=reading.note_after,
    )


def _card(before: Revision | None, after: Revision, texts: dict[str, TextDiff]) -> CardChange:
    keys, left_out = key_changes.between(before.card if before else None, after.card)
    return CardChange(keys, left_out, texts.get(CARD))


def _license(before: Revision | None, after: Revision, texts: list[TextDiff]) -> LicenseChange:
    was = before.card if before else {}
    keys, _ = key_changes.between(
        {key: was[key] for key in LICENSE_KEYS if key in was},
        {key: after.card[key] for key in LICENSE_KEYS if key in after.card},
    )
    return LicenseChange(keys, [one for one in texts if LICENSE.fullmatch(one.path)])
