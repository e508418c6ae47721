"""What programs read: feeds, the sitemap, and the descriptions in pages. All of it is public."""

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from registry.catalog import facts
from registry.catalog.models import Repository
from registry.releases import entries
from registry.web.templatetags import catalog
from registry.web.views import sitemap
from tests import factories

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"
SITES = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def lab() -> Repository:
    """`lab/shown` is released; beside it there is one in quarantine and one for members alone."""
    ada = factories.make_user("ada")
    factories.make_organisation("lab", owner=ada)
    shown = factories.make_repository(ada, "shown", namespace="lab")
    factories.make_released(shown)
    factories.make_revision(factories.make_repository(ada, "unfinished", namespace="lab"))
    secretive = factories.make_repository(ada, "secretive", namespace="lab", visibility="private")
    factories.make_released(secretive)
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    return shown


@pytest.mark.parametrize("path", ["/feeds/models.xml", "/feeds/lab.xml", "/feeds/LAB.xml"])
def test_a_feed_holds_what_everybody_may_know_whoever_asks(
    client: Client, lab: Repository, path: str
) -> None:
    client.force_login(lab.created_by)

    answer = client.get(path)
    feed = _parsed(answer.content)

    assert answer["Content-Type"] == "application/atom+xml"
    assert [one.findtext(f"{ATOM}title") for one in feed.iter(f"{ATOM}entry")] == ["lab/shown v1.0"]
    assert client.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_a_feed_is_of_any_state_of_the_catalog(client: Client, lab: Repository) -> None:
    def titles(query: str) -> int:
        feed = _parsed(client.get(f"/feeds/models.xml?{query}").content)
        return len(list(feed.iter(f"{ATOM}entry")))

    assert titles("license=llama3.1&sort=name") == 1
    assert titles("license=mit") == 0
    assert titles("q=unfinished") == 0
    assert client.get("/feeds/nobody-of-this-name.xml").status_code == 404


def test_notes_with_signs_that_xml_cannot_write_break_no_feed(
    client: Client, lab: Repository
) -> None:
    lab.releases.update(notes="a\x0cb <b>&</b> \ufffe")

    feed = _parsed(client.get("/feeds/lab.xml").content)

    summary = feed.find(f"{ATOM}entry/{ATOM}summary")
    assert summary is not None
    # A reader takes this for HTML: the notes are its text, and no part of its markup
    assert (summary.get("type"), summary.text) == ("html", "ab &lt;b&gt;&amp;&lt;/b&gt; ")


def test_the_sitemap_names_what_everybody_may_see(
    client: Client, lab: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def places(query: str = "") -> list[str]:
        answer = client.get(f"/sitemap.xml{query}")
        found = _parsed(answer.getvalue())
        return [
            str(one.text).removeprefix("http://testserver") for one in found.iter(f"{SITES}loc")
        ]

    client.force_login(lab.created_by)
    whole = places()
    assert {"/", "/lab", "/lab/shown", "/licenses/llama3-1"} <= set(whole)
    assert not [one for one in whole if "unfinished" in one or "secretive" in one]
    monkeypatch.setattr(sitemap, "PER_FILE", 1)
    factories.make_released()
    assert places() == ["/sitemap.xml?file=1", "/sitemap.xml?file=2"]
    assert len(places("?file=2")) == 1
    for wrong in ("0", "3", "x", "999999999"):
        assert client.get(f"/sitemap.xml?file={wrong}").status_code in {200, 404}
    assert client.get("/sitemap.xml?file=3").status_code == 404
    assert "Sitemap: http://testserver/sitemap.xml" in client.get("/robots.txt").text


def test_a_model_is_described_for_search_engines_and_previews(
    client: Client, lab: Repository
) -> None:
    page = client.get("/lab/shown").text

    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert block is not None
    said = json.loads(block[1])
    assert said["name"] == "lab/shown"
    assert said["url"] == "http://testserver/lab/shown"
    assert said["creator"]["@type"] == "Organization"
    assert said["license"] == ["http://testserver/licenses/llama3-1"]
    assert 'property="og:title" content="lab/shown"' in page
    assert "SearchAction" in client.get("/").text


def _parsed(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)  # noqa: S314 - our own answer


def test_nothing_in_a_description_ends_its_block() -> None:
    made = catalog.json_ld({"name": "</script><script>alert(1)</script><!-- &"})

    assert made.count("<") == 2
    assert json.loads(made[made.index("{") : made.rindex("}") + 1])["name"].startswith("</script>")


def test_datasets_have_a_feed_and_a_place_in_the_sitemap_where_they_are_switched_on(
    client: Client, lab: Repository, settings: Any
) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    texts = factories.make_repository(lab.created_by, "texts", namespace="lab", type="dataset")
    factories.make_released(texts)
    entries.refresh(Repository.objects.values_list("pk", flat=True))
    settings.REPOSITORY_TYPES = ["model"]
    off = client.get("/feeds/datasets.xml").status_code
    settings.REPOSITORY_TYPES = ["model", "dataset"]

    feed = client.get("/feeds/datasets.xml?license=llama3.1")
    places = b"".join(client.get("/sitemap.xml")).decode()
    listed = client.get("/datasets").text

    assert off == 404
    titles = [one.findtext(f"{ATOM}title") for one in _parsed(feed.content).iter(f"{ATOM}entry")]
    assert titles == ["lab/texts v1.0"]
    assert "<loc>http://testserver/datasets</loc>" in places
    assert "/datasets/lab/texts</loc>" in places
    assert 'href="/feeds/datasets.xml"' in listed
    assert "lab/texts v1.0" in client.get("/feeds/lab.xml").text
    assert "lab/texts" not in client.get("/feeds/models.xml").text


def test_a_shared_link_says_what_kind_of_page_it_leads_to(client: Client, lab: Repository) -> None:
    facts.load()
    kinds = {
        f"/{lab.full_name}": "website",
        "/ada": "profile",
        "/lab": "website",
        "/licenses/llama3-1": "article",
        "/families/llama-3-1": "article",
        "/families/llama-3-1/llama-3-1-405b-instruct": "article",
    }
    said = {}
    for path, kind in kinds.items():
        page = client.get(path).text
        assert f'<meta property="og:type" content="{kind}">' in page, path
        assert ("profile:username" in page) == (kind == "profile")
        found = re.search(r'<meta name="description" content="([^"]+)">', page)
        assert found, path
        said[path] = found[1]
    assert len(set(said.values())) == len(kinds)
