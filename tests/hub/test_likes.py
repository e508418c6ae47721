"""Likes on the wire: counted once a person, whoever comes at the same moment, and never a leak."""

import pytest

from registry.catalog import likes
from registry.catalog.models import Like, Repository, Visibility
from tests.factories import (
    as_caller,
    make_organisation,
    make_released,
    make_repository,
    make_revision,
    make_token,
    make_user,
)
from tests.hub.calls import Wire, seen
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db


def test_a_like_is_counted_shown_and_taken_back() -> None:
    repository, bob = make_released().repository, make_user("bob", full_name="Bob B.")
    wire, path = Wire(bob), f"/api/models/{repository}"

    assert wire.post(f"{path}/like").status_code == 200
    assert wire.post(f"{path}/like").status_code == 200
    liked = wire.get("/api/users/BOB/likes").json()
    people = Wire().get(f"{path}/likers").json()
    shown = Wire().get(path).json()["likes"]
    listed = Wire().get("/api/models?sort=likes").json()[0]["likes"]
    assert wire.delete(f"{path}/like").status_code == 200
    assert wire.delete(f"{path}/like").status_code == 200

    assert people == [{"user": "bob", "fullname": "Bob B.", "avatarUrl": ""}]
    assert [one["repo"] for one in liked] == [{"name": str(repository), "type": "model"}]
    assert liked[0]["createdAt"].endswith("Z")
    assert (shown, listed) == (1, 1)
    assert Wire().get(path).json()["likes"] == 0
    assert Wire().get(f"{path}/likers").json() == []


def test_the_most_liked_comes_first() -> None:
    first, second = make_released().repository, make_released().repository
    likes.like(first, by=as_caller(make_user()))

    ids = [one["id"] for one in Wire().get("/api/models?sort=likes").json()]

    assert ids == [str(first), str(second)]


def test_liking_needs_somebody_with_the_right_to_write_who_sees_the_model() -> None:
    hidden = make_revision().repository
    repository = make_released().repository
    path = f"/api/models/{repository}/like"

    assert Wire().post(path).status_code == 401
    assert Wire(make_user(), "read").post(path).status_code == 403
    assert Wire(make_user(), "read").delete(path).status_code == 403
    assert seen(Wire(make_user()).post(f"/api/models/{hidden}/like"))[:2] == (404, "RepoNotFound")
    assert seen(Wire(make_user()).get(f"/api/models/{hidden}/likers"))[:2] == (404, "RepoNotFound")
    assert not Like.objects.exists()


def test_what_somebody_likes_is_told_as_far_as_the_asker_may_know_of_it() -> None:
    repository, bob = make_released().repository, make_user("bob")
    likes.like(repository, by=as_caller(bob))
    Repository.objects.update(visibility=Visibility.PRIVATE)

    assert Wire().get("/api/users/bob/likes").json() == []
    assert len(Wire(repository.created_by).get("/api/users/bob/likes").json()) == 1
    assert Wire().get("/api/users/nobody/likes").json() == []


def test_a_token_limited_to_other_repositories_likes_nothing_here() -> None:
    bob, other = make_user(), make_repository()
    repository = make_released().repository
    secret = make_token(bob, "write", repositories=[other.public_id])

    assert Wire(secret=secret).post(f"/api/models/{repository}/like").status_code == 404


def test_likers_come_in_pages() -> None:
    repository = make_released().repository
    for _ in range(3):
        likes.like(repository, by=as_caller(make_user()))

    first = Wire().get(f"/api/models/{repository}/likers?limit=2")
    rest = first["Link"].split(">")[0].removeprefix("<http://testserver")

    assert len(first.json()) == 2
    assert len(Wire().get(rest).json()) == 1
    assert Wire().get(f"/api/models/{repository}/likers?cursor=x").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_the_number_is_that_of_the_people_whoever_comes_at_once() -> None:
    repository = make_repository()
    callers = [as_caller(make_user()) for _ in range(4)]
    likes.like(repository, by=callers[3])

    at_once(
        *[lambda by=by: likes.like(repository, by=by) for by in [*callers[:3]] * 2],
        *[lambda: likes.unlike(repository, by=callers[3])] * 2,
    )

    repository.refresh_from_db()
    assert repository.likes == Like.objects.filter(repository=repository).count() == 3


def test_a_person_likes_a_repository_once() -> None:
    repository, bob = make_repository(), make_user()
    Like.objects.create(user=bob, repository=repository)
    with refused_by("liked_once_by_a_person"):
        Like.objects.create(user=bob, repository=repository)


def test_organisations_are_not_people() -> None:
    make_organisation("lab")

    assert Wire().get("/api/users/lab/likes").json() == []
    assert Wire().get("/api/users/lab/overview").status_code == 404
