"""Each mail is in the language of who gets it, whoever's act it comes of and on whatever page."""

import ast
import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone, translation

from registry.accounts import languages
from registry.accounts.models import User
from registry.agreements import access_mails, domains, endings, personal_data, privacy
from registry.agreements.models import AccessRequest, EndingEvent, RequestState
from registry.outbox import webhooks
from registry.outbox.models import Kind, Message, Webhook
from registry.releases import campaigns, cases, claims, notices, tasks, workflow
from registry.releases.models import Release
from tests import factories
from tests.factories import as_caller
from tests.releases.campaigning import load, make_campaign, make_steward, propose
from tests.releases.test_cases import DISMISSED, UPHELD, Scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return factories.make_released()


def _french(user: User) -> User:
    languages.choose(user, "fr")
    return user


def _mails(user: User) -> list[str]:
    found = Message.objects.filter(kind=Kind.MAIL, body__to=user.email).order_by("pk")
    return [f"{one.body['subject']}\n{one.body['text']}" for one in found]


def test_a_decision_is_told_and_shown_before_in_the_language_of_the_contributor() -> None:
    release = factories.make_release()
    contributor = _french(release.opened_by)

    shown = notices.of("request_changes", release, reason="Name the data.")
    workflow.transition(
        "request_changes", release, by=as_caller(factories.make_maintainer()), reason="Name it."
    )

    assert shown
    assert shown.language == "fr"
    assert "des changements sont demandés" in shown.subject
    [mail] = _mails(contributor)
    assert "des changements sont demandés" in mail
    assert "Le motif donné" in mail
    assert "Name it." in mail


def test_an_act_on_a_french_page_is_told_to_others_in_english() -> None:
    release = factories.make_release()

    with translation.override("fr"):
        workflow.transition(
            "reject", release, by=as_caller(factories.make_maintainer()), reason="No."
        )

    assert "A maintainer rejected this request" in _mails(release.opened_by)[0]


@pytest.mark.parametrize("step", notices.OUTCOMES)
def test_each_decision_has_its_words_in_french(step: str) -> None:
    release = factories.make_release()
    english = notices.of(step, release, reason="")
    _french(release.opened_by)

    found = notices.of(step, release, reason="")

    assert english
    assert found
    assert not set(english.text.splitlines()) & set(found.text.splitlines()[:-1]) - {""}


def test_a_review_that_is_given_is_told_in_french() -> None:
    carol = _french(factories.make_maintainer())
    release = factories.make_release()

    claims.take(release, by=as_caller(factories.make_maintainer()), reviewer=carol)

    [mail] = _mails(carol)
    assert "vous a confié la relecture" in mail
    assert f"attendue pour le {_in_french(release.due_at)}" in mail


def test_a_recall_is_told_to_each_in_their_language(release: Release) -> None:
    ada, bob = _french(factories.make_user()), factories.make_user()
    factories.accept_terms(release, ada)
    factories.accept_terms(release, bob)

    by = as_caller(factories.make_maintainer())
    workflow.transition("recall", release, by=by, reason="It leaks.")
    tasks.tell_of_advisories()

    [french], [english] = _mails(ada), _mails(bob)
    assert "Rappelé : " in french
    assert "parce que vous en avez accepté les conditions" in french
    assert "Recalled: " in english
    assert "It leaks." in french
    assert "It leaks." in english


def test_a_case_is_told_in_the_language_of_each_side() -> None:
    scene = Scene()
    for user in (scene.reporter, scene.owner, scene.second):
        _french(user)
    report = scene.report()
    cases.claim(report, by=as_caller(scene.first))
    cases.say(report, text="Where exactly?", by=as_caller(scene.first))
    cases.answer(report, statement=UPHELD, by=as_caller(scene.first))
    cases.appeal(report, text="No.", by=as_caller(scene.owner))
    cases.claim(report, by=as_caller(scene.second))
    cases.answer(report, statement=DISMISSED, by=as_caller(scene.second))

    reporter = _mails(scene.reporter)
    assert [mail.splitlines()[0].split(" ")[0] for mail in reporter] == [
        *("Votre", "À", "Réponse", "Votre", "Réponse")
    ]
    assert f"d’ici le {_in_french(report.due_at)}" in reporter[0]
    assert "Décision" in reporter[2]
    assert "Section 2 of the policy." in reporter[2]
    assert "L’auteur du signalement n’est pas communiqué" in _mails(scene.owner)[0]
    assert "Un signalement est arrivé" in _mails(scene.second)[0]
    assert "A report came in" in _mails(scene.first)[0]


def _in_french(at: timezone.datetime) -> str:
    with translation.override("fr"):
        return languages.day(at)


def test_a_campaign_is_announced_and_cancelled_in_french(release: Release) -> None:
    ada, owner = _french(factories.make_user()), _french(release.repository.created_by)
    factories.accept_terms(release, ada)
    campaign = make_campaign(load("3.1"))
    tasks.tell_of_campaigns()
    campaigns.cancel(campaign, reason="Withdrawn.", by=make_steward())
    tasks.tell_of_campaigns()

    announced, cancelled = _mails(ada)
    assert "Vous avez accepté les conditions de ces modèles" in announced
    assert "Ce qui change : Section 2 has another threshold." in announced
    assert "est annulé" in cancelled
    assert "Motif : Withdrawn." in cancelled
    assert "les lecteurs sont sollicités de nouveau" in "".join(_mails(owner))


def test_an_editorial_change_is_told_in_french(release: Release) -> None:
    owner = _french(release.repository.created_by)
    campaigns.confirm(propose(load("3.1"), kind="editorial"), by=make_steward())
    tasks.tell_of_campaigns()

    assert "ce que les lecteurs ont accepté reste valable" in _mails(owner)[-1]


def test_an_ended_license_is_told_in_french(release: Release) -> None:
    ada = _french(factories.make_user())
    acceptance = factories.accept_terms(release, ada)

    endings.end(acceptance, event=EndingEvent.BREACH, reason="Shared it.", by=make_steward())

    [mail] = _mails(ada)
    assert "une violation" in mail
    assert "Supprimez les fichiers" in mail
    assert "Shared it." in mail
    assert "reason" not in mail


def test_a_domain_that_is_decided_on_is_told_in_french() -> None:
    ada = _french(factories.make_user())
    lab = factories.make_organisation("lab", owner=ada)
    steward = make_steward()

    domains.refuse(
        domains.ask(lab, domain="one.example", by=as_caller(ada)), words="No.", by=steward
    )
    found = domains.ask(lab, domain="two.example", by=as_caller(ada))
    domains.end(domains.confirm(found, words="Yes.", by=steward), words="Sold.", by=steward)

    refused, confirmed, ended = _mails(ada)
    assert "n’a pas été confirmé" in refused
    assert "une adresse électronique vérifiée" in confirmed
    assert "ne signe plus pour lab" in ended


def test_an_organisation_left_alone_is_told_to_a_french_steward() -> None:
    ada, steward = factories.make_user(), _french(make_steward().user)
    factories.make_organisation(owner=ada)

    privacy.erase(ada, confirmed=ada.username, by=as_caller(ada))

    assert "Le dernier administrateur" in _mails(steward)[0]


REQUESTS: dict[str, Callable[[AccessRequest], None]] = {
    "Accès accordé": lambda one: access_mails.decided(one, before=RequestState.PENDING),
    "demande": lambda one: access_mails.waiting(one.repository, 2),
}


@pytest.mark.parametrize("words", REQUESTS)
def test_a_request_for_access_is_told_in_french(release: Release, words: str) -> None:
    ada, owner = _french(factories.make_user()), _french(release.repository.created_by)
    asked = AccessRequest(user=ada, repository=release.repository, state=RequestState.ACCEPTED)

    REQUESTS[words](asked)

    assert words in "".join(_mails(ada) + _mails(owner))


def test_a_webhook_that_is_switched_off_is_told_in_french() -> None:
    ada = _french(factories.make_user())
    made = Webhook.objects.create(owner=ada, url="https://example.org/hook", secret="sealed")
    made.failing_since = timezone.now() - timedelta(days=settings.OUTBOX_DAYS + 1)
    made.save()

    webhooks.failed(made)

    assert "a été désactivé" in _mails(ada)[0]


def _queued() -> Iterator[tuple[str, bool]]:
    """Where mails are written, and whether it is within `languages.speaking_to`, or in a function
    that has it."""
    for path in sorted((settings.BASE_DIR / "registry").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            calls = {
                ast.unparse(one.func) for one in ast.walk(function) if isinstance(one, ast.Call)
            }
            if "mail.queue" in calls:
                speaks = bool(calls & {"languages.speaking_to", "notices.of", "of"})
                yield f"{path.name}: {function.name}", speaks


def test_no_mail_is_written_in_the_language_of_somebody_else() -> None:
    found = dict(_queued())

    assert len(found) > 8
    assert [place for place, speaks in found.items() if not speaks] == []


def test_a_closed_account_has_no_language_and_the_export_names_it(release: Release) -> None:
    ada = _french(factories.make_user())
    taken = json.loads("".join(personal_data.export(ada, by=as_caller(ada))))
    assert '"language": "fr"' in json.dumps(taken)

    privacy.erase(ada, confirmed=ada.username, by=as_caller(ada))

    ada.refresh_from_db()
    assert ada.language == ""
