"""Whatever text or number comes from an upload, the run that meets it ends with a verdict."""

import json
import math
import unicodedata

import jsonschema
import pytest
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st

from registry.audit import canonical
from registry.checks import reports, runs
from registry.checks.findings import Finding, escaped, show, warn
from registry.checks.models import CheckRun, JobKind
from registry.checks.smoke import report as said
from tests import factories

pytestmark = pytest.mark.django_db

ANY_TEXT = st.text(st.characters(codec=None) | st.sampled_from("\0\ud800\udfff\u202e\n\x1b"))
NUMBERS = st.one_of(
    st.integers(),
    st.integers(2**53 - 1, 2**64),
    st.floats(),
    st.integers(4300, 6000).map(lambda digits: 10**digits),
    st.sampled_from([1e300, -1e300, 5e-324, -0.0, math.nan, math.inf]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
ODD = "a\0b \ud800 \udfff \u202e \x1b[0m \U0001f600"
LOUD = {
    "metrics": {ODD: ODD, "nan": math.nan, "much": 1e300, "more": 10**5000, "in": {ODD: 2**63}},
    "samples": [{"prompt": ODD, "output": ODD, "target": ODD}],
    "log_tail": ODD,
    "device": {"kind": "cpu", "name": ODD},
    "versions": {ODD: ODD},
    "isolation": {"level": 3, "means": ODD},
    "stages": [{"name": ODD, "status": "done", "seconds": 1.5, "reason": ODD, "target": ODD}],
}


def _kept(value: object) -> object:
    """The value as the database gives it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb", [json.dumps(value, allow_nan=False)])
        return json.loads(cursor.fetchone()[0])


def _odd_finding() -> Finding:
    evidence = {ODD: [ODD, 10**5000, math.nan, 1e300], "deep": [[[[[[[[ODD]]]]]]]]}
    return warn(
        "CFG-DTYPE", ODD, file=ODD, where=ODD, value=1e300, threshold=ODD, evidence=evidence
    )


@given(VALUES)
@example(1e300)
@example(10**5000)
@example({"\0": "\ud800"})
def test_what_a_report_takes_up_can_be_kept_and_digested(value: object) -> None:
    plain = reports.plain(value)

    assert _kept(plain) == plain
    assert canonical.digest(_kept(plain)) == canonical.digest(plain)


@given(ANY_TEXT, VALUES, VALUES)
@example("a", 10**5000, {"a": 1e300})
def test_a_finding_can_be_kept_printed_and_digested(text: str, value: object, more: object) -> None:
    finding = warn("PERF", text, file=text, where=text, value=value, evidence={text: more})
    shown = reports.plain(finding.as_json())

    for printed in (finding.message, show(value), show(more), escaped(text)):
        assert not {unicodedata.category(character) for character in printed} & HIDDEN
    assert _kept(shown) == shown
    assert canonical.digest(_kept(shown)) == canonical.digest(shown)


def test_a_run_ends_with_a_report_whatever_its_texts_are() -> None:
    run = CheckRun.objects.get(revision=factories.make_revision())
    scan = factories.claim_job(run)
    assert runs.finish(scan, runs.Outcome([_odd_finding()], {"versions": {ODD: ODD}}))
    smoke = factories.claim_job(run, JobKind.SMOKE)

    assert runs.finish(smoke, runs.Outcome([_odd_finding()], LOUD))

    run.refresh_from_db()
    assert run.verdict == "warned"
    jsonschema.validate(run.report, reports.schema(), cls=jsonschema.Draft202012Validator)
    assert canonical.digest(reports.build(run)) == canonical.digest(run.report)
    assert "\0" not in json.dumps(run.report, ensure_ascii=False).encode().decode()


@pytest.mark.parametrize("number", ["9" * 4000, "9" * 6000, "1e400", "NaN", "-Infinity", "1e300"])
def test_a_number_that_the_sandbox_tells_is_taken_or_is_log_text(number: str) -> None:
    metrics = said.event_of(f'{{"event": "metrics", "metrics": {{"a": {number}}}}}'.encode())
    finding = said.event_of(
        f'{{"event": "finding", "finding": {{"id": "PERF", "severity": "info", "message": "m", '
        f'"value": {number}, "evidence": {{"a": {number}}}}}}}'.encode()
    )

    if isinstance(metrics, said.Metrics):
        plain = reports.plain(said.plain(metrics.metrics))
        assert canonical.digest(_kept(plain)) == canonical.digest(plain)
    if isinstance(finding, said.Found):
        made = said.finding_of(finding.finding)
        assert made is not None
        assert _kept(reports.plain(made.as_json()))
