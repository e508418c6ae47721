"""The main job in the browser: a model goes from its upload to its recall, and three people, each in
a browser and a language of their own, look at every page that they come to."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from registry.accounts.models import User
from registry.catalog.models import Repository, Revision
from registry.releases import entries, recipients
from registry.releases.models import Advisory, Release, Status
from tests import factories
from tests.web.browser.test_upload import expect_ended
from tests.web.browser.walking import Walker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
NAME = "ada/med-8b"
WEIGHTS = bytes(range(256)) * 800
WARNED = (("GEN-DEGENERATE", "warn", "The model repeats itself: «and and and»."),)
WHY = "One of its files starts a program. Delete the folder and change your keys."


def test_a_model_goes_from_its_upload_to_its_recall(
    walker: Callable[..., Walker], tmp_path: Path
) -> None:
    for name, role in (("ada", ""), ("bob", "maintainer"), ("carol", "")):
        factories.make_user(name, site_role=role)
    ada = walker("ada")
    bob = walker("bob", language="fr", scheme="dark")
    carol = walker("carol", language="fr")

    _uploads(ada, tmp_path)
    _asks_for_a_release(ada)
    _weighs_and_approves(bob)
    _accepts_and_downloads(carol, tmp_path)
    _recalls(bob)
    _reads_of_the_recall(carol)
    bob.page.reload()
    bob.link("Who received it").click()
    row = bob.page.get_by_role("row").filter(has_text=User.objects.get(username="carol").public_id)
    expect(row.get_by_role("cell").last).not_to_have_text("–")  # read
    bob.looks()


def _uploads(ada: Walker, folder: Path) -> None:
    ada.begins()
    ada.link("New model").click()
    ada.page.locator("[name=name]").fill("med-8b")
    ada.page.locator("[name=license]").select_option("llama3.1")
    ada.looks()
    ada.button("Make it").click()
    ada.reads("%(name)s is made. Now its files.", name=NAME)
    repository = Repository.objects.get(name="med-8b")
    files = {"README.md": factories.CARD, "model.safetensors": WEIGHTS}
    for path, content in factories.with_copies(files, repository).items():
        (at := folder / "med-8b" / path).parent.mkdir(exist_ok=True)
        at.write_bytes(content.encode() if isinstance(content, str) else content)
    ada.page.locator("[data-part=folder]").set_input_files(folder / "med-8b")
    ada.button("Upload", exact=True).click()

    ada.page.wait_for_url("**/checks/*")
    ada.reads("Waiting to run.")
    factories.finish_checks(Revision.objects.latest("pk"), "warned", WARNED)
    expect(ada.page.get_by_text("The model repeats itself").first).to_be_visible()
    ada.looks()
    expect_ended()


def _asks_for_a_release(ada: Walker) -> None:
    ada.link("Releases").click()
    ada.field("Version label").fill("v1.0")
    ada.looks()
    ada.button("Request the release").click()
    expect(ada.page.get_by_text("v1.0 is in review.")).to_be_visible()
    ada.looks()


def _weighs_and_approves(bob: Walker) -> None:
    bob.begins()
    bob.page.get_by_role("link", name=re.compile(bob.words("Reviews"))).click()
    bob.looks()
    bob.link("Checklist and reasons").click()
    bob.field("To look at before an approval").fill("The samples were read")
    bob.button("Add it").first.click()
    bob.looks()
    bob.page.go_back()
    bob.page.goto("/review")
    bob.button("Take").click()
    expect(bob.button("Give up")).to_be_visible()
    bob.looks()
    bob.page.get_by_role("link", name=f"{NAME} v1.0").click()
    bob.looks()

    bob.link("Remark on the release").click()
    bob.field("What you see, or ask").fill("Which **books** were these?")
    bob.looks()
    bob.button("Remark", "verb").click()
    expect(bob.page.get_by_text("books", exact=True).first).to_be_visible()
    bob.page.get_by_label(re.compile("GEN-DEGENERATE")).check()
    bob.page.get_by_label("The samples were read").check()
    bob.looks()
    bob.button("Approve", exact=True).click()
    expect(bob.page.get_by_role("status").first).to_contain_text(NAME)
    bob.looks()
    assert Release.objects.get().status == Status.RELEASED


def _accepts_and_downloads(carol: Walker, folder: Path) -> None:
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    page = carol.page
    page.goto("/")
    carol.looks()
    carol.field("Search", exact=True).fill("med")
    carol.field("Search", exact=True).press("Enter")
    page.get_by_role("link", name=NAME).click()
    carol.looks()
    carol.link("Sign in to accept").click()
    carol.signs_in()
    carol.reads("Terms for downloading this model")
    carol.field("Your full name").fill("Carol Reader")
    carol.button("Accept the terms").click()
    carol.reads("You accepted exactly these terms.")
    carol.link("Your receipt").click()
    carol.looks()

    page.goto(f"/{NAME}")
    carol.looks()
    carol.link("Files").click()
    carol.looks()
    for name, content in {
        "model.safetensors": WEIGHTS,
        "README.md": factories.CARD.encode(),
    }.items():
        row = page.get_by_role("row").filter(has_text=name)
        with page.expect_download() as started:
            row.get_by_role("link", name=re.compile(carol.words("Download"))).click()
        assert started.value.suggested_filename == name
        started.value.save_as(folder / "got")
        assert (folder / "got").read_bytes() == content


def _recalls(bob: Walker) -> None:
    bob.page.goto(Release.objects.get().get_absolute_url())
    bob.page.locator(".step-fold summary", has_text=bob.words("Recall for good")).click()
    bob.page.locator("a[href*='/advise?step=recall']").click()
    bob.looks()
    bob.page.locator("input[name=step][value=recall]").check()
    bob.page.get_by_label(re.compile(r"^v1\.0")).check()
    bob.field("What it is about").select_option("malware")
    bob.field("How severe it is").select_option("critical")
    bob.field("Reason", exact=True).fill(WHY)
    bob.looks()
    bob.button("Do it and tell them").click()
    expect(bob.page.get_by_text(WHY)).to_be_visible()
    bob.looks()
    recipients.tell(Advisory.objects.get())


def _reads_of_the_recall(carol: Walker) -> None:
    page = carol.page
    page.goto(f"/{NAME}")
    carol.reads("Recalled.")
    assert page.request.get(f"/{NAME}/resolve/main/model.safetensors").status == 403
    carol.link("Advisories").click()
    carol.reads("You received these")
    carol.link("Read it and say so").click()
    expect(page.get_by_text(WHY)).to_be_visible()
    carol.looks()
    carol.button("I read this").click()
    carol.reads("Noted that you read it.")
    public_id = Advisory.objects.get().public_id
    for feed in ("json", "atom"):
        assert public_id in page.request.get(f"/feeds/advisories.{feed}").text()
