"""The gate, and that the lists, the look-ups, the gate and both entrances agree, whoever asks."""

from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.accounts import plain_hub
from registry.accounts.callers import NOBODY, Caller, of_token
from registry.accounts.models import AccessToken, Role, Scope
from registry.accounts.tokens import recognise
from registry.agreements import requests
from registry.agreements.models import Acceptance, Grant
from registry.audit.models import Access
from registry.catalog import files, history, repositories, revisions
from registry.catalog.models import Gated, Ref, Repository, Revision
from registry.errors import (
    EntryMissing,
    GateClosed,
    RegistryError,
    RepositoryMissing,
    RevisionMissing,
    TermsRequired,
    Withdrawn,
)
from registry.releases import access as getting_access
from registry.releases import gate, steps, workflow
from registry.releases.gate import Reason
from registry.releases.models import WAS_RELEASED, Release, Status
from tests import factories
from tests.agreements import access
from tests.api.calls import As
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db

WEIGHTS = "model.safetensors"
ASKS = factories.CARD
STEPS = ["approve", "request_changes", "reject", "suspend", "restore", "recall"]
LOCKS = ["lock_manual", "lock_auto", "unlock", "ask", "let_in", "turn_out"]
ACTS = ["push", "check", "submit", "withdraw", "accept", "plain", "no_plain", *LOCKS, *STEPS]


@dataclass
class World:
    """One repository, everybody who could ask, and what happens to it."""

    visibility: str
    is_plain: bool = False
    callers: dict[str, Caller] = field(default_factory=dict)

    def __post_init__(self) -> None:
        factories.make_facts()
        organisation = factories.make_organisation()
        self.owner = organisation.memberships.get().user
        self.maintainer = factories.make_maintainer()
        self.reader = factories.make_user()
        self.repository = factories.make_repository(
            self.owner, namespace=organisation.name, visibility=self.visibility
        )
        elsewhere = factories.make_repository(self.owner)
        member = factories.make_member(organisation, Role.READ)
        self.pushes = 0
        self.secrets = {
            "owner, write": factories.make_token(self.owner, Scope.WRITE),
            "owner, read": factories.make_token(self.owner, Scope.READ),
            "owner, elsewhere": factories.make_token(
                self.owner, Scope.WRITE, repositories=[elsewhere.public_id]
            ),
            "member": factories.make_token(member, Scope.READ),
            "maintainer, read": factories.make_token(self.maintainer, Scope.READ),
            "reader": factories.make_token(self.reader, Scope.WRITE),
            "stranger": factories.make_token(factories.make_user(), Scope.READ),
            "nobody": "",
        }
        self.callers = {
            name: recognise(secret) if secret else NOBODY for name, secret in self.secrets.items()
        }

    def act(self, name: str) -> None:
        """Do this if it can be done now."""
        getattr(self, f"_{name}", lambda: self._step(name))()

    def _push(self) -> None:
        self.pushes += 1
        content = factories.with_copies({"README.md": ASKS, WEIGHTS: f"weights {self.pushes}"})
        factories.make_commit(self.repository, content, by=self.owner)

    def _check(self) -> None:
        for revision in self.repository.revisions.filter(check_runs__state="queued"):
            factories.finish_checks(revision)

    def _submit(self) -> None:
        head = Ref.objects.get(repository=self.repository, name="refs/heads/main").head
        version = f"v{Release.objects.count() + 1}"
        workflow.open_release(head, version=version, by=factories.as_caller(self.owner))

    def _withdraw(self) -> None:
        self._step("withdraw", by=self.owner)

    def _accept(self) -> None:
        release = Release.objects.filter(status=Status.RELEASED).first()
        if release is not None:
            factories.accept_terms(release, self.reader)

    def _lock_manual(self) -> None:
        access.set_mode(self.repository, Gated.MANUAL)

    def _lock_auto(self) -> None:
        access.set_mode(self.repository, Gated.AUTO)

    def _unlock(self) -> None:
        access.set_mode(self.repository, Gated.NO)

    def _ask(self) -> None:
        getting_access.ask(self.repository, by=factories.as_caller(self.reader), answers={})

    def _let_in(self) -> None:
        owner, name = factories.as_caller(self.owner), self.reader.username
        requests.grant(self.repository, user=name, by=owner)

    def _turn_out(self) -> None:
        owner, name = factories.as_caller(self.owner), self.reader.username
        requests.handle(self.repository, status="rejected", user=name, by=owner)

    def _plain(self) -> None:
        self._switch(on=True)

    def _no_plain(self) -> None:
        self._switch(on=False)

    def _switch(self, *, on: bool) -> None:
        self.is_plain = on
        plain_hub.switch(self.repository.namespace, on=on)
        self.repository = Repository.objects.select_related("namespace").get(pk=self.repository.pk)

    def _step(self, name: str, by=None) -> None:
        release = Release.objects.filter(status__in=steps.TRANSITIONS[name].sources).first()
        if release is not None:
            caller = factories.as_caller(by or self.maintainer)
            workflow.transition(name, release, by=caller, reason="a reason")


def _should_see_all(name: str) -> bool:
    return name in {"owner, write", "owner, read", "maintainer, read"}


def _should_know(world: World, name: str) -> bool:
    """Who may know of the repository, said once more, in the test's own words."""
    if name == "owner, elsewhere":
        return False
    if _should_see_all(name):
        return True
    is_known = world.is_plain or Release.objects.filter(status__in=WAS_RELEASED).exists()
    return is_known and (world.visibility == "public" or name == "member")


def _should_get(world: World, name: str, revision: Revision) -> bool:
    """Who may have the bytes of the weights."""
    if not _should_know(world, name):
        return False
    if _should_see_all(name):
        return True
    is_let_in = name == "reader" and Grant.objects.filter(ends_at=None).exists()
    mode = world.repository.gated
    if not Release.objects.filter(revision=revision, status__in=WAS_RELEASED).exists():
        return world.is_plain and (not mode or is_let_in)
    release = Release.objects.filter(revision=revision, status=Status.RELEASED).first()
    if release is None or name != "reader":
        return False
    accepted = Acceptance.objects.filter(user=world.reader, terms_hash=release.terms_hash)
    if not accepted.exists():
        return False
    request = world.reader.access_requests.order_by("-pk").first()
    by_itself = mode == Gated.AUTO and request is None
    return not mode or is_let_in or by_itself


def _look_at(world: World, name: str, revision: Revision) -> None:
    """All answers about one revision to one caller agree."""
    caller = world.callers[name]
    knows = _should_know(world, name)
    may = _should_get(world, name, revision)
    listed = Repository.objects.visible_to(caller).filter(pk=world.repository.pk).exists()
    assert listed == knows
    try:
        repository = repositories.find(world.repository.full_name, caller=caller)
    except RepositoryMissing:
        assert not knows
        return
    assert knows
    exists = Revision.objects.visible_to(caller).filter(pk=revision.pk).exists()
    was_released = Release.objects.filter(revision=revision, status__in=WAS_RELEASED)
    assert exists == (_should_see_all(name) or world.is_plain or was_released.exists())
    try:
        assert revisions.find(repository, revision.oid, caller=caller) == revision
    except RevisionMissing:
        assert not exists
    answer = gate.decide(repository, revision, caller=caller)
    assert answer.is_open == may
    assert (answer.reason == Reason.UNKNOWN) == (not exists)
    assert bool(answer.message) == (not answer.is_open)
    refused = ""
    try:
        gate.open_file(repository, revision, WEIGHTS, caller=caller)
    except EntryMissing:
        assert may  # only who may have it learns that there is no such file
    except (GateClosed, RevisionMissing) as refusal:
        refused = str(refusal)
    assert refused == answer.message


def _look_at_branches(world: World, name: str) -> None:
    """What branches, tags, history and releases show exists for the caller."""
    caller = world.callers[name]
    repository = world.repository
    seen = set(Revision.objects.visible_to(caller).filter(repository=repository))
    releases = set(Release.objects.visible_to(caller).filter(repository=repository))
    assert {release.revision for release in releases} <= seen
    if not _should_know(world, name):
        assert not seen
        assert not releases
        return
    repository = repositories.find(repository.full_name, caller=caller)
    placed = revisions.refs_for(repository, caller=caller)
    assert {revision for _, revision in placed} <= seen
    for ref, revision in placed:
        assert revisions.find(repository, ref.name, caller=caller) == revision
        line = history.line(repository, revision, caller=caller)
        assert set(history.revisions_at(line)) <= seen


def _look_from_outside(world: World, name: str, revision: Revision) -> None:
    """Both entrances give the bytes, or a refusal, as the gate says."""
    may, secret = _should_get(world, name, revision), world.secrets[name]
    exists = Revision.objects.visible_to(world.callers[name]).filter(pk=revision.pk).exists()
    has_file = any(file.path == WEIGHTS for file in files.files_of(revision))
    wire = Wire(secret=secret) if secret else Wire()
    before = Access.objects.count()
    got = wire.get(f"/{world.repository.full_name}/resolve/{revision.oid}/{WEIGHTS}")

    api = As()
    api.headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    asked = api.get(f"/models/{world.repository.full_name}/access", revision=revision.oid)

    assert (got.status_code == 200) == (may and has_file)
    assert Access.objects.count() - before == (1 if may and has_file else 0)
    assert (asked.status_code == 200) == exists
    if exists:
        assert asked.json()["is_open"] == may
    else:
        made_up = wire.get(f"/{world.repository.full_name}/resolve/{'0' * 40}/{WEIGHTS}")
        assert got.status_code == made_up.status_code
        assert asked.status_code == 404
    if not may:
        assert b"weights" not in got.sent
        assert "etag" not in {header.lower() for header in got.headers}


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    visibility=st.sampled_from(["public", "private"]),
    acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=14),
    start=st.sampled_from(
        [
            [],
            ["push", "check", "submit", "approve"],
            ["push", "plain", "lock_auto"],
            ["push", "check", "submit", "approve", "lock_manual", "ask", "accept"],
        ]
    ),
)
def test_lists_look_ups_gate_and_entrances_agree_whatever_happened(visibility, acts, start):
    with transaction.atomic():
        world = World(visibility)
        for act in start + acts:
            try:
                with transaction.atomic():
                    world.act(act)
            except RegistryError:
                continue  # it could not be done now
        for name in world.callers:
            _look_at_branches(world, name)
            for revision in world.repository.revisions.all():
                _look_at(world, name, revision)
        for name in ("nobody", "stranger", "member", "reader", "owner, elsewhere", "owner, read"):
            _look_from_outside(world, name, world.repository.revisions.latest("pk"))
            released = world.repository.revisions.exclude(state="quarantine").first()
            if released is not None:
                _look_from_outside(world, name, released)
        for release in Release.objects.filter(status=Status.RELEASED):
            assert steps.approvals(release) >= 1
            assert release.revision.state == "released"
        transaction.set_rollback(True)


# Reasons, one by one


@pytest.fixture
def release():
    return factories.make_released()


def _decide(release: Release, caller: Caller) -> gate.Answer:
    release.revision.refresh_from_db()
    return gate.decide(release.repository, release.revision, caller=caller)


def test_the_public_is_asked_to_sign_in(release):
    answer = _decide(release, NOBODY)

    assert (answer.is_open, answer.reason) == (False, Reason.SIGN_IN)
    assert answer.next_url == f"/{release.repository.full_name}/terms"
    with pytest.raises(TermsRequired):
        gate.require(answer, release.repository)


def test_a_reader_is_asked_to_accept_and_may_then(release):
    reader = factories.make_user()
    assert _decide(release, factories.as_caller(reader)).reason == Reason.TERMS

    acceptance = factories.accept_terms(release, reader)

    answer = _decide(release, factories.as_caller(reader))
    assert (answer.is_open, answer.reason) == (True, Reason.ACCEPTED)
    assert (answer.acceptance, answer.release) == (acceptance, release)


def test_a_read_token_is_enough_to_download_what_was_accepted(release):
    reader = factories.make_user()
    factories.accept_terms(release, reader)

    assert _decide(release, Caller(user=reader, scope=Scope.READ)).is_open


def test_an_acceptance_of_other_terms_opens_nothing(release):
    reader = factories.make_user()
    factories.accept_terms(release, reader)
    Release.objects.filter(pk=release.pk).update(terms_hash="0" * 64)
    release.refresh_from_db()

    assert _decide(release, factories.as_caller(reader)).reason == Reason.TERMS


def test_terms_that_ask_nothing_are_open_to_everybody(release):
    Release.objects.filter(pk=release.pk).update(terms=release.terms | {"needs_acceptance": False})

    assert _decide(release, NOBODY).reason == Reason.NO_TERMS


@pytest.mark.parametrize(
    ("path", "is_open"),
    [("README.md", True), ("LICENSE", True), ("NOTICE", True), (WEIGHTS, False)],
)
def test_license_texts_and_the_card_are_readable_without_access(path, is_open):
    release = factories.make_released(
        files={"README.md": ASKS, "LICENSE.txt": "text", WEIGHTS: "w"}
    )

    answer = gate.decide_file(release.repository, release.revision, path, caller=NOBODY)

    assert answer.is_open == is_open


def test_a_large_file_called_license_is_no_license_text():
    large = "x" * (gate.OPEN_FILE_MAX + 1)
    release = factories.make_released(files={"README.md": ASKS, "LICENSE.txt": large})

    answer = gate.decide_file(release.repository, release.revision, "LICENSE.txt", caller=NOBODY)

    assert not answer.is_open


def test_nothing_is_learned_by_trying_names(release):
    for path in ("no-such-file", WEIGHTS):
        with pytest.raises(TermsRequired):
            gate.open_file(release.repository, release.revision, path, caller=NOBODY)


@pytest.mark.parametrize(("step", "reason"), [("suspend", "suspended"), ("recall", "recalled")])
def test_a_withdrawn_release_is_closed_to_those_who_accepted_too_and_says_why(
    release, step, reason
):
    reader = factories.make_user()
    factories.accept_terms(release, reader)
    workflow.transition(
        step, release, by=factories.as_caller(factories.make_maintainer()), reason="It is unsafe."
    )

    answer = _decide(release, factories.as_caller(reader))

    assert (answer.is_open, answer.reason) == (False, reason)
    assert "It is unsafe." in answer.message
    with pytest.raises(Withdrawn):
        gate.require(answer, release.repository)


def test_a_row_of_the_access_log_says_who_what_and_why(release):
    reader = factories.make_user()
    acceptance = factories.accept_terms(release, reader)
    secret = factories.make_token(reader, Scope.READ)
    token = AccessToken.objects.get()
    caller = of_token(token, request_id="some-request")
    file, answer = gate.open_file(
        release.repository, release.revision, WEIGHTS, caller=recognise(secret)
    )

    gate.note_access(
        file,
        answer,
        repository=release.repository,
        revision=release.revision,
        caller=caller,
        first_byte=3,
        last_byte=9,
    )

    row = Access.objects.get()
    assert (row.actor, row.token, row.request_id) == (
        reader.public_id,
        token.public_id,
        "some-request",
    )
    assert (row.repository, row.revision) == (release.repository.public_id, release.revision.oid)
    assert (row.path, row.sha256, row.first_byte, row.last_byte) == (WEIGHTS, file.sha256, 3, 9)
    assert (row.release_digest, row.acceptance, row.reason) == (
        release.digest,
        acceptance.public_id,
        "accepted",
    )
