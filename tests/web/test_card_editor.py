"""Editing a card on a page: what is not touched stays as written, the wire's own messages, and two
people at once."""

import pytest
from django.test import Client

from registry.catalog import facts
from registry.catalog.models import MAIN, Ref, Repository, Revision
from registry.discussions.models import Discussion
from registry.errors import Invalid
from registry.releases import card_edits, front_matter
from registry.web.views import card_editor
from tests.factories import make_commit, make_facts, make_released, make_repository, make_user

pytestmark = pytest.mark.django_db
CARD = """---
# about the license
license: apache-2.0
my_key: {kept: [1, 2]}  # mine
tags:
- one
- two
language: en
---
# A model

Words.
"""


@pytest.fixture
def repository() -> Repository:
    found = make_repository(make_user("ada"))
    make_commit(found, {"README.md": CARD})
    return found


def head(repository: Repository) -> Revision:
    return Ref.objects.get(repository=repository, name=MAIN).head


def typed(repository: Repository, **changes: str) -> dict[str, str]:
    """The form as the page fills it in, with some of it changed."""
    at = head(repository)
    parts = card_edits.parts_of(card_edits.text_at(at))
    filled = dict(parts.values) | {"prose": parts.prose, "began": at.oid, "parent": at.oid}
    return filled | changes


def test_what_is_not_touched_stays_as_it_was_written(
    client: Client, repository: Repository
) -> None:
    client.force_login(repository.created_by)
    sent = typed(repository, base_model="lab/a, lab/b", language="", tags="one, three")
    sent["prose"] = sent["prose"].replace("Words.", "More words.").replace("\n", "\r\n")

    answer = client.post(f"/{repository}/edit/main/README.md", sent | {"summary": "Name the base"})

    made = head(repository)
    assert answer["Location"] == f"/{repository}/checks/{made.oid}"
    assert made.title == "Name the base"
    assert card_edits.text_at(made) == (
        "---\n# about the license\nlicense: apache-2.0\nmy_key: {kept: [1, 2]}  # mine\n"
        "tags: [one, three]\nbase_model: [lab/a, lab/b]\n---\n# A model\n\nMore words.\n"
    )


def test_a_preview_writes_nothing_and_says_what_the_wire_would(
    client: Client, repository: Repository
) -> None:
    client.force_login(repository.created_by)
    at = f"/{repository}/edit/main/README.md"
    bad = typed(repository, license="my-own", prose="# Title\n\n<script>x()</script>\n\n*soft*")
    count = Revision.objects.count()
    sent = {"repoType": "model", "content": CARD.replace("apache-2.0", "my-own")}
    wire = client.post("/api/validate-yaml", sent, content_type="application/json").json()

    part = client.post(at, bad | {"step": "preview"}, headers={"HX-Request": "true"}).text
    page = client.post(at, bad | {"step": "preview"}).text
    refused = client.post(at, bad)

    for text in (part, page, refused.text):
        assert wire["errors"][0]["message"].replace('"', "&quot;") in text
    assert "<em>soft</em>" in part
    assert "<script>x" not in part
    assert "<html" not in part
    assert 'value="my-own"' in page
    assert refused.status_code == 400
    assert Revision.objects.count() == count


def test_a_license_says_at_once_what_it_asks_of_these_files(
    client: Client, repository: Repository
) -> None:
    make_facts()
    facts.load()
    client.force_login(repository.created_by)
    at = f"/{repository}/edit/main/README.md"
    base = {"license": "llama3.1", "base_model": "meta-llama/Llama-3.1-8B-Instruct"}

    page = client.get(at).text
    part = client.post(
        at, typed(repository, **base) | {"step": "look"}, headers={"HX-Request": "true"}
    ).text
    make_commit(repository, {"LICENSE": "A copy", "USE_POLICY.md": "Its policy"})
    met = client.post(at, typed(repository, **base, prose="Built with Llama") | {"step": "look"})

    assert '<option value="llama3.1">' in page
    assert "Built with Llama" in part
    assert "a file USE_POLICY.md" in part
    assert "<html" not in part
    assert "in the prose of README.md" not in met.text


def test_who_was_slower_sees_the_difference_and_loses_nothing(
    client: Client, repository: Repository
) -> None:
    client.force_login(repository.created_by)
    at = f"/{repository}/edit/main/README.md"
    mine = typed(repository, pipeline_tag="text-generation")
    make_commit(repository, {"README.md": CARD.replace("apache-2.0", "mit")})
    theirs = head(repository)

    first = client.post(at, mine)
    assert first.status_code == 409
    assert "+license: mit" in first.text
    assert 'value="text-generation"' in first.text
    assert f'value="{theirs.oid}"' in first.text
    assert head(repository) == theirs

    client.post(at, mine | {"parent": theirs.oid})
    card = head(repository).card
    assert (card["license"], card["pipeline_tag"]) == ("mit", "text-generation")


def test_what_others_changed_is_told_in_a_time_that_has_a_bound() -> None:
    old, new = ("\n".join(str(at % each) for at in range(4_000)) for each in (7, 5))

    told = card_editor._changed(old, new).split("\n")

    assert len(told) == card_editor.MOST_LINES
    assert {line[0] for line in told[10:]} == {"-"}  # what takes too long is told as replaced


def test_source_is_for_what_a_form_cannot_hold(client: Client, repository: Repository) -> None:
    client.force_login(repository.created_by)
    at = f"/{repository}/edit/main/README.md"
    oid = head(repository).oid

    page = client.get(f"{at}?as=source").text
    client.post(
        f"{at}?as=source",
        {"began": oid, "parent": oid, "source": "---\r\nlicense: mit\r\n---\r\nShort.\r\n"},
    )

    assert "my_key: {kept: [1, 2]}  # mine" in page
    assert card_edits.text_at(head(repository)) == "---\nlicense: mit\n---\nShort.\n"


def test_a_card_whose_front_matter_never_ends_is_shown_as_it_reads(
    client: Client, repository: Repository
) -> None:
    make_commit(repository, {"README.md": "---\nlicense: mit\n\n# Words\n"})
    client.force_login(repository.created_by)
    at = f"/{repository}/edit/main/README.md"

    pages = [client.get(f"{at}{ask}") for ask in ("", "?as=source")]

    assert [page.status_code for page in pages] == [200, 200]
    for page in pages:
        assert "license: mit" in page.text.split("prose preview", 1)[1]


def test_who_may_not_write_proposes_and_who_may_not_know_finds_nothing(client: Client) -> None:
    public, hidden = make_released().repository, make_repository(visibility="private")
    assert client.get(f"/{hidden}/edit/main/README.md").status_code == 302
    client.force_login(bob := make_user("bob"))
    assert client.get(f"/{hidden}/edit/main/README.md").status_code == 404
    assert client.get(f"/{public}/edit/other/README.md").status_code == 404

    answer = client.post(
        f"/{public}/edit/main/README.md", typed(public, tags="better") | {"summary": "A tag"}
    )

    proposed = Discussion.objects.get(repository=public, kind="pull_request")
    assert (answer["Location"], proposed.author) == (proposed.get_absolute_url(), bob)
    assert head(public).author != bob


def test_a_key_goes_only_where_whole_lines_hold_it() -> None:
    assert front_matter.without(CARD, "tags") == CARD.replace("tags:\n- one\n- two\n", "")
    assert front_matter.without(CARD, "absent") == CARD
    with pytest.raises(Invalid, match="cannot be taken out"):
        front_matter.without("---\n{license: mit, tags: [a]}\n---\n", "tags")


def test_what_is_wrong_with_a_card_is_said_in_the_language_of_the_page(
    client: Client, repository: Repository
) -> None:
    client.force_login(repository.created_by)
    wrong = typed(repository, language="??")

    page = client.post(
        f"/{repository}/edit/main/README.md", wrong, headers={"Accept-Language": "fr"}
    )

    assert "« language » doit être un code" in page.text.replace("\u202f", " ")
    assert "must be a language code" not in page.text
