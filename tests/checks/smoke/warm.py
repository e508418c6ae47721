"""The sandboxed program with its libraries imported once: it forks for each trial.

`python -B warm.py PLACE` waits at a socket; `python -I -S warm.py PLACE SPEC_FD RESULT_FD` stands
where the program would, asks for a trial there, and ends as that does. Each puts on the locks of
level 2; all that differs from the real program is that the imports come before them.
"""

import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NoReturn

PROGRAM = Path(__file__).resolve().parents[3] / "registry" / "checks" / "smoke"


def ask(place: str, spec: int, result: int) -> int:
    """What a trial on this specification ends with."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(place)
        asked = {"environment": dict(os.environ), "folder": os.getcwd()}
        socket.send_fds(server, [json.dumps(asked).encode()], [spec, result, 2])
        return int(server.recv(64))


def serve(place: str) -> None:
    """Until the standard input is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(place)
        server.listen()
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        _import()
        while True:
            ready, _, _ = select.select([sys.stdin, server], [], [])
            if sys.stdin in ready:
                return
            asked, _ = server.accept()
            if os.fork() == 0:
                _answer(asked)
            asked.close()


def _import() -> None:
    import runpy

    runpy.run_path(str(PROGRAM / "__main__.py"))["stand_in"]()
    import peft  # noqa: F401
    from transformers import LlamaForCausalLM  # noqa: F401

    from registry.checks.smoke import child, jobs, trial  # noqa: F401
    from registry.checks.smoke.text import templates

    templates.SECONDS = 1


def _answer(asked: socket.socket) -> NoReturn:
    """One trial, ended when whoever asked for it is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    data, descriptors, _, _ = socket.recv_fds(asked, 65_536, 3)
    program = os.fork()
    if program == 0:
        asked.close()
        _try(json.loads(data), *descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    ended = os.pidfd_open(program)
    if ended not in select.select([asked, ended], [], [])[0]:
        os.kill(program, signal.SIGKILL)
    _, status = os.waitpid(program, 0)
    asked.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _try(request: dict, spec: int, result: int, output: int) -> NoReturn:
    from registry.checks.smoke import child

    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    code = 1
    try:
        child.main(_with_parent(spec), result)
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _with_parent(descriptor: int) -> int:
    """The specification, with the process that this one has to die with."""
    with os.fdopen(descriptor, encoding="utf-8") as stream:
        spec = json.load(stream)
    spec["locks"]["parent"] = os.getppid()
    again = os.memfd_create("spec")
    os.write(again, json.dumps(spec).encode())
    os.lseek(again, 0, os.SEEK_SET)
    return again


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        code = ask(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
        if code < 0:
            os.kill(os.getpid(), -code)
        sys.exit(code)
