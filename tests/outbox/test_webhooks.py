"""Webhooks: their owner alone has them, and is told what they may see when it is sent."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from registry.accounts import plain_hub
from registry.accounts.models import Membership, Role, User
from registry.audit.models import Entry
from registry.catalog import announcements, branches
from registry.catalog.models import Repository
from registry.discussions import threads
from registry.errors import Invalid, Missing, NotAllowed, NotNow
from registry.outbox import messages, tasks, webhooks
from registry.outbox.models import Message, State, Webhook
from registry.releases import policies, workflow
from tests.factories import (
    as_caller,
    make_commit,
    make_maintainer,
    make_member,
    make_release,
    make_released,
    make_user,
)
from tests.outbox.receivers import Receiver, told
from tests.refusals import at_once

pytestmark = pytest.mark.django_db


def refs(event: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    return [(ref["ref"], ref["oldSha"], ref["newSha"]) for ref in event["updatedRefs"]]


def test_a_push_is_told_to_members_with_a_signature_that_can_be_checked(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    webhook = hook(lab.created_by)
    first = lab.revisions.get().oid
    revision = make_commit(lab, {"a.txt": "a"})

    tasks.send_due()

    (got,) = there.got
    event = json.loads(got.body)
    assert event["event"] == {"action": "update", "scope": "repo.content"}
    assert refs(event) == [("refs/heads/main", first, revision.oid)]
    assert event["repo"]["name"] == "lab/tiny"
    assert event["repo"]["head_sha"] == revision.oid
    assert event["repo"]["url"]["api"] == "https://models.example.org/api/models/lab/tiny"
    assert event["webhook"] == {"id": webhook.public_id, "version": 1}
    assert got.headers["X-Webhook-Secret"] == "s3cret"
    at, signature = (part[part.index("=") + 1 :] for part in _signature(got.headers))
    wanted = hmac.new(b"s3cret", f"{at}.".encode() + got.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signature, wanted)


def _signature(headers: dict[str, str]) -> list[str]:
    return headers["X-Registry-Signature"].split(",")


def test_outsiders_are_told_of_what_is_released_and_of_nothing_before(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    outsider, insider = make_user("bob"), lab.created_by
    outside = hook(outsider, ("model", "LAB/tiny"))
    release = make_release(lab)
    branches.create_branch(lab, "next", start=release.revision, by=as_caller(insider))
    before = told(there)
    shown_before = list(webhooks.deliveries(outside))

    workflow.transition("approve", release, by=as_caller(make_maintainer()))
    after = told(there)

    assert before == []
    assert shown_before == []
    assert not Message.objects.filter(webhook=outside, state=State.WAITING).exists()
    oid = release.revision.oid
    moved = [change for event in after for change in refs(event)]
    assert sorted(moved) == [("refs/heads/main", None, oid), ("refs/tags/v1.0", None, oid)]
    assert {event["repo"]["head_sha"] for event in after} == {oid}


def test_outsiders_do_not_learn_the_name_of_a_branch_that_is_not_theirs_to_know(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    by = as_caller(lab.created_by)
    start = make_released(lab).revision
    told(there)
    hook(make_user("bob"), ("model", "lab/tiny"))
    branches.create_branch(lab, "secret-next", start=start, by=by)
    branches.delete_branch(lab, "secret-next", by=by)
    branches.create_tag(lab, "known", start=start, by=by)

    moved = [change for event in told(there) for change in refs(event)]

    assert moved == [("refs/tags/known", None, start.oid)]


def test_insiders_are_told_of_a_release_by_its_tag_alone(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    release = make_release(lab)
    hook(lab.created_by)

    workflow.transition("approve", release, by=as_caller(make_maintainer()))

    (event,) = told(there)
    assert refs(event) == [("refs/tags/v1.0", None, release.revision.oid)]


def test_a_commit_after_a_release_says_nothing_to_outsiders(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    make_released(lab)
    hook(make_user(), ("model", "lab/tiny"))

    make_commit(lab, {"b.txt": "b"})

    assert told(there) == []


def test_in_a_plain_hub_outsiders_are_told_of_each_commit(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    plain_hub.switch(lab.namespace, on=True)
    hook(make_user(), ("model", "lab/tiny"))

    revision = make_commit(Repository.objects.get(pk=lab.pk), {"b.txt": "b"})

    (event,) = told(there)
    assert refs(event)[0][2] == event["repo"]["head_sha"] == revision.oid


def test_a_suspension_takes_the_branch_away_from_outsiders(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    release = make_released(lab)
    hook(make_user(), ("model", "lab/tiny"))

    workflow.transition("suspend", release, by=as_caller(make_maintainer()), reason="A doubt.")

    (event,) = [one for one in told(there) if "updatedRefs" in one]
    assert refs(event) == [("refs/heads/main", release.revision.oid, None)]
    assert "head_sha" not in event["repo"]


def test_what_the_owner_may_see_is_decided_when_it_is_sent(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    member = make_member(lab.namespace)
    webhook = hook(member)
    make_commit(lab, {"a.txt": "a"})
    Membership.objects.filter(user=member).delete()

    assert told(there) == []
    assert not webhook.messages.exists()


def test_a_closed_account_is_told_nothing(lab: Repository, hook: Any, there: Receiver) -> None:
    webhook = hook(lab.created_by)
    make_commit(lab, {"a.txt": "a"})
    User.objects.filter(pk=lab.created_by.pk).update(is_active=False)

    assert told(there) == []
    assert not webhook.messages.exists()


def test_what_is_deleted_was_told_to_those_who_saw_it(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    hook(lab.created_by)
    unseen = hook(make_user(), ("model", "lab/tiny"))

    announcements.announce_deletion(lab)
    Repository.objects.update(deleted_at=timezone.now())

    (event,) = told(there)
    assert event["event"] == {"action": "delete", "scope": "repo"}
    assert event["repo"]["name"] == "lab/tiny"
    assert not unseen.messages.exists()


def test_discussions_are_told_as_their_readers_see_them(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    make_released(lab)
    told(there)
    outside = hook(make_user(), ("model", "lab/tiny"), domains=["discussion"])
    by = as_caller(lab.created_by)
    opened = threads.open_thread(lab, title="A question", text="Why?", by=by)
    threads.comment(opened, "Because.", by=by)
    threads.open_thread(lab, title="Internal", text="Secret.", by=by, is_internal=True)

    events = told(there)

    assert [event["event"]["scope"] for event in events] == ["discussion", "discussion.comment"]
    assert events[0]["discussion"]["title"] == "A question"
    assert events[0]["discussion"]["isPullRequest"] is False
    assert events[1]["comment"]["content"] == "Because."
    assert outside.messages.count() == 2


def test_a_comment_that_is_kept_apart_is_told_to_no_reviewer_who_still_has_to_look(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    release = make_release(lab)
    ada, bob, carol = as_caller(lab.created_by), make_maintainer("bob"), make_maintainer("carol")
    policies.change(lab.namespace, approvals=2, reviews_apart=True, bars=[], by=ada)
    for owner in (lab.created_by, carol):
        hook(owner, domains=["discussion"])
    told(there)

    assert release.discussion is not None
    threads.comment(release.discussion, "zebra", by=as_caller(bob))
    kept = told(there)
    workflow.transition("approve", release, by=as_caller(carol))
    told(there)
    threads.comment(release.discussion, "zebra", by=as_caller(bob))

    assert [event["comment"]["content"] for event in kept] == ["zebra"]
    assert [event["comment"]["content"] for event in told(there)] == ["zebra"] * 2


def test_a_hidden_comment_is_told_without_what_it_said(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    by = as_caller(lab.created_by)
    opened = threads.open_thread(lab, title="A question", text="Why?", by=by)
    hook(lab.created_by, domains=["discussion"])
    threads.hide(threads.comment(opened, "A secret.", by=by), by=by)

    events = told(there)

    assert [event["comment"]["hidden"] for event in events] == [True, True]
    assert "A secret." not in json.dumps(events)


@pytest.mark.parametrize("watched", [("model", "lab/TINY"), ("org", "Lab"), ("user", "lab")])
def test_names_are_watched_in_any_case(
    lab: Repository, hook: Any, there: Receiver, watched: tuple[str, str]
) -> None:
    hook(lab.created_by, watched)
    hook(lab.created_by, ("dataset", "lab/tiny"))
    hook(lab.created_by, watched, domains=["discussion"])

    make_commit(lab, {"a.txt": "a"})

    assert len(told(there)) == 1


def test_a_failed_delivery_is_tried_again_and_shown(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    webhook = hook(lab.created_by)
    make_commit(lab, {"a.txt": "a"})
    there.status = 503
    assert len(told(there)) == 1
    (delivery,) = webhooks.deliveries(webhook)
    webhook.refresh_from_db()
    assert (delivery.state, delivery.status) == (State.WAITING, 503)
    assert webhook.failing_since is not None

    there.status = 204
    Message.objects.update(due_at=timezone.now())
    assert len(told(there)) == 1

    delivery.refresh_from_db()
    webhook.refresh_from_db()
    assert (delivery.state, delivery.status, delivery.attempt) == (State.SENT, 204, 2)
    assert webhook.failing_since is None


def test_a_webhook_that_goes_while_a_delivery_begins_or_fails_is_told_nothing_more(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    webhook = hook(lab.created_by)
    make_commit(lab, {"a.txt": "a"})
    delivery = messages.claim()
    assert delivery is not None
    Webhook.objects.all().delete()

    messages.carry(delivery)
    webhooks.failed(webhook)

    assert there.got == []


def test_after_long_failure_it_is_disabled_and_its_owner_told(
    lab: Repository, hook: Any, there: Receiver, mailoutbox: list[Any]
) -> None:
    webhook = hook(lab.created_by)
    there.status = 500
    make_commit(lab, {"a.txt": "a"})
    told(there)
    long_ago = timezone.now() - timedelta(days=4)
    Webhook.objects.update(failing_since=long_ago)
    Message.objects.update(due_at=timezone.now(), since=F("since") - timedelta(days=4))

    told(there)
    told(there)

    webhook.refresh_from_db()
    assert webhook.is_disabled
    assert webhooks.deliveries(webhook).get().state == State.DEAD
    (sent,) = mailoutbox
    assert sent.to == ["ada@example.org"]
    assert webhook.public_id in sent.body
    assert Entry.objects.filter(event="webhook.disable", actor="").exists()
    make_commit(lab, {"b.txt": "b"})
    assert told(there) == []


def test_a_name_that_leads_inward_when_it_is_sent_gets_nothing(
    lab: Repository, hook: Any, there: Receiver, settings: Any
) -> None:
    webhook = hook(lab.created_by)
    make_commit(lab, {"a.txt": "a"})
    settings.WEBHOOK_ALLOW = []

    assert told(there) == []
    assert "inward" in webhooks.deliveries(webhook).get().note


def test_a_delivery_is_sent_again_by_its_owner_alone(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    webhook = hook(lab.created_by)
    make_commit(lab, {"a.txt": "a"})
    told(there)
    delivery = webhooks.deliveries(webhook).get()

    with pytest.raises(Missing):
        webhooks.find(webhook.public_id, caller=as_caller(make_maintainer()))
    webhooks.send_again(webhook, delivery.public_id, by=as_caller(lab.created_by))

    assert len(told(there)) == 1


def test_a_webhook_of_somebody_else_is_not_there(hook: Any) -> None:
    webhook, other = hook(make_user()), as_caller(make_user())

    for act in (webhooks.enable, webhooks.disable, webhooks.delete, webhooks.update):
        with pytest.raises(Missing):
            act(webhook, by=other)
    assert Webhook.objects.filter(disabled_at=None).count() == 1


def test_the_secret_is_kept_encrypted(hook: Any) -> None:
    webhook = hook(make_user())

    assert "s3cret" not in webhook.secret
    assert webhooks.secret_of(webhook) == "s3cret"


def test_with_another_site_key_the_reason_says_so(hook: Any, settings: Any) -> None:
    webhook = hook(make_user())
    settings.SECRET_KEY = "another" * 8

    with pytest.raises(messages.Undelivered, match="set it again"):
        webhooks.secret_of(webhook)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://10.0.0.1/"},
        {"domains": []},
        {"domains": ["repo", "weather"]},
        {"secret": "a b"},
        {"secret": "a\r\nX: y"},
        {"secret": "a" * 201},
    ],
)
def test_what_cannot_be_right_is_refused(hook: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        hook(make_user(), **wrong)


@pytest.mark.parametrize(
    "watched", [("model", "lab"), ("org", "lab/tiny"), ("moon", "lab"), ("model", "a b/c")]
)
def test_what_cannot_be_watched_is_refused(hook: Any, watched: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        hook(make_user(), watched)


def test_a_person_has_a_bounded_number_of_webhooks(
    hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_OF_A_PERSON", 2)
    owner = make_user()
    hook(owner)
    hook(owner)

    with pytest.raises(NotNow):
        hook(owner)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_both_get_the_last_webhook(
    hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_OF_A_PERSON", 1)
    owner = make_user()

    outcomes = at_once(*[lambda: hook(owner)] * 4)

    assert [isinstance(outcome, NotNow) for outcome in outcomes].count(True) == 3
    assert webhooks.of(as_caller(owner)).count() == 1


def test_neither_a_read_token_nor_a_limited_one_reaches_webhooks(hook: Any) -> None:
    owner = make_user()
    webhook = hook(owner)
    reads = replace(as_caller(owner), scope="read")
    limited = replace(as_caller(owner), repositories=frozenset())

    assert webhooks.of(reads).count() == 1
    with pytest.raises(NotAllowed):
        webhooks.delete(webhook, by=reads)
    with pytest.raises(NotAllowed):
        webhooks.of(limited)


def test_a_reader_of_a_private_repository_is_told_of_releases_alone(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    Repository.objects.update(visibility="private")
    reader = make_member(lab.namespace, Role.READ)
    hook(reader)
    hook(make_user(), ("model", "lab/tiny"))

    release = make_release(lab)
    assert told(there) == []
    workflow.transition("approve", release, by=as_caller(make_maintainer()))

    moved = [ref for event in told(there) for ref in refs(event)]
    assert [new for _, _, new in moved] == [release.revision.oid] * 2
