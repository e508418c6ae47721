"""What a grant opens: from when to when, which files and releases, and how many downloads."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.utils import timezone

from registry.accounts.callers import NOBODY
from registry.accounts.models import User
from registry.agreements import grants
from registry.agreements.models import AccessGroup, AccessGroupEntry, AccessRequest, Grant
from registry.audit import access
from registry.audit.models import Access
from registry.catalog.models import Repository
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db
T = datetime(2026, 3, 3, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
WEIGHTS = {"a.safetensors": 1000, "b.safetensors": 3000}


@pytest.fixture
def repository() -> Repository:
    return factories.make_repository()


@pytest.fixture
def bob() -> User:
    return factories.make_user("bob")


def _grant(repository: Repository, user: User, **scope) -> Grant:
    request = AccessRequest.objects.filter(user=user, repository=repository).first()
    request = request or AccessRequest.objects.create(
        repository=repository,
        user=user,
        state="accepted",
        mode="manual",
        asked_at=T,
        reviewed_at=T,
        group=scope.get("group"),
    )
    rest = {"starts_at": T} | scope
    return Grant.objects.create(request=request, repository=repository, user=user, **rest)


def _opening(repository: Repository, user: User, now: datetime) -> list[Grant]:
    return grants.opening(repository, factories.as_caller(user), now)


def _note(grant: Grant, path: str, first: int, last: int, at: datetime, digest: str = "d") -> None:
    access.note(
        Access(
            at=at,
            repository=grant.repository.public_id,
            revision="0" * 40,
            release_digest=digest,
            path=path,
            sha256="0" * 64,
            first_byte=first,
            last_byte=last,
            size=WEIGHTS.get(path, 10),
            reason="granted",
            grant=grant.public_id,
        )
    )


def test_a_grant_opens_from_its_start_on_and_up_to_its_end(repository, bob):
    end = T + timedelta(days=1)
    grant = _grant(repository, bob, ends_at=end)

    assert _opening(repository, bob, T - TICK) == []
    assert _opening(repository, bob, T) == [grant]
    assert _opening(repository, bob, end - TICK) == [grant]
    assert _opening(repository, bob, end) == []


def test_a_grant_opens_to_its_person_and_in_its_repository_alone(repository, bob):
    _grant(repository, bob)
    other = factories.make_repository(repository.created_by)

    assert _opening(other, bob, T) == []
    assert _opening(repository, factories.make_user(), T) == []
    assert grants.opening(repository, NOBODY, T) == []


def test_a_grant_for_a_group_opens_what_is_in_it_at_that_time(repository, bob):
    group = AccessGroup.objects.create(namespace=repository.namespace, name="g", created_at=T)
    other = factories.make_repository(repository.created_by)
    left, joined = T + timedelta(days=1), T + timedelta(days=2)
    AccessGroupEntry.objects.create(group=group, repository=repository, since=T, until=left)
    AccessGroupEntry.objects.create(group=group, repository=other, since=joined)
    grant = _grant(repository, bob, group=group)

    assert _opening(repository, bob, left - TICK) == [grant]
    assert _opening(repository, bob, left) == []
    assert _opening(other, bob, joined - TICK) == []
    assert _opening(other, bob, joined) == [grant]


def test_a_group_opens_nothing_that_left_its_namespace(repository, bob):
    elsewhere = factories.make_organisation()
    group = AccessGroup.objects.create(namespace=elsewhere, name="g", created_at=T)
    AccessGroupEntry.objects.create(group=group, repository=repository, since=T)
    _grant(repository, bob, group=group)

    assert _opening(repository, bob, T) == []


def test_a_grant_with_limits_does_not_open_everything(repository, bob):
    limited = _grant(repository, bob, patterns=["original/*"])
    assert grants.in_force(repository, caller=factories.as_caller(bob), now=T) is None

    whole = _grant(repository, bob, renews=limited)

    assert _opening(repository, bob, T) == [whole, limited]
    assert grants.in_force(repository, caller=factories.as_caller(bob), now=T) == whole


def test_one_query_finds_the_grants(repository, bob, django_assert_num_queries):
    _grant(repository, bob)
    _opening(repository, bob, T)

    with django_assert_num_queries(1):
        assert len(_opening(repository, bob, T)) == 1


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.safetensors", "model.safetensors", True),
        ("*.safetensors", "sub/model.safetensors", True),
        ("*.safetensors", "model.safetensors.index.json", False),
        ("original/*", "original/params.json", True),
        ("original/*", "config.json", False),
        ("original/", "original/deep/params.json", True),
        ("original/", "original", False),
        ("original", "original/params.json", False),
        ("config.json", "CONFIG.json", False),
        ("[", "[", True),
    ],
)
def test_patterns_are_read_as_the_client_reads_them(pattern, path, fits):
    from huggingface_hub.utils import filter_repo_objects

    assert grants.covers(Grant(patterns=[pattern]), path=path, places={}) is fits
    assert (list(filter_repo_objects([path], allow_patterns=[pattern])) == [path]) is fits


def test_patterns_open_no_whole_and_none_open_it():
    assert not grants.covers(Grant(patterns=["*"]), places={})
    assert grants.covers(Grant(), places={})


def test_a_hostile_pattern_takes_no_time():
    grant = Grant(patterns=["*a" * 100] * 50)
    begun = timezone.now()

    assert not grants.covers(grant, path="a" * 1023 + "b", places={})
    assert timezone.now() - begun < timedelta(seconds=5)


def test_a_range_of_releases_includes_both_ends_and_nothing_beyond():
    places = {"first": 3, "last": 7}
    grant = Grant(first_release="first", last_release="last")

    inside = [one for one in range(10) if grants.covers(grant, release=one, places=places)]
    assert inside == [3, 4, 5, 6, 7]
    assert not grants.covers(grant, release=None, places=places)
    assert not grants.covers(grant, release=5, places={"first": 3})
    assert grants.covers(Grant(first_release="first"), release=9, places=places)
    assert not grants.covers(Grant(last_release="last"), release=8, places=places)
    assert grants.covers(Grant(), release=None, places={})
    assert grants.bounds([grant, Grant()]) == {"first", "last"}


def test_ranges_resumes_and_parallel_pieces_of_one_download_count_once(repository, bob):
    grant = _grant(repository, bob, full_downloads=1)
    _note(grant, "a.safetensors", 0, 999, T)
    _note(grant, "b.safetensors", 0, 2999, T + TICK)
    _note(grant, "b.safetensors", 1500, 2999, T + timedelta(hours=3))
    for start in range(0, 3000, 500):
        _note(grant, "b.safetensors", start, start + 499, T + timedelta(hours=4))
    _note(grant, "config.json", 0, 9, T)

    assert grants.used(grant, release_digest="d", weights=WEIGHTS) == 1
    assert grants.used(grant, release_digest="e", weights=WEIGHTS) == 0


def test_a_download_is_over_a_day_after_its_first_byte(repository, bob):
    grant = _grant(repository, bob, full_downloads=1)
    _note(grant, "a.safetensors", 0, 999, T)
    _note(grant, "b.safetensors", 0, 2999, T + timedelta(hours=1))

    def is_used_up(now):
        return grants.is_used_up(grant, release_digest="d", weights=WEIGHTS, now=now)

    assert not is_used_up(T + grants.SESSION - TICK)
    assert is_used_up(T + grants.SESSION)
    grant.full_downloads = 2
    assert not is_used_up(T + grants.SESSION)
    grant.full_downloads = None
    assert not is_used_up(T + grants.SESSION)


def test_parts_of_a_download_add_up(repository, bob):
    grant = _grant(repository, bob, full_downloads=1)
    day = grants.SESSION
    _note(grant, "a.safetensors", 0, 999, T)
    _note(grant, "b.safetensors", 0, 1999, T + day)
    _note(grant, "b.safetensors", 1000, 1999, T + day + day / 2)

    assert grants.used(grant, release_digest="d", weights=WEIGHTS) == Fraction(3, 4)
    _note(grant, "b.safetensors", 2000, 2999, T + 2 * day)

    assert grants.used(grant, release_digest="d", weights=WEIGHTS) == 1
    now = T + 3 * day
    assert not grants.is_used_up(grant, release_digest="d", weights=WEIGHTS, now=now - TICK)
    assert grants.is_used_up(grant, release_digest="d", weights=WEIGHTS, now=now)


def test_nothing_is_used_of_a_release_without_weights(repository, bob):
    grant = _grant(repository, bob, full_downloads=1)
    _note(grant, "config.json", 0, 9, T)

    assert grants.used(grant, release_digest="d", weights={}) == 0


def test_downloads_are_counted_by_an_index(repository, bob):
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'audit_access_by_grant'")
        assert "(access_grant, release_digest, at) WHERE" in cursor.fetchone()[0]


def test_the_database_keeps_scope_and_end_of_grants_consistent(repository, bob):
    grant = _grant(repository, bob)
    _grant(repository, bob, renews=grant)

    with refused_by("grant_is_renewed_once"):
        _grant(repository, bob, renews=grant)
    with refused_by("grant_of_downloads_allows_one"):
        _grant(repository, bob, full_downloads=0, ends_at=T)
    with refused_by("revoked_grant_has_ended"):
        Grant.objects.filter(pk=grant.pk).update(revoked_at=T)
