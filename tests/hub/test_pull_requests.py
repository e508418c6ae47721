"""Nothing that is gated or in quarantine leaves by a pull request: callers by routes."""

import base64
import hashlib
import re
from typing import Any

import pytest

from registry.accounts import plain_hub
from registry.accounts.models import Role, User
from registry.audit.models import Access
from registry.catalog.models import Repository
from registry.discussions.models import Discussion
from registry.releases import diffs, workflow
from registry.releases.evidence import MASK
from tests import turns
from tests.factories import (
    CARD,
    accept_terms,
    as_caller,
    make_commit,
    make_maintainer,
    make_member,
    make_organisation,
    make_pull_request,
    make_released,
    make_repository,
    make_user,
)
from tests.hub.calls import Wire, file, lfs_file

pytestmark = pytest.mark.django_db
GATED = b"the gated weights"
SECRET = b"weights in quarantine"
OWN = b"what the stranger brought"
FILES = {"README.md": CARD, "model.safetensors": GATED, "config.json": "{}"}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def repository(owner: User) -> Repository:
    """Released with gated weights, and with others in quarantine on the head of main."""
    namespace = make_organisation(owner=owner)
    made = make_released(make_repository(owner, namespace=namespace.name), files=FILES).repository
    make_commit(made, {"secret.safetensors": SECRET}, title="A secret")
    return made


@pytest.fixture
def author() -> User:
    return make_user()


@pytest.fixture
def pull(repository: Repository, author: User) -> Discussion:
    return make_pull_request(
        repository, {"own.safetensors": OWN, "own.txt": "own text"}, by=author, title="Add own"
    )


def api(repository: Repository, rest: str) -> str:
    return f"/api/models/{repository}/{rest}"


def revision_of(pull: Discussion) -> str:
    return f"refs%2Fpr%2F{pull.number}"


def resolve(wire: Wire, pull: Discussion, path: str, route: str = "resolve") -> Any:
    return wire.get(f"/{pull.repository}/{route}/{revision_of(pull)}/{path}")


def test_its_author_reads_back_exactly_what_they_brought(pull: Discussion, author: User) -> None:
    wire = Wire(author)

    assert resolve(wire, pull, "own.safetensors").sent == OWN
    assert resolve(wire, pull, "own.txt").sent == b"own text"
    assert sha(OWN) in resolve(wire, pull, "own.safetensors", "raw").sent.decode()
    gated = resolve(wire, pull, "model.safetensors")
    assert (gated.status_code, gated["X-Error-Code"]) == (403, "GatedRepo")
    assert resolve(wire, pull, "model.safetensors", "raw").status_code == 403
    assert resolve(wire, pull, "README.md").status_code == 200
    assert resolve(wire, pull, "secret.safetensors").status_code == 404
    assert set(Access.objects.values_list("reason", flat=True)) == {"proposed", "open-file"}


def test_with_the_terms_accepted_the_files_of_the_base_open_too(
    pull: Discussion, author: User
) -> None:
    accept_terms(pull.repository.releases.get(), author)

    answer = resolve(Wire(author), pull, "model.safetensors")

    assert answer.sent == GATED
    details = Wire(author).get(api(pull.repository, f"discussions/{pull.number}?diff=1")).json()
    assert "+own text" in details["diff"]


@pytest.mark.parametrize("who", ["author", "accepted", "owner", "maintainer"])
def test_hashes_are_shown_to_those_who_may_have_the_bytes(
    pull: Discussion, author: User, owner: User, who: str
) -> None:
    people = {"owner": owner, "maintainer": make_maintainer()}
    if who == "accepted":
        accept_terms(pull.repository.releases.get(), author)
    wire, at = Wire(people.get(who, author)), revision_of(pull)

    shown: dict[str, list[str]] = {}
    for entry in wire.get(api(pull.repository, f"tree/{at}?recursive=true")).json():
        if "lfs" in entry:
            shown.setdefault(entry["path"], []).append(entry["lfs"]["oid"])
    for one in wire.get(api(pull.repository, f"revision/{at}?blobs=true")).json()["siblings"]:
        if "lfs" in one:
            shown[one["rfilename"]].append(one["lfs"]["sha256"])
    asked = {"paths": ["own.safetensors", "model.safetensors"]}
    for entry in wire.post(api(pull.repository, f"paths-info/{at}"), asked).json():
        shown[entry["path"]].append(entry["lfs"]["oid"])

    gated = MASK if who == "author" else sha(GATED)
    assert shown == {"own.safetensors": [sha(OWN)] * 3, "model.safetensors": [gated] * 3}


@pytest.mark.parametrize("who", ["nobody", "stranger", "reader", "accepted"])
def test_for_others_the_files_of_a_pull_request_do_not_exist(pull: Discussion, who: str) -> None:
    repository = pull.repository
    people = {"nobody": None, "reader": make_member(repository.namespace, Role.READ)}
    person = people.get(who, make_user()) if who != "nobody" else None
    if who == "accepted":
        accept_terms(repository.releases.get(), person)
    wire, oid = Wire(person), pull.proposal.ref.head.oid

    for at in (revision_of(pull), oid, oid[:8]):
        for path in (f"tree/{at}", f"revision/{at}", f"commits/{at}"):
            answer = wire.get(api(repository, path))
            assert answer["X-Error-Code"] == "RevisionNotFound", path
        assert wire.get(f"/{repository}/resolve/{at}/own.txt").status_code in {401, 403, 404}
    refs = wire.get(api(repository, "refs?include_prs=1")).json()
    assert refs["pullRequests"] == []
    details = wire.get(api(repository, f"discussions/{pull.number}?diff=1")).json()
    assert [event["type"] for event in details["events"]] == ["comment"]
    assert details["changes"] == {"base": "refs/heads/main"}
    assert "diff" not in details
    body = {"files": [{"path": "own.safetensors", "size": 3, "sample": "YWJj"}]}
    if person is not None:
        answer = wire.post(api(repository, f"preupload/{revision_of(pull)}"), body)
        assert answer.status_code == 403
        answer = wire.commit(repository, file("x.txt", b"x"), rev=revision_of(pull))
        assert answer.status_code == 403


@pytest.mark.parametrize("content", [GATED, SECRET, OWN, b"what nobody ever sent"])
def test_to_know_a_hash_gives_a_stranger_nothing(pull: Discussion, content: bytes) -> None:
    """Whatever the repository holds and whoever brought it, the answers are the same."""
    repository, wire = pull.repository, Wire(make_user())
    body = {"operation": "upload", "objects": [{"oid": sha(content), "size": len(content)}]}
    batch = wire.post(f"/{repository}.git/info/lfs/objects/batch", body).json()
    assert "upload" in batch["objects"][0]["actions"]
    verify = {"oid": sha(content), "size": len(content)}
    answer = wire.post(f"/{repository}.git/info/lfs/objects/verify", verify)
    assert answer.status_code == 400
    answer = wire.commit(repository, lfs_file("mine.safetensors", content), rev="main?create_pr=1")
    assert answer.status_code == 400
    assert "does not exist" in answer["X-Error-Message"]
    sizeless = lfs_file("mine.safetensors", content)
    del sizeless["value"]["size"]
    answer = wire.commit(repository, sizeless, rev="main?create_pr=1")
    assert answer.status_code == 400
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha(content)}\n"
    pointer += f"size {len(content)}\n"
    answer = wire.commit(
        repository, file("mine.safetensors", pointer.encode()), rev="main?create_pr=1"
    )
    assert answer.status_code == 400
    assert Discussion.objects.filter(repository=repository).exclude(pk=pull.pk).count() == 1


def test_a_stranger_who_sends_the_bytes_may_name_them(repository: Repository) -> None:
    """Those that are in quarantine are nothing that they learn of: they had them."""
    person = make_user()
    wire = Wire(person)

    assert wire.send(repository, SECRET).status_code == 200
    answer = wire.commit(repository, lfs_file("a.safetensors", SECRET), rev="main?create_pr=1")

    url = answer.json()["pullRequestUrl"]
    number = url.rsplit("/", 1)[1]
    assert url.endswith(f"/{repository}/discussions/{number}")
    again = Wire(person).get(f"/{repository}/resolve/refs%2Fpr%2F{number}/a.safetensors")
    assert again.sent == SECRET
    assert wire.batch(repository, SECRET).json()["objects"][0].get("actions") is None


def test_with_the_gate_open_files_of_main_are_named_without_sending_them(
    repository: Repository,
) -> None:
    person = make_user()
    accept_terms(repository.releases.get(), person)
    wire = Wire(person)

    assert wire.batch(repository, GATED).json()["objects"][0].get("actions") is None
    copied = wire.commit(repository, lfs_file("copy.safetensors", GATED), rev="main?create_pr=1")
    secret = wire.commit(repository, lfs_file("copy.safetensors", SECRET), rev="main?create_pr=1")

    assert (copied.status_code, secret.status_code) == (200, 400)


def test_preupload_tells_a_stranger_no_hash_that_they_could_not_download(
    repository: Repository, author: User
) -> None:
    body = {
        "files": [
            {"path": path, "size": 17, "sample": base64.b64encode(b"x").decode()}
            for path in ("model.safetensors", "secret.safetensors", "config.json")
        ]
    }
    path = api(repository, "preupload/main?create_pr=1")

    def told(person: User) -> list[str | None]:
        return [one["oid"] for one in Wire(person).post(path, body).json()["files"]]

    assert told(author) == [None, None, None]
    accept_terms(repository.releases.get(), author)
    assert told(author)[:2] == [sha(GATED), None]
    assert told(repository.created_by)[:2] == [sha(GATED), sha(SECRET)]


def test_preupload_lets_no_stranger_try_out_what_a_closed_file_of_patterns_says(
    owner: User,
) -> None:
    rules = {".gitignore": "secret-plan*\n", ".gitattributes": "*.hidden filter=lfs\n"}
    release = make_released(make_repository(owner), files=FILES | rules)
    repository = release.repository
    asked = {"files": [{"path": path, "size": 1} for path in ("secret-plan.txt", "a.hidden")]}
    path = api(repository, "preupload/main?create_pr=1")

    def told(person: User) -> list[tuple[bool, str]]:
        found = Wire(person).post(path, asked).json()["files"]
        return [(one["shouldIgnore"], one["uploadMode"]) for one in found]

    person = make_user()
    assert told(person) == [(False, "regular"), (False, "regular")]
    accept_terms(release, person)
    assert told(person) == told(owner) == [(True, "regular"), (False, "lfs")]


def test_a_stranger_is_not_told_how_much_a_namespace_holds(
    repository: Repository, owner: User
) -> None:
    repository.namespace.quota_bytes = 1_000_000
    repository.namespace.save()
    make_commit(repository, {"hidden.bin": b"x" * 500_000}, by=owner)

    answer = Wire(make_user()).batch(repository, b"", size=2_000_000)

    told = answer.json()["objects"][0]["error"]["message"]
    assert "has no room for it" in told
    assert set(re.findall(r"[0-9.]+ [KM]iB", told)) == {"1.9 MiB"}


def test_lines_that_are_costly_to_compare_are_not_compared_without_end(
    repository: Repository, owner: User
) -> None:
    def lines(count: int, ends: str) -> str:
        return "".join(f"{n * n % 113:x}\n" if n % 9 else f"{ends}{n}\n" for n in range(count))

    names = [f"{n:02}.txt" for n in range(30)]
    before = dict.fromkeys(names, lines(diffs.MAX_LINES, "a"))
    make_commit(repository, {"0.txt": lines(diffs.MAX_LINES + 1, "a")} | before, by=owner)
    after = dict.fromkeys(names, lines(diffs.MAX_LINES, "b"))
    after["0.txt"] = lines(diffs.MAX_LINES + 1, "b")
    pull = make_pull_request(repository, after, by=owner)
    with turns.at_most(2000):
        shown = Wire(owner).get(api(repository, f"discussions/{pull.number}?diff=1")).json()["diff"]

    assert "Binary files a/0.txt and b/0.txt differ" in shown
    assert "+b9" in shown
    assert shown.count("diff --git") == 1 + diffs.MAX_LINES_OF_ALL // (2 * diffs.MAX_LINES)


@pytest.mark.parametrize("path", ["preupload/main", "commit/main"])
def test_a_stranger_writes_no_branch(repository: Repository, path: str) -> None:
    body = {"files": []} if path.startswith("pre") else b'{"key": "header", "value": {}}'
    assert Wire(make_user()).post(api(repository, path), body).status_code == 403
    assert (
        Wire(make_user(), "read").post(api(repository, f"{path}?create_pr=1"), body).status_code
        == 403
    )
    assert Wire().post(api(repository, f"{path}?create_pr=1"), body).status_code == 401


def test_a_branch_that_is_in_quarantine_is_no_base_for_strangers(
    repository: Repository, author: User
) -> None:
    wire = Wire(repository.created_by)
    wire.post(api(repository, "branch/hidden"), {"startingPoint": "main"})

    there = Wire(author).commit(repository, file("a.txt", b"a"), rev="hidden?create_pr=1")
    missing = Wire(author).commit(repository, file("a.txt", b"a"), rev="nowhere?create_pr=1")

    assert (there.status_code, there["X-Error-Code"]) == (404, "RevisionNotFound")
    assert there["X-Error-Message"].replace("hidden", "nowhere") == missing["X-Error-Message"]


def test_a_pull_request_onto_a_hidden_branch_is_hidden_too(
    repository: Repository, author: User
) -> None:
    wire = Wire(repository.created_by)
    wire.post(api(repository, "branch/hidden"), {"startingPoint": "main"})
    made = wire.commit(repository, file("a.txt", b"a"), rev="hidden?create_pr=1").json()
    number = made["pullRequestUrl"].rsplit("/", 1)[1]

    assert wire.get(api(repository, f"discussions/{number}")).status_code == 200
    assert Wire(author).get(api(repository, f"discussions/{number}")).status_code == 404
    assert Wire(author).get(api(repository, "discussions")).json()["count"] == 0


def test_what_those_who_write_push_to_it_is_not_its_author_s(
    pull: Discussion, author: User, owner: User
) -> None:
    make_commit(pull.repository, {"secret.safetensors": SECRET}, by=owner, branch=pull.ref_name)

    answer = resolve(Wire(author), pull, "secret.safetensors")

    assert (answer.status_code, answer["X-Error-Code"]) == (403, "GatedRepo")
    assert resolve(Wire(author), pull, "own.safetensors").sent == OWN


def test_a_role_that_ends_takes_what_was_begun_in_quarantine_along(
    repository: Repository,
) -> None:
    member = make_member(repository.namespace)
    pull = make_pull_request(repository, {"own.txt": "own"}, by=member)
    assert resolve(Wire(member), pull, "secret.safetensors").sent == SECRET

    member.memberships.all().delete()

    answer = Wire(member).get(api(repository, f"tree/{revision_of(pull)}"))
    assert answer["X-Error-Code"] == "RevisionNotFound"
    assert (
        Wire(member).commit(repository, file("x.txt", b"x"), rev=revision_of(pull)).status_code
        == 403
    )


def test_what_is_merged_is_not_shown_to_the_author_of_the_pull_request(
    pull: Discussion, author: User, owner: User
) -> None:
    answer = Wire(owner).post(api(pull.repository, f"discussions/{pull.number}/merge"))
    merged = answer.json()["mergeCommitId"]

    details = Wire(author).get(api(pull.repository, f"discussions/{pull.number}")).json()

    assert details["status"] == "merged"
    assert "mergeCommitId" not in details["changes"]
    wire = Wire(author)
    assert wire.get(api(pull.repository, f"tree/{merged}"))["X-Error-Code"] == "RevisionNotFound"
    assert resolve(wire, pull, "own.safetensors").sent == OWN


def test_a_suspended_base_closes_its_files_and_takes_no_proposals(
    pull: Discussion, author: User
) -> None:
    accept_terms(pull.repository.releases.get(), author)
    maintainer = as_caller(make_maintainer())
    workflow.transition("suspend", pull.repository.releases.get(), by=maintainer, reason="A flaw")

    assert resolve(Wire(author), pull, "model.safetensors").status_code == 403
    assert resolve(Wire(author), pull, "own.safetensors").sent == OWN
    answer = Wire(author).commit(pull.repository, file("a.txt", b"a"), rev="main?create_pr=1")
    assert answer.status_code == 403


def test_the_list_asks_the_database_as_often_for_many_as_for_one(
    pull: Discussion, author: User, django_assert_max_num_queries: Any
) -> None:
    wire, path = Wire(author), api(pull.repository, "discussions")
    for number in range(4):
        make_pull_request(pull.repository, {f"{number}.txt": "x"}, by=author)

    with django_assert_max_num_queries(6):
        listed = wire.get(path).json()

    assert listed["count"] == 5
    assert [one["num"] for one in listed["discussions"]] == sorted(
        (one["num"] for one in listed["discussions"]), reverse=True
    )
    for query, count in {
        "type=discussion": 0,
        "type=pull_request&status=open": 5,
        "status=closed": 0,
        f"author={author.username}": 5,
        "author=nobody": 0,
    }.items():
        assert wire.get(f"{path}?{query}").json()["count"] == count
    for query in ("type=x", "status=merged", "p=-1", "p=x", "p=99999999999"):
        assert wire.get(f"{path}?{query}").status_code == 400
    assert wire.get(f"{path}?p=1").json()["discussions"] == []


def test_in_a_plain_hub_what_strangers_propose_is_not_out_before_it_is_merged(
    author: User,
) -> None:
    owner = make_user()
    repository = make_repository(owner)
    make_commit(repository, {"README.md": CARD, "a.txt": "a"})
    plain_hub.switch(repository.namespace, on=True)
    repository.refresh_from_db()
    pull = make_pull_request(repository, {"own.txt": "own text"}, by=author)

    assert resolve(Wire(author), pull, "own.txt").sent == b"own text"
    assert resolve(Wire(author), pull, "a.txt").sent == b"a"
    assert resolve(Wire(make_user()), pull, "own.txt")["X-Error-Code"] == "RevisionNotFound"
    Wire(owner).post(api(repository, f"discussions/{pull.number}/merge"))
    assert Wire().get(f"/{repository}/resolve/main/own.txt").sent == b"own text"
