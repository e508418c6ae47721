"""Asking for access from a terminal, deciding about it, grants and groups, over the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.accounts.models import Scope, User
from registry.agreements import requests
from registry.agreements.models import Acceptance, Grant
from registry.catalog.models import Gated
from registry.releases.models import Release
from tests import factories
from tests.agreements.access import ANSWERS, ASKING_CARD, make_gated
from tests.api.calls import As

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return make_gated(card=ASKING_CARD)


@pytest.fixture
def bob() -> User:
    return factories.make_user("bob", full_name="Bob B.")


@pytest.fixture
def owner(release: Release) -> As:
    return As(release.repository.created_by)


def _at(release: Release, rest: str) -> str:
    return f"/models/{release.repository.full_name}/{rest}"


def _ask(release: Release, caller: As, **rest):
    return caller.post(_at(release, "access-request"), {"answers": ANSWERS, **rest})


def _decide(release: Release, owner: As, step: str, **body):
    (one,) = owner.get(_at(release, "access-requests")).json()["items"]
    return owner.post(_at(release, f"access-requests/{one['id']}/{step}"), body)


def test_anybody_reads_what_is_asked(release):
    given = As().get(_at(release, "access-request")).json()

    assert given["gated"] == "manual"
    assert [one["label"] for one in given["questions"]] == ["Affiliation", "Purpose", "I agree"]
    assert given["questions"][1]["options"] == [["research", "research"], ["other", "Other things"]]
    assert (given["request"], given["grants"]) == (None, [])


def test_a_person_asks_with_purpose_and_end_and_sees_how_they_stand(release, bob):
    caller = As(bob, Scope.WRITE)
    until = timezone.now() + timedelta(days=9)

    given = _ask(release, caller, purpose="tests", wanted_until=until.isoformat())

    assert given.status_code == 201
    mine = caller.get(_at(release, "access-request")).json()["request"]
    assert given.json()["request"] == mine
    assert (mine["state"], mine["purpose"]) == ("pending", "tests")
    assert mine["lapses_at"] is not None
    taken = caller.post(_at(release, "access-request/withdraw")).json()
    assert taken["request"]["state"] == "withdrawn"


def test_request_and_acceptance_are_one_call_that_echoes_the_hash(bob):
    release = make_gated(Gated.AUTO, card=factories.CARD)
    caller = As(bob)

    asked = caller.get(_at(release, "access-request")).json()
    wrong = caller.post(_at(release, "access-request"), {"terms_hash": "0" * 64})
    assert (wrong.status_code, Acceptance.objects.count()) == (409, 0)
    assert requests.newest(release.repository, bob) is None
    given = caller.post(
        _at(release, "access-request"), {"terms_hash": asked["terms_hash"], "typed_name": "Bob"}
    )

    assert given.status_code == 201
    assert given.json()["request"]["state"] == "accepted"
    assert given.json()["terms_open"]
    assert Acceptance.objects.get().terms_hash == asked["terms_hash"]


def test_a_publisher_asks_back_and_a_person_answers(release, bob, owner):
    caller = As(bob)
    _ask(release, caller)

    asked = _decide(release, owner, "ask-back", question="For which hospital?")
    answered = caller.post(_at(release, "access-request/answer"), {"text": "None."})

    assert asked.json()["state"] == "returned"
    assert answered.json()["request"]["state"] == "pending"
    assert [m["by"] for m in answered.json()["request"]["messages"]] == ["publisher", "person"]
    again = caller.post(_at(release, "access-request/answer"), {"text": "None."})
    assert again.status_code == 404


def test_a_publisher_lists_accepts_with_a_scope_renews_and_revokes(release, bob, owner):
    _ask(release, As(bob))
    end = timezone.now() + timedelta(days=30)
    scope = {
        "ends_at": end.isoformat(),
        "patterns": ["*.safetensors"],
        "first_release": "v1.0",
        "full_downloads": 2,
    }

    listed = owner.get(_at(release, "access-requests"), state="pending").json()
    assert listed["count"] == 1
    assert listed["items"][0]["email"] == bob.email
    assert listed["items"][0]["answers"]["Affiliation"] == "ACME"
    assert _decide(release, owner, "accept", scope=scope).json()["state"] == "accepted"

    (grant,) = owner.get(_at(release, "access-grants")).json()["items"]
    assert grant["patterns"] == ["*.safetensors"]
    assert (grant["first_release"], grant["full_downloads"]) == ("v1.0", 2)
    assert grant["downloads_used"] == 0
    assert grant["state"] == "in force"
    assert Grant.objects.get().first_release == release.public_id
    mine = As(bob).get(_at(release, "access-request")).json()["grants"]
    assert mine == [grant]
    path = _at(release, f"access-grants/{grant['id']}")
    assert As(bob).post(f"{path}/ask-renewal").json()["renewal_asked_at"]
    later = (end + timedelta(days=30)).isoformat()
    renewed = owner.post(f"{path}/renew", {"ends_at": later})
    assert (renewed.status_code, renewed.json()["renews"]) == (201, grant["id"])
    assert owner.post(f"{path}/renew", {"ends_at": later}).status_code == 409
    assert owner.post(f"{path}/revoke", {"reason": "over"}).json()["state"] == "revoked"
    assert requests.newest(release.repository, bob).state == "rejected"


def test_a_publisher_lets_in_and_gives_one_more(release, bob, owner):
    path = _at(release, "access-grants")

    first = owner.post(path, {"user": "bob", "scope": {"patterns": ["*.json"]}})
    second = owner.post(
        path, {"user": "bob", "scope": {"ends_at": "2100-01-01T00:00:00Z", "patterns": ["*"]}}
    )
    third = owner.post(path, {"user": "nobody"})

    assert [one.status_code for one in (first, second, third)] == [201, 422, 404]
    end = (timezone.now() + timedelta(days=5)).isoformat()
    assert owner.post(path, {"user": "bob", "scope": {"ends_at": end}}).status_code == 201
    assert Grant.objects.count() == 2


@pytest.mark.parametrize("first", ["v9", "0" * 24])
def test_a_scope_names_releases_that_there_are(release, bob, owner, first):
    _ask(release, As(bob))

    answer = _decide(release, owner, "accept", scope={"first_release": first})

    assert answer.status_code == 422
    assert "no release" in answer.json()["error"]
    assert not Grant.objects.exists()


def test_others_neither_see_nor_decide(release, bob, owner):
    _ask(release, As(bob))
    (one,) = owner.get(_at(release, "access-requests")).json()["items"]
    _decide(release, owner, "accept")
    (grant,) = owner.get(_at(release, "access-grants")).json()["items"]
    reading = As(release.repository.created_by, Scope.READ)

    for caller in (As(bob), As(factories.make_maintainer()), reading):
        for path in ("access-requests", "access-grants"):
            assert caller.get(_at(release, path)).status_code == 403
        for path, body in (
            (f"access-requests/{one['id']}/reject", {}),
            ("access-grants", {"user": "bob"}),
            (f"access-grants/{grant['id']}/renew", {"ends_at": "2100-01-01T00:00:00Z"}),
            (f"access-grants/{grant['id']}/revoke", {}),
        ):
            assert caller.post(_at(release, path), body).status_code == 403
    stranger = As(factories.make_user())
    path = _at(release, f"access-grants/{grant['id']}/ask-renewal")
    assert stranger.post(path).status_code == 404
    assert As().post(_at(release, "access-request"), {}).status_code == 401
    reading = As(factories.make_user(), Scope.READ)
    assert _ask(release, reading).status_code == 403
    assert Grant.objects.count() == 1


def test_a_repository_that_one_may_not_know_of_has_no_requests(owner):
    hidden = factories.make_release()
    caller = As(factories.make_user())

    for path in ("access-request", "access-requests", "access-grants"):
        assert caller.get(_at(hidden, path)).status_code == 404


def test_an_admin_makes_a_group_and_one_request_is_for_all_of_it(release, bob, owner):
    namespace = f"/namespaces/{release.repository.namespace.name}/access-groups"
    other = make_gated(
        Gated.NO, repository=factories.make_repository(release.repository.created_by)
    )

    made = owner.post(namespace, {"name": "Medical"})
    group = f"{namespace}/{made.json()['id']}"
    for one in (release, other):
        assert owner.post(f"{group}/put", {"repository": one.repository.full_name})
    owner.post(f"{group}/gated", {"gated": "manual"})
    given = _ask(other, As(bob), answers={}).json()

    assert made.status_code == 201
    assert (given["group"], given["request"]["group"]) == ("Medical", "Medical")
    assert _decide(release, owner, "accept").status_code == 200
    assert As(bob).get(_at(other, "access")).json()["is_open"]
    assert As(bob).get(_at(release, "access")).json()["is_open"]
    owner.post(f"{group}/take-out", {"repository": other.repository.full_name})
    assert not As(bob).get(_at(other, "access")).json()["is_open"]
    listed = owner.get(namespace).json()
    assert listed[0]["repositories"] == [release.repository.full_name]


def test_groups_are_for_admins(release, bob, owner):
    path = f"/namespaces/{release.repository.namespace.name}/access-groups"
    group = owner.post(path, {"name": "Medical"}).json()["id"]

    for caller in (As(bob), As(release.repository.created_by, Scope.WRITE)):
        assert caller.get(path).status_code == 403
        assert caller.post(path, {"name": "Mine"}).status_code == 403
        for act in ("put", "take-out"):
            body = {"repository": release.repository.full_name}
            assert caller.post(f"{path}/{group}/{act}", body).status_code == 403
        assert caller.post(f"{path}/{group}/gated", {"gated": False}).status_code == 403
    elsewhere = factories.make_organisation(owner=bob).name
    assert As(bob).get(f"/namespaces/{elsewhere}/access-groups").json() == []
    stolen = f"/namespaces/{elsewhere}/access-groups/{group}/gated"
    assert As(bob).post(stolen, {"gated": False}).status_code == 404
