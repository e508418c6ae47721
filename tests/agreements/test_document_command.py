"""`manage.py document`, as an operator types it."""

import hashlib

import pytest
from django.core.management import CommandError, call_command

from registry.agreements import documents
from registry.agreements.models import Document
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def test_a_loaded_text_is_the_version_in_force(tmp_path, capsys):
    factories.make_facts()
    text = tmp_path / "LICENSE"
    text.write_bytes(b"The text of a license.\n")

    call_command(
        "document", "add", "--license", "llama3.1", "--version", "3.1", "--file", str(text)
    )

    printed = capsys.readouterr()
    assert printed.out.strip() == hashlib.sha256(text.read_bytes()).hexdigest()
    in_force = documents.current(Document.objects.get(slug="llama3-1"))
    assert (in_force.version, bytes(in_force.text)) == ("3.1", text.read_bytes())


@pytest.mark.parametrize(
    ("license_id", "content", "sentence"),
    [
        ("llama9", b"words", "There is no license or policy 'llama9'"),
        ("llama3.1", b" \n", "The text is empty"),
        ("llama3.1", b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_what_cannot_be_loaded_gets_a_sentence(tmp_path, license_id, content, sentence):
    factories.make_facts()
    text = tmp_path / "LICENSE"
    text.write_bytes(content)

    with pytest.raises(CommandError, match=sentence):
        call_command(
            "document", "add", "--license", license_id, "--version", "1", "--file", str(text)
        )


def test_a_missing_file_gets_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command(
            "document", "add", "--license", "mit", "--version", "1", "--file", str(tmp_path / "no")
        )


def test_another_text_under_the_same_label_is_refused(tmp_path):
    factories.make_facts()
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("The text of a license.\n")
    second.write_text("Another text.\n")
    add = ("document", "add", "--license", "llama3.1", "--version", "3.1", "--file")
    call_command(*add, str(first))

    with pytest.raises(CommandError, match="another text as version 3.1 already"):
        call_command(*add, str(second))

    assert Document.objects.get(slug="llama3-1").versions.exclude(text=None).count() == 1


def test_the_database_refuses_a_second_text_of_a_version():
    factories.make_facts()
    document = Document.objects.get(slug="llama3-1")
    document.versions.create(version="9", text=b"a", sha256="a" * 64)

    with refused_by("one_text_of_a_version"):
        document.versions.create(version="9", text=b"b", sha256="b" * 64)


def test_a_summary_says_in_its_version_that_it_is_one():
    factories.make_facts()

    assert documents.current(Document.objects.get(slug="mit")).version.endswith("(summary)")


def test_documents_are_listed_and_shown(capsys):
    factories.make_facts()
    made = documents.add_text(slug="llama3-1", version="3.1", text=b"The text of a license.")

    call_command("document", "list")
    listed = capsys.readouterr().out.splitlines()
    call_command("document", "show", "llama3.1")
    shown = capsys.readouterr().out

    assert f"llama3-1\tlicense\t3.1\ttext\t{made.sha256}" in listed
    assert [line.split("\t")[3] for line in listed if line.startswith("code-llama")] == [
        "see llama2"
    ]
    assert len(listed) == 27
    assert "policy: aup-llama3-1" in shown
    assert f"* 3.1\ttext\twhen loaded\t{made.sha256}" in shown
    with pytest.raises(CommandError, match="There is no license or policy 'llama9'"):
        call_command("document", "show", "llama9")


@pytest.mark.parametrize("given", ["2024-02-30", "23.07.2024", "2567-07-23"])
def test_a_date_that_is_none_gets_a_sentence(tmp_path, given):
    factories.make_facts()
    (text := tmp_path / "LICENSE").write_text("Words.")
    add = ["--license", "mit", "--version", "1", "--file", str(text), "--effective", given]

    with pytest.raises(CommandError, match="Gregorian|no day"):
        call_command("document", "add", *add)
