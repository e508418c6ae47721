"""File names: judged, never cleaned up."""

import posixpath
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.catalog import paths
from registry.errors import InvalidPath


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "original/consolidated.00.pth",
        "a/b/c.safetensors",
        ".gitattributes",
        "name with spaces.txt",
        "größe.txt",
        "模型.json",
        "...x",
        "a/" * 31 + "x",
        "console.txt",
        "b" * 255,
    ],
)
def test_ordinary_names_are_taken(path):
    paths.check(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../b",
        "a/./b",
        "a//b",
        "a/",
        ".",
        "..",
        "a\\b",
        "C:/x",
        "c:x",
        ".git/config",
        "a/.GIT/x",
        ".g\u200cit/config",
        "git~1/config",
        "a\0b",
        "a\nb",
        "a\x7fb",
        "a\u202eb",
        "a\u200bb",
        "a\ufeffb",
        "\ud800",
        "a\ue000",
        " a",
        "a ",
        "a.",
        "a/b./c",
        "CON",
        "nul.txt",
        "a/com1.json",
        "lpt9",
        "x" * 256,
        "a/" * 32 + "x",
        "y/" * 20 + "x" * 1000,
        "\uff0e\uff0e/up",  # dots of another width
        "a\uff0fb/..",
        "\u3164",
    ],
)
def test_names_that_climb_hide_or_collide_with_devices_are_refused(path):
    with pytest.raises(InvalidPath, match="not an allowed file name"):
        paths.check(path)


@given(st.text(max_size=60))
def test_a_name_that_is_taken_stays_in_its_folder_on_every_system(path):
    if paths.path_problem(path) is not None:
        return
    for form in ("NFC", "NFD", "NFKC"):
        shown = unicodedata.normalize(form, path)
        assert not posixpath.isabs(shown)
        assert ".." not in shown.split("/")
        assert "\\" not in shown
        assert posixpath.normpath(shown) == shown
        assert not any(unicodedata.category(character) == "Cc" for character in shown)


def check_side_by_side(names: list[str]) -> None:
    """As a commit does: one folder after the other."""
    folders: dict[str, tuple[set[str], set[str]]] = {}
    for path in names:
        *above, name = path.split("/")
        for depth, part in enumerate(above):
            inside = "".join(f"{one}/" for one in above[:depth])
            folders.setdefault(inside, (set(), set()))[1].add(part)
        folders.setdefault("".join(f"{one}/" for one in above), (set(), set()))[0].add(name)
    for folder, (files, below) in folders.items():
        paths.check_folder(folder, files, below)


@pytest.mark.parametrize(
    "names",
    [
        ["README.md", "readme.md"],
        ["a/B.txt", "a/b.txt"],
        ["stra\u00dfe", "STRASSE"],
        ["\u00e9.txt", "e\u0301.txt"],
        ["Data/x", "data/y"],
        ["a", "a/b"],
        ["A/b", "a"],
    ],
)
def test_names_that_are_equal_on_other_systems_cannot_stand_side_by_side(names):
    for order in (names, names[::-1]):
        with pytest.raises(InvalidPath, match="cannot stand beside"):
            check_side_by_side(order)


def test_names_that_differ_stand_side_by_side():
    check_side_by_side(["a/b", "a/c", "ab", "README.md", "a.b/c"])
