"""Receipts: genuine ones verify with the public key alone, and no other byte string does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.agreements import acceptances, receipts
from registry.agreements.models import Acceptance, AcceptanceWords, Receipt
from registry.audit import canonical, keys
from registry.audit.models import SigningKey
from registry.errors import Invalid
from tests import factories
from tests.refusals import refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs" / "receipts.md"
TRICKY = {"Für was? \U0001f999": 'a\u2028b \\ " \x7f é\n\x01', "ｆｕｌｌ": "2026-01-31"}


@pytest.fixture
def acceptance():
    card = factories.CARD.replace("llama3.1", "gemma")
    release = factories.make_released(files=factories.MODEL | {"README.md": card})
    return factories.accept_terms(release, factories.make_user("ada", full_name="Ada Example"))


@pytest.fixture
def receipt(acceptance):
    return acceptance.receipt


def _rejected(raw: bytes, public_keys: list[bytes]) -> bool:
    try:
        receipts.verify(raw, public_keys)
    except Invalid:
        return True
    return False


def _signed(body: dict) -> bytes:
    """A file with this body under our signature."""
    key_id, value = keys.sign(canonical.encode(body))
    signature = {"algorithm": "ed25519", "key_id": key_id, "value": value.hex()}
    return canonical.encode({"receipt": body, "signature": signature})


def test_a_receipt_says_who_accepted_what_of_which_release_when(acceptance, receipt):
    found = receipts.verify(receipts.file_of(receipt), receipts.public_keys())

    body, release = found.body, acceptance.repository.releases.get()
    assert body["party"]["id"] == acceptance.user.public_id
    assert body["repository"] == {
        "id": acceptance.repository.public_id,
        "name": acceptance.repository.full_name,
    }
    assert body["terms_hash"] == acceptance.terms_hash == release.terms_hash
    assert [one["sha256"] for one in body["documents"]] == [
        one["sha256"] for one in release.terms["documents"]
    ]
    assert {one["text"] for one in body["documents"]} == {True, False}
    assert body["accepted_at"].endswith("Z")
    assert found.words is not None
    assert found.words["typed_name"] == "Some Body"


def test_what_is_signed_names_the_person_by_id_and_digest_alone(acceptance, receipt):
    signed = canonical.encode(receipt.body).decode()

    for word in ("Ada Example", "Some Body", acceptance.user.email):
        assert word not in signed.replace(acceptance.repository.full_name, "")
    assert acceptance.words.salt not in signed


def test_the_holders_copy_has_the_words_until_they_are_erased(acceptance, receipt):
    before = receipts.verify(receipts.file_of(receipt), receipts.public_keys())

    AcceptanceWords.objects.filter(acceptance=acceptance).update(
        typed_name="", name="", address="", country="", answers={}, salt=""
    )

    after = receipts.verify(receipts.file_of(receipt), receipts.public_keys())
    assert (before.words is None, after.words) == (False, None)
    assert after.body == before.body
    assert set(receipts.for_holder(receipt)) == {"receipt", "signature"}


def test_any_changed_byte_fails(receipt):
    raw, public = receipts.file_of(receipt), receipts.public_keys()
    assert not _rejected(raw, public)

    for place in range(len(raw)):
        for flip in (0x01, 0x20):
            changed = raw[:place] + bytes([raw[place] ^ flip]) + raw[place + 1 :]
            assert _rejected(changed, public), (place, changed)


def test_no_other_byte_string_that_hypothesis_finds_is_valid(receipt):
    raw, public = receipts.file_of(receipt), receipts.public_keys()

    @settings(max_examples=200, deadline=None, database=None)
    @given(place=st.integers(0, len(raw) - 1), length=st.integers(0, 40), bytes_=st.binary())
    def replace(place: int, length: int, bytes_: bytes) -> None:
        changed = raw[:place] + bytes_ + raw[place + length :]
        assert changed == raw or _rejected(changed, public)

    replace()


def test_truncated_appended_and_spelt_otherwise_fail(receipt):
    raw, public = receipts.file_of(receipt), receipts.public_keys()
    file = json.loads(raw)
    backwards = dict(reversed(file.items()))
    others = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"1" * 100_000,
        raw[:-1],
        raw + b"\n",
        raw + raw,
        b"\xef\xbb\xbf" + raw,
        raw.replace(b'"text":true', b'"text": true'),
        raw.replace(b'"text":true', b'"text":1'),
        raw.replace(b'"text":true', b'"text":1.0'),
        raw.replace(b'{"disclosed"', b'{"disclosed":{},"disclosed"'),
        raw.replace(b"registry.receipt/1", b"registry.receipt\\/1"),
        json.dumps(backwards, separators=(",", ":"), ensure_ascii=False).encode(),
        canonical.encode(file | {"note": "x"}),
        canonical.encode(file | {"disclosed": None}),
        canonical.encode(file | {"disclosed": file["disclosed"] | {"note": "x"}}),
        canonical.encode(file | {"signature": file["signature"] | {"note": "x"}}),
        canonical.encode(file | {"signature": file["signature"] | {"key_id": ["x"]}}),
        b" " * (receipts.LARGEST + 1),
    ]

    for changed in others:
        assert changed != raw
        assert _rejected(changed, public), changed[:200]


def test_another_key_does_not_verify_it(receipt):
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()

    assert _rejected(receipts.file_of(receipt), [other])
    assert _rejected(receipts.file_of(receipt), [])


def test_the_words_of_another_receipt_do_not_fit(receipt):
    other = factories.accept_terms(factories.make_released(), factories.make_user()).receipt
    file = receipts.for_holder(receipt)

    file["disclosed"] = receipts.for_holder(other)["disclosed"]

    assert _rejected(canonical.encode(file), receipts.public_keys())


def test_another_statement_under_our_signature_is_no_receipt(receipt):
    assert not _rejected(_signed(receipt.body), receipts.public_keys())
    assert _rejected(_signed({"type": "registry.audit.checkpoint/1"}), receipts.public_keys())


def test_an_acceptance_from_before_receipts_gets_one_once(acceptance, capsys):
    _without_receipt(acceptance)

    call_command("receipt", "issue")
    call_command("receipt", "issue")

    made = Receipt.objects.get(acceptance__terms_hash="f" * 64)
    assert receipts.verify(receipts.file_of(made), receipts.public_keys()).words is None
    assert made.body["party"]["digest"] == ""
    said = capsys.readouterr().err
    assert said.startswith("1 receipts were made")
    assert "0 receipts" in said


def test_accepting_again_makes_a_receipt_that_is_missing(acceptance):
    terms = acceptance.terms | {"note": "before receipts"}
    old = _without_receipt(acceptance, terms=terms, terms_hash=canonical.digest(terms))

    again = acceptances.accept(
        acceptance.repository,
        terms=terms,
        shown_hash=canonical.digest(terms),
        typed_name="Ada",
        by=factories.as_caller(acceptance.user),
    )

    assert again == old
    assert again.receipt


def _without_receipt(like: Acceptance, **rest) -> Acceptance:
    return Acceptance.objects.create(
        **{
            "user": like.user,
            "repository": like.repository,
            "terms": like.terms,
            "terms_hash": "f" * 64,
            "words_digest": "0" * 64,
            "accepted_at": like.accepted_at,
        }
        | rest
    )


def test_the_database_keeps_one_receipt_of_an_acceptance_and_changes_none(receipt):
    with refused_as_evidence():
        Receipt.objects.update(key_id="x")
    with refused_as_evidence():
        Receipt.objects.filter(pk=receipt.pk)._raw_delete("default")
    with refused_by("agreements_receipt_acceptance_id_key"):
        Receipt.objects.create(
            acceptance=receipt.acceptance,
            body={},
            key_id="x",
            signature=b"",
            at=receipt.at,
        )


# The command


def _public() -> str:
    return bytes(SigningKey.objects.get().public_key).hex()


def test_the_command_says_who_accepted_what_when(receipt, tmp_path, capsys):
    file = tmp_path / "receipt.json"
    call_command("receipt", "show", receipt.public_id)
    file.write_text(capsys.readouterr().out)
    (tmp_path / "key").write_text(_public() + "\n")

    call_command("receipt", "verify", str(file))
    own = capsys.readouterr().out
    call_command("receipt", "verify", str(file), key=_public())
    given = capsys.readouterr().out
    call_command("receipt", "verify", str(file), key=str(tmp_path / "key"))

    assert file.read_bytes() == receipts.file_of(receipt)
    assert own == given == capsys.readouterr().out
    assert own.startswith(f"VALID. Receipt {receipt.public_id} is signed by ")
    for words in ("Some Body", "Ada Example", "Gemma", receipt.body["accepted_at"]):
        assert words in own


@pytest.mark.parametrize("key", ["", "00" * 32, "no-such-file", "abc"])
def test_the_command_refuses_what_is_not_genuine(receipt, tmp_path, key):
    file = tmp_path / "receipt.json"
    file.write_bytes(receipts.file_of(receipt) + (b"" if key else b"\n"))

    with pytest.raises(CommandError):
        call_command("receipt", "verify", str(file), key=key)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("receipt", "verify", str(tmp_path / "missing"))
    with pytest.raises(CommandError, match="no receipt"):
        call_command("receipt", "show", "x")


@pytest.mark.django_db(transaction=False)
def test_with_a_key_the_command_asks_no_database(receipt, tmp_path, django_assert_num_queries):
    file, public = tmp_path / "receipt.json", _public()
    file.write_bytes(receipts.file_of(receipt))

    with django_assert_num_queries(0):
        call_command("receipt", "verify", str(file), key=public)


# The recipe of the documentation


@pytest.fixture(scope="session")
def recipe(tmp_path_factory) -> Path:
    code = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert code is not None
    assert len(code[1].splitlines()) <= 30
    file = tmp_path_factory.mktemp("recipe") / "verify.py"
    file.write_text(code[1])
    return file


def _run(recipe: Path, raw: bytes, key: str) -> int:
    file = recipe.with_name("receipt.json")
    file.write_bytes(raw)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(recipe), str(file), key], capture_output=True, check=False
    ).returncode


def test_the_recipe_takes_genuine_receipts_with_nothing_but_python(acceptance, receipt, recipe):
    public = _public()
    assert _run(recipe, receipts.file_of(receipt), public) == 0

    words = AcceptanceWords(typed_name="Zoë 🦙", answers=TRICKY, salt="5" * 64, country="FR")
    made = {name: getattr(words, name) for name in receipts.WORDS}
    organisation = receipt.body | {
        "party": {"kind": "organisation", "id": "x", "name": "lab"},
        "signatory": {"id": "y", "digest": receipts.digest_of_person(made)},
        "answers_digest": receipts.digest_of_answers(made),
    }
    raw = canonical.encode(json.loads(_signed(organisation)) | {"disclosed": made})
    assert receipts.verify(raw, receipts.public_keys()).words == made
    assert _run(recipe, raw, public) == 0

    AcceptanceWords.objects.filter(acceptance=acceptance).update(salt="")
    assert _run(recipe, receipts.file_of(receipt), public) == 0


def test_the_recipe_refuses_all_others(receipt, recipe):
    raw, public = receipts.file_of(receipt), _public()
    file = json.loads(raw)
    backwards = json.dumps(dict(reversed(file.items())), separators=(",", ":")).encode()
    places = [raw.index(word) for word in (b"Some", b"salt", b"party", b"value", b"issued", b"id")]
    changed = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in places]
    signature = raw.index(b'"value":"') + 12
    changed += [
        raw[:-1],
        raw + b"\n",
        backwards,
        raw[:signature]
        + (b"0" if raw[signature : signature + 1] != b"0" else b"1")
        + raw[signature + 1 :],
        canonical.encode(file | {"note": ""}),
        canonical.encode(file | {"disclosed": file["disclosed"] | {"country": "FR"}}),
        canonical.encode(file | {"disclosed": file["disclosed"] | {"answers": {"a": "b"}}}),
        _signed({"type": "registry.audit.checkpoint/1"}),
    ]

    for one in changed:
        assert _run(recipe, one, public) == 1, one[:200]
    assert _run(recipe, raw, "00" * 32) == 1
