"""The sandbox: each level that this machine can do holds against a program that tries everything."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from registry.checks.smoke import isolation
from registry.checks.smoke.confine import landlock_version
from registry.checks.smoke.isolation import Isolation
from registry.checks.smoke.limits import IsolationTooWeak

LEVELS = [*(Isolation(3, bwrap=path) for path in isolation.bwraps()), Isolation(2), Isolation(1)]


@pytest.mark.parametrize("level", LEVELS, ids=[f"{c.level}{c.bwrap}" for c in LEVELS])
def test_every_lock_of_a_level_holds(level: Isolation) -> None:
    if level.level == 2 and not landlock_version():
        pytest.skip("this kernel has no Landlock")

    broken, proved = isolation.probe(level)

    if level.level == 3 and broken == ["it cannot start"]:
        pytest.skip("this machine gives no namespaces")
    assert broken == []
    if level.level >= 2:
        assert proved.seccomp


def test_a_level_that_claims_more_than_it_does_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The locks of level 1 under the name of level 2: nothing of it may pass."""
    honest = isolation.locks

    def weaker(candidate: Isolation, **rest: object) -> dict[str, object]:
        return honest(replace(candidate, level=1), **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(isolation, "locks", weaker)

    broken, _ = isolation.probe(Isolation(2))

    assert broken == ["file", "network", "program", "starter", "write"]


def test_the_environment_holds_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("REGISTRY_SECRET_KEY", "REGISTRY_DATABASE_URL", "HTTPS_PROXY", "HF_TOKEN"):
        monkeypatch.setenv(name, "planted")

    for level in LEVELS:
        known = isolation.environment(level, scratch=tmp_path)
        assert "planted" not in known.values()
        assert known["HF_HUB_OFFLINE"] == "1"


def test_a_machine_that_is_too_weak_refuses_with_a_sentence() -> None:
    isolation.self_test.cache_clear()

    with pytest.raises(IsolationTooWeak, match=r"reaches isolation level \d .*, and 4 is required"):
        isolation.require(4)


def test_without_bubblewrap_the_next_level_is_chosen_and_the_reason_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolation, "bwraps", lambda: ["/nonexistent/bwrap"])
    isolation.self_test.cache_clear()
    try:
        chosen = isolation.self_test()
    finally:
        isolation.self_test.cache_clear()

    assert chosen.level == (2 if landlock_version() else 1)
    assert chosen.reasons[0] == "level 3: it cannot start"


def test_only_this_product_and_the_interpreter_are_let_in(tmp_path: Path) -> None:
    arguments = isolation.command(
        Isolation(3, bwrap="bwrap"), model=tmp_path / "m", scratch=tmp_path / "s", files=()
    )
    bound = {arguments[at + 1] for at, word in enumerate(arguments) if word.startswith("--ro-bind")}

    assert "/" not in bound
    assert "/etc" not in bound
    assert os.path.expanduser("~") not in bound
    assert str(Path(isolation.__file__).parents[2]) not in bound  # settings and secrets live above
    assert sys.prefix in bound
