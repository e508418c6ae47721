"""The queue as reviewers work at it, remarks, reviews apart, what is told, and the policies' pages."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.accounts import languages
from registry.accounts.models import User
from registry.outbox.models import Kind, Message
from registry.releases import checklists, claims, policies, reasons, remarks, workflow
from registry.releases.models import ChecklistTick, Claim, Release, Remark, Status
from registry.releases.remarks import Where
from registry.releases.tasks import count_duties
from registry.web.revision_diff import anchor_of
from tests import factories
from tests.factories import as_caller
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(client: Client) -> User:
    maintainer = factories.make_maintainer("bob")
    client.force_login(maintainer)
    return maintainer


def _owner(release: Release) -> Any:
    return as_caller(release.opened_by)


def test_the_queue_says_risks_and_is_filtered_by_its_address(client: Client, bob: User) -> None:
    first = factories.make_release()
    repository = factories.make_released().repository
    again = factories.make_commit(repository, {"config.json": "{}"})
    factories.finish_checks(again, "warned")
    update = workflow.open_release(again, version="v2.0", by=as_caller(repository.created_by))
    Release.objects.filter(pk=update.pk).update(due_at=update.opened_at)

    page = client.get("/review").text
    assert page.index(update.public_id) < page.index(first.public_id)
    for said in ("1 warning", "new contributor", "first release", ">update<", "Llama 3.1"):
        assert said in page
    assert page.count("duties not counted yet") == 2
    count_duties()
    Release.objects.filter(pk=first.pk).update(open_duties=3)
    page = client.get("/review").text
    assert "duties not counted yet" not in page
    assert f'href="/review/{first.public_id}#duties"' in page
    assert "3 open duties</a>" in page

    assert 'href="?export=csv"' in page
    table = client.get("/review?export=csv&risk=warned").text.splitlines()
    assert len(table) == 2
    assert table[1].startswith(f"{update.public_id},{repository.full_name},v2.0,in_review,")

    def listed(query: str) -> list[str]:
        text = client.get(f"/review?{query}").text
        return [one.version for one in (first, update) if f'href="/review/{one.public_id}"' in text]

    for query, versions in {
        "risk=warned": ["v2.0"],
        "risk=first": ["v1.0"],
        "risk=duties": ["v1.0"],
        "risk=newcomer": ["v1.0"],
        "risk=code": [],
        "risk=blocked": [],
        "overdue=1": ["v2.0"],
        f"namespace={first.repository.namespace.name.upper()}": ["v1.0"],
        "state=changes_requested": [],
        "holder=mine": [],
        "holder=unclaimed": ["v1.0", "v2.0"],
        "sort=size&risk=nonsense&state=nonsense": ["v1.0", "v2.0"],
    }.items():
        assert listed(query) == versions, query


def test_a_review_is_taken_given_and_given_up_from_the_pages(client: Client, bob: User) -> None:
    release = factories.make_release()
    carol = factories.make_maintainer("carol")

    form = form_to(client.get("/review?sort=age").text, f"/review/{release.public_id}/claim")
    answer = client.post(form.action, form.filled())
    assert answer["Location"] == "/review?sort=age"
    assert Claim.objects.get().reviewer == bob
    assert f"/review/{release.public_id}/unclaim" in client.get("/review?holder=mine").text
    refused = client.post(form.action, {"reviewer": "carol"}, follow=True)
    assert "bob works on it already" in refused.text
    away = {"reviewer": "bob", "next": "https://elsewhere.example/review"}
    answer = client.post(f"/review/{release.public_id}/unclaim", away)
    assert answer["Location"] == release.get_absolute_url()
    client.post(form.action, {"reviewer": "carol"})
    assert claims.living(release.opened_at).get().reviewer == carol
    for somebody in (release.opened_by, factories.make_user()):
        client.force_login(somebody)
        assert client.post(form.action).status_code == 404
        assert client.post(f"/review/{release.public_id}/unclaim").status_code == 404


def test_the_checklist_is_ticked_kept_and_asked_for(client: Client, bob: User) -> None:
    release = factories.make_release()
    one = checklists.add("Read the samples", namespace=None, by=as_caller(bob))
    two = checklists.add(
        "Names the data", namespace=release.repository.namespace, by=_owner(release)
    )
    address = f"/review/{release.public_id}"
    typed = {"digest": release.digest}

    assert "Checklist: 0 of 2" in client.get(address).text
    client.post(f"{address}/tick", typed | {"looked_at": [one.public_id]})
    assert "Checklist: 1 of 2" in client.get(address).text
    refused = client.post(f"{address}/approve", typed)
    assert refused.status_code == 409
    assert "Still to look at: Names the data" in refused.text
    stale = client.post(f"{address}/tick", {"digest": "0" * 64, "looked_at": [two.public_id]})
    assert stale.status_code == 409
    client.force_login(release.opened_by)
    assert client.post(f"{address}/tick", typed | {"looked_at": [two.public_id]}).status_code == 409
    assert ChecklistTick.objects.count() == 1
    client.force_login(bob)
    client.post(f"{address}/approve", typed | {"looked_at": [two.public_id]})
    release.refresh_from_db()
    assert release.status == Status.RELEASED


def test_a_line_is_remarked_answered_and_settled_on_the_page(client: Client, bob: User) -> None:
    release = factories.make_release()
    address = f"/review/{release.public_id}"
    place = f"{address}/remark?path=README.md&line=2&side=after"

    assert "Remark on line 2" in client.get(address).text
    form = form_to(client.get(place).text, "")
    empty = client.post(place, form.filled(text="  "))
    assert empty.status_code == 409
    answer = client.post(place, form.filled(text="Which **license**?"))
    remark = Remark.objects.get()
    assert answer["Location"] == f"{address}#{anchor_of('README.md')}-L2"
    page = client.get(address).text
    assert page.count("Which <strong>license</strong>?") == 2  # at its line, and in the list
    assert "1 remark is open" in page
    act = f"{address}/remarks/{remark.event.public_id}"
    client.force_login(release.opened_by)
    client.post(f"{act}/answer", {"text": "This one."})
    client.post(f"{act}/resolve")
    assert "dealt with, says" in client.get(address).text
    assert Remark.objects.filter(answers=remark).count() == 1
    client.post(f"{act}/reopen")
    assert client.post(f"{act}/explode").status_code == 404
    client.force_login(factories.make_user())
    assert client.get(place).status_code == 404
    assert client.post(f"{act}/resolve").status_code == 404
    assert client.get(f"{address}/remark?line=x&path=y").status_code == 404
    client.force_login(bob)
    for wrong in ("?line=x&path=README.md", "?path=gone", "?check=W-FINITE"):
        answer = client.post(f"{address}/remark{wrong}", form.filled(text="Here?"))
        assert answer.status_code == 409


def test_the_page_costs_the_same_however_much_was_said(client: Client, bob: User) -> None:
    release = factories.make_release()

    def cost() -> int:
        remark = remarks.make(release, "Why?", where=Where(), by=as_caller(bob))
        remarks.answer(remark, "So.", by=_owner(release))
        with CaptureQueriesContext(connection) as found:
            assert client.get(f"/review/{release.public_id}").status_code == 200
        return len(found)

    cost()  # what is read once by a process
    assert cost() == cost()


def test_a_page_with_all_that_there_is_asks_few_questions(client: Client, bob: User) -> None:
    lab = factories.make_organisation("lab")
    owner = as_caller(lab.memberships.get().user)
    repository = factories.make_released(
        factories.make_repository(owner.user, "med", namespace="lab")
    ).repository
    factories.finish_checks(
        factories.make_commit(repository, {"README.md": f"{factories.CARD}\nMore.\n", "a": "a"}),
        "warned",
    )
    head = repository.revisions.latest("pk")
    release = workflow.open_release(head, version="v2.0", by=owner)
    checklists.add("The data are named", namespace=lab, by=owner)
    reasons.add("reject", title="Data", text="Name the data.", by=as_caller(bob))
    where = Where("line", "README.md", 2, "after")
    remarks.answer(remarks.make(release, "Why?", where=where, by=as_caller(bob)), "So.", by=owner)
    policies.set_approvals(lab, 2, by="")

    def cost() -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(f"/review/{release.public_id}").status_code == 200
        return len(found)

    cost()  # what is read once by a process
    assert cost() <= 49


def test_a_review_apart_shows_nothing_of_others_on_page_thread_wire_and_api(
    client: Client, bob: User
) -> None:
    release = factories.make_release()
    namespace = release.repository.namespace
    policies.change(namespace, approvals=2, reviews_apart=True, bars=[], by=_owner(release))
    remarks.make(release, "zebra remark", where=Where(), by=as_caller(bob))
    workflow.transition("approve", release, by=as_caller(bob), reason="zebra reason")
    carol = factories.make_maintainer()
    name = release.repository.full_name
    thread = f"/discussions/{release.discussion.number}"
    pages = [f"/review/{release.public_id}", f"/{name}{thread}"]
    wire = [f"/api/models/{name}{thread}", f"/api/v1/releases/{release.public_id}"]
    wire.append(f"/api/v1/releases/{release.public_id}/remarks")

    def zebras(user: User) -> list[bool]:
        client.force_login(user)
        token = {"Authorization": f"Bearer {factories.make_token(user, 'admin')}"}
        texts = [client.get(page).text for page in pages]
        texts += [client.get(address, headers=token).text for address in wire]
        return ["zebra" in text for text in texts]

    assert zebras(carol) == [False] * 5
    assert "Look for yourself" in client.get(pages[0]).text
    assert zebras(bob) == [True] * 5
    workflow.transition("approve", release, by=as_caller(carol))
    assert zebras(carol) == [True] * 5


def test_what_is_told_is_shown_before_and_a_reason_is_a_start(client: Client, bob: User) -> None:
    release = factories.make_release()
    ready = reasons.add("reject", title="Data", text="Name the data.", by=as_caller(bob))
    address = f"/review/{release.public_id}/reject"
    typed = {"digest": release.digest, "template": ready.public_id}

    started = client.post(address, typed | {"reason": "Sorry.", "start": "1"}).text
    preview = client.post(address, typed | {"reason": "Sorry & bye.", "preview": "1"}).text

    assert "Sorry.\n\nName the data.</textarea>" in started
    assert "The reason given:\n\nSorry &amp; bye." in preview
    assert 'id="told"' in preview
    release.refresh_from_db()
    assert release.status == Status.IN_REVIEW
    assert not Message.objects.filter(kind=Kind.MAIL).exists()


def test_what_is_told_is_shown_in_the_language_in_which_it_is_sent(
    client: Client, bob: User
) -> None:
    release = factories.make_release()
    languages.choose(release.opened_by, "fr")
    typed = {"digest": release.digest, "reason": "Sorry.", "preview": "1"}

    page = client.post(f"/review/{release.public_id}/reject", typed).text

    assert '<html lang="en">' in page
    assert '<pre class="mail" lang="fr">' in page
    assert "Le motif donné" in page


def test_a_member_acknowledges_their_interest_on_the_page(client: Client) -> None:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    release = factories.make_release(factories.make_repository(owner, namespace="lab"))
    member = factories.make_member(lab, "read")
    User.objects.filter(pk=member.pk).update(site_role="maintainer")
    client.force_login(member)
    address = f"/review/{release.public_id}"

    assert 'name="conflicts" value="same_organisation"' in client.get(address).text
    typed = {"digest": release.digest}
    assert client.post(f"{address}/approve", typed).status_code == 409
    client.post(f"{address}/approve", typed | {"conflicts": "same_organisation"})
    assert "a member of the namespace" in client.get(address).text


def test_admins_set_the_policy_and_maintainers_read_it(client: Client, bob: User) -> None:
    lab = factories.make_organisation("lab")
    admin = lab.memberships.get().user
    address = "/settings/policies/lab"
    wanted = {"approvals": "2", "reviews_apart": "1", "bars": ["parent_author"]}

    assert "Keep the policy" not in client.get(address).text
    assert client.post(address, wanted).status_code == 409
    assert client.post(f"{address}/checklist", {"text": "Mine"}).status_code == 409
    client.force_login(factories.make_member(lab))
    assert client.get(address).status_code == 404
    client.force_login(admin)
    assert client.post(address, wanted | {"approvals": "x"}).status_code == 409
    assert client.post(address, wanted)["Location"] == address
    policy = policies.of(lab.pk)
    assert (policy.approvals, policy.reviews_apart, policy.bars) == (2, True, ["parent_author"])
    client.post(f"{address}/checklist", {"text": "Names the data"})
    item = checklists.of_namespace(lab).get()
    assert item.text in client.get(address).text
    client.post(f"{address}/checklist/{item.public_id}/retire")
    assert not checklists.of_namespace(lab).exists()


def test_maintainers_keep_the_checklist_and_the_reasons_of_the_site(
    client: Client, bob: User
) -> None:
    address = "/review/settings"
    client.post(f"{address}/checklist", {"text": "Read the samples"})
    wrong = client.post(f"{address}/reasons", {"step": "reject", "title": "T", "text": ""})
    assert wrong.status_code == 409
    client.post(f"{address}/reasons", {"step": "reject", "title": "Data", "text": "Name it."})
    page = client.get(address).text
    assert "Read the samples" in page
    assert "Name it." in page
    item, reason = checklists.of_namespace(None).get(), reasons.living().get()
    client.force_login(factories.make_user())
    for path in ("", "/checklist", "/reasons", f"/checklist/{item.public_id}/retire"):
        method = client.post if path else client.get
        assert method(f"{address}{path}", {"text": "x"}).status_code == 404
    assert client.post(f"{address}/reasons/{reason.public_id}/retire").status_code == 404
    client.force_login(bob)
    client.post(f"{address}/checklist/{item.public_id}/retire")
    client.post(f"{address}/reasons/{reason.public_id}/retire")
    assert not checklists.of_namespace(None).exists()
    assert not reasons.living().exists()
