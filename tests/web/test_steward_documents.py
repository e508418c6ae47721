"""The pages of documents and of found texts, for stewards and for everybody."""

import hashlib
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from registry.accounts.models import User
from registry.agreements import documents, texts
from registry.agreements.models import Document, DocumentVersion, FoundText
from tests import factories
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db
TEXT = b"Sample License 1\r\n\r\nYou may use the copies <b>freely</b>, and pass them on.\r\n"
LLAMA = "/steward/documents/llama3-1"


@pytest.fixture
def steward(client: Client) -> User:
    factories.make_facts()
    client.force_login(made := factories.make_user(site_role="steward"))
    return made


def _file(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("LICENSE", content)


def _found(content: bytes = TEXT) -> FoundText:
    revision = factories.make_commit(factories.make_repository(), {"LICENSE": content})
    (found,) = texts.look_through(revision)
    return found


def test_a_steward_loads_a_text_to_the_byte(client, steward):
    page = client.get(LLAMA).text
    form = form_to(page, LLAMA).filled(version="3.1", effective_date="2024-07-23")

    answer = client.post(LLAMA, form | {"file": _file(TEXT)}, follow=True)

    made = DocumentVersion.objects.get(version="3.1")
    digest = hashlib.sha256(TEXT).hexdigest()
    assert answer.status_code == 200
    assert "version 3.1, is loaded" in answer.text
    assert steward.username in answer.text
    assert (bytes(made.text), made.sha256) == (TEXT, digest)
    client.logout()
    text = client.get(f"/licenses/llama3-1/{digest}.txt")
    assert text.content == TEXT
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    assert text["X-Content-Type-Options"] == "nosniff"


def test_a_pasted_text_ends_its_lines_as_files_do(client, steward):
    client.post(LLAMA, {"version": "3.1", "text": "One\r\ntwo\r\n"})

    assert bytes(DocumentVersion.objects.get(version="3.1").text) == b"One\ntwo\n"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": ""}, "Choose a file"),
        ({"text": "   "}, "The text is empty"),
        ({"text": "x" * (documents.MAX_TEXT + 1)}, "larger than 1024 KiB"),
        ({"text": "", "file": _file(b"x" * (documents.MAX_TEXT + 1))}, "larger than 1024 KiB"),
        (
            {"text": "", "file": _file(b"x" * 3 * documents.MAX_TEXT)},
            "Choose a file of at most 1 MiB",
        ),
        ({"text": "", "file": _file(b"")}, "The text is empty"),
        ({"text": "", "file": _file(b"\xff\xfe")}, "The text is not UTF-8"),
        ({"file": _file(b"Both.")}, "not both"),
        ({"version": "3.0"}, "has another text as version 3.0 already"),
        ({"effective_date": "23.07.2024"}, "Gregorian calendar, such as 2024-07-23"),
        ({"effective_date": "2024-02-30"}, "There is no day 2024-02-30"),
        ({"effective_date": "2567-07-23"}, "The year 2567 is not near"),
    ],
)
def test_what_cannot_be_loaded_gets_a_sentence_and_stays_typed(client, steward, wrong, sentence):
    documents.add_text(slug="llama3-1", version="3.0", text=b"Older words.")
    typed = {"version": "3.1 typed", "text": "Words typed.", "effective_date": "2024-07-23"}

    answer = client.post(LLAMA, typed | wrong)

    assert answer.status_code == 422
    assert sentence in answer.text
    kept = form_to(answer.text, LLAMA).values
    assert kept["version"] == (typed | wrong)["version"]
    assert kept["effective_date"] == (typed | wrong)["effective_date"]
    assert kept["text"].strip() == (typed | wrong)["text"].strip()
    assert DocumentVersion.objects.exclude(text=None).count() == 2


def test_a_text_of_the_future_is_shown_as_coming(client, steward):
    day = timezone.now().date() + timedelta(days=9)
    made = documents.add_text(slug="llama3-1", version="9", text=b"Later.", effective_date=day)

    assert "coming" in client.get(LLAMA).text
    shown = client.get(f"/licenses/llama3-1?sha256={made.sha256}").text
    assert "not in force yet" in shown
    assert "Later." not in client.get("/licenses/llama3-1").text


def test_a_steward_says_what_needs_an_acceptance(client, steward):
    address = f"{LLAMA}/acceptance"
    form = form_to(client.get(LLAMA).text, address)

    missing = client.post(address, form.values)
    client.post(address, form.filled(reason="It asks nothing."))
    again = client.post(address, form.filled(reason="Once more."))

    assert missing.status_code == again.status_code == 422
    assert "is set so already" in again.text
    assert not Document.objects.get(slug="llama3-1").needs_acceptance


def test_a_steward_adds_a_license_that_was_unknown(client, steward):
    address = "/steward/new-document"
    form = form_to(client.get(f"{address}?name=lab-1").text, address)
    typed = form.filled(title="Lab License 1", publisher="Lab", needs_acceptance="on")
    lama = client.post(address, typed | {"license_names": "ll\u0430ma3.1"})

    answer = client.post(address, typed, follow=True)

    assert lama.status_code == 422
    assert "looks like a name of" in lama.text
    assert form_to(lama.text, address).values["publisher"] == "Lab"
    made = Document.objects.get(slug="lab-license-1")
    assert (made.license_names, made.needs_acceptance) == (["lab-1"], True)
    assert answer.redirect_chain[-1][0] == "/steward/documents/lab-license-1"


def test_the_list_says_what_is_held_and_used(client, steward):
    documents.add_text(slug="llama3-1", version="3.1", text=TEXT)
    factories.make_released()

    found = client.get("/steward/documents?q=llama3-1&kind=license&text=yes").text

    assert found.count('data-label="Releases">1<') == 1
    assert (
        "Nothing matches" in client.get("/steward/documents?q=llama3-1&kind=license&text=no").text
    )


def test_the_lists_ask_as_often_for_few_rows_as_for_many(
    client, steward, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12):
        assert "Llama 3.1" in client.get("/steward/documents").text
    for i in range(12):
        _found(f"Words of text {i}.".encode())
    with django_assert_max_num_queries(12):
        assert "Words of text 3." in client.get("/steward/texts").text


def test_a_found_text_is_read_compared_and_taken(client, steward):
    documents.add_text(slug="llama3-1", version="3.0", text=TEXT.replace(b"use", b"copy"))
    found = _found()
    here = f"/steward/texts/{found.public_id}"
    assert "You may use the copies" in client.get("/steward/texts").text
    page = client.get(here).text
    assert "only there:" in page
    assert "&lt;b&gt;freely" in page
    form = form_to(page, f"{here}/take")
    assert form.values["document"] == "llama3-1"

    wrong = client.post(f"{here}/take", form.filled(version="3.0", effective_date="2024-07-23"))
    answer = client.post(f"{here}/take", form.filled(version="3.1"), follow=True)

    assert wrong.status_code == 422
    assert form_to(wrong.text, f"{here}/take").values["effective_date"] == "2024-07-23"
    made = DocumentVersion.objects.get(version="3.1")
    assert bytes(made.text) == TEXT
    assert f'@ <span class="digest">{found.revision.oid[:12]}' in answer.text
    assert "taken as a version" in client.get(here).text.lower()


def test_a_found_text_is_dismissed_with_a_reason(client, steward):
    found = _found()
    here = f"/steward/texts/{found.public_id}"
    form = form_to(client.get(here).text, f"{here}/dismiss")

    assert client.post(f"{here}/dismiss", form.values).status_code == 422
    client.post(f"{here}/dismiss", form.filled(reason="A joke."))
    late = client.post(f"{here}/dismiss", form.filled(reason="Again."), follow=True)

    assert "decided on this text meanwhile" in late.text
    assert "A joke." in client.get(here).text
    assert "Nothing waits" in client.get("/steward/texts").text


@pytest.mark.parametrize("who", ["nobody", "reader", "maintainer"])
def test_nobody_but_a_steward_has_these_pages(client, who):
    factories.make_facts()
    found = _found()
    if who != "nobody":
        role = "maintainer" if who == "maintainer" else ""
        client.force_login(factories.make_user(site_role=role))
    here = f"/steward/texts/{found.public_id}"
    refused = 302 if who == "nobody" else 404

    for address in ("/steward/documents", LLAMA, "/steward/new-document", "/steward/texts", here):
        assert client.get(address).status_code == refused, address
    for address in (LLAMA, f"{LLAMA}/acceptance", "/steward/new-document", f"{here}/take",
                    f"{here}/dismiss"):  # fmt: skip
        typed = {"version": "1", "text": "Words.", "reason": "No.", "needed": "no"}
        assert client.post(address, typed).status_code == refused, address

    found.refresh_from_db()
    assert found.state == "unknown"
    assert "Stewardship" not in client.get("/").text


def test_the_stewards_place_begins_with_documents(client, steward):
    assert client.get("/steward").headers["Location"] == "/steward/documents"


def test_everybody_finds_every_document(client):
    factories.make_facts()

    everything = client.get("/licenses")
    assert "27 documents" in everything.text
    assert 'href="/licenses/llama3-1"' in client.get("/licenses?q=llama3.1").text
    assert "Nothing matches" in client.get("/licenses?q=no+such+thing").text
    assert 'href="/licenses"' in client.get("/").text


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("llama3-1", ["Built with Llama", "Keep this line in a file", "700,000,000",
                      "begins with “Llama”", "End", "stop use and delete", "It includes"]),
        ("aup-llama3-2", ["Not for European Union (multimodal models of this version only)", "It is part of"]),
        ("code-llama", ["has no terms of its own", "/licenses/llama2", "700,000,000"]),
        ("llama-guard", ["Llama Guard 2 (8B) is under the license llama3"]),
        ("mit", ["The text is not stored on this site"]),
    ],
)  # fmt: skip
def test_the_page_of_a_license_says_in_our_words_what_it_asks(client, slug, words):
    factories.make_facts()

    page = client.get(f"/licenses/{slug}").text

    assert [one for one in words if one not in page] == []


def test_bytes_that_are_not_there_are_not_found(client):
    factories.make_facts()
    summary = documents.current(Document.objects.get(slug="mit"))

    assert client.get(f"/licenses/mit/{summary.sha256}.txt").status_code == 404
    assert client.get(f"/licenses/no-such/{'0' * 64}.txt").status_code == 404
