"""Mails about access, in the words and with the dates of the language of whoever gets them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.utils import translation

from registry.accounts import languages
from registry.accounts.models import Namespace, User
from registry.agreements import access_mails
from registry.agreements.models import AccessRequest, Grant, RequestState
from registry.catalog.models import Repository
from registry.outbox.models import Message
from tests import factories

pytestmark = pytest.mark.django_db
AT = datetime(2027, 1, 31, 23, 5, tzinfo=UTC)
IN_FRENCH, IN_ENGLISH = "31 janvier 2027, 23:05 UTC", "31 January 2027, 23:05 UTC"
S = RequestState


def _mail(user: User) -> tuple[str, str]:
    """The one mail to this person, without its last line: the address."""
    body = Message.objects.get(body__to=user.email).body
    return body["subject"], body["text"].rsplit("\n\n", 1)[0]


@pytest.fixture
def lab() -> Namespace:
    return factories.make_organisation("lab", owner=factories.make_user("ada"))


@pytest.fixture
def marie(lab: Namespace) -> User:
    """A reviewer beside ada, who chose nothing."""
    made = factories.make_member(lab)
    languages.choose(made, "fr")
    return made


@pytest.fixture
def repository(lab: Namespace) -> Repository:
    return factories.make_repository(User.objects.get(username="ada"), namespace=lab.name)


def _request(repository: Repository, user: User, state: str) -> AccessRequest:
    return AccessRequest(user=user, repository=repository, state=state, lapses_at=AT, reason="")


def _grant(repository: Repository, user: User) -> Grant:
    return Grant(user=user, repository=repository, ends_at=AT)


TO_THE_PERSON: dict[str, Callable[[Repository, User], None]] = {
    **{
        f"{before} to {state}": lambda r, u, before=before, state=state: access_mails.decided(
            _request(r, u, state), before=before
        )
        for before, state in [
            (S.PENDING, S.ACCEPTED),
            (S.ACCEPTED, S.REJECTED),
            (S.PENDING, S.REJECTED),
            (S.PENDING, S.RETURNED),
            (S.PENDING, S.LAPSED),
            (S.ACCEPTED, S.PENDING),
        ]
    },
    "lapsing": lambda r, u: access_mails.lapsing(_request(r, u, S.PENDING)),
    "lapsing, asked back": lambda r, u: access_mails.lapsing(_request(r, u, S.RETURNED)),
    "ending": lambda r, u: access_mails.ending(_grant(r, u)),
    "renewed": lambda r, u: access_mails.renewed(_grant(r, u)),
    "revoked": lambda r, u: access_mails.revoked(_grant(r, u)),
}


@pytest.mark.parametrize("step", TO_THE_PERSON)
def test_the_person_is_told_in_their_language(repository: Repository, step: str) -> None:
    bob, luc = factories.make_user("bob"), factories.make_user("luc")
    languages.choose(luc, "fr")

    with translation.override("fr"):
        TO_THE_PERSON[step](repository, bob)
    with translation.override("en"):
        TO_THE_PERSON[step](repository, luc)

    (subject, text), (sujet, texte) = _mail(bob), _mail(luc)
    assert repository.full_name in subject
    assert repository.full_name in sujet
    assert (subject, text) != (sujet, texte)
    assert sujet.split(": ")[1] != subject.split(": ")[1]
    assert texte != text
    assert (IN_ENGLISH in text) == (IN_FRENCH in texte)
    assert IN_FRENCH not in text
    assert ("2027" in text) == (IN_ENGLISH in text)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (lambda r, u: access_mails.lapsing(_request(r, u, S.PENDING)), "vous attend et expire le"),
        (lambda r, u: access_mails.renewal_asked(_grant(r, u)), "demande un renouvellement"),
        (lambda r, _: access_mails.waiting(r, 1), "1 demande d’accès"),
        (lambda r, _: access_mails.waiting(r, 2), "2 demandes d’accès"),
    ],
)
def test_each_who_decides_is_told_in_their_own_language_of_the_same_act(
    repository: Repository, marie: User, step: Callable[[Repository, User], None], said: str
) -> None:
    step(repository, factories.make_user("bob"))

    english = _mail(User.objects.get(username="ada"))[1]
    french = _mail(marie)[1]
    assert said in french
    assert said not in english
    assert (IN_FRENCH in french) == (IN_ENGLISH in english)
