"""Pages speak the visitor's language, as far as it is translated."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from registry.catalog import countries
from registry.checks import catalogue

FRENCH = Path(settings.LOCALE_PATHS[0]) / "fr" / "LC_MESSAGES"
PO = FRENCH / "django.po"


def _entries(text: str) -> list[dict[str, str]]:
    """The entries of a .po file: each keyword with its text."""
    found: list[dict[str, str]] = []
    for block in text.split("\n\n"):
        entry: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if not line.startswith('"'):
                keyword, _, line = line.partition(" ")
            entry[keyword] = entry.get(keyword, "") + ast.literal_eval(line)
        found.append(entry)
    return found


def test_the_compiled_translation_says_what_its_source_says() -> None:
    """The compiled file is kept beside the source: a bare machine has no msgfmt to make it."""
    with (FRENCH / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for entry in _entries(PO.read_text())[1:]:
        if "msgid_plural" in entry:
            said = compiled.ngettext(entry["msgid"], entry["msgid_plural"], 2)
            assert said == entry["msgstr[1]"]
        elif "msgctxt" in entry:
            assert compiled.pgettext(entry["msgctxt"], entry["msgid"]) == entry["msgstr"]
        else:
            assert compiled.gettext(entry["msgid"]) == entry["msgstr"]


def _said() -> Iterator[tuple[str, str]]:
    """The texts of pages and mails, with the file each is in. Blocks of templates are left out."""
    for path in settings.BASE_DIR.glob("templates/**/*.html"):
        for tag in re.finditer(r"""{%\s*translate\s+(["'])(.*?)\1""", path.read_text()):
            yield tag[2], path.name
    for path in settings.BASE_DIR.glob("registry/**/*.py"):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)) if "translation import" in source else ():
            match node:
                case ast.Call(
                    func=ast.Name("_" | "gettext_lazy" | "ngettext"),
                    args=[ast.Constant(str(text)), *_],
                ):
                    yield text, path.name


def test_every_text_of_a_page_is_in_the_translation() -> None:
    known = {entry["msgid"] for entry in _entries(PO.read_text())}

    assert {(text, file) for text, file in _said() if text not in known} == set()


def test_every_text_of_the_checks_is_said_in_the_language_of_the_reader() -> None:
    said = {entry["msgid"]: entry.get("msgstr", "") for entry in _entries(PO.read_text())}
    texts = {
        text
        for check in catalogue.CHECKS.values()
        for text in (check.title, check.catches, check.matters, check.remedy)
        if text
    }

    assert {text for text in texts if not said.get(text)} == set()


@pytest.mark.django_db
def test_the_page_of_all_checks_is_in_the_language_of_the_reader(client: Client) -> None:
    check = catalogue.CHECKS["SEC-NATIVE"]

    page = client.get("/docs/checks", headers={"Accept-Language": "fr"}).text

    for english in (check.title, check.catches, check.matters, check.remedy):
        assert f"<dd>{english}</dd>" not in page
        assert f"<h3>{english}</h3>" not in page
    assert "Supprimez le fichier. Les programmes ne sont pas publiés ici." in page


def test_countries_are_listed_in_the_language_and_alphabet_of_the_reader() -> None:
    with translation.override("fr"):
        names = [name for _, name in countries.listed()]

    assert len(names) == len(countries.NAMES)
    assert names.index("Érythrée") + 1 == names.index("Espagne")
    assert names[-1] == "Zimbabwe"


@pytest.mark.django_db
def test_a_french_browser_gets_french_pages(client: Client) -> None:
    page = client.get("/", headers={"Accept-Language": "fr-FR,fr;q=0.9"})

    assert '<html lang="fr">' in page.text
    assert "Modèles" in page.text


@pytest.mark.django_db
def test_a_chosen_language_stays_and_leads_back(client: Client) -> None:
    answer = client.post("/settings/language", {"language": "fr", "next": "/docs/glossary"})

    assert answer["Location"] == "/docs/glossary"
    assert "Les mots employés ici" in client.get("/docs/glossary").text


@pytest.mark.django_db
def test_choosing_a_language_leads_to_no_other_site(client: Client) -> None:
    answer = client.post(
        "/settings/language", {"language": "fr", "next": "https://elsewhere.example/"}
    )

    assert answer["Location"] == "/"
