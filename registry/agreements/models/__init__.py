"""Documents in immutable versions, acceptances with what was shown, access requests and grants."""

from registry.agreements.models.acceptances import (
    Acceptance,
    AcceptanceWords,
    Capacity,
    Deletion,
    Ending,
    EndingEvent,
    Receipt,
)
from registry.agreements.models.documents import (
    Document,
    DocumentKind,
    DocumentVersion,
    FoundState,
    FoundText,
)
from registry.agreements.models.organisations import Adherence, Domain
from registry.agreements.models.requests import (
    LIVING,
    WAITING,
    AccessDecision,
    AccessGroup,
    AccessGroupEntry,
    AccessMessage,
    AccessPolicy,
    AccessRequest,
    AccessRequestWords,
    Grant,
    RequestState,
)

__all__ = [
    "LIVING",
    "WAITING",
    "Acceptance",
    "AcceptanceWords",
    "AccessDecision",
    "AccessGroup",
    "AccessGroupEntry",
    "AccessMessage",
    "AccessPolicy",
    "AccessRequest",
    "AccessRequestWords",
    "Adherence",
    "Capacity",
    "Deletion",
    "Document",
    "DocumentKind",
    "DocumentVersion",
    "Domain",
    "Ending",
    "EndingEvent",
    "FoundState",
    "FoundText",
    "Grant",
    "Receipt",
    "RequestState",
]
