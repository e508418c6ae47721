"""Names: well formed, reserved, and never given to somebody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.accounts import closing, names, naming, people
from registry.accounts.models import Namespace, NamespaceKind, ReservedName
from registry.errors import Conflict, Invalid
from tests import factories
from tests.refusals import at_once, refused_by


@pytest.mark.parametrize("name", ["ada", "Ada-9", "a", "meta.ai", "x_y", "A" * 96, "a_"])
def test_ordinary_names_are_taken(name):
    assert names.problem(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A" * 97,
        "-a",
        "a-",
        ".a",
        "a.",
        "_a",
        "a--b",
        "a..b",
        "a b",
        "a/b",
        "é",
        "аda",  # the first letter is Cyrillic
        "a\n",
        "a\0",
        "a.git",
        "a.GIT",
        "a.ipynb",
    ],
)
def test_names_that_no_client_takes_are_refused(name):
    assert names.problem(name)
    with pytest.raises(Invalid):
        naming.check_namespace(name)
    with pytest.raises(Invalid):
        naming.check_repository(name)


@given(st.text(max_size=120))
def test_a_name_is_taken_or_refused_with_a_reason(name):
    if names.problem(name) == "":
        assert name.isascii()
        assert 0 < len(name) <= 96
        assert not set(name) & set("/\\ \0\n")


@pytest.mark.parametrize("name", ["api", "API", "settings", "docs", "Healthz", "static"])
def test_the_sites_own_words_are_no_namespaces_but_may_be_repositories(name):
    with pytest.raises(Invalid, match="reserved"):
        naming.check_namespace(name)
    naming.check_repository(name)


@pytest.mark.django_db
def test_people_and_organisations_share_one_table_of_names():
    ada = factories.make_user("ada")

    with pytest.raises(Conflict):
        people.create_organisation(name="Ada", owner=ada)
    with pytest.raises(Conflict):
        people.create_person(username="ADA", email="other@example.org")

    assert Namespace.objects.count() == 1


@pytest.mark.django_db
def test_a_name_stays_reserved_after_its_namespace_took_another():
    namespace = factories.make_organisation("lab")
    Namespace.objects.filter(pk=namespace.pk).update(name="laboratory")

    with pytest.raises(Conflict):
        factories.make_user("Lab")

    assert ReservedName.objects.get(folded="lab").namespace == namespace


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_a_name_at_once_one_gets_it():
    def claim(email):
        return lambda: people.create_person(username="ada", email=email)

    got = at_once(claim("a@example.org"), claim("b@example.org"))

    assert sorted(type(one).__name__ for one in got) == ["Conflict", "User"]
    assert Namespace.objects.filter(name="ada").count() == 1


@pytest.mark.django_db
def test_the_database_keeps_names_unique_in_any_case():
    factories.make_user("ada")

    with refused_by("namespace_name_is_unique_in_any_case"):
        Namespace.objects.create(name="ADA", kind=NamespaceKind.ORGANISATION)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "a/b", "-a", "a-", "a b", "é"])
def test_the_database_keeps_names_well_formed(name):
    with refused_by("namespace_name_is_well_formed"):
        Namespace.objects.create(name=name, kind=NamespaceKind.ORGANISATION)


@pytest.mark.django_db
def test_the_database_takes_no_negative_quota():
    namespace = factories.make_user().namespace
    namespace.quota_bytes = -1

    with refused_by("namespace_quota_is_not_negative"):
        namespace.save()


@pytest.mark.django_db
def test_nobody_takes_the_name_that_somebody_else_gets_when_their_account_is_closed():
    ada = factories.make_user("ada")

    for name in (closing.name_of_closed(ada), closing.name_of_closed(ada).upper()):
        with pytest.raises(Invalid, match="closed"):
            factories.make_user(name)
    assert factories.make_user("closed-source").username == "closed-source"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Metal-1ab", "rnetal-lab", "meta1_lab", "METALLAB", "metai.lab"])
def test_a_name_that_looks_like_another_is_refused(name):
    factories.make_organisation(name="metal-lab")

    with pytest.raises(Invalid, match="it looks like a name that somebody else has"):
        factories.make_user(name)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["meta-lama", "meta-llamas", "mete-llama", "emta-llama", "meta-1lama", "meta_llama"]
)
def test_a_name_close_to_a_verified_owner_is_refused(name):
    with pytest.raises(Invalid, match="too close to the name of a verified owner"):
        factories.make_user(name)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["meta-llama", "Meta-Llama", "meta-ai", "llama", "metallurgy"])
def test_a_verified_owner_has_its_name_and_far_ones_are_free(name):
    assert factories.make_user(name).username == name


@pytest.mark.django_db
def test_a_name_that_was_given_up_is_protected_from_look_alikes_too():
    user = factories.make_user("oldname")
    user.namespace.names.create(folded="formerly")

    with pytest.raises(Invalid, match="it looks like a name"):
        factories.make_user("f0rmer1y")
