"""The chain of governance acts: unbroken, and telling where somebody changed it."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from registry.audit import keys, log
from registry.audit.models import Checkpoint, Entry, SigningKey
from tests import factories
from tests.refusals import at_once, refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db


def _write(count: int = 5) -> None:
    for number in range(count):
        log.record_about(
            "test.act", actor="a" * 24, subject_type="thing", subject=f"thing-{number}", n=number
        )


def _tamper(sql: str, *values: object) -> None:
    """Change evidence as somebody would who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_is_append_only")
        cursor.execute(
            "ALTER TABLE audit_checkpoint DISABLE TRIGGER audit_checkpoint_is_append_only"
        )
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_is_append_only")
        cursor.execute(
            "ALTER TABLE audit_checkpoint ENABLE TRIGGER audit_checkpoint_is_append_only"
        )


@pytest.fixture
def chain() -> int:
    """The sequence of the middle one of five entries, at the end of a whole chain."""
    _write()
    assert log.verify().problems == []
    return Entry.objects.order_by("-sequence")[2].sequence


def test_each_entry_holds_the_hash_of_the_one_before(chain):
    entries = list(Entry.objects.order_by("sequence"))

    assert entries[0].previous_hash == log.GENESIS
    for before, after in zip(entries, entries[1:], strict=False):
        assert after.sequence == before.sequence + 1
        assert after.previous_hash == before.hash
    verified = log.verify()
    assert (verified.entries, verified.head) == (len(entries), entries[-1].hash)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", "test.other"),
        ("actor", "b" * 24),
        ("subject", "another"),
        ("subject_type", "being"),
        ("details", '{"n": 99}'),
        ("at", "2020-01-01T00:00:00Z"),
    ],
)
def test_a_changed_entry_is_named(chain, column, value):
    _tamper(f"UPDATE audit_entry SET {column} = %s WHERE sequence = %s", value, chain)  # noqa: S608

    assert log.verify().problems == [f"Entry {chain} was changed after it was written."]


def test_a_changed_entry_with_its_hash_made_to_fit_breaks_the_next_one(chain):
    forged = Entry.objects.get(sequence=chain)
    forged.actor = "b" * 24
    forged.hash = log.hash_of(forged)
    _tamper(
        "UPDATE audit_entry SET actor = %s, hash = %s WHERE sequence = %s",
        forged.actor,
        forged.hash,
        chain,
    )

    assert log.verify().problems == [f"Entry {chain + 1} does not follow the entry before it."]


def test_a_missing_entry_is_named(chain):
    _tamper("DELETE FROM audit_entry WHERE sequence = %s", chain)

    assert log.verify().problems[0] == f"Entry {chain} is missing."


def test_entries_cut_off_after_a_checkpoint_are_missed(chain):
    made = log.checkpoint()
    _tamper("DELETE FROM audit_entry WHERE sequence > %s", chain)

    assert log.verify().problems == [
        f"The chain ends before its checkpoint at entry {made.sequence}."
    ]


def test_a_chain_written_anew_does_not_fit_its_checkpoint(chain):
    log.checkpoint()
    entries = list(Entry.objects.order_by("sequence"))
    entries[0].actor = "b" * 24
    previous = log.GENESIS
    for entry in entries:
        entry.previous_hash = previous
        previous = entry.hash = log.hash_of(entry)
    _tamper("UPDATE audit_entry SET hash = 'x' || sequence")
    for entry in entries:
        _tamper(
            "UPDATE audit_entry SET actor = %s, previous_hash = %s, hash = %s WHERE sequence = %s",
            entry.actor,
            entry.previous_hash,
            entry.hash,
            entry.sequence,
        )

    assert log.verify().problems == [
        f"The checkpoint at entry {entries[-1].sequence} was made over another chain."
    ]


def test_a_checkpoint_that_we_did_not_sign_is_named(chain):
    made = log.checkpoint()
    _tamper("UPDATE audit_checkpoint SET signature = %s", b"\0" * 64)

    assert log.verify().problems == [
        f"The signature of the checkpoint at entry {made.sequence} is not ours."
    ]


def test_a_checkpoint_is_made_once_for_a_head(chain):
    assert log.checkpoint() == log.checkpoint()
    _write(1)
    log.checkpoint()

    assert Checkpoint.objects.count() == 2
    assert log.verify().checkpoints == 2


def test_an_empty_chain_is_whole_and_has_no_checkpoint():
    if not Entry.objects.exists():
        assert log.checkpoint() is None
    assert log.verify().problems == []


def test_an_act_that_is_undone_leaves_no_entry(chain):
    @transaction.atomic
    def act() -> None:
        _write(1)
        raise ZeroDivisionError

    before = Entry.objects.count()
    with pytest.raises(ZeroDivisionError):
        act()

    assert Entry.objects.count() == before
    _write(1)
    assert log.verify().problems == []


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_make_one_unbroken_chain():
    def write(writer: int):
        def work() -> None:
            for number in range(10):
                with transaction.atomic():
                    log.record_about(
                        "test.act", actor="", subject_type="thing", subject=f"{writer}-{number}"
                    )

        return work

    before = Entry.objects.count()
    outcomes = at_once(*(write(writer) for writer in range(6)))

    assert outcomes == [None] * 6
    assert Entry.objects.count() == before + 60
    assert log.verify().problems == []


def test_an_entry_is_never_changed_or_deleted(chain):
    entry = Entry.objects.get(sequence=chain)

    with refused_as_evidence():
        Entry.objects.filter(pk=entry.pk).update(actor="b" * 24)
    with refused_as_evidence():
        entry.delete()
    with refused_as_evidence():
        Entry.objects.all().delete()


def test_a_checkpoint_is_never_changed_or_deleted(chain):
    made = log.checkpoint()

    with refused_as_evidence():
        Checkpoint.objects.update(hash="0" * 64)
    with refused_as_evidence():
        made.delete()


def test_the_database_counts_entries_from_one():
    with refused_by("entry_sequence_is_positive"):
        Entry.objects.create(
            sequence=0, at=timezone.now(), event="x", subject_type="x", subject="x", hash="x"
        )


# Signing keys


def test_the_private_key_is_a_file_that_only_its_owner_reads(settings):
    key = keys.ensure_key()

    file = settings.KEY_DIR / f"{key.key_id}.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(bytes(key.public_key)) == 32
    assert file.read_bytes() != bytes(key.public_key)


def test_a_signature_is_ours_only_over_what_was_signed():
    key_id, signature = keys.sign(b"what was said")

    assert keys.is_signed(b"what was said", key_id=key_id, signature=signature)
    assert not keys.is_signed(b"what was not", key_id=key_id, signature=signature)
    assert not keys.is_signed(b"what was said", key_id="unknown", signature=signature)
    assert not keys.is_signed(b"what was said", key_id=key_id, signature=b"short")


def test_a_database_whose_key_file_is_gone_signs_nothing(settings, tmp_path):
    key = keys.ensure_key()
    settings.KEY_DIR = tmp_path

    with pytest.raises(keys.NotNow, match=key.key_id):
        keys.ensure_key()


def test_the_database_keeps_one_key_in_use():
    key = keys.ensure_key()

    with refused_by("one_signing_key_in_use"):
        SigningKey.objects.create(
            key_id="another", public_key=bytes(key.public_key), created_at=timezone.now()
        )


def test_governing_acts_leave_entries_that_name_nobody():
    release = factories.make_released()

    events = set(Entry.objects.values_list("event", flat=True))
    assert {"person.create", "repository.create", "revision.commit", "release.open"} <= events
    assert {"release.submit", "release.approve"} <= events
    texts = [f"{entry.details}{entry.actor}{entry.subject}" for entry in Entry.objects.all()]
    assert not [text for text in texts if release.opened_by.username in text]
    assert log.verify().problems == []


@pytest.mark.parametrize(
    "table",
    [
        "audit_entry",
        "audit_checkpoint",
        "audit_access",
        "agreements_documentversion",
        "agreements_acceptance",
        "releases_decision",
    ],
)
def test_the_database_refuses_to_empty_a_table_of_evidence(table):
    with connection.cursor() as cursor, refused_as_evidence():
        cursor.execute(f"TRUNCATE {table} CASCADE")


def test_a_chain_that_was_removed_altogether_is_noticed():
    log.begin()
    with connection.cursor() as cursor:
        for table in ("audit_entry", "audit_checkpoint"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"TRUNCATE {table}")

    assert log.verify().problems == [
        "The chain is empty, although this registry has signed: it was removed."
    ]


def test_beginning_again_adds_nothing():
    log.begin()
    entries = Entry.objects.count()

    log.begin()

    assert Entry.objects.count() == entries
