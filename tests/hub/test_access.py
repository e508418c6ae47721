"""The wire of access requests: what each call answers, and to whom."""

import json
from urllib.parse import urlencode

import pytest

from registry.accounts.models import Namespace, Role
from registry.agreements import requests, terms
from registry.agreements.models import Document
from registry.catalog import facts
from registry.catalog.models import Gated, Repository
from tests import factories
from tests.agreements.access import ASKING_CARD, ask, make_gated, owner_of, set_mode
from tests.hub.calls import Wire, seen
from tests.hub.test_queries import queries

pytestmark = pytest.mark.django_db

WEIGHTS = "model.safetensors"
NO_REQUEST = (404, "", "No access request found matching your criteria")
HERE = "http://testserver"


@pytest.fixture
def repository() -> Repository:
    return make_gated().repository


@pytest.fixture
def owner(repository) -> Wire:
    return Wire(repository.created_by)


@pytest.fixture
def bob():
    return factories.make_user("bob", full_name="Bob B.")


def _api(repository: Repository, what: str) -> str:
    return f"/api/models/{repository}/user-access-request/{what}"


def _listed(owner: Wire, repository: Repository, state: str) -> list:
    return owner.get(_api(repository, state)).json()


def test_a_request_is_listed_in_full_and_moves_from_list_to_list(repository, owner, bob):
    asked = Wire(bob).post(f"/{repository}/ask-access", {})
    (item,) = _listed(owner, repository, "pending")
    decided = owner.post(_api(repository, "handle"), {"user": "bob", "status": "accepted"})

    assert (asked.status_code, asked["Location"]) == (303, f"/{repository}")
    assert item["user"] == {
        "_id": bob.public_id,
        "user": "bob",
        "fullname": "Bob B.",
        "email": bob.email,
        "type": "user",
        "avatarUrl": "",
    }
    assert item["status"] == "pending"
    assert item["timestamp"].endswith("Z")
    assert not {"reviewedAt", "fields", "grantedBy"} & item.keys()
    assert (decided.status_code, decided.json()) == (200, {})
    assert _listed(owner, repository, "pending") == []
    (accepted,) = _listed(owner, repository, "accepted")
    assert accepted["requestId"] == item["requestId"]
    assert accepted["timestamp"] == item["timestamp"]
    assert accepted["reviewedAt"].endswith("Z")
    assert accepted["grantedBy"]["user"] == repository.created_by.username


def test_the_errors_of_handling(repository, owner, bob):
    path = _api(repository, "handle")
    assert seen(owner.post(path, {"user": "bob", "status": "accepted"})) == NO_REQUEST
    ask(repository, bob)
    assert seen(owner.post(path, {"user": "bob", "status": "pending"})) == NO_REQUEST
    nobody = owner.post(path, {"user": "no-such-user", "status": "accepted"})
    assert seen(nobody) == (404, "", "User not found")
    for wrong in [
        {"user": "bob", "status": "granted"},
        {"user": "bob", "status": "rejected", "rejectionReason": "x" * 201},
        {"status": "accepted"},
        {"user": "bob", "requestId": "x", "status": "accepted"},
        {"user": ["bob"], "status": "accepted"},
        [],
    ]:
        assert owner.post(path, wrong).status_code == 400, wrong
    rejected = {"user": "bob", "status": "rejected", "rejectionReason": "x" * 200}
    assert owner.post(path, rejected).status_code == 200


def test_granting_puts_a_person_into_accepted_whatever_was(repository, owner, bob):
    path = _api(repository, "grant")

    assert owner.post(path, {"user": "bob"}).json() == {}
    (item,) = _listed(owner, repository, "accepted")
    assert "email" not in item["user"]
    again = owner.post(path, {"user": "bob"})
    assert seen(again) == (400, "", "That user already has access to the repo")
    assert seen(owner.post(path, {"user": "nobody"})) == (404, "", "User not found")
    set_mode(repository, Gated.NO)
    assert seen(owner.post(path, {"user": "bob"}))[:2] == (400, "RepoNotGated")


def test_a_person_takes_back_their_own_pending_request(repository, owner, bob):
    wire, path = Wire(bob), _api(repository, "cancel")
    none = (404, "", "No pending access request found for this repo and this user")
    assert seen(wire.post(path)) == none
    wire.post(f"/{repository}/ask-access", {})

    assert wire.post(path).json() == {"ok": True}

    assert seen(wire.post(path)) == none
    assert [_listed(owner, repository, state) for state in ("pending", "rejected")] == [[], []]
    assert Wire().post(path).status_code == 401


@pytest.mark.parametrize("scope", ["read", "write"])
def test_only_who_writes_the_repository_sees_or_decides(repository, bob, scope):
    organisation = factories.make_organisation()
    member = factories.make_member(organisation, Role.READ)
    Repository.objects.filter(pk=repository.pk).update(namespace=organisation)
    repository.refresh_from_db()
    wires = [Wire(bob, scope), Wire(member, scope)]
    if scope == "read":
        wires.append(Wire(organisation.memberships.first().user, "read"))

    for wire in wires:
        for answer in [
            wire.get(_api(repository, "pending")),
            wire.post(_api(repository, "handle"), {"user": "bob", "status": "accepted"}),
            wire.post(_api(repository, "grant"), {"user": "bob"}),
            wire.get(f"/{repository}/user-access-report"),
        ]:
            assert answer.status_code == 403
            assert bob.email not in answer.sent.decode()
    assert Wire().get(_api(repository, "pending")).status_code == 401


def test_a_private_repository_tells_strangers_nothing_of_its_requests(repository, bob):
    Repository.objects.filter(pk=repository.pk).update(visibility="private")

    for path in [f"/{repository}/ask-access", _api(repository, "cancel")]:
        answer = Wire(bob).post(path)
        assert seen(answer) == (404, "RepoNotFound", "Repository not found")


def test_asking_with_a_form_answers_the_questions_of_the_card(owner, bob):
    repository = make_gated(card=ASKING_CARD).repository
    wire, path = Wire(bob), f"/{repository}/ask-access"
    form = urlencode({"Affiliation": "ACME", "Purpose": "other", "I agree": "on"})

    missing = wire.post(path, {"Affiliation": "ACME"})
    answer = wire.client.generic(
        "POST",
        path,
        form,
        content_type="application/x-www-form-urlencoded",
        headers=wire.headers,
        RAW_URI=path,
    )

    assert missing.status_code == 400
    assert "Purpose" in missing.json()["error"]
    assert answer.status_code == 303
    (item,) = _listed(Wire(repository.created_by), repository, "pending")
    assert item["fields"] == {"Affiliation": "ACME", "Purpose": "other", "I agree": "true"}


def test_asking_needs_a_person_and_hostile_bodies_are_refused(repository, bob):
    path = f"/{repository}/ask-access"

    assert Wire().post(path).status_code == 401
    assert Wire(bob, "read").post(path).status_code == 403
    for body in (b"[]", b"{", b'"x"', b'{"a": "\\u0000"}'):
        assert Wire(bob).post(path, body).status_code == 400
    assert requests.newest(repository, bob) is None


def test_the_messages_of_a_closed_gate_are_those_that_clients_know(repository, bob):
    wire, path = Wire(bob), f"/{repository}/resolve/main/{WEIGHTS}"
    start = f"Access to model {repository} is restricted"

    assert seen(Wire().head(path)) == (
        401,
        "GatedRepo",
        f"{start}. You must have access to it and be authenticated to access it. Please log in.",
    )
    assert seen(wire.head(path)) == (
        403,
        "GatedRepo",
        f"{start} and you are not in the authorized list. Visit {HERE}/{repository} to ask for "
        "access.",
    )
    ask(repository, bob)
    pending = (
        f"Your request to access model {repository} is awaiting a review from the repo authors."
    )
    assert seen(wire.head(path)) == (403, "GatedRepo", pending)
    requests.handle(repository, status="rejected", user="bob", by=owner_of(repository))
    rejected = f"Your request to access model {repository} has been rejected by the repo's authors."
    assert seen(wire.head(path)) == (403, "GatedRepo", rejected)
    assert seen(wire.get(f"/api/models/{repository}/auth-check")) == (403, "GatedRepo", rejected)
    requests.grant(repository, user="bob", by=owner_of(repository))
    assert wire.head(path).status_code == 200
    requests.handle(repository, status="rejected", user="bob", by=owner_of(repository))
    assert wire.get(path, range="bytes=0-3").status_code == 403


def test_the_report_is_a_file_of_all_requests(repository, owner, bob):
    ask(repository, bob)

    answer = owner.get(f"/{repository}/user-access-report")

    name = f"user-access-report-{repository.namespace.name}-{repository.name}.json"
    assert answer["Content-Disposition"] == f"attachment; filename={name}"
    (row,) = answer.json()
    assert row.keys() == {
        "fullname",
        "user",
        "email",
        "time",
        "reviewedAt",
        "status",
        "grantedBy",
    }


def test_lists_come_in_pages(repository, owner):
    for number in range(3):
        ask(repository, factories.make_user(f"reader{number}"))

    first = owner.get(_api(repository, "pending") + "?limit=2")
    link = first["Link"].split(";")[0].strip("<>").removeprefix(HERE)
    second = owner.get(link)

    names = [item["user"]["user"] for item in first.json() + second.json()]
    assert names == ["reader2", "reader1", "reader0"]
    assert "Link" not in second.headers
    assert owner.get(_api(repository, "withdrawn")).status_code == 400


@pytest.mark.parametrize("sent", ["manual", "auto", False])
def test_setting_gated_never_lowers_what_the_terms_ask(sent):
    release = factories.make_released()
    owner, path = Wire(release.repository.created_by), f"/api/models/{release.repository}"

    answer = owner.put(f"{path}/settings", {"gated": sent})

    expected = sent or "auto"
    assert answer.json() == {"gated": expected}
    assert ("X-HF-Warning" in answer.headers) == (sent is False)
    assert owner.get(path).json()["gated"] == expected
    for is_gated in ("true", "false"):
        found = owner.get(f"/api/models?gated={is_gated}&full=true").json()
        assert [one["gated"] for one in found] == ([expected] if is_gated == "true" else [])


@pytest.mark.parametrize("has_policy", [True, False])
@pytest.mark.parametrize("name", ["llama3.1", "apache-2.0", "[mit, llama3.1]"])
def test_the_filter_knows_what_a_release_would_ask(has_policy, name):
    card = f"---\nlicense: {name}\n---\n"
    repository = factories.make_revision(files={"README.md": card}).repository
    Document.objects.filter(is_site_policy=True).update(needs_acceptance=has_policy)
    owner = Wire(repository.created_by)

    gated = owner.get(f"/api/models/{repository}").json()["gated"]

    assert gated == ("auto" if has_policy or "llama" in name else False)
    for is_gated in (True, False):
        found = owner.get(f"/api/models?gated={is_gated}&expand=gated").json()
        assert [one["gated"] for one in found] == ([gated] if bool(gated) == is_gated else [])


@pytest.mark.parametrize(
    ("card", "asks"),
    [
        ("license: mit\nbase_model: meta-llama/Llama-3.1-8B", True),
        ("license: mit\nextra_gated_prompt: Be kind.", True),
        ("license: mit\nextra_gated_fields: {Company: text}", True),
        ("license: mit\nextra_gated_fields: {Place: ip_location}", False),
        ("license: mit\nextra_gated_heading: Hello", False),
        ("license: mit\nextra_gated_prompt: ''", False),
        ("license: mit\nbase_model: some/where", False),
    ],
)
def test_the_filter_asks_as_the_set_does_with_all_that_it_inherits(card, asks):
    factories.make_facts()
    facts.load()
    Document.objects.filter(is_site_policy=True).update(needs_acceptance=False)
    revision = factories.make_revision(files={"README.md": f"---\n{card}\n---\n"})
    owner = Wire(revision.repository.created_by)

    assert terms.of_revision(revision.repository, revision).needs_acceptance is asks
    assert bool(owner.get(f"/api/models/{revision.repository}").json()["gated"]) is asks
    for is_gated in (True, False):
        found = owner.get(f"/api/models?gated={is_gated}").json()
        assert len(found) == (is_gated is asks)


def test_a_filtered_list_leads_on_past_a_page_of_which_nothing_fits():
    Document.objects.filter(is_site_policy=True).update(needs_acceptance=False)
    card = {"README.md": "---\nlicense: mit\n---\n"}
    author = factories.make_user()
    asking = factories.make_repository(author)
    factories.make_revision(asking, files={"README.md": "---\nlicense: llama3.1\n---\n"})
    for _ in range(2):
        factories.make_revision(factories.make_repository(author), files=card)
    caller = Wire(author)

    first = caller.get("/api/models?gated=true&limit=2&sort=createdAt")
    second = caller.get(first.headers["Link"].split(">")[0].strip("<").partition("testserver")[2])

    assert first.json() == []
    assert [one["id"] for one in second.json()] == [asking.full_name]
    assert "Link" not in second.headers


@pytest.mark.parametrize("wrong", [True, "maybe", "", 1, ["auto"], {}])
def test_gated_takes_three_words(repository, owner, wrong):
    answer = owner.put(f"/api/models/{repository}/settings", {"gated": wrong})

    assert answer.status_code == 400
    repository.refresh_from_db()
    assert repository.gated == Gated.MANUAL


def test_setting_gated_needs_an_admin_with_a_token_that_writes(repository, bob):
    for wire in (Wire(bob), Wire(repository.created_by, "read"), Wire()):
        answer = wire.put(f"/api/models/{repository}/settings", {"gated": False})
        assert answer.status_code in {401, 403}


def test_settings_are_set_together(repository, owner):
    body = {"gated": "auto", "visibility": "private"}

    answer = owner.put(f"/api/models/{repository}/settings", body)

    assert answer.json() == body | {"private": True}


def test_in_a_plain_hub_asking_is_answered_as_the_mode_says(bob):
    revision = factories.make_revision()
    repository = revision.repository
    Namespace.objects.filter(pk=repository.namespace_id).update(publishes_on_commit=True)
    wire, path = Wire(bob), f"/{repository}/resolve/main/{WEIGHTS}"

    assert wire.get(path).status_code == 200
    set_mode(repository, Gated.AUTO)
    assert wire.get(path).status_code == 403
    assert wire.get(f"/api/models/{repository}").json()["gated"] == "auto"
    wire.post(f"/{repository}/ask-access", {})
    assert wire.get(path).sent == b"weights of the model"
    tree = {e["path"]: e for e in Wire().get(f"/api/models/{repository}/tree/main").json()}
    assert set(tree[WEIGHTS]["lfs"]["oid"]) == {"*"}
    assert Wire().get(f"/{repository}/resolve/main/README.md").status_code == 200


def test_answers_are_plain_json(repository, owner, bob):
    """`grant` and `handle` must answer JSON, whatever the client does with it."""
    answer = owner.post(_api(repository, "grant"), {"user": "bob"})

    assert json.loads(answer.sent) == {}
    assert answer["Content-Type"] == "application/json"


def test_a_lock_costs_one_query_more(bob):
    release = make_gated(card=factories.CARD)
    factories.accept_terms(release, bob)
    requests.grant(release.repository, user="bob", by=owner_of(release.repository))
    wire, path = Wire(bob, "read"), f"/{release.repository}/resolve/main/{WEIGHTS}"

    locked = len(queries(wire, "HEAD", path))
    set_mode(release.repository, Gated.NO)

    assert locked == len(queries(wire, "HEAD", path)) + 1
