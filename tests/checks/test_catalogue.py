"""The catalogue is whole: every promised check is there, explained, and made to find something."""

import re
from pathlib import Path

import pytest

from registry.checks import catalogue
from registry.checks.catalogue import CHECKS, Check

TESTS = Path(__file__).parent
SOURCES = Path(catalogue.__file__).parents[1]
_GIVEN = re.compile(r'\b(block|warn|info|find)\(\s*"([A-Z]+(?:-[A-Z]+)*)"')
# Ids are stable: reports, filters and mails use them. A check that goes away needs a decision.
PROMISED = """
UPL-PATH UPL-REPONAME UPL-TYPE UPL-SIZE UPL-LFS
SEC-MAGIC SEC-PICKLE SEC-PICKLE-PARSE SEC-CONTAINER SEC-ARCHIVE SEC-NATIVE SEC-CODE SEC-CONFIG
SEC-JSON SEC-REGEX SEC-TEMPLATE SEC-SECRET SEC-AV CARD-PARSE CARD-LICENSE
ST-HEADER ST-INDEX GG-HEADER GG-META CFG-PARSE CFG-ARCH CFG-LIMITS CFG-SHAPE CFG-DTYPE
KEY-MISSING KEY-UNEXPECTED KEY-TIED QUANT-CONFIG LORA-BASE LORA-SHAPE LORA-NOOP
W-FINITE W-DEAD W-SCALE W-DUP W-RANGE
TOK-LOAD TOK-VOCAB TOK-SPECIAL TOK-ROUNDTRIP TOK-FERTILITY TOK-DRIFT TOK-TIME
TPL-RENDER TPL-CONTENT TPL-GENPROMPT TPL-MISSING TPL-INJECT TPL-TRIGGER TPL-DRIFT TPL-CONFLICT
RUN-LOAD RUN-FINITE RUN-DETERMINISM RUN-KVCACHE RUN-PADDING RUN-LONG RUN-BACKEND RUN-SKIPPED
RUN-CRASH RUN-OOM RUN-TIMEOUT QUAL-UNIFORM QUAL-BASE QUANT-DRIFT GEN-DEGENERATE GEN-PROMPT
GEN-STOP MM-IMAGE LORA-EFFECT SAFE-PROBE PERF
LIN-IDENTICAL LIN-BASE LIN-DISGUISED LIN-UNDECLARED LIN-KIND
"""


def test_every_promised_check_is_there_and_no_other() -> None:
    assert sorted(CHECKS) == sorted(PROMISED.split())


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_says_what_it_catches_why_it_matters_and_what_to_do(check: Check) -> None:
    assert check.stage in catalogue.STAGES
    assert check.severities
    for text in (check.title, check.catches, check.matters, check.remedy):
        assert text
    for text in (check.catches, check.matters, check.remedy):
        assert text.endswith("."), text


def test_every_check_is_made_to_find_something_in_a_test() -> None:
    texts = "\n".join(
        path.read_text() for path in TESTS.rglob("*.py") if path.name != Path(__file__).name
    )
    named = set(re.findall(r"[\"'`]([A-Z]+(?:-[A-Z]+)+|PERF)[\"'`]", texts))

    assert sorted(set(CHECKS) - named) == []


def test_every_severity_that_a_check_gives_is_in_the_catalogue() -> None:
    """What the sandbox says with another severity is dropped."""
    given = {
        pair
        for path in SOURCES.rglob("*.py")
        for how, check in _GIVEN.findall(path.read_text())
        for pair in [(check, how)] * (how != "find")
        + [(check, "block"), (check, "warn")] * (how == "find")
    }

    assert len(given) > len(CHECKS)
    assert (
        sorted(given - {(one.id, each) for one in CHECKS.values() for each in one.severities}) == []
    )
