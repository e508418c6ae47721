"""A walk along every address of the wire: with the client's own methods where it has one, and with
plain calls where something else asks (a form, git-lfs, llama.cpp)."""

import hashlib
import json
import os
import re
import struct
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import httpx2
from django.conf import settings
from django.test import Client as Browser

from registry.accounts.models import User
from registry.catalog.models import Repository
from registry.releases import workflow
from tests.factories import (
    CARD,
    accept_terms,
    as_caller,
    finish_checks,
    make_maintainer,
    make_token,
)
from tests.wire.clients import Client, newest_python

HEADER = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
WEIGHTS = struct.pack("<Q", len(HEADER)) + HEADER + b"\0" * 16
INDEX = json.dumps({"metadata": {}, "weight_map": {"w": "model.safetensors"}}).encode()
GATED = CARD.replace("llama3.1", "cc").replace(
    "---\n# A", "extra_gated_fields:\n  Why: text\n---\n# A"
)
FILES = {
    "README.md": GATED.encode(),
    "sub/notes.txt": b"notes\n",
    "model.safetensors": WEIGHTS,
    "model.safetensors.index.json": INDEX,
    "tiny-Q4_K_M.gguf": b"GGUF" + os.urandom(300_000),
    "old.bin": b"\0old weights",
}


class Tour:
    """Ada owns `ada/tiny`, Bob reads it."""

    def __init__(self, url: str, ada: User, bob: User, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.people = {"ada": ada, "bob": bob}
        self.tokens = {name: make_token(user, "admin") for name, user in self.people.items()}
        self.ada, self.bob = (self._client(name) for name in ("ada", "bob"))
        self.by_lfs = self._client("ada", by_lfs=True)
        self.stranger = self._client("")

    def _client(self, name: str, *, by_lfs: bool = False) -> Client:
        home = self.folder / f"home-{name}-{by_lfs}"
        token = self.tokens.get(name, "")
        return Client(newest_python(), self.url, token, home, by_lfs=by_lfs)

    def close(self) -> None:
        for one in (self.ada, self.bob, self.by_lfs, self.stranger):
            one.close()

    def plain(self, method: str, path: str, body: Any = None, *, by: str = "ada") -> Any:
        """What no method of the client asks. Answers that refuse are answers."""
        asked = urllib.request.Request(  # noqa: S310 - ours
            path if path.startswith("http") else self.url + path,
            method=method,
            data=body if body is None or isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {self.tokens[by]}"} if by else {}),
        )
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 - ours
                return answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.read()

    def identity(self) -> None:
        assert self.ada("whoami")["name"] == "ada"
        assert self.bob("get_user_overview", username="ada")["fullname"] is not None
        assert self.bob("get_organization_overview", organization="lab")["name"] == "lab"
        members = self.ada("list_organization_members", organization="lab")
        assert [one["username"] for one in members] == ["ada"]

    def upload(self) -> None:
        """By Xet, by LFS in one piece, and by LFS in parts."""
        source = self.folder / "source"
        for name, content in FILES.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
        self.ada("create_repo", repo_id="ada/tiny")
        self.ada("upload_folder", repo_id="ada/tiny", folder_path=str(source))
        for name, size in (("small.bin", 200_000), ("large.bin", 3_000_000)):
            (self.folder / name).write_bytes(os.urandom(size))
            self.by_lfs(
                "upload_file",
                repo_id="ada/tiny",
                path_or_fileobj=str(self.folder / name),
                path_in_repo=name,
            )

    def release(self) -> None:
        """Maintainers do that; no client does."""
        revision = Repository.objects.get(name="tiny").refs.get(name="refs/heads/main").head
        finish_checks(revision)
        ada = as_caller(self.people["ada"])
        opened = workflow.open_release(revision, version="v1.0", by=ada)
        released = workflow.transition("approve", opened, by=as_caller(make_maintainer()))
        accept_terms(released, self.people["bob"], Why="to read")

    def look_around(self) -> None:
        here = {"repo_id": "ada/tiny"}
        self.ada("snapshot_download", **here)
        self.ada("model_info", **here)
        self.ada("list_repo_tree", **here, path_in_repo="sub")
        self.ada("get_paths_info", **here, paths=["sub"])
        self.ada("list_repo_refs", **here)
        self.ada("list_repo_commits", **here)
        self.ada("auth_check", **here)
        self.ada("auth_check", **here, write=True)
        self.ada("get_sharded_safetensors_metadata", **here)
        assert [one["id"] for one in self.stranger("list_models")] == ["ada/tiny"]
        assert "license" in self.stranger("get_model_tags")
        own = [one["id"] for one in self.ada("list_user_repos")]
        assert sorted(own) == ["ada/copy", "ada/tiny"]
        assert self.ada("list_user_repos", namespace="lab") == []
        listed = self.ada.hf("repos", "ls")
        assert "ada/tiny" in listed.stdout, listed.stderr

    def what_others_ask(self) -> None:
        """A browser, git-lfs, llama.cpp, and what clients ask for in passing."""
        assert self.plain("GET", "/ada/tiny/raw/main/small.bin").startswith(b"version ")
        sha256 = hashlib.sha256(FILES["old.bin"]).hexdigest()
        one = {"oid": sha256, "size": len(FILES["old.bin"])}
        batch = {"operation": "download", "transfers": ["basic"], "objects": [one]}
        answer = self.plain("POST", "/ada/tiny.git/info/lfs/objects/batch", batch)
        href = json.loads(answer)["objects"][0]["actions"]["download"]["href"]
        assert self.plain("GET", href) == FILES["old.bin"]
        assert b"ggufFile" in self.plain("GET", "/v2/ada/tiny/manifests/latest")
        assert self.plain("GET", "/api/agent-harnesses", by="") != b""
        for method in ("GET", "POST"):
            for path in ("/api/telemetry", "/api/telemetry/hub/x", "/v1/telemetry"):
                assert self.plain(method, path, by="") == b"{}"
        copied = {"target": {"type": "model", "name": "ada/copy"}, "files": [{"sha256": sha256}]}
        answer = self.plain("POST", "/api/models/ada/tiny/lfs-files/duplicate", copied)
        assert json.loads(answer) == {"failed": []}

    def names_without_a_namespace(self) -> None:
        """Which old models of the public hub have."""
        assert not self.ada("repo_exists", repo_id="tiny")
        assert not self.ada("revision_exists", repo_id="tiny", revision="main")
        assert not self.ada("file_exists", repo_id="tiny", filename="config.json")

    def likes(self) -> None:
        self.plain("POST", "/api/models/ada/tiny/like", by="bob")
        likers = self.bob("list_repo_likers", repo_id="ada/tiny")
        assert [one["username"] for one in likers] == ["bob"]
        assert self.bob("list_liked_repos", user="bob")["models"] == ["ada/tiny"]
        self.bob("unlike", repo_id="ada/tiny")
        assert self.bob("list_liked_repos")["models"] == []

    def access(self) -> None:
        here = {"repo_id": "ada/tiny"}
        self.ada("update_repo_settings", **here, gated="manual")
        self.plain("POST", "/ada/tiny/ask-access", {"Why": "to read"}, by="bob")
        (asked,) = self.ada("list_pending_access_requests", **here)
        assert asked["username"] == "bob"
        self.ada("reject_access_request", **here, user="bob", rejection_reason="say more")
        self.ada("cancel_access_request", **here, user="bob")
        self.plain("POST", "/api/models/ada/tiny/user-access-request/cancel", by="bob")
        assert self.ada("list_pending_access_requests", **here) == []
        self.ada("grant_access", **here, user="bob")
        assert b"bob" in self.plain("GET", "/ada/tiny/user-access-report")
        self.bob("hf_hub_download", **here, filename="sub/notes.txt")
        self.ada("update_repo_settings", **here, gated=False)

    def discussions(self) -> None:
        here = {"repo_id": "ada/tiny"}
        made = self.bob("create_discussion", **here, title="A question", description="Why?")
        on = here | {"discussion_num": made["num"]}
        said = self.bob("comment_discussion", **on, comment="Well?")
        self.bob("edit_discussion_comment", **on, comment_id=said["id"], new_content="Please?")
        self.bob("hide_discussion_comment", **on, comment_id=said["id"])
        self.bob("rename_discussion", **on, new_title="A good question")
        self.ada("change_discussion_status", **on, new_status="closed")
        listed = self.ada("get_repo_discussions", **here)
        assert made["num"] in [one["num"] for one in listed]
        assert self.ada("get_discussion_details", **on)["status"] == "closed"
        add = ["CommitOperationAdd", {"path_in_repo": "a.txt", "base64": "YQo="}]
        asked = self.ada(
            "create_commit", **here, operations=[add], commit_message="Add a", create_pr=True
        )
        number = int(str(asked["pr_url"]).rsplit("/", 1)[1])
        self.ada("merge_pull_request", **here, discussion_num=number)

    def refs(self) -> None:
        here = {"repo_id": "ada/tiny"}
        self.ada("create_branch", **here, branch="next")
        self.ada("create_tag", **here, tag="t1")
        self.ada("delete_tag", **here, tag="t1")
        self.ada("super_squash_history", **here, branch="next")
        self.ada("delete_branch", **here, branch="next")

    def repositories(self) -> None:
        self.ada("duplicate_repo", from_id="ada/tiny", to_id="ada/again")
        files = self.ada("list_lfs_files", repo_id="ada/again")
        assert "old.bin" in [one["filename"] for one in files]
        self.ada("remove_lfs_files", repo_id="ada/again", filename="old.bin")
        self.ada("move_repo", from_id="ada/again", to_id="lab/again")
        assert self.ada("model_info", repo_id="ada/again")["id"] == "lab/again"
        self.ada("delete_repo", repo_id="lab/again")

    def webhooks(self) -> None:
        watched = [{"type": "user", "name": "ada"}]
        made = self.ada("create_webhook", url="http://127.0.0.1:9/x", watched=watched, secret=HUSH)
        hook = {"webhook_id": made["id"]}
        self.ada("list_webhooks")
        self.ada("get_webhook", **hook)
        self.ada("update_webhook", **hook, domains=["repo"], secret=HUSH[::-1])
        self.ada("disable_webhook", **hook)
        self.ada("enable_webhook", **hook)
        self.ada("delete_webhook", **hook)

    def sign_in(self) -> None:
        """A program without a browser, and the browser of somebody who lets it in."""
        command = [str(self.stranger.python.parent / "hf"), "auth", "login"]
        with subprocess.Popen(
            command,
            env=self.stranger.environment | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdout is not None
            said = b""
            while not (found := re.search(rb"\b([B-Z]{4}-[B-Z]{4})\b", said)):
                piece = os.read(process.stdout.fileno(), 4096)
                assert piece, said
                said += piece
            self._let_in(found[1].decode())
            said += process.stdout.read()
        assert process.returncode == 0, said

    def _let_in(self, code: str) -> None:
        signed_in = Browser()
        signed_in.force_login(self.people["ada"])
        session = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
        csrf = os.urandom(16).hex()
        with httpx2.Client(
            base_url=self.url,
            cookies={settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: csrf},
            headers={"X-CSRFToken": csrf},
        ) as browser:
            decided = {"code": code, "scope": "write", "decision": "allow"}
            assert browser.post("/device", data=decided).status_code == 302

    def wrong_secrets(self) -> None:
        """What is refused must not be written down either."""
        self.tokens["nobody"] = "hf_" + os.urandom(20).hex()
        self.plain("GET", "/api/whoami-v2", by="nobody")
        oid, right = "0" * 64, os.urandom(20).hex()
        self.plain("PUT", f"/lfs/objects/{oid}?right={right}", b"bytes", by="")
        self.plain("POST", f"/xet/{'a' * 20}/v1/shards", b"bytes", by="nobody")


HUSH = "a-secret-of-a-hook"
