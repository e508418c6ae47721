"""A hostile model folder, at every level of isolation that this machine can do: nothing gets out."""

import json
import os
import platform
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from registry.checks.smoke import isolation
from registry.checks.smoke.confine import landlock_version
from registry.checks.smoke.isolation import Isolation

LEVELS = [*(Isolation(3, bwrap=path) for path in isolation.bwraps()), Isolation(2)]
HOSTILE = Path(__file__).with_name("hostile.py")
# What Landlock may be: that of this kernel, and the last that keeps no signals and abstract sockets in.
TRIED = [*((each, None) for each in LEVELS), (Isolation(2), 5)]

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the calls are numbered for x86-64"
)


@pytest.mark.parametrize(
    ("level", "landlock"), TRIED, ids=[f"{each.level}{each.bwrap}-{old}" for each, old in TRIED]
)
def test_a_hostile_model_reaches_nothing(
    level: Isolation, landlock: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isolation.probe(level)[0] or landlock_version() < (landlock or 0):
        pytest.skip("this machine cannot do this level")
    monkeypatch.setenv("REGISTRY_SECRET_KEY", "planted")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as abstract,
    ):
        name = f"planted-{os.getpid()}"
        abstract.bind("\0" + name)
        abstract.listen()
        port = server.getsockname()[1]
        said = run(level, tmp_path, port=port, abstract=name, landlock=landlock)

    assert reached_by(said) == set()
    assert said["model"] == ["config.json", "link"]
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "job" / "model" / "config.json").read_text() == "{}"


def test_the_attempts_are_real(tmp_path: Path) -> None:
    """Where there are limits alone, on which nothing of a stranger is run, they succeed. Those that
    would stop this process or change the machine are left out."""
    wanted = {"connect", "datagram", "other file", "link in the model", "run a program", "accounts"}
    wanted |= {"abstract socket", "stop the starter", "limit the starter", "signal from a file"}
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as abstract,
    ):
        name = f"real-{os.getpid()}"
        abstract.bind("\0" + name)
        abstract.listen()
        port = server.getsockname()[1]
        only = [*wanted, "memory"]
        said = run(Isolation(1), tmp_path, port=port, abstract=name, only=only)

    assert wanted <= reached_by(said)
    assert {"memory", "environment"}.isdisjoint(reached_by(said))


def reached_by(said: dict[str, Any]) -> set[str]:
    return {name for name, outcome in said["found"].items() if outcome != "refused"}


def run(level: Isolation, root: Path, **rest: Any) -> dict[str, Any]:
    model, scratch = root / "job" / "model", root / "job" / "work"
    model.mkdir(parents=True)
    scratch.mkdir()
    (root / "secret").write_text("planted")
    (model / "config.json").write_text("{}")
    (model / "link").symlink_to(root / "secret")
    locks = isolation.locks(
        level,
        model=model,
        scratch=scratch,
        files=(),
        seconds=30,
        memory_mib=256,
        model_bytes=0,
    )
    seen = isolation.place(level, model=model, scratch=scratch)
    spec = {"locks": locks, "folder": seen.model, "planted": str(root / "secret"), "only": None}
    spec |= {"parent_pid": os.getpid(), **rest}
    (root / "spec").write_text(json.dumps(spec))
    command = isolation.command(level, model=model, scratch=scratch, files=())
    # The attacker's program in place of ours, which finds ours beside it as the model's code would.
    start = f"import sys; sys.path.insert(0, {str(isolation.PROGRAM)!r}); " + _loader()
    result, write = os.pipe()
    with (root / "spec").open() as spec_file:
        process = subprocess.Popen(
            [*command[:-1], "-c", start, str(spec_file.fileno()), str(write)],
            env=isolation.environment(level, scratch=scratch),
            cwd=scratch,
            pass_fds=(spec_file.fileno(), write),
            start_new_session=True,
        )
    os.close(write)
    with os.fdopen(result) as stream:
        said = stream.read()
    assert process.wait(30) == 0
    return dict(json.loads(said))


def _loader() -> str:
    """The hostile module as text, since its file lies outside what is let in."""
    source = HOSTILE.read_text().replace(
        "from registry.checks.smoke import confine", "import confine"
    )
    return f"exec({source!r}, {{'__name__': '__main__'}})"
