"""Check runs, the jobs that workers claim, and findings: the evidence about a revision."""

from django.db import models
from django.db.models import Q

from registry.catalog.models import Repository, Revision
from registry.checks.models.hosts import Host, Queue
from registry.checks.models.rescans import Rescan
from registry.ids import new_public_id


class Profile(models.TextChoices):
    """How much is asked of a model. STRUCTURAL leaves out how well it writes, for test fixtures."""

    FULL = "full", "full"
    STRUCTURAL = "structural", "structural"


class RunState(models.TextChoices):
    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    FINISHED = "finished", "finished"
    SUPERSEDED = "superseded", "superseded"


class Verdict(models.TextChoices):
    NONE = "", "none yet"
    PASSED = "passed", "passed"
    WARNED = "warned", "passed with warnings"
    BLOCKED = "blocked", "blocked"
    ERROR = "error", "could not be completed"


LIVE = [RunState.QUEUED, RunState.RUNNING]


class CheckProfile(models.Model):
    """The profile that a maintainer gave a repository; without a row it is FULL."""

    repository = models.OneToOneField(
        Repository, on_delete=models.CASCADE, related_name="check_profile"
    )
    profile = models.CharField(max_length=16, choices=Profile)

    def __str__(self) -> str:
        return f"{self.repository_id} {self.profile}"


class CheckRun(models.Model):
    """All checks of one revision, once. `report` is written when the run has finished, and
    `reason` says why where the verdict is ERROR.

    The runs of a rescan count for nothing before it is adopted. `attestation` is the signed
    statement about the report, as a DSSE envelope.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="check_runs")
    profile = models.CharField(max_length=16, choices=Profile, default=Profile.FULL)
    state = models.CharField(max_length=16, choices=RunState, default=RunState.QUEUED)
    verdict = models.CharField(max_length=16, choices=Verdict, blank=True, default=Verdict.NONE)
    reason = models.TextField(blank=True)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    report = models.JSONField(null=True, blank=True)
    attestation = models.JSONField(null=True, blank=True)
    rescan = models.ForeignKey(
        Rescan, on_delete=models.PROTECT, null=True, blank=True, related_name="runs"
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["revision"],
                condition=Q(state__in=["queued", "running"]),
                name="one_live_run_of_a_revision",
            ),
            models.CheckConstraint(
                name="run_has_a_verdict_once_finished",
                condition=(Q(state="finished") & ~Q(verdict="") & Q(finished_at__isnull=False))
                | (~Q(state="finished") & Q(verdict="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.revision} {self.state}"


class JobKind(models.TextChoices):
    SCAN = "scan", "scanners"
    SMOKE = "smoke", "smoke test"


class Priority(models.IntegerChoices):
    """Who is served first where several wait: a reviewer, then uploads, then rescans."""

    REVIEW = 0, "asked for in review"
    UPLOAD = 1, "of an upload"
    RESCAN = 2, "of a rescan"


class JobState(models.TextChoices):
    WAITING = "waiting", "waiting for the job before it"
    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    DONE = "done", "done"
    SKIPPED = "skipped", "skipped"
    FAILED = "failed", "failed"


class Job(models.Model):
    """A part of a run that one worker claims for a while: the lease. Only the attempt that holds
    the lease may write the outcome.

    `due_at` is when a worker may begin. `progress` is a short list of `{"at", "target", "stage",
    "status", "done", "note"}`; `note` is for people.
    `queue` says which workers may take it; `host` and `device` are where it runs or last ran.
    """

    run = models.ForeignKey(CheckRun, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=8, choices=JobKind)
    state = models.CharField(max_length=8, choices=JobState, default=JobState.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    queue = models.CharField(
        max_length=16, choices=Queue, default=Queue.SCAN, db_default=Queue.SCAN
    )
    priority = models.SmallIntegerField(
        choices=Priority, default=Priority.UPLOAD, db_default=Priority.UPLOAD
    )
    worker = models.CharField(max_length=200, blank=True)
    host = models.ForeignKey(
        Host, on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs"
    )
    device = models.CharField(max_length=32, blank=True, db_default="")
    due_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=list)
    note = models.TextField(blank=True)
    result = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "kind"], name="one_job_of_a_kind_in_a_run"),
            models.CheckConstraint(
                name="job_is_leased_while_running",
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until=None)),
            ),
            models.CheckConstraint(
                name="job_is_due_once_queued",
                condition=~Q(state="queued") | Q(due_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["host", "device"],
                condition=Q(state="running") & ~Q(device=""),
                name="one_job_at_a_time_on_a_device",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "priority", "due_at"],
                condition=Q(state="queued"),
                name="job_to_claim",
            ),
            models.Index(
                fields=["state", "lease_until"],
                condition=Q(state__in=["queued", "running"]),
                name="job_to_sweep",
            ),
            models.Index(fields=["queue", "started_at"], name="job_begun_lately"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.run_id}"


class FindingRow(models.Model):
    """What a check saw, as `findings.Finding` says it. `details` has value, threshold, evidence."""

    run = models.ForeignKey(CheckRun, on_delete=models.CASCADE, related_name="findings")
    check_id = models.CharField(max_length=32)
    severity = models.CharField(max_length=8)
    message = models.TextField()
    file = models.TextField(blank=True)
    where = models.TextField(blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.check_id} {self.severity}"
