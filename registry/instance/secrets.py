"""What only an instance itself may know: made once in `run/` of its data folder, readable by it alone."""

import os
import secrets
from pathlib import Path

SESSION_KEY = "secret-key"
DATABASE_URL = "database-url"
BROKER_URL = "broker-url"
ADDRESS = "address"


def make_data_folder(data: Path) -> None:
    """The data folder and its `run/`, closed to everybody else."""
    for folder in (data, data / "run"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


def read(data: Path, name: str) -> str:
    """A value of the instance, or '' where it has none yet."""
    try:
        return (data / "run" / name).read_text().strip()
    except FileNotFoundError:
        return ""


def write(data: Path, name: str, value: str) -> None:
    write_private(data / "run" / name, value + "\n")


def ensure_secret_key(data: Path) -> str:
    """The key that signs sessions; a site without one of its own does not start."""
    if not read(data, SESSION_KEY):
        write(data, SESSION_KEY, new_secret())
    return read(data, SESSION_KEY)


def new_secret() -> str:
    return secrets.token_urlsafe(48)


def write_private(path: Path, content: str) -> None:
    """Write a whole file or nothing, that nobody else could read at any moment."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
