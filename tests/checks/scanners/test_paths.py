"""File names: what may be stored, and that no accepted name leads out of the folder."""

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checks.scanners.paths import folder_problem, path_problem
from tests.checks import models

TRICKY = "./\\ :~.gitGIT\u200c\u202e\u0000\n．／＼ａé\u0301conCON1\t\u3164"


@pytest.mark.parametrize(
    "path",
    ["config.json", "a/b/c.txt", ".gitattributes", "été/ü.md", "model-00001-of-00002.safetensors"],
)
def test_ordinary_names_are_allowed(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../config.json", "it has the part .."),
        ("a//b", "it has an empty part"),
        ("a/", "it has an empty part"),
        ("/etc/passwd", "it starts at the root of the disk"),
        ("a\\b", "it holds a backslash"),
        ("C:/a", "it names a drive"),
        (".git/config", "it reaches into .git"),
        ("a/.GiT/hooks", "it reaches into .git"),
        ("a/.git::$INDEX_ALLOCATION/config", "it reaches into .git"),
        (".g\u200cit/config", "it holds an invisible or direction-changing character"),
        (".ｇit/config", "in its normal form it reaches into .git"),
        ("．．/a", "in its normal form it has the part .."),
        ("a\nb", "it holds a control character"),
        ("a\0b", "it holds a control character"),
        ("gpj.\u202eexe", "it holds an invisible or direction-changing character"),
        (" a", "a part starts with a space"),
        ("a. ", "a part ends with a space or a dot"),
        ("dir./a", "a part ends with a space or a dot"),
        ("CON.txt", "Windows reserves it for a device"),
        ("x" * 256, "a part is longer than 255 bytes"),
        ("/".join("x" * 33), "it is more than 32 folders deep"),
        ("x/" * 600, "it is longer than 1024 bytes"),
        ("", "it is empty"),
    ],
)
def test_a_name_that_tricks_is_refused_with_the_reason(path: str, why: str) -> None:
    assert path_problem(path) == why


@given(st.one_of(st.text(max_size=60), st.text(alphabet=TRICKY, max_size=20)))
def test_an_accepted_name_stays_below_its_folder_on_every_system(path: str) -> None:
    if path_problem(path) is not None:
        return
    for form in (path, unicodedata.normalize("NFKC", path)):
        for kind in (PurePosixPath, PureWindowsPath):
            pure = kind(form)
            assert not pure.is_absolute()
            assert not pure.drive
            assert ".." not in pure.parts
            assert not {part.lower() for part in pure.parts} & {".git"}
        assert not {unicodedata.category(character) for character in form} & {"Cc", "Cf", "Cs"}
        assert len(form.encode()) <= 4 * 1024


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["a.txt", "A.txt"], "the same file as"),
        (["é.txt", "e\u0301.txt"], "the same file as"),
        (["Dir/a", "dir/b"], "the same as"),
        (["a", "a/b"], "a file and a folder at once"),
    ],
)
def test_names_that_cannot_stand_side_by_side_are_refused(paths: list[str], why: str) -> None:
    problem = folder_problem(paths)

    assert problem is not None
    assert why in problem[1]


def test_the_scan_says_which_name_is_wrong_without_its_control_characters(tmp_path: Path) -> None:
    found = models.findings_of(tmp_path, {"a\u202eb.txt": b"x"})

    assert models.message_of(found, "UPL-PATH") == (
        "a\\u{202e}b.txt is not an allowed file name: "
        "it holds an invisible or direction-changing character."
    )
