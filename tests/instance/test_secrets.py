"""What an instance keeps to itself."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from registry.instance import secrets
from registry.instance.parts import SOURCE


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_can_be_read_by_the_instance_alone(tmp_path: Path):
    data = tmp_path / "data"
    secrets.make_data_folder(data)

    key = secrets.ensure_secret_key(data)

    assert len(key) >= 50
    assert _mode(data) == 0o700
    assert _mode(data / "run") == 0o700
    assert _mode(data / "run" / "secret-key") == 0o600


def test_a_secret_is_made_once(tmp_path: Path):
    secrets.make_data_folder(tmp_path)
    assert secrets.ensure_secret_key(tmp_path) == secrets.ensure_secret_key(tmp_path)


@pytest.mark.parametrize("key", ["", "changeme", "x" * 31])
def test_a_site_with_no_secret_or_a_short_one_refuses_to_start(tmp_path: Path, key: str):
    env = {**os.environ, "REGISTRY_SECRET_KEY": key, "REGISTRY_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], env=env, cwd=SOURCE, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "No secret key: set REGISTRY_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr
