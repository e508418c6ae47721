"""`python -m registry.checks PATH`: the checks of the site, before an upload."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from registry.checks import document, envelopes, local, printed
from registry.checks.engines import ENGINES, Ballot
from registry.checks.findings import show
from registry.checks.smoke.limits import Limits
from registry.errors import Invalid, RegistryError

PASSED, WARNED, BLOCKED, ERROR = 0, 1, 2, 3
CODES = {"passed": PASSED, "warned": WARNED, "blocked": BLOCKED, "error": ERROR}
EPILOG = "Exit codes: 0 passed, 1 passed with warnings, 2 blocked, 3 the checks failed themselves."


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """With 2, as argparse has it, a typing mistake would look like a blocked model."""
        self.print_usage(sys.stderr)
        self.exit(ERROR, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str]) -> int:
    """The exit code. Whatever goes wrong is 3: a crash would end with 1, which means warned."""
    try:
        if arguments[:1] == ["verify"]:
            return _verify(_verify_parser().parse_args(arguments[1:]))
        return _check(_check_parser().parse_args(arguments))
    except RegistryError as refusal:
        _tell(str(refusal))
    except KeyboardInterrupt:
        _tell("Stopped.")
    except OSError as error:
        _tell(f"{show(str(error.filename))}: {show(error.strerror or str(error))}.")
    except Exception as error:
        _tell(f"The checks failed: {show(f'{type(error).__name__}: {error}')}")
    return ERROR


def _check(asked: argparse.Namespace) -> int:
    def tell(event: dict[str, Any]) -> None:
        if (line := printed.progress(event)) and not asked.quiet:
            _tell(line)

    report = local.check(
        local.Wanted(
            asked.path,
            repository=asked.repository,
            base=asked.base,
            base_repository=asked.base_repository,
            profile=asked.profile,
            runs=asked.run,
            runs_base=asked.base_run,
            last=_report_in(asked.last_report) if asked.last_report else None,
            limits=Limits(asked.seconds, asked.memory, asked.isolation),
            ballot=Ballot(tuple(asked.engines)),
        ),
        on_event=tell,
    )
    written = json.dumps(report, indent=2)
    if asked.json == "-":
        _say(written)
    else:
        _say(*printed.lines(report))
        if asked.json:
            Path(asked.json).write_text(written + "\n", encoding="utf-8")
    if report["verdict"] == "warned" and asked.allow_warnings:
        return PASSED
    return CODES[report["verdict"]]


def _report_in(path: Path) -> dict[str, Any]:
    """The report of the last release, which may come from anywhere: figures alone are read of it."""
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{show(str(path))} is no report: it is not JSON.") from error
    if not isinstance(found, dict) or found.get("schema") != document.SCHEMA:
        raise Invalid(f"{show(str(path))} is no report of schema {document.SCHEMA}.")
    return found


def _verify(asked: argparse.Namespace) -> int:
    said = envelopes.verify(
        asked.envelope.read_bytes(),
        [envelopes.key_in(path.read_bytes()) for path in asked.key],
    )
    problems = envelopes.differences(said, local.files_at(asked.path)) if asked.path else []
    if asked.report:
        problems += envelopes.differences_of_report(said, asked.report.read_bytes())
    _say(*(f"✗ {problem}" for problem in problems), *envelopes.lines(said))
    if not asked.path:
        _say("No folder was given: nothing was compared with files.")
    return BLOCKED if problems else PASSED


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _check_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m registry.checks", description=__doc__, epilog=EPILOG)
    parser.add_argument("path", type=Path, help="the folder of a model, or one file")
    parser.add_argument("--repository", default="", metavar="OWNER/NAME", help="its name to be")
    parser.add_argument(
        "--base", type=Path, metavar="FOLDER", help="its base model, which is run first"
    )
    parser.add_argument(
        "--no-base-run", dest="base_run", action="store_false",
        help="compare with the base's files alone",
    )  # fmt: skip
    parser.add_argument(
        "--last-report", type=Path, metavar="FILE", help="report.json of the last release"
    )
    parser.add_argument("--base-repository", default="", metavar="OWNER/NAME")
    parser.add_argument("--profile", choices=["full", "structural"], default="full")
    parser.add_argument("--json", default="", metavar="FILE", help="write the report; - prints it")
    parser.add_argument("--no-run", dest="run", action="store_false", help="scan only")
    parser.add_argument("--allow-warnings", action="store_true", help="end with 0 for warnings")
    parser.add_argument("--seconds", type=float, default=600, help="for the smoke test")
    parser.add_argument("--memory", type=int, default=8192, metavar="MIB")
    parser.add_argument("--isolation", type=int, choices=[2, 3], default=2, help="at the least")
    parser.add_argument(
        "--engines", nargs="*", choices=sorted(ENGINES), default=["picklescan"], metavar="NAME",
        help=f"malware scanners to ask besides: {', '.join(sorted(ENGINES))}; nothing asks none",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="do not tell of stages")
    return parser


def _verify_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m registry.checks verify",
        description="Whether a registry signed this statement, and of these files.",
        epilog="Exit codes: 0 it fits, 2 the files differ, 3 it is not genuine.",
    )
    parser.add_argument("envelope", type=Path, help="attestation.json, from the checks page")
    parser.add_argument("path", type=Path, nargs="?", help="the folder with the files")
    parser.add_argument(
        "--key", type=Path, required=True, action="append", help="a file with a public key in hex"
    )
    parser.add_argument("--report", type=Path, help="report.json, to compare its digest")
    return parser


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        # A terminal without these signs shows others, and ends no check
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
