"""Checks of what the files of a revision hold: copies of licenses and policies, notices, texts."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from registry.agreements.duties import licenses, normal
from registry.agreements.duties.asking import Question
from registry.agreements.duties.checks import Found, Named, Remedy
from registry.agreements.duties.situation import File

CHECKS = Named()
# Where a copy of a license is looked for when the rule does not say it
LICENSE_NAMES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENSE-*", "LICENSES/*")
NOTICE_NAMES = ("NOTICE", "NOTICE.txt", "Notice", "Notice.txt")
POLICY_NAMES = ("USE_POLICY.md", "USE_POLICY.txt", "USE_POLICY")
_AS_ONE = ("collapse white space", "treat (c) and © alike")
_FILES_UNKNOWN = "The files of the revision are not known."


def named(files: Mapping[str, File], names: Iterable[str]) -> dict[str, File]:
    """The files that have one of these names; `*` stands for anything."""
    patterns = list(names)
    return {
        path: file
        for path, file in files.items()
        if any(fnmatchcase(path, pattern) for pattern in patterns)
    }


@CHECKS.check("license_copy_present", "license_from", "license", "candidate_names", "method")
def _license_copy_present(wanted: Mapping[str, Any], asked: Question) -> Found:
    files = asked.situation.files
    license_id = wanted.get("license") or (asked.root.license if asked.root else None)
    if files is None or license_id is None:
        return Found(None, _FILES_UNKNOWN if files is None else "The license is not known.")
    names = wanted.get("candidate_names", LICENSE_NAMES)
    title = licenses.title(license_id)
    add = Remedy("license", license_id, f"Add the text of {title} as a file LICENSE.")
    candidates = named(files, names)
    if not candidates:
        return Found(False, f"There is no copy of {title}: looked for {', '.join(names)}.", (add,))
    return _compared(candidates, asked, license_id, title, add)


def _compared(
    candidates: Mapping[str, File], asked: Question, document: str, title: str, add: Remedy
) -> Found:
    """Whether one of the files has the words of a stored text of the document."""
    stored = asked.situation.texts.get(document, frozenset())
    there = ", ".join(sorted(candidates))
    if not stored:
        words = f"A steward has to load the text of {title}, or to decide about {there} by eye."
        return Found(
            None,
            f"There is {there}, but the site holds no text of {title} to compare it with.",
            (Remedy("", document, words),),
        )
    for path, file in candidates.items():
        if file.normalised in stored:
            return Found(True, f"{path} has the words of {title}.")
    if any(not file.normalised for file in candidates.values()):
        return Found(None, f"{there} could not be read as text, so it was not compared.", (add,))
    return Found(
        False, f"{there} does not have the words of {title} in any stored version.", (add,)
    )


@CHECKS.check("policy_version_equals", "value_from")
def _policy_version_equals(wanted: Mapping[str, Any], asked: Question) -> Found:
    files, policy = asked.situation.files, licenses.at(wanted["value_from"], asked.root)
    if files is None or policy is None:
        return Found(None, _FILES_UNKNOWN if files is None else "The policy is not known.")
    title = licenses.title(policy)
    add = Remedy("policy", policy, f"Add the text of {title} as a file USE_POLICY.md.")
    candidates = named(files, POLICY_NAMES)
    if not candidates:
        return Found(
            None, f"There is no copy of {title}: looked for {', '.join(POLICY_NAMES)}.", (add,)
        )
    return _compared(candidates, asked, policy, title, add)


@CHECKS.check("file_present_any", "names")
def _file_present_any(wanted: Mapping[str, Any], asked: Question) -> Found:
    files, names = asked.situation.files, wanted["names"]
    if files is None:
        return Found(None, _FILES_UNKNOWN)
    if there := named(files, names):
        return Found(True, f"There is {', '.join(sorted(there))}.")
    return Found(
        False, f"None of these files is there: {', '.join(names)}.", _remedies(names, asked)
    )


def _remedies(names: Iterable[str], asked: Question) -> tuple[Remedy, ...]:
    """What would make a file of one of these names, as far as a license says what is in it."""
    root, first = asked.root, next(iter(names))
    license_id = (
        root.license
        if root
        else next(iter(asked.rule.conditions.get("any_ancestor_license_in", [])), "")
    )
    if first in NOTICE_NAMES:
        line = licenses.of(license_id).get("attribution_notice", {}).get("text")
        if line:
            return (_notice(line),)
        words = f"Add the notice that came with the base to the files, as {first}."
        return (Remedy("", first, words),)
    if first in POLICY_NAMES and (policy := licenses.policy_of(license_id)):
        words = f"Add the text of {licenses.title(policy)} as a file USE_POLICY.md."
        return (Remedy("policy", policy, words),)
    if first in LICENSE_NAMES and license_id:
        words = f"Add the text of {licenses.title(license_id)} as a file LICENSE."
        return (Remedy("license", license_id, words),)
    return (Remedy("", first, f"Add the file {first}."),)


def _notice(line: str) -> Remedy:
    return Remedy("notice", line, f"Add a file NOTICE with the line: {line}")


@CHECKS.check("file_contains_any_of", "files", "text_from", "normalise")
def _file_contains_any_of(wanted: Mapping[str, Any], asked: Question) -> Found:
    files, text = asked.situation.files, licenses.at(wanted["text_from"], asked.root)
    if files is None or not text:
        return Found(None, _FILES_UNKNOWN if files is None else "The line is not known.")
    return _holding(named(files, wanted["files"]), text, wanted.get("normalise", ()))


@CHECKS.check("repository_contains_text", "text_from")
def _repository_contains_text(wanted: Mapping[str, Any], asked: Question) -> Found:
    files, text = asked.situation.files, licenses.at(wanted["text_from"], asked.root)
    if files is None or not text:
        return Found(None, _FILES_UNKNOWN if files is None else "The line is not known.")
    read = {path: file for path, file in files.items() if file.text is not None}
    return _holding(read or dict(files), text, _AS_ONE)


def _holding(files: Mapping[str, File], text: str, steps: Iterable[str]) -> Found:
    """Whether one of the files has this text in it."""
    steps = list(steps)
    line = normal.apply(steps, text)
    for path, file in files.items():
        if file.text is not None and line in normal.apply(steps, file.text):
            return Found(True, f"{path} has the line of the license.")
    add = _notice(text)
    looked = ", ".join(sorted(files)[:10]) or "any file"
    if files and all(file.text is None for file in files.values()):
        return Found(None, f"{looked} could not be read as text.", (add,))
    return Found(False, f"The line “{text}” is not in {looked}.", (add,))


@CHECKS.check("text_present_any", "text", "case_sensitive", "places")
def _text_present_any(wanted: Mapping[str, Any], asked: Question) -> Found:
    """Of the places that the data names, the registry sees the card alone."""
    card, text = asked.situation.card_text, wanted["text"]
    if card is None:
        return Found(None, "The text of the card is not known.")
    same = wanted.get("case_sensitive", False)
    held, looked_for = " ".join(card.split()), " ".join(text.split())
    if not same:
        held, looked_for = held.lower(), looked_for.lower()
    if looked_for in held:
        return Found(True, f"The card says “{text}”.")
    words = f"Write “{text}” in the prose of README.md."
    return Found(False, f"README.md does not say “{text}”.", (Remedy("display", text, words),))
