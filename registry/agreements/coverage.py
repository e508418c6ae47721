"""Who is covered by which acceptance: their own, or one that a signatory gave for an organisation."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, CharField, Exists, F, Func, OuterRef, Q, QuerySet, Value

from registry.accounts.models import Membership
from registry.agreements.models import Acceptance, Adherence, Ending

HASHES = ArrayField(CharField(max_length=64))


def of(*, user: Any, repository: Any, hashes: Any, now: Any) -> QuerySet[Acceptance]:
    """The acceptances of these sets for this repository that cover the person, their own first.

    An organisation's covers its members: its signatory, whoever joined it since they became a
    member, and service accounts. It ends with the membership, and each with its ending. Keys,
    hashes and the moment may be expressions.
    """
    if isinstance(hashes, list | tuple | set | frozenset):
        hashes = Value(sorted(hashes), output_field=HASHES)
    ended = Ending.objects.filter(acceptance=OuterRef("pk"), at__lte=now)
    return Acceptance.objects.filter(
        Q(organisation=None, user_id=user) | Q(_of_an_organisation(user)),
        _is_any(F("terms_hash"), hashes),
        ~Exists(ended),
        repository_id=repository,
        accepted_at__lte=now,
    ).order_by(F("organisation_id").asc(nulls_first=True), "pk")


def _of_an_organisation(user: Any) -> Exists:
    """Whether an acceptance is of an organisation whose signature covers this member."""
    joined = Adherence.objects.filter(
        acceptance=OuterRef(OuterRef("pk")),
        user_id=OuterRef("user_id"),
        membership=OuterRef("pk"),
    )
    membership = Membership.objects.filter(user_id=user, namespace_id=OuterRef("organisation_id"))
    return Exists(
        membership.filter(
            Q(user__is_service=True) | Q(user_id=OuterRef("user_id")) | Exists(joined)
        )
    )


def _is_any(value: F, of: Any) -> Func:
    return Func(
        value, of, template="%(expressions)s)", arg_joiner=" = ANY (", output_field=BooleanField()
    )
