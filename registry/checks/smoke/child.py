"""The inside of the sandbox: puts the locks on, then does the one task it was started for."""

import json
import os
import sys
from typing import Any

from registry.checks.smoke import aside, probing
from registry.checks.smoke.confine import NotConfined, confine

REFUSED = 97


class Reporter:
    """Writes what happens to the result pipe, one JSON object a line."""

    def __init__(self, descriptor: int) -> None:
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8")

    def send(self, event: str, **rest: Any) -> None:
        self._stream.write(json.dumps({"event": event, **rest}, allow_nan=False) + "\n")
        self._stream.flush()


def main(spec_descriptor: int, result_descriptor: int) -> None:
    with os.fdopen(spec_descriptor, encoding="utf-8") as stream:
        spec = json.load(stream)
    if spec["task"] == "trial":
        # Before the locks, which let nothing be started; they put the same on themselves.
        aside.prepare(spec["locks"], close=(result_descriptor,))
    reporter = Reporter(result_descriptor)
    try:
        held = confine(**spec["locks"])
    except NotConfined as problem:
        reporter.send("refused", reason=str(problem))
        sys.exit(REFUSED)
    if spec["task"] == "probe":
        reporter.send("probe", **probing.probe(spec), **held)
        return
    # Only now: a library must never run outside the locks.
    from registry.checks.smoke import trial

    reporter.send("ready", **held)
    trial.run(spec, reporter)
