"""Which bytes a range means."""

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from registry.audit.models import Access
from registry.hub import ranges
from tests.factories import make_released, make_revision, make_user
from tests.hub.calls import Wire

CONTENT = b"0123456789"
sizes = st.integers(min_value=0, max_value=2**40)
numbers = st.integers(min_value=0, max_value=2**41)


def part_of(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte, None for a range outside the file."""
    try:
        part = ranges.parse(header, size)
    except ranges.Unsatisfiable:
        return None
    return part.first, part.last


@given(sizes, numbers, numbers)
def test_a_range_is_inside_the_file_and_begins_where_asked(size: int, a: int, b: int) -> None:
    found = part_of(f"bytes={a}-{b}", size)

    if b < a:
        assert found == (0, size - 1)
    elif a >= size:
        assert found is None
    else:
        assert found == (a, min(b, size - 1))


@given(sizes, numbers)
def test_open_and_suffix_ranges_reach_the_end(size: int, n: int) -> None:
    assert part_of(f"bytes={n}-", size) == ((n, size - 1) if n < size else None)
    expected = (max(0, size - n), size - 1) if n and size else None
    assert part_of(f"bytes=-{n}", size) == expected


@given(st.text(max_size=40), sizes)
def test_what_is_no_range_means_the_whole_file_or_is_refused(header: str, size: int) -> None:
    found = part_of(header, size)

    assert found is None or (found[0] >= 0 and found[1] < size) or size == 0


@pytest.mark.parametrize(
    "header", ["bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=٣-", "x"]
)
def test_malformed_and_several_ranges_get_the_whole_file(header: str) -> None:
    request = RequestFactory().get("/", headers={"range": header})

    assert ranges.wanted(request, size=10, etag="x") == ranges.Part(0, 10, is_range=False)


def test_a_range_of_an_older_file_gets_the_whole_new_one() -> None:
    request = RequestFactory().get("/", headers={"range": "bytes=5-", "if-range": '"old"'})

    assert not ranges.wanted(request, size=10, etag="new").is_range


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["text.txt", "large.bin"])
def test_the_bytes_sent_are_the_bytes_noted(path: str) -> None:
    repository = make_revision(files={"text.txt": CONTENT, "large.bin": CONTENT}).repository
    wire = Wire(repository.created_by)
    url = f"/{repository}/resolve/main/{path}"

    whole = wire.get(url)
    part = wire.get(url, range="bytes=2-4")
    end = wire.get(url, range="bytes=-3")
    head = wire.head(url)
    outside = wire.get(url, range="bytes=10-")

    assert (whole.status_code, whole.sent, whole["Content-Length"]) == (200, CONTENT, "10")
    assert (part.status_code, part.sent, part["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert (end.status_code, end.sent, end["Content-Range"]) == (206, b"789", "bytes 7-9/10")
    assert (outside.status_code, outside["Content-Range"]) == (416, "bytes */10")
    assert (head.status_code, head.sent, head["Content-Length"]) == (200, b"", "10")
    for name in ("ETag", "X-Repo-Commit", "Accept-Ranges", "Content-Disposition", "Content-Type"):
        assert whole[name] == part[name] == head[name]
    rows = Access.objects.all()
    noted = sorted((row.first_byte, row.last_byte) for row in rows)
    assert noted == [(0, 9), (2, 4), (7, 9)]


@pytest.mark.django_db
def test_an_lfs_file_is_named_by_its_sha256_and_a_regular_one_by_git() -> None:
    revision = make_revision(files={"text.txt": b"a\n", "large.bin": b"a\n", "empty.txt": b""})
    wire = Wire(revision.repository.created_by)

    def head(path: str) -> object:
        return wire.head(f"/{revision.repository}/resolve/{revision.oid}/{path}")

    regular, large, empty = head("text.txt"), head("large.bin"), head("empty.txt")
    assert regular["ETag"] == '"78981922613b2afb6025042ff6bd878ac1994e85"'
    assert "X-Linked-Etag" not in regular.headers
    sha256 = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    assert large["ETag"] == large["X-Linked-Etag"] == f'"{sha256}"'
    assert large["X-Linked-Size"] == "2"
    assert empty["Content-Length"] == "0"
    assert empty["ETag"] == '"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"'


@pytest.mark.django_db
def test_an_empty_file_arrives_empty() -> None:
    repository = make_revision(files={"empty.txt": b""}).repository
    wire = Wire(repository.created_by)

    answer = wire.get(f"/{repository}/resolve/main/empty.txt")

    assert (answer.status_code, answer.sent, answer["Content-Length"]) == (200, b"", "0")


@pytest.mark.django_db
def test_no_browser_runs_what_was_uploaded() -> None:
    repository = make_revision(files={"page.html": b"<script>", "a.svg": b"<svg/>"}).repository
    wire = Wire(repository.created_by)

    for path in ("page.html", "a.svg"):
        answer = wire.get(f"/{repository}/resolve/main/{path}")
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_raw_gives_the_pointer_of_an_lfs_file_and_only_to_whom_the_gate_lets_in() -> None:
    release = make_released()
    repository = release.repository
    path = f"/{repository}/raw/main/model.safetensors"

    answer = Wire(repository.created_by).get(path)

    assert answer.sent.startswith(b"version https://git-lfs.github.com/spec/v1\noid sha256:")
    assert Wire(make_user()).get(path)["X-Error-Code"] == "GatedRepo"
    assert Wire(make_user()).get(f"/{repository}/raw/main/README.md").status_code == 403
