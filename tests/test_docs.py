"""The documentation says what the code says."""

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def _read_by_settings() -> set[str]:
    tree = ast.parse((ROOT / "registry" / "settings.py").read_text())
    return {
        argument.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for argument in call.args
        if isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and re.fullmatch(r"REGISTRY_[A-Z_]+", argument.value)
    }


def _documented() -> dict[str, str]:
    rows = re.findall(
        r"^\| `(REGISTRY_[A-Z_]+)` \| ([^|]+) \|",
        (DOCS / "configuration.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == len(dict(rows)), "a variable stands in the table twice"
    return dict(rows)


def test_each_variable_that_settings_read_is_documented():
    assert _read_by_settings() - set(_documented()) == set()


def test_each_variable_that_is_documented_is_read_by_settings():
    assert set(_documented()) - _read_by_settings() == set()


def test_no_other_module_reads_a_variable_of_its_own():
    known = _read_by_settings()
    for path in (ROOT / "registry").rglob("*.py"):
        found = set(re.findall(r'environ\S*?["\'](REGISTRY_[A-Z_]+)["\']', path.read_text()))
        assert found <= known, path


def test_documented_defaults_are_those_of_the_settings():
    tree = ast.parse((ROOT / "registry" / "settings.py").read_text())
    documented = _documented()
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or ast.unparse(call.func) not in {
            "environment.flag",
            "environment.number",
        }:
            continue
        name, default = (
            ast.literal_eval(value)
            for value in (*call.args, *(keyword.value for keyword in call.keywords))
        )
        assert documented[name] == f"`{str(default).lower()}`", name


def test_the_states_of_a_release_are_drawn_as_they_are():
    generate = runpy.run_path(str(DOCS / "generate.py"))
    page = generate["PAGE"]

    assert page.read_text() == generate["page"](page.read_text()), (
        "docs/path-of-a-model.md is stale: run .venv/bin/python docs/generate.py"
    )


def test_the_table_of_the_duties_is_that_of_the_rules():
    generate = runpy.run_path(str(DOCS / "generate.py"))
    page = generate["DUTIES"]

    assert page.read_text() == generate["duties"](page.read_text()), (
        "docs/duties.md is stale: run .venv/bin/python docs/generate.py"
    )


def test_the_table_of_the_wire_has_every_route():
    generate = runpy.run_path(str(DOCS / "generate.py"))
    page = generate["WIRE"]

    assert page.read_text() == generate["wire"](page.read_text()), (
        "docs/wire.md is stale: run .venv/bin/python docs/generate.py"
    )


@pytest.mark.parametrize("text", PAGES, ids=lambda text: text.name)
def test_links_between_pages_lead_somewhere(text):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text.read_text()):
        if not target.startswith("/"):  # an address of the site, not a file
            assert (text.parent / target).exists(), target


def test_each_page_of_the_docs_is_in_the_index():
    index = (DOCS / "index.md").read_text()
    for page in DOCS.rglob("*.md"):
        if page.name != "index.md":
            assert f"]({page.relative_to(DOCS)})" in index, page
