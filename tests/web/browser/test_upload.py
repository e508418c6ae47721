"""Uploading a folder in a real browser: hashes, parts, a pause, a reload, and the exact bytes at the
end."""

import hashlib
import random
import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from playwright.sync_api import Page, Route, expect

from registry.accounts.models import AccessToken
from registry.catalog import files
from registry.catalog.models import Revision, RevisionState
from registry.storage import blobs, parts
from registry.storage.models import Upload
from tests import factories
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SIZES = [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 4096]
DIGESTS = """async (sizes) => {
  const { Sha256 } = await import("/static/js/upload/sha256.js");
  return sizes.map((size) => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7 + 3) % 251);
    const hasher = new Sha256();
    for (let at = 0, step = 1; at < size; at += step, step = (step * 3) % 97) {
      hasher.update(bytes.subarray(at, at + step));
    }
    return hasher.hex();
  });
}"""


def _folder(at: Path) -> dict[str, bytes]:
    rng = random.Random(6)  # noqa: S311
    contents = {
        "README.md": factories.CARD.encode(),
        "config.json": b'{"model_type": "llama"}\n',
        "weights/model.safetensors": rng.randbytes(700_000),
        "weights/a copy.safetensors": b"the same",
        "weights/same.safetensors": b"the same",
        "naïve.txt": "é\n".encode(),
    }
    for name, content in {**contents, ".git/config": b"left out"}.items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return contents


def _drop(page: Page, folder: Path) -> None:
    """What a person does with a folder of their desktop, through the browser's own drag and drop."""
    box = page.locator("[data-part=place]").bounding_box()
    assert box
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": step, **place, "data": data})


def test_a_folder_that_is_dropped_is_uploaded_without_its_own_name(
    page: Page, tmp_path: Path
) -> None:
    contents = _folder(tmp_path / "my-model")
    repository = factories.make_repository(ada := factories.make_user("ada"))
    sign_in(page.context, ada)
    page.goto(f"/{repository}/upload/main")

    _drop(page, tmp_path / "my-model")
    expect(page.locator("[data-part=chosen]")).to_contain_text("6 files, 700 kB")
    expect(page.locator("[data-part=chosen]")).to_contain_text("caches): 1.")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url("**/checks/*")

    head = Revision.objects.filter(repository=repository).latest("pk")
    held = {
        one.path: blobs.read(one.sha256, limit=10**6)
        for one in files.files_of(head)
        if one.path != ".gitattributes"
    }
    assert held == contents


@pytest.mark.looks_at("card-edit", "dashboard", "new-repository", "upload")
def test_a_folder_is_paused_resumed_and_ends_byte_for_byte_in_quarantine(
    page: Page,
    picture_folder: Path | None,
    tmp_path: Path,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.LFS_PARTS_THRESHOLD = 300_000
    monkeypatch.setattr(parts, "PART", 128 * 1024)
    monkeypatch.setattr(parts, "PIECE", 64 * 1024)
    contents = _folder(tmp_path / "my-model")
    repository = factories.make_repository(ada := factories.make_user("ada"))
    sign_in(page.context, ada)
    path = f"/{repository}/upload/main"
    look(page, "upload", path, picture_folder)
    look(page, "new-repository", "/new?base=lab/base", picture_folder)
    look(page, "card-editor", f"/{repository}/edit/main/README.md", picture_folder)
    look(page, "dashboard", "/dashboard", picture_folder)

    page.goto(path)
    made = [bytes((i * 7 + 3) % 251 for i in range(size)) for size in SIZES]
    assert page.evaluate(DIGESTS, SIZES) == [hashlib.sha256(one).hexdigest() for one in made]

    # The third part is on its way when the person pauses, and then leaves
    sent: list[int] = []

    def part(route: Route) -> None:
        number = int(route.request.url.partition("?")[0].rpartition("/")[2])
        sent.append(number)
        if sent == [1, 2, 3]:
            page.locator("[data-part=pause]").evaluate("button => button.click()")
            route.abort()
        else:
            route.continue_()

    page.route("**/lfs/uploads/*/*", part)
    page.locator("[data-part=folder]").set_input_files(tmp_path / "my-model")
    expect(page.locator("[data-part=chosen]")).to_contain_text("6 files, 700 kB")
    expect(page.locator("[data-part=chosen]")).to_contain_text("caches): 1.")
    if picture_folder is not None:
        page.screenshot(path=picture_folder / "upload-chosen.png", full_page=True)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_text("Paused.").first).to_be_visible()
    assert Upload.objects.count() == 1
    assert Revision.objects.filter(repository=repository).count() == 1

    page.goto(path)
    page.locator("[data-part=folder]").set_input_files(tmp_path / "my-model")
    page.get_by_label("What changes").first.fill("Weights of a small model")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url("**/checks/*")

    assert sorted(sent) == [1, 2, 3, 3, 4, 5, 6]
    head = Revision.objects.filter(repository=repository).latest("pk")
    assert page.url.endswith(head.oid)
    assert (head.state, head.title) == (RevisionState.QUARANTINE, "Weights of a small model")
    found = {one.path: one for one in files.files_of(head) if one.path != ".gitattributes"}
    held = {name: blobs.read(one.sha256, limit=10**6) for name, one in found.items()}
    assert held == contents
    assert found["weights/model.safetensors"].is_lfs
    expect_ended()


def expect_ended() -> None:
    """Every token of the page is over: those of the left page too."""
    for _ in range(100):
        if not AccessToken.objects.filter(revoked_at=None).exists():
            return
        time.sleep(0.05)
    raise AssertionError("a token of the upload page still works")
