"""What the sandboxed program may say. It is untrusted: each line is checked, and unknown fields are dropped."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from registry.checks.catalogue import CHECKS
from registry.checks.findings import Finding, Severity, escaped

# Fingerprints of the largest models take about 8 MiB.
MAX_BYTES = 16 * 1024 * 1024
MAX_LINE = 256 * 1024
MAX_FINDINGS = 200
MAX_SAMPLES = 32
MAX_SAMPLE = 4000
MAX_METRICS = 100
MAX_RECORDS = 20_000

Scalar = bool | int | float | str | None
Short = Annotated[str, Field(max_length=1100)]
Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Stage = Literal["inspect", "weights", "text", "load", "forward", "generate", "measure", "behave"]
RecordKind = Literal[
    "tensor", "gram", "units", "tokenizer", "template", "probe", "answers", "refusals"
]


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Ready(_Said):
    event: Literal["ready"]
    landlock: int = 0
    seccomp: bool = False
    uid: int = 0


class Refused(_Said):
    event: Literal["refused"]
    reason: Short = ""


class Device(_Said):
    """What the model ran on."""

    kind: Literal["cuda", "cpu"]
    name: Short = ""
    driver: Short = ""
    cuda: Short = ""
    memory_mb: Annotated[int, Field(ge=0, le=10**9)] | None = None
    threads: Annotated[int, Field(ge=0, le=10**6)] | None = None


class Facts(_Said):
    event: Literal["facts"]
    device: Device
    versions: dict[str, Scalar] = Field(default_factory=dict, max_length=20)


class StageChange(_Said):
    event: Literal["stage"]
    stage: Stage
    status: Literal["started", "done", "failed", "skipped"]
    seconds: Seconds | None = None
    reason: Short | None = None


class Progress(_Said):
    event: Literal["progress"]
    stage: Stage
    done: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    note: Short = ""


class SaidFinding(_Said):
    id: Short
    severity: Severity
    message: Annotated[str, Field(min_length=1, max_length=1100)]
    file: Short = ""
    where: Short = ""
    value: int | float | str | None = None
    threshold: int | float | str | None = None
    evidence: dict[str, Any] = Field(default_factory=dict)


class Found(_Said):
    event: Literal["finding"]
    finding: SaidFinding


class Metrics(_Said):
    event: Literal["metrics"]
    metrics: dict[str, Scalar | dict[str, Scalar]] = Field(max_length=MAX_METRICS)


class Sample(_Said):
    event: Literal["sample"]
    prompt: Annotated[str, Field(max_length=MAX_SAMPLE)]
    output: Annotated[str, Field(max_length=MAX_SAMPLE)]


class Record(_Said):
    """Something measured that later comparisons want; whoever reads it checks its content."""

    event: Literal["record"]
    kind: RecordKind
    data: dict[str, Any] = Field(max_length=64)


class Lost(_Said):
    """The device failed, and nothing is said about the model."""

    event: Literal["lost"]
    reason: Short = ""


class Done(_Said):
    event: Literal["done"]


Event = (
    Ready
    | Refused
    | Facts
    | StageChange
    | Progress
    | Found
    | Metrics
    | Sample
    | Record
    | Lost
    | Done
)
_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def event_of(line: bytes) -> Event | None:
    """The event in this line, or None: then it counts as log text."""
    if len(line) > MAX_LINE:
        return None
    try:
        return _EVENT.validate_json(line)
    except ValidationError:
        return None


def finding_of(said: SaidFinding) -> Finding | None:
    """A finding of a check that exists, with a severity that it may have; escaped like every other."""
    check = CHECKS.get(said.id)
    if check is None or said.severity not in check.severities:
        return None
    return Finding(
        said.id,
        said.severity,
        said.message,
        file=said.file,
        where=said.where,
        value=said.value,
        threshold=said.threshold,
        evidence=said.evidence,
    )


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Metrics and facts, escaped."""
    return {
        escaped(key, limit=64): (
            plain(value)
            if isinstance(value, dict)
            else escaped(value)
            if isinstance(value, str)
            else value
        )
        for key, value in values.items()
    }
