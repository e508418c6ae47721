"""The card's editor in the browser: two people at once, and nobody's script."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from registry.catalog.models import MAIN, Ref, Repository
from registry.releases import card_edits, entries
from tests import factories
from tests.web.browser.walking import Walker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
CARD = "---\nlicense: mit\ntags: [one]\n---\n# A model\n\nWords.\n"


def test_who_is_slower_with_the_source_sees_what_changed_and_loses_nothing(
    walker: Callable[..., Walker],
) -> None:
    repository = _repository()
    ada, bob = walker("ada"), walker("bob", language="fr", scheme="dark")
    for one in (ada, bob):
        one.begins()
        one.page.goto(f"/{repository}/edit/main/README.md?as=source")
        one.looks()

    ada.page.locator("textarea[name=source]").fill(CARD.replace("mit", "apache-2.0"))
    ada.button("Write this commit").click()
    ada.reads("The card is written. Its checks start on their own.")
    mine = CARD.replace("Words.", "Words of Bob.")
    bob.page.locator("textarea[name=source]").fill(mine)
    bob.button("Write this commit").click()

    expect(bob.page.get_by_text("+license: apache-2.0")).to_be_visible()
    expect(bob.page.locator("textarea[name=source]")).to_have_value(mine)
    bob.looks()
    assert "apache-2.0" in _card(repository)
    both = mine.replace("mit", "apache-2.0")
    bob.page.locator("textarea[name=source]").fill(both)
    bob.button("Write this commit").click()
    bob.reads("The card is written. Its checks start on their own.")
    assert _card(repository) == both


def test_the_card_stands_beside_what_is_typed(walker: Callable[..., Walker]) -> None:
    repository = _repository()
    ada = walker("ada")
    ada.begins()
    ada.page.goto(f"/{repository}/edit/main/README.md")
    shown = ada.page.get_by_role("region", name="Preview")
    typed = ada.page.locator("textarea[name=prose]")

    expect(shown).to_contain_text("Words.")
    typed.fill("# A model\n\nWords that follow.")
    expect(shown).to_contain_text("Words that follow.")
    left, right = typed.bounding_box(), shown.bounding_box()
    assert left
    assert right
    assert right["x"] >= left["x"] + left["width"]
    assert right["y"] < left["y"] + left["height"]


def test_without_a_script_the_card_is_previewed_and_written(walker: Callable[..., Walker]) -> None:
    repository = _repository()
    ada = walker("ada", java_script_enabled=False)
    page = ada.page
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("ada")
    page.locator("input[name=password]").fill(factories.PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()

    page.goto(f"/{repository}")
    page.locator(f"a[href='/{repository}/edit/main/README.md']").first.click()
    page.locator("textarea[name=prose]").fill("# A model\n\n*Better* words.\n")
    ada.button("Preview").click()
    expect(page.locator("#shown em")).to_have_text("Better")
    ada.button("Write this commit").click()

    expect(page.get_by_text("The card is written.")).to_be_visible()
    assert _card(repository) == CARD.replace("Words.", "*Better* words.")


def test_without_a_script_a_model_is_found_by_words_and_facets(
    walker: Callable[..., Walker],
) -> None:
    ada = factories.make_user("ada")
    for name, card in (("tiny-one", CARD), ("tiny-two", factories.CARD)):
        files = {"README.md": card, "model.safetensors": b"w"}
        factories.make_released(factories.make_repository(ada, name), files=files)
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    page = walker("", java_script_enabled=False).page

    page.goto("/")
    page.get_by_label("Search", exact=True).fill("tiny")
    page.get_by_label("Search", exact=True).press("Enter")
    rows = page.locator("#models h2 a")
    expect(rows).to_have_count(2)
    page.locator(".choice-link", has_text="mit").first.click()
    expect(rows).to_have_text("ada/tiny-one")
    page.locator("#orders > summary").click()
    page.locator("#orders a").last.click()
    expect(rows).to_have_count(1)
    page.locator(".chip", has_text="mit").click()
    expect(rows).to_have_count(2)


def _repository() -> Repository:
    """Two people write it."""
    ada, bob = factories.make_user("ada"), factories.make_user("bob")
    lab = factories.make_organisation("lab", owner=ada)
    factories.people.set_role(namespace=lab, user=bob, role="write", by="")
    repository = factories.make_repository(ada, "med-8b", namespace="lab")
    factories.make_commit(repository, {"README.md": CARD})
    return repository


def _card(repository: Repository) -> str:
    return card_edits.text_at(Ref.objects.get(repository=repository, name=MAIN).head)
