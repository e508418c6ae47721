"""Downloads through each hand-over, against plain nginx serving the same bytes."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import contents, instance, load
from benchmarks.load import Measured, Request
from benchmarks.report import Table, median
from tests import nginx, stores

RANGE = 64 * 1024
HANDOVERS = ("own", "nginx", "s3")
CONNECTIONS = (1, 8)


@dataclass(frozen=True)
class Plan:
    size: int
    rounds: int
    seconds: float


def plan(*, quick: bool) -> Plan:
    return Plan(16 * 1024**2, 1, 0.3) if quick else Plan(1024**3, 5, 5.0)


@dataclass
class Rates:
    """What one way gave in all rounds."""

    whole: dict[int, list[float]]
    ranged: dict[int, list[Measured]]


def measure(folder: Path, *, quick: bool, only: tuple[str, ...] = ()) -> list[Table]:
    wanted = plan(quick=quick)
    file = folder / "plain" / "file.bin"
    file.parent.mkdir(parents=True)
    contents.random_file(path=str(file), size=wanted.size)
    whole = Table(
        f"Downloads of a whole file of {wanted.size // 1024**2} MiB",
        ["hand-over", "connections", "MiB/s", "plain nginx MiB/s", "ratio"],
    )
    ranged = Table(
        "Ranged reads of 64 KiB",
        ["hand-over", "connections", "a second", "p50 ms", "p99 ms", "nginx a second",
         "nginx p50 ms", "cost of the gate ms"],
        notes=[
            "The cost of the gate is the p50 of a ranged read over that of plain nginx: token, "
            "rights, terms, access log and hand-over together. The column of plain nginx is also "
            "the ceiling of the load generator."
        ],
    )  # fmt: skip
    with nginx.plain(folder / "nginx-plain", file.parent) as plain:
        yardstick = Request(f"{plain}/file.bin")
        for handover in only or HANDOVERS:
            if handover == "nginx" and nginx.program() is None:
                continue
            with served(folder / handover, handover, file) as request:
                _one(handover, request, yardstick, wanted, whole, ranged)
    return [whole, ranged]


@contextmanager
def served(folder: Path, handover: str, file: Path) -> Iterator[Request]:
    """An instance with this hand-over, and the request for the file in it."""
    with SERVED[handover](folder) as (running, url):
        tokens = running.make("people")
        path = running.make("large", name="large", file=str(file))["path"]
        yield Request(url + path, token=tokens["reader"])


def _one(
    handover: str, request: Request, yardstick: Request, wanted: Plan, whole: Table, ranged: Table
) -> None:
    ours = _rates(request, yardstick, wanted)
    for connections in CONNECTIONS:
        mine, nginxs = (median(rates.whole[connections]) for rates in ours)
        whole.add(handover, connections, mine, nginxs, mine / nginxs)
        a, b = (_middle(rates.ranged[connections]) for rates in ours)
        ranged.add(
            handover, connections, a.requests_a_second, a.percentile(0.5), a.percentile(0.99),
            b.requests_a_second, b.percentile(0.5), a.percentile(0.5) - b.percentile(0.5),
        )  # fmt: skip


def _rates(request: Request, yardstick: Request, wanted: Plan) -> tuple[Rates, Rates]:
    """Both take turns in each round, so that a machine that gets slower is slower for both."""
    sides = (request, yardstick)
    found = tuple(Rates({n: [] for n in CONNECTIONS}, {n: [] for n in CONNECTIONS}) for _ in sides)
    for side in sides:  # once before, so that the file is in memory for both
        load.once([side])
    for _ in range(wanted.rounds):
        for connections in CONNECTIONS:
            for side, rates in zip(sides, found, strict=True):
                rates.whole[connections].append(load.once([side] * connections).mib_a_second)
            for side, rates in zip(sides, found, strict=True):
                make = load.ranges(side, size=wanted.size, length=RANGE)
                rates.ranged[connections].append(
                    load.repeated(make, connections=connections, seconds=wanted.seconds)
                )
    return found[0], found[1]


def _middle(measured: list[Measured]) -> Measured:
    return sorted(measured, key=lambda one: one.requests_a_second)[len(measured) // 2]


@contextmanager
def _own(folder: Path) -> Iterator[tuple[instance.Instance, str]]:
    with instance.running(folder, env={"REGISTRY_DOWNLOADS": "own"}) as running:
        yield running, running.url


@contextmanager
def _nginx(folder: Path) -> Iterator[tuple[instance.Instance, str]]:
    env = {"REGISTRY_DOWNLOADS": "nginx", "REGISTRY_BEHIND_PROXY": "true"}
    with (
        instance.running(folder, env=env) as running,
        nginx.in_front(folder / "nginx", registry=running.url, blobs=running.data / "blobs") as url,
    ):
        yield running, url


@contextmanager
def _s3(folder: Path) -> Iterator[tuple[instance.Instance, str]]:
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="s3-", dir=folder.parent))
        address = stack.enter_context(stores.running(Path(place)))
        env = stores.variables(address, "bench") | {"REGISTRY_DOWNLOADS": "s3"}
        running = stack.enter_context(instance.running(folder, env=env))
        yield running, running.url


SERVED: dict[str, Callable[[Path], AbstractContextManager[tuple[instance.Instance, str]]]] = {
    "own": _own,
    "nginx": _nginx,
    "s3": _s3,
}
