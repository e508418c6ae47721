"""The pages of discussions and pull requests, looked at as the others are."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry.discussions import threads
from tests.factories import (
    CARD,
    as_caller,
    make_pull_request,
    make_released,
    make_repository,
    make_user,
)
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
TEXT = """Does it *know* the `llama3` template? I get

```
jinja2.exceptions.TemplateError: Conversation roles must alternate user/assistant/user/assistant/
```

- first with a-very-long-word-without-any-space-that-has-to-break-somewhere-on-a-narrow-screen
- then with [the card](https://example.org)

| a | b |
|---|---|
| 1 | 2 |
"""


@pytest.mark.looks_at("discussion", "discussion-new", "discussions")
def test_discussions_and_pull_requests(page: Page, picture_folder: Path | None) -> None:
    owner, asker = make_user("ada"), make_user("bob")
    repository = make_repository(owner, "llama-med-8b-with-a-long-name")
    make_released(repository, files={"README.md": CARD, "notes.txt": "one\ntwo\n"})
    asked = threads.open_thread(
        repository, title="Which chat template is meant?", text=TEXT, by=as_caller(asker)
    )
    threads.comment(asked, "The one of the base. " * 20, by=as_caller(owner))
    threads.rename(asked, "Which chat template is meant here?", by=as_caller(asker))
    pull = make_pull_request(
        repository, {"notes.txt": "one\nthree\n", "docs/data.md": "# Data\n"}, by=owner
    )
    closed = threads.open_thread(repository, title="Old", text="Old", by=as_caller(asker))
    threads.set_status(closed, "closed", by=as_caller(asker), text="Never mind.")
    there = f"/{repository}/discussions"

    look(page, "discussions-visitor", there, picture_folder)
    sign_in(page.context, owner)
    for name, path in {
        "discussion": asked.get_absolute_url(),
        "discussion-new": f"{there}/new",
        "pull-request": pull.get_absolute_url(),
    }.items():
        look(page, name, path, picture_folder, unfolded=True)
