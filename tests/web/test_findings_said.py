"""What checks found is said in French on pages, while reports keep it as it was signed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from registry.checks.findings import MESSAGE_LIMIT
from registry.web.findings_said import FINDINGS
from tests import factories
from tests.web import written

# Modules whose texts go to models, to operators or to nobody; one has what drivers say beside its own
_UNSAID = {
    "devices.py",
    *("texts.py", "samples.py", "refusal_probes.py", "cgroups.py", "confine.py", "hierarchies.py"),
    *("fingerprints.py", "control.py", "control_gguf.py", "nvml.py", "probing.py", "__main__.py"),
}
# What is no message, or only a part of one that is known as a whole
_PARTS = {
    *("There is no engine of this name.", "its address is neither unix:PATH nor HOST:PORT"),
    *("the first and the last \x00 MiB", "\x00 of them alike", "not supported"),
    *("cosine \x00 over \x00 matrices", "embeddings \x00", "hidden units found again elsewhere"),
    *("nothing was measured of the weights", "what was measured is of no use: \x00"),
    *("a family without a count", "an unnamed method", "a standard deviation", "values up to"),
    *("\x00 failed on \x00: \x00", "\x00 is code.", "\x00 has the key \x00.", "Llama 4"),
    *("which is not a whole model; accepted are whole models of \x00", "missing adapter keys"),
    *("and vision_config are not what its model_type needs", "Which colour has this picture?"),
    *("Refuses \x00 of \x00", "The model", "The stage \x00", "can't allocate memory"),
    *("level \x00: \x00", "it cannot start", "nothing better is available", "w 1", "a tool"),
    *("are missing", "are not used", "\x00 fails: \x00", "\x00 tensors \x00, e.g. \x00."),
    *("\x00\x00 \x00 from \x00\x00.", "\x00 has \x00 \x00\x00.", "\x00 \x00.", "the base"),
    *("\x00 cannot be read by strides", "\x00 became shorter while it was read", "Base | None"),
    *("The malware scanner \x00 failed\x00: \x00", "AKIA ASIA"),
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "A model that is known to be good ends as well (\x00 after \x00): \x00",
}
_FAULT_OF_THE_SITE = re.compile(r"The (sandbox|device|machine) .*")
_NAMES_ALONE = re.compile(r"[\x00\W]*(\x00[\x00\W]*)*((is|of|to) \x00)?|([a-z_]+-? )+[a-z_]+_")


def unsaid(path: Path) -> Iterator[str]:
    """What the module says and no page could say in French."""
    for text in written.words(path):
        if text in _PARTS or _FAULT_OF_THE_SITE.fullmatch(text) or _NAMES_ALONE.fullmatch(text):
            continue
        whole = text.replace(written.HOLE, "something")
        # Some are set behind the name of a tensor or a key
        if not any(map(FINDINGS.knows, (whole, f"something {whole}", f"something {whole}."))):
            yield text


@pytest.mark.parametrize(
    "path", [one for one in written.OF_CHECKS if one.name not in _UNSAID], ids=lambda one: one.stem
)
def test_each_message_of_the_checks_is_known(path: Path) -> None:
    assert list(unsaid(path)) == []


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "a.safetensors: it is cut off: 12 bytes of its tensors are missing.",
            "a.safetensors\xa0: il est tronqué\xa0: il manque 12 octets de ses tenseurs.",
        ),
        (
            "train.py: Code files are not accepted here. Convert weights to safetensors or GGUF; "
            "delete what is not part of the model.",
            "Convertissez les poids",
        ),
        (
            "a.json: auto_map is not allowed (it asks loaders to run code).",
            "(elle demande aux chargeurs d’exécuter du code)",
        ),
        (
            "The weights do not come from lab/base: cosine 0.120 over 40 matrices, 3% of them "
            "alike, embeddings 0.400.",
            "cosinus 0.120 sur 40 matrices, dont 3% semblables, embeddings 0.400.",
        ),
        (
            "The model was not run: it needs about 9 MiB, and this GPU gives 8.",
            "il lui faut environ 9 Mio, et ce GPU en donne 8.",
        ),
        (
            "The test was stopped: more than 800 MiB of memory were used during forward.",
            "L’essai a été arrêté\xa0: plus de 800 Mio",
        ),
    ],
)
def test_a_message_is_said_in_french_with_its_reason(message: str, expected: str) -> None:
    with translation.override("fr"):
        assert expected in FINDINGS.whole(message)
    with translation.override("en"):
        assert FINDINGS.whole(message) == message


def test_the_words_of_a_library_stay() -> None:
    with translation.override("fr"):
        said = FINDINGS.whole("The tokenizer cannot be loaded: KeyError: 'model'.")
        assert FINDINGS.whole("PyTorch says so.") == "PyTorch says so."
    assert "KeyError: 'model'" in said


@given(st.text(max_size=MESSAGE_LIMIT))
def test_any_message_is_said_or_left(text: str) -> None:
    with translation.override("fr"):
        assert f"{text}x" in FINDINGS.whole(f"The model repeats itself: «{text}x».")
        FINDINGS.whole(text)


def test_a_message_made_to_be_costly_is_not() -> None:
    with translation.override("fr"):
        for part in ("in its header, ", "a: in its header, ", "it holds ", "a is b, but "):
            text = part * (MESSAGE_LIMIT // len(part))
            assert part.strip(" ,") in FINDINGS.whole(f"x: {text}.") or FINDINGS.whole(text)


@pytest.mark.django_db
def test_what_a_check_holds_back_is_said_in_french(client: Client) -> None:
    revision = factories.make_revision()
    found = (
        "SEC-PICKLE",
        "block",
        "a.bin holds more than weights: it is cut off. Only plain weight "
        "files are accepted; save with safetensors.",
    )
    factories.finish_checks(revision, "blocked", (found,))
    client.force_login(revision.repository.created_by)

    path = f"/{revision.repository.full_name}/releases"
    french = client.get(path, headers={"accept-language": "fr"}).text

    assert "SEC-PICKLE: a.bin holds more than weights: it is cut off." in client.get(path).text
    assert "SEC-PICKLE\xa0: a.bin contient plus que des poids\xa0: il est tronqué." in french


@pytest.mark.django_db
def test_a_page_says_findings_in_french_and_marks_what_stays(client: Client) -> None:
    revision = factories.make_revision()
    factories.finish_checks(
        revision,
        "warned",
        (
            ("W-FINITE", "warn", "layers.1 has 3 values that are not numbers."),
            ("W-FINITE", "warn", "Beyond words."),
        ),
    )
    client.force_login(revision.repository.created_by)
    path = f"/{revision.repository.full_name}/checks"

    english = client.get(path).text
    french = client.get(path, headers={"accept-language": "fr"}).text

    assert "layers.1 has 3 values that are not numbers." in english
    assert "<span>layers.1 a 3 valeurs qui ne sont pas des nombres.</span>" in french
    assert '<span lang="en">Beyond words.</span>' in french
