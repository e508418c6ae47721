"""Each threat of the list gets its outcome in bounded time, and nothing sound is minded."""

import zlib
from pathlib import Path

import pytest

from registry.catalog import markdown
from registry.checks.findings import Severity
from registry.checks.scanners import scan
from tests import turns
from tests.checks import models
from tests.checks.corpus import acting, benign, confusing, wording
from tests.checks.corpus.case import Case

HOSTILE = [*acting.cases(), *confusing.cases(), *wording.cases()]
THREATS = sorted({case.threat for case in HOSTILE})


@pytest.mark.parametrize("threat", THREATS)
def test_every_hostile_revision_is_blocked_for_what_it_does(tmp_path: Path, threat: str) -> None:
    missed = []
    for number, case in enumerate(case for case in HOSTILE if case.threat == threat):
        with turns.at_most(1_000, of=case.id):
            found = models.findings_of(tmp_path / str(number), case.make())
        blocks = {one.check for one in found if one.severity is Severity.BLOCK}
        if not blocks & case.outcome:
            missed.append(f"{case.id}: wanted {sorted(case.outcome)}, found {sorted(blocks)}")
        missed += [f"{case.id}: {one.message!r}" for one in found if not one.message.isprintable()]

    assert missed == []


@pytest.mark.parametrize("case", benign.cases(), ids=lambda case: case.id)
def test_nothing_sound_is_minded(tmp_path: Path, case: Case) -> None:
    ours = ("SEC-", "UPL-", "CARD-")
    found = models.findings_of(tmp_path, case.make())

    assert [one for one in found if one.check.startswith(ours)] == []


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    for number, (name, secret) in enumerate(wording.secrets().items()):
        files = models.llama() | {"notes.txt": f"a {secret} b".encode()}
        (found,) = (
            one
            for one in models.findings_of(tmp_path / str(number), files)
            if one.check == "SEC-SECRET"
        )
        told = str(found.as_json())
        assert len(str(found.value)) <= 4, name
        parts = {secret[at : at + 8] for at in range(len(secret) - 7)}
        hidden = {part for part in parts if "KEY" not in part and "http" not in part}
        assert not [part for part in hidden if part in told and part.strip("-_=") != ""], name


def test_a_hostile_card_is_shown_without_anything_active() -> None:
    shown = str(markdown.render(HOSTILE_CARD))

    for active in ("<script", "<style", "<iframe", "<form", "<img", "<svg", "<object", "onerror"):
        assert active not in shown.lower()
    for scheme in ("javascript:", "data:", "vbscript:"):
        assert f'href="{scheme}' not in shown.lower()
    assert 'id="login"' not in shown


def test_the_corpus_is_the_same_each_time() -> None:
    def digest(cases: list[Case]) -> int:
        seen = 0
        for case in cases:
            for name, data in case.make().items():
                seen = zlib.crc32(name.encode("utf-8", "surrogatepass") + data[:4096], seen)
        return seen

    few = HOSTILE[::25]
    assert digest(few) == digest(few)


HOSTILE_CARD = """# A model <script>alert(1)</script>
<style>body { display: none }</style><iframe src="https://h.example"></iframe>
<form action="https://h.example"><input name="password"></form>
<svg onload="alert(1)"><script>alert(1)</script></svg><object data="a"></object>
<a href="javascript:alert(1)">a</a> [b](javascript:alert(1)) [c](data:text/html,<script>)
[d](vbscript:x) <img src=x onerror=alert(1)> ![e](https://h.example/track.png)
<p id="login" style="position: fixed" onclick="alert(1)">text</p>
"""


def test_what_is_of_a_refused_type_is_listed_to_be_deleted_at_once(tmp_path: Path) -> None:
    files = models.llama() | {"training_args.bin": b"x", "logs/run.ipynb": b"{}"}

    found = [one for one in models.findings_of(tmp_path, files) if one.check == "UPL-TYPE"]

    assert found[0].evidence == {"delete": ["logs/run.ipynb", "training_args.bin"]}


@pytest.mark.parametrize(
    ("card", "why"),
    [
        ("tags: [a]", "No license given."),
        ("license: unknown", "No license given."),
        ("license: other", "without its name in license_name"),
        ("license: my-own", "The license my-own is not a known one"),
        (
            "license: mit\nbase_model: meta-llama/Llama-3.2-1B",
            "Base meta-llama/Llama-3.2-1B requires llama3.2.",
        ),
        (
            "license: apache-2.0\nbase_model: [lab/a, meta-llama/Llama-2-7b-hf]",
            "Base meta-llama/Llama-2-7b-hf requires llama2.",
        ),
    ],
)
def test_a_card_without_a_fitting_license_is_a_warning(tmp_path: Path, card: str, why: str) -> None:
    found = models.findings_of(tmp_path, models.llama(readme=f"---\n{card}\n---\n".encode()))

    assert why in models.message_of(found, "CARD-LICENSE")
    assert {one.severity for one in found if one.check == "CARD-LICENSE"} == {Severity.WARN}


@pytest.mark.parametrize(
    "card",
    [
        "license: apache-2.0\nbase_model: lab/llama-3-like",
        "license: other\nlicense_name: own\nbase_model: meta-llama/Llama-3.1-8B",
        "license: [mit, llama3.1]\nbase_model: meta-llama/Meta-Llama-3.1-8B-Instruct",
        "license: llama4\nbase_model: meta-llama/Llama-4-Scout-17B-16E",
        "license: llama3\nbase_model: meta-llama/Meta-Llama-3-8B",
    ],
)
def test_a_card_with_a_fitting_license_is_not_minded(tmp_path: Path, card: str) -> None:
    found = models.findings_of(tmp_path, models.llama(readme=f"---\n{card}\n---\n".encode()))

    assert "CARD-LICENSE" not in {one.check for one in found}


def test_a_name_that_no_repository_may_have_is_told_where_no_site_has_refused_it(
    tmp_path: Path,
) -> None:
    found = scan(models.put(tmp_path, models.llama()), repository="lab/a--b").findings

    assert models.message_of(found, "UPL-REPONAME").startswith("The name a--b cannot be used")
