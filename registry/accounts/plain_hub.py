"""Which namespaces publish on commit, as a plain hub does: the operator's one exception to the rule
that nothing is out before its release. Derived from the namespace, so that it ends at once."""

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from registry.accounts.models import Namespace
from registry.audit import log
from registry.errors import NotAllowed


def is_on(namespace: Namespace) -> bool:
    """Whether the namespace is a plain hub now. The site's setting overrules the namespace's."""
    return bool(settings.ALLOW_PLAIN_HUB and namespace.publishes_on_commit)


def where(field: str = "namespace") -> Q:
    """The condition that `field` is such a namespace: `is_on`, for many rows at once."""
    if not settings.ALLOW_PLAIN_HUB:
        return Q(pk__in=[])
    return Q(**{f"{field}__publishes_on_commit": True})


@transaction.atomic
def switch(namespace: Namespace, *, on: bool) -> Namespace:
    """Make the namespace a plain hub, or end that. For the operator alone, at the command line."""
    if on and not settings.ALLOW_PLAIN_HUB:
        raise NotAllowed(
            "This site forbids plain-hub namespaces: its operator set REGISTRY_ALLOW_PLAIN_HUB=no."
        )
    found = Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    if found.publishes_on_commit != on:
        Namespace.objects.filter(pk=found.pk).update(publishes_on_commit=on)
        found.publishes_on_commit = on
        log.record("namespace.publish-on-commit", actor="", subject=found, on=on)
    return found
