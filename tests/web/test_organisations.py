"""The pages of organisations: members, domains, signatures, joining; each for who may see it."""

import pytest
from django.test import Client

from registry.accounts import people
from registry.accounts.models import Membership, Role, User
from registry.agreements import domains, organisations
from registry.agreements.models import Adherence, Document, Domain
from registry.releases import gate
from tests import factories
from tests.agreements.organisations import make_domain, make_service, make_signing, sign
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db
HERE = "/settings/organisations/lab"


@pytest.fixture
def ada() -> User:
    return factories.make_user("ada")


@pytest.fixture
def lab(ada):
    return factories.make_organisation("lab", owner=ada)


@pytest.fixture
def steward() -> User:
    return factories.make_user(site_role="steward")


def _as(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def test_an_admin_takes_somebody_in_changes_the_role_and_removes_them(lab, ada):
    bob, client = factories.make_user("bob"), _as(ada)
    form = form_to(client.get(HERE).text, HERE)

    unknown = client.post(HERE, form.filled(username="nobody", role="write"))
    assert unknown.status_code == 422
    assert "nobody called" in unknown.text
    assert form_to(unknown.text, HERE).values["username"] == "nobody"
    client.post(HERE, form.filled(username="bob", role="write"))
    listed = client.get(HERE).text
    at = f"{HERE}/members/{bob.public_id}"
    client.post(f"{at}/role", form_to(listed, f"{at}/role").filled(role="read"))
    assert Membership.objects.get(user=bob).role == Role.READ

    wrong = client.post(f"{at}/remove", {"typed": "ada"})
    assert wrong.status_code == 422
    assert Membership.objects.filter(user=bob).exists()
    done = client.post(f"{at}/remove", {"typed": "bob"}, follow=True)

    assert "bob is no longer in lab" in done.text
    assert not Membership.objects.filter(user=bob).exists()


def test_a_member_reads_the_list_and_leaves(lab):
    bob = factories.make_member(lab, Role.READ)
    client, at = _as(bob), f"{HERE}/members/{bob.public_id}/remove"

    page = client.get(HERE).text
    assert "Add a member" not in page
    assert f'href="{at}"' in page
    left = client.post(at, {"typed": "LAB"}, follow=True)

    assert "no longer in lab" in left.text
    assert client.get(HERE).status_code == 404


def test_the_last_admin_is_told_why_they_stay(lab, ada):
    client, at = _as(ada), f"{HERE}/members/{ada.public_id}"

    assert "the last admin" in client.get(f"{at}/remove").text
    refused = client.post(f"{at}/remove", {"typed": "lab"})
    assert refused.status_code == 422
    lowered = client.post(f"{at}/role", {"role": "read"}, follow=True)

    assert "the last admin of lab" in lowered.text
    assert Membership.objects.get(user=ada).role == Role.ADMIN


def test_who_is_no_admin_changes_nobody(lab, ada):
    bob = factories.make_member(lab, Role.WRITE)
    client = _as(bob)

    assert client.post(HERE, {"username": "bob", "role": "read"}).status_code == 422
    client.post(f"{HERE}/members/{bob.public_id}/role", {"role": "admin"})
    assert client.get(f"{HERE}/members/{ada.public_id}/remove").status_code == 404
    gone = client.post(f"{HERE}/members/{ada.public_id}/remove", {"typed": "ada"})
    assert gone.status_code == 404
    client.post(f"{HERE}/domains", {"domain": "lab.example"})

    assert {m.user: m.role for m in lab.memberships.all()} == {ada: "admin", bob: "write"}
    assert not Domain.objects.exists()


def test_strangers_get_the_answer_of_an_organisation_that_is_not_there(lab, ada):
    other = factories.make_organisation("other")
    outsider = factories.make_member(other, Role.ADMIN)
    paths = ["", "/domains", "/signatures", "/signatures.csv", f"/members/{ada.public_id}/remove"]
    for path in paths:
        assert _as(outsider).get(HERE + path).status_code == 404, path
        assert _as(outsider).get(f"/settings/organisations/none{path}").status_code == 404
        assert _as(None).get(HERE + path).status_code == 302, path
    for path in ("/adhere", f"/members/{ada.public_id}/role"):
        assert _as(outsider).post(HERE + path, {"role": "read"}).status_code == 404


def test_the_list_of_mine_says_where_i_may_sign():
    lab, ada = make_signing("lab")
    factories.make_organisation("other", owner=ada)
    bob = factories.make_user("bob")

    page = _as(ada).get("/settings/organisations").text
    empty = _as(bob).get("/settings/organisations").text

    assert page.count("you may accept terms for it") == 1
    assert page.count("what is missing") == 1
    assert "--owner bob" in empty
    assert "/settings/organisations" in _as(bob).get("/").text


def test_a_domain_is_asked_for_confirmed_and_ended(lab, ada, steward):
    client, here = _as(ada), f"{HERE}/domains"
    form = form_to(client.get(here).text, here)
    wrong = client.post(here, form.filled(domain="gmail.com"))
    assert wrong.status_code == 422
    assert "public mail provider" in wrong.text
    client.post(here, form.filled(domain="lab.example"))
    found = Domain.objects.get()
    steward_client, at = _as(steward), f"/steward/domains/{found.public_id}"

    assert "lab.example" in steward_client.get("/steward/domains").text
    unsaid = steward_client.post(f"{at}/confirm", {"words": " "})
    assert unsaid.status_code == 422
    steward_client.post(f"{at}/confirm", {"words": "Its site names it."})
    found.refresh_from_db()
    assert found.confirmed_by == steward
    assert "confirmed" in client.get(here).text
    steward_client.post(f"{at}/end", {"words": "Sold."})

    found.refresh_from_db()
    assert found.ended_at is not None


def test_a_steward_s_words_are_kept_when_the_step_is_refused(lab, ada, steward):
    make_domain(factories.make_organisation("other"), "lab.example")
    asked = domains.ask(lab, domain="lab.example", by=factories.as_caller(ada))

    page = _as(steward).post(
        f"/steward/domains/{asked.public_id}/confirm", {"words": "I looked at it."}
    )

    assert page.status_code == 422
    assert "confirmed for another organisation" in page.text
    assert "I looked at it." in page.text


def test_only_stewards_have_the_page_of_domains(lab, ada):
    asked = domains.ask(lab, domain="lab.example", by=factories.as_caller(ada))
    for user in (ada, factories.make_maintainer()):
        assert _as(user).get("/steward/domains").status_code == 404
        at = f"/steward/domains/{asked.public_id}/confirm"
        assert _as(user).post(at, {"words": "Mine."}).status_code == 404
    asked.refresh_from_db()
    assert asked.confirmed_at is None


def test_an_admin_withdraws_and_a_member_does_not(lab, ada):
    asked = domains.ask(lab, domain="lab.example", by=factories.as_caller(ada))
    at = f"{HERE}/domains/{asked.public_id}/withdraw"

    assert _as(factories.make_member(lab, Role.WRITE)).post(at).status_code == 404
    _as(ada).post(at)

    asked.refresh_from_db()
    assert asked.ended_at is not None


def test_a_member_joins_with_one_click_from_the_page_of_the_model_or_its_terms():
    lab, ada = make_signing("lab")
    release = factories.make_released()
    bob, eve = (factories.make_member(lab, Role.READ) for _ in range(2))
    stranger = factories.make_user()
    sign(release, lab, ada)
    model = release.repository.get_absolute_url()

    for user, page in ((bob, model), (eve, f"{model}/terms")):
        client = _as(user)
        shown = client.get(page).text
        assert "Your organisation" in shown
        client.post(f"{HERE}/adhere", form_to(shown, f"{HERE}/adhere").values)
        assert gate.decide(
            release.repository, release.revision, caller=factories.as_caller(user)
        ).is_open
        assert "Your organisation" not in client.get(page).text
    for user in (stranger, ada, None):
        assert "Your organisation" not in _as(user).get(f"{model}/terms").text
    assert Adherence.objects.count() == 2


def test_joining_is_for_members_and_by_a_form():
    lab, ada = make_signing("lab")
    signature = sign(factories.make_released(), lab, ada)
    form = {"signature": signature.public_id}

    assert _as(factories.make_user()).post(f"{HERE}/adhere", form).status_code == 404
    assert _as(None).post(f"{HERE}/adhere", form).status_code == 302
    assert _as(factories.make_member(lab)).get(f"{HERE}/adhere").status_code == 405
    wrong = _as(factories.make_member(lab)).post(f"{HERE}/adhere", {"signature": "x\0"})
    assert wrong.status_code == 404
    assert not Adherence.objects.exists()


def test_the_register_is_shown_and_taken_along_as_csv(steward):
    lab, ada = make_signing("lab")
    bob, service = factories.make_member(lab, Role.READ), make_service(lab)
    release = factories.make_released()
    signature = sign(release, lab, ada)
    organisations.adhere(signature, by=factories.as_caller(bob))
    eve = factories.make_member(lab, Role.READ)

    for user in (ada, steward):
        client = _as(user)
        listed = client.get(f"{HERE}/signatures").text
        assert release.repository.full_name in listed
        assert "3 members, 1 not" in listed
        one = client.get(f"{HERE}/signatures/{signature.public_id}").text
        assert release.terms_hash in one
        assert "has not joined" in one
    got = _as(ada).get(f"{HERE}/signatures.csv")
    lines = b"".join(got.streaming_content).decode().splitlines()

    assert got["Content-Type"].startswith("text/csv")
    assert len(lines) == 5
    cells = {line.split(",")[9]: line.split(",")[11] for line in lines[1:]}
    assert cells == {
        ada.username: "signatory",
        bob.username: "joined",
        service.username: "service",
        eve.username: "",
    }


def test_the_register_is_not_for_members_or_maintainers():
    lab, ada = make_signing("lab")
    signature = sign(factories.make_released(), lab, ada)
    for user in (factories.make_member(lab, Role.WRITE), factories.make_maintainer()):
        for path in ("signatures", "signatures.csv", f"signatures/{signature.public_id}"):
            assert _as(user).get(f"{HERE}/{path}").status_code == 404
        assert "signatures" not in _as(user).get(HERE).text
    other = sign(factories.make_released(), *make_signing("other", domain="other.example"))
    assert _as(ada).get(f"{HERE}/signatures/{other.public_id}").status_code == 404


def test_a_removed_admin_reads_the_register_no_more():
    lab, ada = make_signing("lab")
    factories.make_member(lab, Role.ADMIN)
    client = _as(ada)
    assert client.get(f"{HERE}/signatures").status_code == 200

    people.set_role(namespace=lab, user=ada, role=Role.WRITE, by="")

    assert client.get(f"{HERE}/signatures").status_code == 404


def test_the_page_of_the_separate_license_says_whom_to_ask():
    factories.make_facts()
    page = Client().get("/licenses/llama3-1/separate-license")

    assert page.status_code == 200
    assert "700,000,000" in page.text
    assert Document.objects.get(slug="llama3-1").official_url in page.text
    assert Client().get("/licenses/apache-2-0/separate-license").status_code == 404
    assert Client().get("/licenses/none/separate-license").status_code == 404
