"""The house rules that a program can read in the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

from registry.accounts import names

ROOT = Path(__file__).resolve().parent.parent
SOURCE = sorted((ROOT / "registry").rglob("*.py"))
ENTRANCES = ("registry/hub/", "registry/api/", "registry/web/")
PLAIN = ("registry/checks/scanners/", "registry/checks/smoke/")
MOST_LINES = 500


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def _imports(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it; `from a import b` counts as a and a.b."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)} imports relatively"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _uses(path: Path, package: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in _imports(path))


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call))


@pytest.mark.parametrize("package", ["django.http", "ninja"])
def test_only_the_entrances_know_http(package):
    users = {_name(path) for path in SOURCE if _uses(path, package)}

    assert {user for user in users if not user.startswith(ENTRANCES)} == set()


def test_ninja_is_for_our_own_api_alone():
    users = {_name(path) for path in SOURCE if _uses(path, "ninja")}

    assert {user for user in users if not user.startswith("registry/api/")} == set()


@pytest.mark.parametrize("package", ["torch", "transformers", "peft"])
def test_libraries_that_open_models_are_imported_in_the_smoke_test_alone(package):
    users = {_name(path) for path in SOURCE if _uses(path, package)}

    assert {user for user in users if not user.startswith("registry/checks/smoke/")} == set()


def test_scanners_and_the_smoke_test_are_plain_python():
    """Neither they nor anything of ours that they import knows Django."""
    seen: set[Path] = set()
    queue = [path for path in SOURCE if _name(path).startswith(PLAIN)]
    assert queue
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        assert not _uses(path, "django"), _name(path)
        queue += [module for name in _imports(path) if (module := _file_of(name)) is not None]


def _file_of(module: str) -> Path | None:
    if module.split(".")[0] != "registry":
        return None
    base = ROOT.joinpath(*module.split("."))
    candidates = [base.with_suffix(".py"), base / "__init__.py"]
    return next((path for path in candidates if path.exists()), None)


def test_nobody_unpickles():
    for path in SOURCE:
        for name in ("pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"):
            assert not _uses(path, name), f"{_name(path)} imports {name}"


def test_messages_are_sent_when_the_transaction_commits():
    for path in SOURCE:
        for call in _calls(path):
            if isinstance(call.func, ast.Attribute):
                assert call.func.attr not in {"delay", "apply_async"}, (
                    f"{_name(path)}:{call.lineno}: use delay_on_commit"
                )


def test_each_task_has_time_limits():
    tasks = 0
    for path in SOURCE:
        for node in ast.walk(_tree(path)):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if "shared_task" not in ast.unparse(decorator):
                    continue
                tasks += 1
                assert isinstance(decorator, ast.Call), f"{_name(path)}: {node.name}"
                given = {keyword.arg for keyword in decorator.keywords}
                assert {"soft_time_limit", "time_limit"} <= given, f"{_name(path)}: {node.name}"
    assert tasks


def test_no_module_catches_everything():
    for path in SOURCE:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{_name(path)}:{node.lineno}"


def test_each_module_opens_with_what_it_decides():
    for path in SOURCE:
        name = _name(path)
        if path.name not in {"__init__.py", "apps.py", "0001_initial.py"} and _tree(path).body:
            assert ast.get_docstring(_tree(path)), name


def test_no_file_hides_a_second_subject():
    for folder in ("registry", "templates", "static", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".html", ".css", ".js"} and "migrations" not in path.parts:
                lines = len(path.read_text().splitlines())
                assert lines <= MOST_LINES, f"{_name(path)} has {lines} lines"


def test_no_function_hides_a_second_subject():
    for path in SOURCE:
        if "migrations" in path.parts:
            continue
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= 50, f"{_name(path)}: {node.name} has {lines} lines"


def test_license_is_spelled_as_the_field_does():
    british = "licen" + "ce"
    texts = {".py", ".html", ".css", ".js", ".md", ".txt", ".toml", ".yaml", ".json", ".po"}
    folders = [ROOT / folder for folder in ("registry", "templates", "static", "docs", "tests")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in texts]
    for path in [*files, *ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("*.txt")]:
        assert british not in path.read_text().lower(), _name(path)


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).lstrip("^")
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from _routes(pattern, route)


def test_the_first_part_of_each_address_of_the_site_is_a_reserved_name():
    """Else somebody could take it as a username, and their page would never be reached."""
    firsts = {route.split("/")[0] for route in _routes(get_resolver())}
    literal = {first for first in firsts if first and not set(first) & set("<(?[\\")}

    assert {"accounts", "api", "healthz"} <= literal
    assert literal - names.RESERVED == set()


def test_each_constraint_of_the_database_has_a_test_that_names_it():
    words = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    constraints = {
        constraint.name
        for model in apps.get_models()
        if model.__module__.startswith("registry.")
        for constraint in model._meta.constraints
    }

    assert len(constraints) > 30
    assert {name for name in constraints if name not in words} == set()


def test_imports_point_down_only():
    program = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
