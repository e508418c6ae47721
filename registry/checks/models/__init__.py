"""The rows of checks: runs and jobs, machines, rescans, and what they leave."""

from registry.checks.models.evidence import CachedResult, Fingerprint, Override
from registry.checks.models.hosts import Host, Queue
from registry.checks.models.rescans import Rescan
from registry.checks.models.runs import (
    LIVE,
    CheckProfile,
    CheckRun,
    FindingRow,
    Job,
    JobKind,
    JobState,
    Priority,
    Profile,
    RunState,
    Verdict,
)

__all__ = [
    "LIVE",
    "CachedResult",
    "CheckProfile",
    "CheckRun",
    "FindingRow",
    "Fingerprint",
    "Host",
    "Job",
    "JobKind",
    "JobState",
    "Override",
    "Priority",
    "Profile",
    "Queue",
    "Rescan",
    "RunState",
    "Verdict",
]
