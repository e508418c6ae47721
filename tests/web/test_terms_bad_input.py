"""What the form of acceptance does with what nobody should send: a clear answer, and nothing kept."""

import pytest
from django.test import Client
from django.utils.html import escape

from registry.accounts.models import Membership, Role, Scope
from registry.agreements import documents
from registry.agreements.models import Acceptance, Receipt
from registry.releases import offers
from registry.releases.models import Release
from tests import factories
from tests.agreements.organisations import make_domain, verify
from tests.api.calls import As

pytestmark = pytest.mark.django_db

CARD = (
    "---\nlicense: llama3.1\nextra_gated_fields:\n  Affiliation: text\n"
    "  An end: date_picker\n---\n# A model\n"
)
MEGABYTE = "x" * 2**20


@pytest.fixture
def release() -> Release:
    return factories.make_released(files={"README.md": CARD, "model.safetensors": b"weights"})


def _page(release: Release) -> str:
    return f"{release.repository.get_absolute_url()}/terms"


def _typed(client: Client, release: Release, **rest: str) -> dict[str, str]:
    """What the page has somebody send, with answers."""
    form = client.get(_page(release)).context["form"]
    names = {question.label: name for name, question in form.questions.items()}
    return {
        "shown_hash": str(form.initial["shown_hash"]),
        "capacity": "self",
        "typed_name": rest.pop("typed_name", "Carol Reader"),
        names["Affiliation"]: rest.pop("affiliation", "ACME"),
        names["An end"]: rest.pop("end", "2026-03-14"),
    } | rest


@pytest.mark.parametrize(
    "wrong",
    [
        {"affiliation": MEGABYTE},
        {"typed_name": MEGABYTE},
        {"capacity": MEGABYTE},
        {"end": MEGABYTE},
        {"end": "14.03.2026"},
        {"end": "1447/09/25"},
        {"end": "令和8年3月14日"},
        {"end": "2026-02-30"},
        {"affiliation": "a\0b"},
        {"typed_name": "a\0b"},
    ],
    ids=lambda wrong: " ".join(f"{name} {value[:12]!r}" for name, value in wrong.items()),
)
def test_what_cannot_be_right_is_said_at_its_field_and_nothing_is_kept(
    release: Release, wrong: dict[str, str]
) -> None:
    client = Client()
    client.force_login(factories.make_user())

    answer = client.post(_page(release), _typed(client, release, **wrong))

    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert len(errors) == 1
    assert all(escape(words[0]) in answer.text for words in errors.values())
    assert not Acceptance.objects.exists()


def test_answers_of_a_megabyte_are_refused_in_a_sentence_over_the_api(release: Release) -> None:
    caller = As(factories.make_user(), Scope.WRITE)
    answers = {"Affiliation": MEGABYTE, "An end": "2026-03-14"}
    body = {"terms_hash": release.terms_hash, "typed_name": "Carol", "answers": answers}

    answer = caller.post(f"/models{release.repository.get_absolute_url()}/terms/accept", body)

    assert answer.status_code in {400, 422}
    assert "at most 2000 characters" in answer.text
    assert len(answer.text) < 2000
    assert not Acceptance.objects.exists()


def test_two_tabs_with_the_same_terms_are_one_acceptance_with_what_was_sent_first(
    release: Release,
) -> None:
    client = Client()
    client.force_login(carol := factories.make_user())
    first, second = (_typed(client, release, affiliation=one) for one in ("ACME", "Other"))

    answers = [client.post(_page(release), typed).status_code for typed in (first, second)]

    assert answers == [302, 302]
    assert Acceptance.objects.get(user=carol).words.answers["Affiliation"] == "ACME"
    assert Receipt.objects.count() == 1


def test_a_tab_of_before_a_new_release_is_shown_the_new_terms_though_the_old_were_accepted(
    release: Release,
) -> None:
    client = Client()
    client.force_login(factories.make_user())
    old = _typed(client, release)
    assert client.post(_page(release), old).status_code == 302
    documents.add_text(slug="site-policy", version="2", text=b"A new policy.\nBe kind.\n")
    after = factories.make_released(release.repository, version="v2.0", files={"new.txt": "x"})

    answer = client.post(_page(release), old | {"typed_name": "Typed once more"})

    assert answer.status_code == 409
    assert after.terms_hash in answer.text
    assert "Typed once more" in answer.text
    assert Acceptance.objects.count() == 1


def test_a_signatory_who_lost_the_role_since_the_page_was_shown_is_told_and_may_choose_again(
    release: Release,
) -> None:
    admin = factories.make_user()
    lab = factories.make_organisation(owner=factories.make_user())
    membership = Membership.objects.create(namespace=lab, user=admin, role=Role.ADMIN)
    make_domain(lab, "lab.example")
    verify(admin, "admin@lab.example")
    client = Client()
    client.force_login(admin)
    typed = _typed(client, release, capacity=lab.public_id, authority="on")
    typed |= {"users0": "within"}
    membership.role = Role.WRITE
    membership.save()

    answer = client.post(_page(release), typed)

    assert answer.status_code == 422
    assert "You may not sign for that organisation now" in answer.text
    assert "Carol Reader" in answer.text
    assert not Acceptance.objects.exists()


def test_answers_are_asked_for_in_the_words_of_the_page_and_kept_to_the_letter(
    release: Release,
) -> None:
    client = Client()
    client.force_login(carol := factories.make_user())
    markup = '<script>alert(1)</script> "{{ 7*7 }}" =cmd()'

    client.post(_page(release), _typed(client, release, affiliation=markup))

    acceptance = offers.acceptance_of(release, caller=factories.as_caller(carol))
    assert acceptance is not None
    assert acceptance.words.answers["Affiliation"] == markup
    page = client.get(f"/receipts/{acceptance.receipt.public_id}").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page
