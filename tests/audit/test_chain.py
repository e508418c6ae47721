"""The chain of governance acts: whole, in one order, and telling where it was tampered with."""

import threading

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from registry.agreements.models import DocumentVersion
from registry.audit import keys, log
from registry.audit.models import Access, Checkpoint, Entry, SigningKey
from tests import factories


@pytest.fixture(autouse=True)
def empty_chain(db):
    """The chain begins with the test; the facts that the database has left entries in it."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE audit_entry, audit_checkpoint")


def act(number: int = 0) -> Entry:
    return log.record_about("test.act", actor="", subject_type="thing", subject="1", number=number)


def tamper(sql: str, *values: object) -> None:
    """Change a row as somebody with the database's own password could."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER USER")


def test_an_untouched_chain_verifies_with_its_signed_checkpoint():
    for number in range(5):
        act(number)
    log.checkpoint()

    result = log.verify()

    assert (result.entries, result.checkpoints, result.problems) == (5, 1, [])


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE audit_entry SET actor = 'somebody' WHERE sequence = %s", "Entry 3 was changed"),
        (
            """UPDATE audit_entry SET details = '{"number": 9}' WHERE sequence = %s""",
            "Entry 3 was changed",
        ),
        ("DELETE FROM audit_entry WHERE sequence = %s", "Entry 3 is missing"),
    ],
)
def test_a_changed_or_missing_entry_is_named(sql, problem):
    for number in range(5):
        act(number)

    tamper(sql, 3)

    assert any(found.startswith(problem) for found in log.verify().problems)


def test_an_end_cut_off_after_its_checkpoint_is_noticed():
    for number in range(5):
        act(number)
    log.checkpoint()

    tamper("DELETE FROM audit_entry WHERE sequence > %s", 3)

    assert log.verify().problems == ["The chain ends before its checkpoint at entry 5."]


def test_a_chain_rewritten_with_right_hashes_fails_at_its_checkpoint():
    for number in range(3):
        act(number)
    log.checkpoint()
    last = Entry.objects.get(sequence=3)
    last.actor = "somebody"

    tamper(
        "UPDATE audit_entry SET actor = 'somebody', hash = %s WHERE sequence = 3", log.hash_of(last)
    )

    assert log.verify().problems == ["The checkpoint at entry 3 was made over another chain."]


def test_a_checkpoint_signed_by_another_key_is_noticed():
    act()
    entry = Entry.objects.get()
    Checkpoint.objects.create(
        sequence=1,
        hash=entry.hash,
        at=timezone.now(),
        key_id=keys.ensure_key().key_id,
        signature=bytes(64),
    )

    assert log.verify().problems == ["The signature of the checkpoint at entry 1 is not ours."]


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_leave_one_unbroken_chain():
    problems: list[BaseException] = []
    start = threading.Barrier(8)

    def write() -> None:
        try:
            start.wait()
            for number in range(10):
                act(number)
        except BaseException as error:  # noqa: BLE001 - reported below
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    result = log.verify()
    assert (result.entries, result.problems) == (80, [])


def test_an_act_that_is_rolled_back_leaves_no_entry():
    def act_and_fail() -> None:
        with transaction.atomic():
            act()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act_and_fail()

    assert not Entry.objects.exists()


@pytest.mark.parametrize("statement", ["update", "delete"])
@pytest.mark.parametrize("kind", ["entry", "checkpoint", "access", "version", "acceptance"])
def test_the_database_refuses_to_change_evidence(kind, statement):
    rows = evidence(kind)

    with pytest.raises(DatabaseError, match="evidence"), transaction.atomic():
        touch(rows, statement)


def touch(rows, statement: str) -> None:
    table = rows.model._meta.db_table
    sql = {
        "update": f"UPDATE {table} SET id = id WHERE id = %s",  # noqa: S608
        "delete": f"DELETE FROM {table} WHERE id = %s",  # noqa: S608
    }
    with connection.cursor() as cursor:
        cursor.execute(sql[statement], [rows.get().pk])


def evidence(kind: str):
    """A queryset of one row of each kind of evidence."""
    if kind == "entry":
        return Entry.objects.filter(pk=act().pk)
    if kind == "checkpoint":
        act()
        return Checkpoint.objects.filter(pk=log.checkpoint().pk)
    if kind == "access":
        repository = factories.make_repository()
        access = Access.objects.create(
            at=timezone.now(),
            repository=repository.public_id,
            revision="1" * 40,
            path="a",
            sha256="2" * 64,
            first_byte=0,
            last_byte=0,
            size=1,
            reason="own",
        )
        return Access.objects.filter(pk=access.pk)
    release = factories.make_released()
    acceptance = factories.accept_terms(release, factories.make_user())
    if kind == "acceptance":
        return type(acceptance).objects.filter(pk=acceptance.pk)
    return DocumentVersion.objects.filter(pk=DocumentVersion.objects.first().pk)


def test_decisions_are_evidence_too():
    decision = factories.make_released().decisions.get()

    with pytest.raises(DatabaseError, match="evidence"), transaction.atomic():
        type(decision).objects.filter(pk=decision.pk).update(reason="another")


def test_there_is_one_signing_key_in_use():
    keys.ensure_key()

    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.create(key_id="2", public_key=bytes(32), created_at=timezone.now())


def test_the_private_key_is_readable_by_its_owner_alone(settings, tmp_path):
    settings.KEY_DIR = tmp_path / "keys"
    SigningKey.objects.all().delete()

    key = keys.ensure_key()

    assert (tmp_path / "keys" / f"{key.key_id}.key").stat().st_mode & 0o777 == 0o600
