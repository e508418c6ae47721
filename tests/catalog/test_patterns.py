"""Patterns of `.gitattributes` and `.gitignore`, compared with what the git program says."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.catalog import patterns, repositories
from tests import turns

PATHS = [
    "a.bin", "sub/a.bin", "sub/deep/a.bin", "a.txt", "build", "build/a.txt", "sub/build/x",
    "original/params.json", "a b.bin", "#a", "!a", "keep/a.log", "x.log", "sub/x.log", "logs/x.log",
]  # fmt: skip
ATTRIBUTES = [
    "*.bin filter=lfs",
    "*.bin filter=lfs diff=lfs merge=lfs -text\nsub/*.bin -filter\n",
    "/a.bin filter=lfs\n",
    "sub/** filter=lfs\n",
    "**/a.bin filter=lfs\nsub/deep/a.bin !filter\n",
    "sub/**/a.bin filter=lfs\n",
    "build filter=lfs\n# *.txt filter=lfs\n",
    "*.bin filter=other\n*.[tb]?[tn] filter=lfs\n",
    repositories.DEFAULT_GITATTRIBUTES.decode(),
    "\n  \n*.bin\n",
]
IGNORES = [
    "*.log\n",
    "*.log\n!keep/*.log\n",
    "build/\n",
    "build\n!build/a.txt\n",
    "/x.log\n",
    "logs/*\n!logs/x.log\n",
    "sub/**/a.bin\n**/build\n",
    "\\#a\n\\!a\n# comment\n\n",
    "*\n!a.txt\n",
    "sub/\n!sub/a.bin\n",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def git_lfs(folder: Path, text: str) -> set[str]:
    (folder / ".gitattributes").write_text(text)
    done = subprocess.run(
        ["git", "check-attr", "-z", "filter", *PATHS],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    parts = done.stdout.split("\0")
    found = zip(parts[::3], parts[2::3], strict=False)
    return {path for path, value in found if value == "lfs"}


def git_ignored(folder: Path, text: str) -> set[str]:
    (folder / ".gitignore").write_text(text)
    done = subprocess.run(
        ["git", "check-ignore", "-z", "--no-index", "--stdin"],
        cwd=folder,
        input="\0".join(PATHS),
        capture_output=True,
        text=True,
        check=False,
    )
    return set(done.stdout.split("\0")) - {""}


@pytest.mark.parametrize("text", ATTRIBUTES)
def test_the_files_that_git_sends_to_lfs_go_there(folder: Path, text: str) -> None:
    found = patterns.lfs_patterns(text)

    assert {path for path in PATHS if patterns.is_lfs(found, path)} == git_lfs(folder, text)


@pytest.mark.parametrize("text", IGNORES)
def test_the_files_that_git_ignores_are_ignored(folder: Path, text: str) -> None:
    found = patterns.ignore_patterns(text)

    assert patterns.ignored(found, PATHS) == git_ignored(folder, text)


@settings(deadline=1000, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(max_size=200),
    st.text(alphabet="a/*?[]!\\ ", max_size=60),
    st.sampled_from([*PATHS, "a" * 250, "/".join("a" * 30)]),
)
def test_no_pattern_is_too_much(text: str, pattern: str, path: str) -> None:
    for line in (text, pattern, f"{pattern} filter=lfs"):
        patterns.is_lfs(patterns.lfs_patterns(line), path)
        patterns.ignored(patterns.ignore_patterns(line), [path])


def test_stars_do_not_multiply() -> None:
    """Twenty stars against a long name: a backtracking matcher would not end."""
    found = patterns.lfs_patterns("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab filter=lfs\n")
    deep = patterns.ignore_patterns("**/" * 12 + "b/**/c\n")

    assert not patterns.is_lfs(found, "a" * 255)
    assert not patterns.ignored(deep, ["/".join(["a"] * 32)])


@pytest.mark.parametrize(
    "pattern", ["**/" * 3000 + "x/y", "a/" * 3000 + "y", "**/a/" * 3000 + "y", "**/*/" * 32 + "y"]
)
def test_a_pattern_of_thousands_of_parts_is_no_more_work_than_a_path(pattern: str) -> None:
    found = patterns.ignore_patterns(pattern)
    with turns.at_most(1000):
        assert not patterns.ignored(found, ["/".join("a" * 32)])


def test_some_stars_in_a_row_mean_what_one_does() -> None:
    found = patterns.ignore_patterns("a/**/**/**/b")

    assert patterns.ignored(found, ["a/b"])
    assert patterns.ignored(found, ["a/c/d/b"])
    assert not patterns.ignored(found, ["c/a/b"])
