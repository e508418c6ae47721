"""Hashes, xorbs and shards: what clients send is read as they mean it, and nothing else is."""

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Invalid, RegistryError, TooLarge
from registry.storage.xet import chunks, hashes, shards, xorbs
from tests.storage.xet import making

HELLO = b"Hello, Xet!\n"
ZEROS = bytes(chunks.MAX_CHUNK)


def _digests(length: int) -> bytes:
    content = b""
    number = 0
    while len(content) < length:
        content += hashlib.sha256(f"xet:{number}".encode()).digest()
        number += 1
    return content[:length]


def _cut(content: bytes, lengths: list[int]) -> list[bytes]:
    stream = io.BytesIO(content)
    return [stream.read(length) for length in lengths]


def _verified(body: bytes, digest: bytes) -> tuple[xorbs.Table, bytes]:
    kept = bytearray()
    table = xorbs.verify(io.BytesIO(body), digest=digest, keep=kept.extend)
    return table, bytes(kept)


def test_one_chunk_has_the_published_hashes():
    one = making.xorb(HELLO)
    whole = making.file(one)

    expected = "4367fe9a96990ce75c96785622984bb8b5b2140d25197a759acad97fb48ddb4b"
    assert hashes.text(hashes.chunk(HELLO)) == one.text == expected
    assert (
        hashes.text(hashes.term(hashes.chunk(HELLO)))
        == "3d4923631f3d955c1e93ce0ec71af6af84c0afc3cfdd1d1e165a89685c21df85"
    )
    assert (
        hashes.text(whole.hash)
        == "2358f5cec221287c029423187990c0c51d093e6ccdfcd911c1b90da1dc5a2c17"
    )


def test_the_sha256_of_a_shard_is_read_from_its_swapped_bytes():
    raw = "fc420748570be95869e2d7f5fa78b4506041ffeced6118765f59cc9143526bf1"

    found = hashes.text(bytes.fromhex(raw))

    assert found == "58e90b57480742fc50b478faf5d7e269761861edecff4160f16b524391cc595f"
    assert found == hashlib.sha256(HELLO).hexdigest()
    assert hashes.from_text(found).hex() == raw


def test_fifteen_chunks_have_the_published_hashes():
    content = _digests(1024**2)
    lengths = [17807, 131072, 36549, 51054, 13764, 131072, 67484, 131072, 17744, 19527, 52104]
    lengths += [131072, 62854, 82502, 102899]
    one = making.xorb(*_cut(content, lengths))

    assert hashlib.sha256(content).hexdigest().startswith("73952cc272ec5d46")
    assert [hashes.text(hashes.chunk(one.chunks[at])) for at in (0, -1)] == [
        "6158dc3b1a2d82b07ef37609e8d8769cf503e81821e006eca3830999cd52ab36",
        "cbaf83a68b2371caaf2cd727829a128b18f3147d0127e0ebf8a5c5d77477dd94",
    ]
    assert one.text == "f30df8629bb2dd92aae025fb28424f8993cc39067970a40d0c471e24d6a7d476"
    assert (
        hashes.text(hashes.term(b"".join(map(hashes.chunk, one.chunks))))
        == "ca3ab0231828c7644712bbf4ac82b26a12d8cba27361cca18a1eb6319e694e43"
    )
    assert (
        hashes.text(making.file(one).hash)
        == "02d16bbd30ba6a105c32fc3123fdac8376b3760b4519a230afe268d55eaba19b"
    )


def test_a_chunk_that_is_used_eight_times_has_the_published_hashes():
    one = making.xorb(ZEROS, scheme=making.LZ4)
    eight = making.file(*[one] * 8)
    root = hashes.root([(one.hash, len(ZEROS))] * 8)

    assert one.text == "2e39f13c248013b27e22913ba2893a654120ed0ad8eb7ecbf3f05b9d708634fc"
    assert (
        hashes.text(hashes.term(one.hash))
        == "14c0d0abd6d31b93186f33741159e5c82fc804f6384a98b090b099796897e601"
    )
    assert hashes.text(root) == "8c15d5bfe292d5f8f3b992149581636a5c4078ce9c4349d43f1a762ba0609839"
    assert (
        hashes.text(eight.hash)
        == "1e671fe124cea35586b1d1c30b9d4fc6b4e05ee60c93406986444f7c23d54056"
    )


def _root_by_the_book(nodes: list[tuple[bytes, int]]) -> bytes:
    while len(nodes) > 1:
        parents = []
        while nodes:
            cut = len(nodes)
            if cut > 2:
                places = range(2, min(9, len(nodes)))
                ends = (i for i in places if int.from_bytes(nodes[i][0][24:], "little") % 4 == 0)
                cut = next(ends, min(9, len(nodes)) - 1) + 1
            group, nodes = nodes[:cut], nodes[cut:]
            parents.append(hashes._parent(group))
        nodes = parents
    return nodes[0][0] if nodes else hashes.ZERO


@given(st.integers(0, 400), st.integers())
def test_the_root_found_as_chunks_come_is_that_of_the_whole_list(count, seed):
    nodes = [(hashlib.sha256(b"%d:%d" % (seed, at)).digest(), at + 1) for at in range(count)]

    assert hashes.root(nodes) == _root_by_the_book(nodes)


@given(st.binary(min_size=1, max_size=200))
def test_regrouped_bytes_come_back_in_their_order(content):
    sent = b"".join(content[position::4] for position in range(4))

    assert chunks.regrouped(sent) == content


@pytest.mark.parametrize("scheme", [making.PLAIN, making.LZ4, making.REGROUPED])
def test_a_xorb_is_taken_with_each_way_of_packing(scheme):
    one = making.xorb(HELLO, ZEROS, b"x" * 4097, scheme=scheme)

    table, kept = _verified(one.body, one.hash)

    assert kept == one.body
    assert table["length"].tolist() == [12, len(ZEROS), 4097]
    assert table["hash"].tobytes() == b"".join(map(hashes.chunk, one.chunks))
    assert table["end"][-1] == len(one.body)
    assert xorbs.table_of(table.tobytes())["end"].tolist() == table["end"].tolist()


def test_a_footer_of_older_clients_is_left_away():
    one = making.xorb(HELLO, ZEROS)

    table, kept = _verified(one.body + b"XETBLOB" + bytes(3_000_000), one.hash)

    assert kept == one.body
    assert len(table) == 2


def test_a_xorb_in_small_pieces_is_the_same(monkeypatch):
    monkeypatch.setattr(xorbs, "PIECE", 777)
    one = making.xorb(*(bytes([i]) * (i + 1) for i in range(100)), scheme=making.LZ4)

    assert _verified(one.body, one.hash)[1] == one.body


def _chunk(content: bytes = HELLO, **changed: int) -> bytes:
    """A chunk whose header says something else."""
    sent = bytearray(making.packed(content, changed.pop("really", making.PLAIN)))
    for at, name, width in (
        (0, "version", 1),
        (1, "packed", 3),
        (4, "scheme", 1),
        (5, "length", 3),
    ):
        if name in changed:
            sent[at : at + width] = changed[name].to_bytes(width, "little")
    return bytes(sent)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "at least one chunk"),
        (_chunk(version=1), "version 1"),
        (_chunk(scheme=3), "not known here"),
        (_chunk(length=0, packed=0), "1 to 131072 bytes"),
        (_chunk(length=131073), "1 to 131072 bytes"),
        (_chunk(length=13), "cannot be sent as 12 bytes"),
        (_chunk(scheme=1, packed=0), "cannot be sent as 0 bytes"),
        (_chunk(scheme=1, packed=0xFFFFFF), "cannot be sent"),
        (_chunk(scheme=1), "cannot be decompressed"),
        (_chunk(really=making.LZ4, length=13), "does not decompress to the 13 bytes"),
        (_chunk(really=making.LZ4, length=11), "does not decompress to the 11 bytes"),
        (_chunk(ZEROS, really=making.LZ4, length=5), "does not decompress to the 5 bytes"),
        (_chunk()[:-1], "in the middle of a chunk"),
        (_chunk() + b"\0", "in the middle of a chunk"),
        (_chunk() + b"XETBLO", "in the middle of a chunk"),
        (_chunk() + b"XETBLUB" + bytes(10), "version 88"),
        (_chunk(b"Hello, xet!\n"), "has the hash"),
        (_chunk() * 2, "has the hash"),
    ],
)
def test_a_damaged_xorb_is_refused(body, words):
    with pytest.raises(Invalid, match=words):
        _verified(body, making.xorb(HELLO).hash)


def test_a_small_body_cannot_be_blown_up(monkeypatch):
    bomb = making.packed(bytes(15_000_000), making.LZ4)
    bomb = bomb[:5] + chunks.MAX_CHUNK.to_bytes(3, "little") + bomb[8:]

    with pytest.raises(Invalid, match="does not decompress to|cannot be sent"):
        _verified(bomb, making.xorb(HELLO).hash)


def test_limits_of_a_xorb_hold_while_it_arrives(monkeypatch):
    monkeypatch.setattr(xorbs, "MAX_XORB", 3_000_000)
    monkeypatch.setattr(xorbs, "MAX_CHUNKS", 20)

    for body in (_chunk() * 21, making.packed(ZEROS) * 30):
        stream = io.BytesIO(body)
        with pytest.raises(TooLarge):
            xorbs.verify(stream, digest=hashes.ZERO, keep=lambda piece: None)


@given(st.integers(0, 2), st.integers(), st.integers(0, 255), st.booleans())
def test_no_change_of_a_byte_gets_through_or_breaks_anything(scheme, where, value, cut):
    one = making.xorb(HELLO * 30, b"abc" * 999, scheme=scheme)
    body = bytearray(one.body)
    body[where % len(body)] = value
    damaged = bytes(body[: where % len(body)] if cut else body)

    kept = bytearray()
    try:
        table = xorbs.verify(io.BytesIO(damaged), digest=one.hash, keep=kept.extend)
    except RegistryError:
        return
    assert table["hash"].tobytes() == b"".join(map(hashes.chunk, one.chunks))
    unpacker = chunks.Unpacker()
    at = 0
    for row, expected in zip(table, one.chunks, strict=True):
        head = chunks.header(kept, at)
        assert unpacker.unpack(head, kept[at + chunks.HEADER : row["end"]]) == expected
        at = row["end"]


def test_a_shard_says_which_files_there_are():
    one, two = making.xorb(HELLO, b"abc"), making.xorb(ZEROS)
    first = making.file(one, two, making.Piece(one, 1, 2))
    second = making.file(two)

    found = shards.read(making.shard(first, second, xorbs=[one, two]))

    assert [file.digest for file in found] == [first.hash, second.hash]
    assert [file.sha256 for file in found] == [first.sha256, second.sha256]
    assert [file.size for file in found] == [len(first.content), len(second.content)]
    assert [(t.xorb, t.length, t.first, t.end) for t in found[0].terms()] == [
        (one.hash, 15, 0, 2),
        (two.hash, len(ZEROS), 0, 1),
        (one.hash, 3, 1, 2),
    ]


GOOD = making.shard(making.file(making.xorb(HELLO)), xorbs=[making.xorb(HELLO)])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "cut off"),
        (GOOD[:-1], "cut off"),
        (GOOD[:-48], "cut off"),
        (GOOD + bytes(48), "follows the end"),
        (b"x" + GOOD[1:], "no shard"),
        (making.head(version=3) + GOOD[48:], "version 3"),
        (making.head(footer=200) + GOOD[48:], "without a footer"),
        (making.head() + making.record(bytes(32), 0x40000000, 0) + shards.END * 2, "verify"),
        (making.head() + making.record(bytes(32), 0x80000000, 0) + shards.END * 2, "SHA-256"),
        (making.head() + making.record(bytes(32), 0xC0000000, 0xFFFFFFFF) + shards.END * 2, "more"),
        (making.head() + shards.END + making.record(bytes(32), 0, 9) + shards.END, "more"),
    ],
)
def test_a_damaged_shard_is_refused(body, words):
    with pytest.raises(Invalid, match=words):
        shards.read(body)


def test_a_shard_of_endless_empty_files_is_refused():
    empty = making.described(making.file())
    body = making.head() + empty * (shards.MAX_FILES + 1) + shards.END * 2

    with pytest.raises(TooLarge, match="at most"):
        shards.read(body)


@given(st.integers(), st.binary(min_size=1, max_size=60), st.integers(0, 400))
def test_a_shard_with_any_change_is_read_or_refused(where, change, cut):
    at = where % len(GOOD)
    damaged = (GOOD[:at] + change + GOOD[at + len(change) :])[: len(GOOD) - cut]

    try:
        files = shards.read(damaged)
    except Invalid:
        return
    for file in files:
        list(file.terms())
