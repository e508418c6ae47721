"""What is computed and kept in English is said in the reader's language where a page shows it."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext
from hypothesis import given
from hypothesis import strategies as st

from registry.agreements import terms
from registry.agreements.duties import engine, rules
from registry.agreements.duties.asking import Rule
from registry.catalog import facts as published
from registry.catalog import paths
from registry.checks import runs
from registry.errors import InvalidPath
from registry.web import duty_sentences, fact_notes, fact_words
from registry.web.duty_sentences import DUTIES
from registry.web.kept_sentences import OF_RUNS, WHY_IT_APPLIES
from registry.web.path_words import FILE_NAMES
from registry.web.sentences import Sentences
from tests import factories
from tests.web import written

SOME = Sentences(
    ("%(name)s is bad.", "%(name)s is bad: it has %(count)s of %(said_kind)s.", "Done.")
)


def test_a_text_is_said_sentence_by_sentence_as_far_as_it_is_known() -> None:
    with translation.override("fr"):
        assert DUTIES.said("The line is not known. It rains. A steward has looked at it.") == (
            "La ligne n’est pas connue. It rains. Un intendant l’a examiné."
        )
        assert DUTIES.said("The card says license: a. b: c.").endswith("license\xa0: a. b: c.")
        assert DUTIES.said("") == ""
        titled = DUTIES.said("The license is among the files: The line is not known. So: so.")
        assert "La ligne n’est pas connue. So" in titled
    with translation.override("en"):
        assert DUTIES.said("The license is not known.") == "The license is not known."


def test_what_stands_in_a_sentence_stays_but_for_words() -> None:
    with translation.override("fr"):
        text = "The name <b>%(x)s</b> begins with “released”. What follows: all models."
        said = DUTIES.said(text)

    assert "<b>%(x)s</b>" in said
    assert "released" in said
    assert "tous les modèles" in said


@pytest.mark.django_db
def test_what_holds_a_release_is_said_in_french_beside_the_checks(client: Client) -> None:
    revision = factories.make_revision()
    factories.finish_checks(revision)
    client.force_login(revision.repository.created_by)
    path = f"/{revision.repository.full_name}/checks"

    assert "There is no copy of" in client.get(path).text
    french = client.get(path, headers={"accept-language": "fr"}).text

    assert "Il n’y a pas de copie de" in french
    for words in ("There is no copy", "Add the text", "A copy of the license"):
        assert words not in re.sub(r"<[^>]+>", " ", french)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_said_or_left(first: str, second: str) -> None:
    with translation.override("fr"):
        SOME.said(f"{first} is bad: it has {second}.")
        assert SOME.said(f"{first}\x01") == f"{first}\x01"


def test_a_text_made_to_be_costly_is_not() -> None:
    text = "The name " + "begins with “ x" * 120
    with translation.override("fr"):
        assert DUTIES.said(text) == text
        assert DUTIES.said(text * 10) == text * 10


@pytest.mark.parametrize("path", written.DUTIES, ids=lambda path: path.stem)
def test_each_sentence_of_the_rules_about_licenses_is_known(path: object) -> None:
    found = list(written.sentences(path))  # type: ignore[arg-type]

    assert found
    unknown = [text for text in found if not DUTIES.knows(text.replace(written.HOLE, "something"))]
    assert unknown == []


def test_the_words_that_the_data_puts_into_them_are_known() -> None:
    wanted = {rule.on_fail for rule in rules.all_rules() if rule.on_fail}
    for rule in rules.all_rules():
        for _name, given_ in rule.checks:
            wanted |= {given_[key] for key in ("statement", "subject", "scope") if key in given_}

    assert wanted - set(duty_sentences.WORDS) == set()


@pytest.mark.django_db
def test_the_duties_of_a_model_are_told_in_french(client: Client) -> None:
    release = factories.make_release()
    owner = release.repository.created_by
    factories.make_revision(release.repository, files=factories.MODEL | {"more.txt": "x"})
    client.force_login(owner)

    path = f"/{release.repository.full_name}/duties"
    french = client.get(path, headers={"accept-language": "fr"}).text
    english = client.get(path).text

    assert "There is no copy of" in english or "has the words of" in english
    for words in ("There is no copy", "has the words of", "What follows", "Add the text of"):
        assert words not in re.sub(r"<[^>]+>", " ", french)


@pytest.mark.parametrize(
    "path",
    [
        *("", "a\\b", "/a", "c:a", "a//b", "../a", "a /b", " a", ".git/x", "con.txt", "a" * 300),
        *("a/" * 60 + "b", "b" * 9 + "/" + "c" * 4000, "a\u200bb", "a\nb", "\ud800", "\ue000"),
        *("a\u2028b", "a\u2029b", "\u0378", "．git/x"),
    ],
)
def test_each_reason_against_a_name_is_said_in_french(path: str) -> None:
    with pytest.raises(InvalidPath) as refused:
        paths.check(path)

    with translation.override("fr"):
        said = FILE_NAMES.said(str(refused.value))
    assert said.startswith("Chemin refusé")
    assert not re.search(r"\b(it|is|has|holds|than|folder)\b", said.replace(ascii(path)[:200], ""))


def test_each_reason_against_names_side_by_side_is_said_in_french() -> None:
    for files, folders in (["a", "A"], []), ([], ["a", "A"]), (["a"], ["A"]):
        with pytest.raises(InvalidPath) as refused:
            paths.check_folder("", files, folders)
        with translation.override("fr"):
            said = FILE_NAMES.said(str(refused.value))
        assert "autres fichiers" in said
        assert not re.search(r"\b(it|its|on many)\b", said)


def test_the_notes_of_the_facts_are_said_in_french() -> None:
    facts = published.read()
    told = [event["what"] for one in facts["families"] for event in one.get("events", [])]
    for data in (one.get("training_data", {}) for one in facts["families"]):
        told += [data.get("disclosed"), data.get("publisher_user_data")]
    told += [one.get("note") for one in facts["community"]]
    told += [one.get("context_note") for one in facts["variants"]]
    for one in facts["known_conflicts"]:
        told += [one["subject"], one["used_here"]]
        told += [claim[key] for claim in one["claims"] for key in ("where", "value")]
    words = {text for text in told if isinstance(text, str) and re.search(r"[a-z] [a-z]", text)}

    assert len(words) > 60
    assert words - set(fact_notes.NOTES) - set(fact_words.TEXTS) == set()


def test_what_variants_are_called_is_said_in_french() -> None:
    words = set()
    for one in published.read()["variants"]:
        words |= {one["kind"], *one.get("training_methods", [])}
        words |= {*one["modalities"]["input"], *one["modalities"]["output"]}

    assert words - set(fact_notes.VARIANT) == {"SFT", "DPO", "RLHF", "PPO", "GPTQ"}


@pytest.mark.django_db
def test_a_family_is_told_in_french(client: Client) -> None:
    call_command("load_facts", verbosity=0)

    page = client.get("/families/llama-3-2", headers={"accept-language": "fr"})

    assert "Modèles 1B et 3B quantifiés ajoutés" in page.text
    assert "Taille des groupes du Llama 3.2 quantifié" in page.text


@pytest.mark.parametrize("rule", rules.all_rules(), ids=lambda rule: rule.id)
def test_each_rule_is_named_and_explained_in_french(rule: Rule) -> None:
    told = engine.described(rule, None)

    assert fact_words.note_of(told) == told.note
    with translation.override("fr"):
        assert gettext(told.title) != told.title
        assert not told.note or fact_words.note_of(told) != told.note


@pytest.mark.parametrize(
    ("module", "begins", "known"),
    [
        (
            terms,
            ("Every download", "The model card names t", "The link", "Inherited"),
            WHY_IT_APPLIES,
        ),
        (runs, ("Not run", "Cancelled by"), OF_RUNS),
    ],
)
def test_what_is_kept_beside_terms_and_runs_is_known(
    module: ModuleType, begins: tuple[str, ...], known: Sentences
) -> None:
    assert module.__file__
    found = [text for text in written.sentences(Path(module.__file__)) if text.startswith(begins)]

    assert len(found) > 3
    with translation.override("fr"):
        same = [text for text in found if known.said(text.replace(written.HOLE, "x")) == text]
    assert same == []


def test_why_a_run_ended_is_said_in_french() -> None:
    with translation.override("fr"):
        lost = OF_RUNS.said("The worker was lost (attempt 3 of 3).")
        other = OF_RUNS.said("Memory ran out; the test runs again (attempt 2).")
        skipped = OF_RUNS.said("Not run: SEC-PICKLE has to be mended first.")
        alike = OF_RUNS.said("Cosine 0.998 over 12 matrices, 99% of them alike, embeddings 0.5.")

    assert lost == "Le worker a été perdu (tentative 3 sur 3)."
    assert other.startswith("Memory ran out\u202f; l’essai recommence")
    assert skipped.endswith("SEC-PICKLE doit d’abord être corrigé.")
    assert alike.endswith("embeddings 0.5.")
    assert "semblables" in alike
