"""What is forgotten about people, what stays, and what they take away."""

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.utils import timezone

from registry.accounts import closing, people, tokens
from registry.accounts.callers import Caller
from registry.accounts.models import AccessToken, Membership, ReservedName, Role, User
from registry.agreements import endings, personal_data, privacy, receipts, requests, tasks
from registry.agreements.models import (
    AcceptanceWords,
    AccessMessage,
    AccessRequest,
    AccessRequestWords,
    EndingEvent,
    RequestState,
)
from registry.agreements.requests import Shown
from registry.audit import log
from registry.audit.models import Access, Entry
from registry.catalog import questions
from registry.catalog.models import Repository, Revision
from registry.errors import Conflict, Invalid, InvalidToken, NotAllowed, NotNow, SignInRequired
from registry.outbox import mail, webhooks
from registry.outbox.models import Message
from registry.releases.models import Release
from tests import factories
from tests.factories import as_caller
from tests.refusals import at_once

pytestmark = pytest.mark.django_db
NAME, FULL, SECRET = "ada-lastname", "Ada Lastname", "To measure how it spells."
PROMPT = questions.of_card({"extra_gated_fields": {"Company": "text"}})


@pytest.fixture
def release() -> Release:
    return factories.make_released()


@pytest.fixture
def steward() -> Caller:
    return as_caller(factories.make_user(site_role="steward"))


@pytest.fixture
def ada() -> User:
    return factories.make_user(NAME, full_name=FULL)


def ask(repository: Repository, user: User) -> AccessRequest:
    Repository.objects.filter(pk=repository.pk).update(gated="manual")
    made = requests.ask(
        repository,
        by=as_caller(user),
        shown=Shown(PROMPT, {"Company": SECRET}),
        terms_are_open=True,
    )
    AccessRequest.objects.filter(pk=made.pk).update(purpose=SECRET)
    AccessMessage.objects.create(request=made, by=user, text=SECRET, at=timezone.now())
    return made


def erase(user: User, by: Caller | None = None) -> None:
    privacy.erase(user, by=by or as_caller(user), confirmed=user.username)
    user.refresh_from_db()


def everything_about(words: str) -> list[str]:
    """The tables and columns of the whole database that hold these words."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            " AND table_type = 'BASE TABLE'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(
                f'SELECT count(*) FROM "{table}" AS t WHERE t::text ILIKE %s',  # noqa: S608
                [f"%{words}%"],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return sorted(found)


def test_nothing_in_the_database_names_a_person_who_was_erased(release, ada):
    factories.accept_terms(release, ada)
    ask(release.repository, ada)
    EmailAddress.objects.create(user=ada, email=f"other.{ada.email}", primary=False)
    tokens.issue(user=ada, name=f"laptop of {FULL}", scope="read")
    client = Client()
    client.force_login(ada)
    session = client.session
    session["typed"] = FULL
    session.save()
    mail.queue(to=ada.email.upper(), subject=FULL, text="Hello")
    webhooks.create(
        url="https://93.184.215.14/ada-lastname",
        watched=[{"type": "org", "name": ada.username}],
        domains=["repo"],
        secret="",
        by=as_caller(ada),
    )

    erase(ada)

    assert everything_about(FULL) == []
    assert everything_about(SECRET) == []
    assert everything_about(f"{NAME}@example.org") == []
    # So that nobody else is ever called that; it leads nowhere
    assert everything_about(NAME) == ["accounts_reservedname"]


def test_what_an_erased_reviewer_wrote_to_others_goes_and_what_they_wrote_stays(release, ada):
    bob = factories.make_user()
    request = ask(release.repository, bob)
    text = f"What for? Yours, {FULL}"
    AccessMessage.objects.create(request=request, by=ada, text=text, at=timezone.now())

    erase(ada)

    assert everything_about(FULL) == []
    assert AccessMessage.objects.get(by=bob).text == SECRET


def test_receipts_of_an_erased_person_verify_without_naming_them(release, ada):
    acceptance = factories.accept_terms(release, ada)
    before = receipts.file_of(acceptance.receipt)
    erase(ada)

    after = receipts.file_of(acceptance.receipt)

    assert receipts.verify(before, receipts.public_keys()).words is not None
    assert receipts.verify(after, receipts.public_keys()).words is None
    assert b"Lastname" not in after
    assert ada.public_id.encode() in after


def test_what_an_erased_person_did_stays_and_the_chain_is_whole(ada):
    release = factories.make_released(factories.make_repository(ada, "tiny"))
    commit = Revision.objects.get(pk=release.revision_id)
    name = release.repository.full_name

    erase(ada)

    release.refresh_from_db()
    assert release.status == "released"
    assert commit.author == ada
    # Others fetch from this address
    assert Repository.objects.get(pk=release.repository_id).full_name == name == f"{NAME}/tiny"
    assert ada.username == closing.name_of_closed(ada)
    assert log.verify().problems == []
    assert Entry.objects.filter(event="person.close", subject=ada.public_id).exists()


def test_an_erased_person_gets_in_nowhere(ada):
    _, secret = tokens.issue(user=ada, name="laptop", scope="read")
    client = Client()
    client.force_login(ada)
    organisation = factories.make_organisation()
    people.set_role(namespace=organisation, user=ada, role=Role.WRITE, by="")

    erase(ada)

    with pytest.raises(InvalidToken):
        tokens.recognise(secret)
    assert client.get("/settings/tokens").status_code == 302
    assert not Client().login(username=NAME, password=factories.PASSWORD)
    assert not AccessToken.objects.filter(user=ada, revoked_at=None).exists()
    assert not Membership.objects.filter(user=ada).exists()
    assert ReservedName.objects.filter(folded=NAME).exists()
    with pytest.raises(Conflict):
        factories.make_user(NAME)


def test_requests_and_grants_of_an_erased_person_end_and_nobody_writes_to_them(release, ada):
    asked = ask(release.repository, ada)
    other = factories.make_released()
    Repository.objects.filter(pk=other.repository_id).update(gated="manual")
    given = requests.grant(other.repository, user=NAME, by=as_caller(other.repository.created_by))

    erase(ada, factories.as_caller(factories.make_user(site_role="steward")))

    asked.refresh_from_db()
    given.refresh_from_db()
    assert asked.state == RequestState.WITHDRAWN
    assert given.state == RequestState.REJECTED
    assert given.grants.get().ends_at is not None
    assert not Message.objects.filter(body__to__icontains="lastname").exists()
    assert not Message.objects.filter(body__to="").exists()


def test_an_organisation_whose_last_admin_is_erased_passes_to_the_stewards(ada, steward):
    organisation = factories.make_organisation(owner=ada)

    erase(ada)

    told = Message.objects.get(body__to=steward.user.email)
    assert organisation.name in told.body["text"]
    entry = Entry.objects.get(event="person.close")
    assert entry.details["without_admin"] == [organisation.public_id]


def test_the_last_steward_is_not_erased(steward):
    with pytest.raises(NotNow):
        erase(steward.user)

    factories.make_user(site_role="steward")
    erase(steward.user)
    assert not steward.user.is_active


@pytest.mark.parametrize("role", ["", "maintainer"])
def test_nobody_else_erases_a_person(ada, role):
    other = factories.make_user(site_role=role)
    of_token = Caller(user=ada, scope="admin", token="0" * 24)

    with pytest.raises(NotAllowed):
        erase(ada, as_caller(other))
    with pytest.raises(NotAllowed):
        erase(ada, of_token)
    with pytest.raises(SignInRequired):
        privacy.erase(ada, by=Caller(), confirmed=NAME)
    ada.refresh_from_db()
    assert ada.is_active


def test_a_name_that_is_not_theirs_erases_nothing(ada, steward):
    with pytest.raises(Invalid):
        privacy.erase(ada, by=as_caller(ada), confirmed="ada")

    erase(ada, steward)
    with pytest.raises(Conflict):
        erase(ada, steward)


@pytest.mark.django_db(transaction=True)
def test_a_person_who_is_erased_twice_at_once_is_erased_once():
    factories.make_facts()
    ada = factories.make_user(NAME, full_name=FULL)
    steward = as_caller(factories.make_user(site_role="steward"))

    gave = at_once(
        *(
            lambda by=by: privacy.erase(ada, by=by, confirmed=NAME)
            for by in (steward, as_caller(ada))
        )
    )

    assert sorted(type(one).__name__ for one in gave) == ["Conflict", "NoneType"]
    assert Entry.objects.filter(event="person.erase").count() == 1


def words_left(request: AccessRequest) -> list[Any]:
    request.refresh_from_db()
    words = AccessRequestWords.objects.get(request=request)
    (message,) = request.messages.all()
    return [one for one in (words.answers, words.salt, message.text, request.purpose) if one]


def test_words_of_a_request_are_kept_for_as_long_as_the_site_says(release, ada, settings):
    settings.REQUEST_WORDS_DAYS = 30
    request = ask(release.repository, ada)
    ended = timezone.now()
    requests.handle(
        release.repository,
        status="rejected",
        user=NAME,
        by=as_caller(release.repository.created_by),
        now=ended,
    )

    privacy.forget_old(ended + timedelta(days=30))
    assert len(words_left(request)) == 4

    done = privacy.forget_old(ended + timedelta(days=30, microseconds=1))
    assert done["requests"] == 2
    assert words_left(request) == []
    assert +privacy.forget_old(ended + timedelta(days=31)) == {}


@pytest.mark.parametrize("state", [RequestState.PENDING, RequestState.ACCEPTED])
def test_words_of_a_request_that_lives_are_not_forgotten(release, ada, settings, state):
    settings.REQUEST_WORDS_DAYS = 1
    request = ask(release.repository, ada)
    if state == RequestState.ACCEPTED:
        publisher = as_caller(release.repository.created_by)
        requests.handle(release.repository, status=state, user=NAME, by=publisher)

    privacy.forget_old(timezone.now() + timedelta(days=3))

    assert len(words_left(request)) == 4


def test_zero_days_keep_words_for_good(release, ada, settings):
    settings.REQUEST_WORDS_DAYS = settings.ACCEPTANCE_WORDS_DAYS = 0
    request = ask(release.repository, ada)
    requests.withdraw(release.repository, by=as_caller(ada))

    assert privacy.forget_old(timezone.now() + timedelta(days=9999)) == {}
    assert len(words_left(request)) == 4


def test_words_of_an_acceptance_are_forgotten_some_time_after_it_ended(release, ada, settings):
    settings.ACCEPTANCE_WORDS_DAYS = 10
    acceptance = factories.accept_terms(release, ada)
    standing = factories.accept_terms(release, factories.make_user())
    ended = timezone.now() - timedelta(days=11)
    endings.end(acceptance, event=EndingEvent.LICENSEE, reason="", by=as_caller(ada), now=ended)

    tasks.forget_words()

    words = AcceptanceWords.objects.get(acceptance=acceptance)
    assert (words.typed_name, words.name, words.salt, words.answers) == ("", "", "", {})
    assert AcceptanceWords.objects.get(acceptance=standing).typed_name == "Some Body"
    assert receipts.verify(receipts.file_of(acceptance.receipt), receipts.public_keys())


def test_a_person_takes_away_all_that_is_held_and_no_secret(release, ada):
    factories.accept_terms(release, ada)
    ask(release.repository, ada)
    _, secret = tokens.issue(user=ada, name="laptop", scope="read")
    Access.objects.create(
        at=timezone.now(),
        actor=ada.public_id,
        repository=release.repository.public_id,
        revision="0" * 40,
        path="model.safetensors",
        sha256="0" * 64,
        first_byte=0,
        last_byte=1,
        size=2,
        reason="accepted",
    )

    text = "".join(personal_data.export(ada, by=as_caller(ada)))

    held = json.loads(text)
    assert list(held) == list(personal_data.SECTIONS)
    assert held["account"][0]["full_name"] == FULL
    assert held["acceptances"][0]["words"]["typed_name"] == "Some Body"
    assert receipts.verify(
        receipts.canonical.encode(held["acceptances"][0]["receipt"]), receipts.public_keys()
    )
    assert held["requests"][0]["answers"] == {"Company": SECRET}
    assert held["requests"][0]["messages"][0]["text"] == SECRET
    assert held["downloads"][0]["path"] == "model.safetensors"
    assert held["tokens"][0]["name"] == "laptop"
    assert "terms.accept" in {one["event"] for one in held["acts"]}
    digest = AccessToken.objects.get(user=ada).digest
    assert secret not in text
    assert digest not in text
    assert ada.password not in text


def test_a_repository_that_became_private_is_not_named(release, ada):
    factories.accept_terms(release, ada)
    Repository.objects.filter(pk=release.repository_id).update(visibility="private")

    held = json.loads("".join(personal_data.export(ada, by=as_caller(ada))))

    assert held["acceptances"][0]["repository"] == ""
    assert held["acceptances"][0]["repository_id"] == release.repository.public_id


def test_nobody_takes_away_the_data_of_others(ada, steward):
    for other in (steward, as_caller(factories.make_user())):
        with pytest.raises(NotAllowed):
            personal_data.export(ada, by=other)
    with pytest.raises(NotAllowed):
        personal_data.export(ada, by=Caller(user=ada, scope="admin", token="0" * 24))
    with pytest.raises(SignInRequired):
        personal_data.export(ada, by=Caller())


def test_nothing_is_written_about_a_person_who_was_erased_while_their_act_waited(release, ada):
    Repository.objects.filter(pk=release.repository.pk).update(gated="manual")
    waiting = as_caller(User.objects.select_related("namespace").get(pk=ada.pk))
    shown = Shown(PROMPT, {"Company": FULL})
    erase(ada)

    with pytest.raises(SignInRequired):
        factories.accept_terms(release, waiting.user)
    with pytest.raises(SignInRequired):
        requests.ask(release.repository, by=waiting, shown=shown, terms_are_open=True)

    assert not AcceptanceWords.objects.exists()
    assert not AccessRequest.objects.exists()
