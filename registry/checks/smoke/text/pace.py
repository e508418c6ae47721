"""Whether tokenising stays fast on texts that make bad patterns explode (TOK-TIME)."""

import json
import re
from collections.abc import Iterator

from registry.checks.findings import Finding, block, show
from registry.checks.smoke import aside, loading
from registry.checks.smoke.text.samples import ROUNDTRIP

SECONDS = 2.0
MEMORY_MIB = 1024
LENGTH = 8192
# Twice the text may take twice as long and a little more; below the floor nothing can be measured.
GROWTH = 3.2
FLOOR = 0.2
MOST_LITERALS = 24
# What no repeated group expects, so that it has to go back and try everything else.
END = "!\n~"

_UNITS = (
    "a",
    "A",
    "aB",
    " ",
    "\n",
    " \n",
    "\t",
    "1",
    "1a",
    "a ",
    "ab, ",
    "-",
    "!",
    ".",
    "'s",
    "é",
    "中",
    "🎉",
)


def check(target: loading.Target) -> Iterator[Finding]:
    file = target.file or "tokenizer.json"
    try:
        for text in ROUNDTRIP:
            _seconds(text)
        for unit in (*_UNITS, *_literals(target)):
            once, twice = (
                _seconds(unit * (size // len(unit)) + END) for size in (LENGTH, 2 * LENGTH)
            )
            if twice > FLOOR and twice > GROWTH * once:
                yield block(
                    "TOK-TIME",
                    f"Tokenising takes {twice:.1f} s for {2 * LENGTH} characters like «{show(unit)}», "
                    f"and {once:.1f} s for half of them.",
                    file=file,
                    value=round(twice / max(once, 1e-6), 1),
                    threshold=GROWTH,
                )
                return
    except aside.NoAnswer as problem:
        why = show(str(problem))
        yield block("TOK-TIME", f"Tokenising does not end: {why}.", file=file, threshold=SECONDS)


def _seconds(text: str) -> float:
    return float(aside.call("seconds_for", seconds=SECONDS, memory_mib=MEMORY_MIB, text=text))


def _literals(target: loading.Target) -> list[str]:
    """The characters that the patterns of the file speak of: what else would set them off?"""
    place = target.folder / "tokenizer.json"
    if target.file or not place.is_file():
        return []
    said = json.loads(place.read_bytes())
    parts = {key: said.get(key) for key in ("normalizer", "pre_tokenizer", "decoder")}
    patterns = "".join(re.findall(r'"Regex": ?"((?:[^"\\]|\\.)*)"', json.dumps(parts)))
    return sorted(set(re.findall(r"(?<!\\)[a-zA-Z0-9@#%&=_<>;:/,-]", patterns)))[:MOST_LITERALS]
