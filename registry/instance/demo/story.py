"""What happens in the demonstration, step by step, and what the registry must answer."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from registry.instance.demo.client import Person, Refused, patiently
from registry.instance.demo.model import Upload
from registry.instance.processes import InstanceError

CHECKS_SECONDS = 1800
VERSION = "v1.0"


@dataclass
class Story:
    """Who uploads, who may review it, who wants it, and where to tell what happens."""

    author: Person
    reviewers: list[Person]
    reader: Person
    anonymous: Person
    tell: Callable[[str], None]
    began: float
    receipts: list[Path] = field(default_factory=list)

    def carry(self, upload: Upload) -> None:
        """Take one model from its author's folder to a reader's, or raise where it goes wrong."""
        repo = self._create(upload.name)
        revision = self._upload(repo, upload.folder)
        self._nobody_else_sees(repo)
        self._wait_for_checks(repo, revision)
        release = self._submit(repo, revision)
        self._no_self_approval(release)
        self._approve(release)
        self._terms_come_first(repo, upload.folder)
        self._accept(repo)
        self._download(repo, upload.folder)

    # Upload

    def _create(self, name: str) -> str:
        hub = self.author.hub
        owner = patiently(hub.whoami)["name"]
        repo, number = f"{owner}/{name}", 1
        while patiently(partial(hub.repo_exists, repo)):
            number += 1
            repo = f"{owner}/{name}-{number}"
        self._step(self.author, f"creates the repository {repo}")
        self._says(str(patiently(lambda: hub.create_repo(repo, exist_ok=True))))
        return repo

    def _upload(self, repo: str, folder: Path) -> str:
        size = sum(path.stat().st_size for path in folder.iterdir())
        self._step(
            self.author,
            f"uploads {len(list(folder.iterdir()))} files, {size / 1e6:.0f} MB",
        )
        commit = patiently(
            lambda: self.author.hub.upload_folder(
                repo_id=repo, folder_path=folder, commit_message="Upload the model"
            )
        )
        self._says(f"commit {commit.oid}")
        return str(commit.oid)

    def _nobody_else_sees(self, repo: str) -> None:
        for person in (self.anonymous, self.reader):
            self._step(person, f"asks for {repo}, and for one of its files")
            unknown = (RepositoryNotFoundError,)
            self._refused(partial(person.hub.model_info, repo), unknown)
            self._refused(partial(self._fetch, person, repo, "README.md"), unknown)
        self._step(self.author, "downloads a file of their own from quarantine")
        self._says(str(self._fetch(self.author, repo, "README.md").name))

    # Checks

    def _wait_for_checks(self, repo: str, revision: str) -> None:
        self._step(self.author, "waits for the checks")
        shown: set[str] = set()
        deadline = time.monotonic() + CHECKS_SECONDS
        while True:
            checks = self.author.get(f"/models/{repo}/checks/{revision}")
            for line in _progress(checks):
                if line not in shown:
                    shown.add(line)
                    self._says(line)
            if checks["verdict"]:
                break
            if time.monotonic() > deadline:
                raise InstanceError(f"The checks took longer than {CHECKS_SECONDS} s.")
            time.sleep(2)
        for line in _evidence(checks):
            self._says(line)
        if checks["verdict"] not in {"passed", "warned"}:
            raise InstanceError(f"The checks ended with {checks['verdict']}: {checks['url']}")

    # Release

    def _submit(self, repo: str, revision: str) -> dict[str, Any]:
        self._step(self.author, f"asks for the release {VERSION}")
        body = {"revision": revision, "version": VERSION, "notes": "First release."}
        release: dict[str, Any] = self.author.post(f"/models/{repo}/releases", body)
        self._says(f"release {release['id']} is {release['status']}")
        return release

    def _no_self_approval(self, release: dict[str, Any]) -> None:
        self._step(self.author, "tries to approve it")
        self._refused(lambda: self._take(self.author, release), (Refused,))

    def _approve(self, release: dict[str, Any]) -> None:
        for person in self.reviewers:
            self._step(person, "finds it in the review queue, and approves it")
            waiting = [item["id"] for item in person.get("/reviews")["items"]]
            if release["id"] not in waiting:
                raise InstanceError("The release is not in the review queue.")
            status = self._take(person, release)["status"]
            self._says(f"release {release['version']} is {status}")
            if status == "released":
                return
        raise InstanceError("All reviewers approved, and the release is still not out.")

    def _take(self, person: Person, release: dict[str, Any]) -> dict[str, Any]:
        seen = person.get(f"/releases/{release['id']}")
        body = {
            "digest": seen["digest"],
            "acknowledged": seen["warnings"],
            "reason": "Looked at in the demonstration.",
        }
        answer: dict[str, Any] = person.post(f"/releases/{release['id']}/approve", body)
        return answer

    # Download

    def _terms_come_first(self, repo: str, folder: Path) -> None:
        name = _largest(folder)
        for person in (self.anonymous, self.reader):
            self._step(person, f"sees {repo} now, and tries to download {name}")
            self._says(f"main is {patiently(partial(person.hub.model_info, repo)).sha}")
            self._refused(partial(self._fetch, person, repo, name), (GatedRepoError,))

    def _accept(self, repo: str) -> None:
        self._step(self.reader, "reads the terms and accepts them")
        terms = self.reader.get(f"/models/{repo}/terms")
        for document in terms["documents"]:
            self._says(f"{document['title']}, version {document['version']}: {document['why']}")
        body = {"terms_hash": terms["hash"], "typed_name": "Demo reader"}
        accepted = self.reader.post(f"/models/{repo}/terms/accept", body)
        self._says(f"acceptance {accepted['acceptance']} of terms {terms['hash'][:16]}…")
        receipt = self.reader.home / f"receipt-{accepted['receipt']}.json"
        receipt.parent.mkdir(parents=True, exist_ok=True)
        receipt.write_bytes(self.reader.file(f"/receipts/{accepted['receipt']}"))
        self.receipts.append(receipt)
        self._says(f"receipt {accepted['receipt']}, {receipt.stat().st_size} bytes")

    def _download(self, repo: str, folder: Path) -> None:
        self._step(self.reader, "downloads everything")
        cache = self.reader.home / "cache"
        got = Path(
            patiently(lambda: self.reader.hub.snapshot_download(repo_id=repo, cache_dir=cache))
        )
        for path in sorted(folder.iterdir()):
            wanted, have = _sha256_of(path), _sha256_of(got / path.name)
            if wanted != have:
                raise InstanceError(f"{path.name} came back as other bytes: {have}, not {wanted}.")
            self._says(f"{path.name}: {path.stat().st_size} bytes, the same SHA-256 {have[:16]}…")
        name = _largest(folder)
        self._step(self.anonymous, f"still gets no {name}")
        self._refused(partial(self._fetch, self.anonymous, repo, name), (GatedRepoError,))

    # Telling

    def _fetch(self, person: Person, repo: str, name: str) -> Path:
        cache = person.home / "cache"
        return Path(patiently(lambda: person.hub.hf_hub_download(repo, name, cache_dir=cache)))

    def _refused(self, action: Callable[[], Any], kinds: tuple[type[Exception], ...]) -> None:
        try:
            patiently(action)
        except kinds as refusal:
            self._says(f"refused, {type(refusal).__name__}: {_sentence_of(refusal)}")
            return
        raise InstanceError("That should have been refused, and was not.")

    def _step(self, person: Person, what: str) -> None:
        self.tell(f"{time.monotonic() - self.began:6.1f} s  {person.name} {what}")

    def _says(self, what: str) -> None:
        self.tell(f"              {what}")


def _progress(checks: dict[str, Any]) -> list[str]:
    """One line for each job and stage, which stays the same until something happens."""
    lines = []
    for job in checks["progress"]["jobs"] if checks["progress"] else []:
        again = f", attempt {job['attempt']}" if job["attempt"] > 1 else ""
        detail = ": ".join(filter(None, [job["target"], job["stage"], job["note"]]))
        lines.append(f"{job['label']} {job['state']}{again}{f' ({detail})' if detail else ''}")
    return lines


def _evidence(checks: dict[str, Any]) -> list[str]:
    """What the finished checks found and measured, in a few lines."""
    report = checks["report"]
    lines = [f"{item['severity']} {item['id']}: {item['message']}" for item in checks["findings"]]
    if device := report["device"]:
        level = (report["isolation"] or {}).get("level")
        lines.append(f"smoke test on {device.get('name') or device['kind']}, isolation {level}")
    figures = {
        name: value for name, value in report["metrics"].items() if isinstance(value, int | float)
    }
    if figures:
        lines.append(", ".join(f"{name} {value:g}" for name, value in figures.items()))
    lines += [f"{sample['prompt']!r} → {sample['output']!r}" for sample in report["samples"][:2]]
    return [*lines, f"verdict: {checks['verdict']}"]


def _sentence_of(refusal: Exception) -> str:
    """What the registry said, without what the client puts around it."""
    if isinstance(refusal, HfHubHTTPError) and refusal.server_message:
        return str(refusal.server_message)
    return " ".join(str(refusal).split())


def _largest(folder: Path) -> str:
    return max(folder.iterdir(), key=lambda path: path.stat().st_size).name


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
