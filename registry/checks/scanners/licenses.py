"""Whether the card names a license, and none that the base rules out (CARD-LICENSE).

Only what the files say is judged here. What holds a release is the duty of the license.
"""

import re
from collections.abc import Iterator
from typing import Any

from registry.checks.findings import Finding, show, warn
from registry.checks.scanners.card import MAX_CARD, CardProblem, front_matter
from registry.checks.scanners.folder import Folder

CARD = "README.md"
OTHER = "other"
_TEXT = re.compile(r"license[^/]*", re.IGNORECASE)
# Which license a base is under, where its name says so: the first that fits
_OF_BASES = (
    (re.compile(r"(meta-)?llama-?4(?![0-9.]).*", re.IGNORECASE), "llama4"),
    *(
        (re.compile(rf"(meta-)?llama-?3\.{minor}(?![0-9]).*", re.IGNORECASE), f"llama3.{minor}")
        for minor in (1, 2, 3)
    ),
    (re.compile(r"(meta-)?llama-?3(?![0-9.]).*", re.IGNORECASE), "llama3"),
    (re.compile(r"llama-?2(?![0-9.]).*", re.IGNORECASE), "llama2"),
)
_PUBLISHER = "meta-llama"
# The tags that hubs know. A site may have documents of its own, whose text then stands in the revision.
_TAGS = """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
    bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause
    bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
    cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0
    cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
    eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl
    apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1
    ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license
    llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma h-research intel-research
    tencent unknown other
"""
KNOWN = frozenset(_TAGS.split())


def check(folder: Folder) -> Iterator[Finding]:
    file = folder.by_path.get(CARD)
    card: dict[str, Any] = {}
    if file is not None:
        folder.reading = file.path
        with file.local.open("rb") as stream:
            try:
                card = front_matter(stream.read(MAX_CARD))
            except CardProblem:
                return  # CARD-PARSE has told
    has_text = any(_TEXT.fullmatch(file.path) for file in folder.files)
    for why, what in _faults(card, has_text=has_text):
        yield warn("CARD-LICENSE", why, file=CARD, value=what)


def _faults(card: dict[str, Any], *, has_text: bool) -> Iterator[tuple[str, str]]:
    given = [text.strip().lower() for text in _texts(card.get("license"))]
    if not given or given == ["unknown"]:
        yield "No license given.", ""
    if OTHER in given and not card.get("license_name"):
        yield "The license is given as other, without its name in license_name.", OTHER
    for name in given:
        if name not in KNOWN and not has_text:
            yield f"The license {show(name)} is not a known one; add its text as LICENSE.", name
    for base in _texts(card.get("base_model")):
        wanted = required_by(base)
        if wanted and given and wanted not in given and OTHER not in given:
            yield f"Base {show(base)} requires {wanted}.", base


def required_by(base: str) -> str | None:
    """The license that a base is known to be under by its name, else None."""
    owner, _, name = base.strip().partition("/")
    if owner.lower() != _PUBLISHER:
        return None
    return next((tag for pattern, tag in _OF_BASES if pattern.fullmatch(name)), None)


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str) and item.strip()]
