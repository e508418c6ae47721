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

from registry import errors
from registry.accounts import names, naming
from registry.catalog import countries
from registry.checks import catalogue
from registry.errors import RegistryError
from tests.factories import make_repository, make_token, make_user

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
    """The texts of pages, mails and refusals, with the file each is in. Blocks of templates are left
    out."""
    for path in settings.BASE_DIR.glob("templates/**/*.html"):
        for tag in re.finditer(r"""{%\s*translate\s+(["'])(.*?)\1""", path.read_text()):
            yield tag[2], path.name
    for path in settings.BASE_DIR.glob("registry/**/*.py"):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)) if "translation import" in source else ():
            match node:
                case ast.Call(
                    func=ast.Name("_" | "gettext" | "gettext_lazy" | "gettext_noop" | "ngettext"),
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


# What nobody but a program is told, or whoever runs the site at a terminal; Hub clients match some
FOR_PROGRAMS = {
    "registry/accounts/plain_hub.py",
    "registry/accounts/tokens.py",
    "registry/agreements/locks.py",
    "registry/agreements/receipts.py",
    "registry/agreements/requests.py",
    "registry/catalog/branches.py",
    "registry/catalog/commits.py",
    "registry/catalog/files.py",
    "registry/catalog/paths.py",
    "registry/catalog/positions.py",
    "registry/catalog/proposals.py",
    "registry/catalog/repositories.py",
    "registry/catalog/revisions.py",
    "registry/catalog/rights.py",
    "registry/catalog/trees.py",
    "registry/catalog/turns.py",
    "registry/discussions/pull_requests.py",
    "registry/discussions/threads.py",
    "registry/releases/offers.py",
}


def _refusals_in_english() -> Iterator[str]:
    """Modules of rules in which a refusal is raised with a sentence that is not translated."""
    kinds = {name for name in vars(errors) if issubclass(_kind(name), RegistryError)}
    for package in ("accounts", "agreements", "catalog", "discussions", "outbox", "releases"):
        for path in (settings.BASE_DIR / "registry" / package).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(
                        func=ast.Name(name),
                        args=[ast.Constant() | ast.JoinedStr(), *_],
                    ) if name in kinds:
                        yield str(path.relative_to(settings.BASE_DIR))


def _kind(name: str) -> type:
    found = getattr(errors, name)
    return found if isinstance(found, type) else object


def test_what_a_person_is_refused_is_said_in_their_language() -> None:
    assert set(_refusals_in_english()) == FOR_PROGRAMS


@pytest.mark.parametrize("name", ["", "n" * 97, "-x", "a--b", "a.git"])
def test_each_problem_of_a_name_is_marked_for_translation(name: str) -> None:
    assert names.problem(name) in naming.PROBLEMS


@pytest.mark.django_db
def test_programs_are_answered_in_english_whatever_they_prefer(client: Client) -> None:
    """Clients look for words in an answer, and a header holds only Latin-1."""
    ada = make_user("ada")
    headers = {"Authorization": f"Bearer {make_token(ada)}", "Accept-Language": "fr"}
    make_repository(ada, "mine")
    asked = {"name": "mine", "type": "model"}

    client.get("/", headers={"Accept-Language": "fr"})
    hub = client.post("/api/repos/create", asked, "application/json", headers=headers)
    ours = client.get(f"/api/v1/campaigns/{'0' * 24}", headers=headers)
    nowhere = client.get("/api/v1/nowhere", headers=headers)

    assert hub.status_code == 409
    assert hub.json()["error"] == hub["X-Error-Message"] == "You already created this model repo"
    assert {hub["Content-Language"], ours["Content-Language"]} == {"en"}
    assert ours.json()["error"] == "There is no such campaign."
    assert "nothing here" in nowhere.json()["error"]


@pytest.mark.django_db
def test_refusals_on_pages_are_in_the_language_of_the_page(client: Client) -> None:
    client.force_login(make_user("ada"))
    french = {"Accept-Language": "fr"}
    asked = {"owner": "ada", "name": "a--b", "visibility": "public"}

    name = client.post("/new", asked, headers=french)
    domain = client.post("/settings/searches", {"name": ""}, headers=french)

    assert "ne peut pas être employé\N{NO-BREAK SPACE}: il contient" in name.text
    assert "cannot be used" not in name.text
    assert "Give the search a name" not in domain.text


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
