"""The same wire without database and gate: takes whatever a client uploads and believes it.

What the client itself can send is measured against this. `python -m benchmarks.bare_receiver
FOLDER PORT` stores the bytes as they come, hashes nothing and forgets nothing but the names. With
`sync=1` it answers once the bytes survive a loss of power, as a store has to.
"""

import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PIECE = 1024 * 1024
COMMIT = "0" * 39 + "1"
_numbers = count()


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, folder: Path, port: int, *, parts_above: int, part: int, syncs: bool
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.folder = folder
        self.syncs = syncs
        self.parts_above = parts_above
        self.part = part


class Handler(BaseHTTPRequestHandler):
    """One method for each thing that a client asks while it uploads."""

    protocol_version = "HTTP/1.1"
    rbufsize = PIECE
    server: Receiver

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self._route("GET")

    def do_HEAD(self) -> None:  # noqa: N802
        self._route("GET")

    def do_POST(self) -> None:  # noqa: N802
        self._route("POST")

    def do_PUT(self) -> None:  # noqa: N802
        self._route("PUT")

    def _route(self, method: str) -> None:
        path = urlsplit(self.path).path
        for verb, pattern, answer in ROUTES:
            if verb == method and (found := re.fullmatch(pattern, path)):
                answer(self, *found.groups())
                return
        self._drain()
        self._say({"error": "Not found"}, status=404)

    def whoami(self) -> None:
        token = {"displayName": "bench", "role": "write"}
        who = {"type": "user", "id": "1", "name": "ada", "fullname": "ada", "orgs": []}
        self._say(who | {"auth": {"type": "access_token", "accessToken": token}})

    def create(self) -> None:
        asked = self._json()
        name = f"{asked.get('organization') or 'ada'}/{asked['name']}"
        self._say({"url": f"{self._base()}/{name}", "name": name, "id": "1"})

    def info(self, name: str, *_: str) -> None:
        self._say({"id": name, "sha": COMMIT, "siblings": [], "private": False, "tags": []})

    def tree(self, *_: str) -> None:
        self._say([])

    def yaml(self) -> None:
        self._drain()
        self._say({"errors": [], "warnings": []})

    def preupload(self, *_: str) -> None:
        files = [
            {"path": one["path"], "uploadMode": _mode(one), "shouldIgnore": False, "oid": None}
            for one in self._json()["files"]
        ]
        self._say({"files": files, "commitOid": COMMIT})

    def batch(self, name: str) -> None:
        asked = self._json()
        takes_parts = "multipart" in asked.get("transfers", [])
        objects = [self._object(name, one, takes_parts=takes_parts) for one in asked["objects"]]
        transfer = "multipart" if takes_parts else "basic"
        self._say({"transfer": transfer, "objects": objects})

    def _object(self, name: str, one: dict[str, Any], *, takes_parts: bool) -> dict[str, Any]:
        oid, size, base = one["oid"], one["size"], self._base()
        upload: dict[str, Any] = {"href": f"{base}/put/{oid}", "header": {}}
        if takes_parts and size > self.server.parts_above:
            number = -(-size // self.server.part)
            header = {str(n): f"{base}/put/{oid}.{n}" for n in range(1, number + 1)}
            upload = {
                "href": f"{base}/complete/{oid}",
                "header": {"chunk_size": str(self.server.part), **header},
            }
        verify = {"href": f"{base}/{name}.git/info/lfs/objects/verify", "header": {}}
        return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}}

    def put(self, name: str) -> None:
        self._store(name)
        self._say({}, headers={"ETag": '"stored"'})

    def done(self, *_: str) -> None:
        self._drain()
        self._say({})

    def token(self, *_: str) -> None:
        access = {"casUrl": self._base(), "accessToken": "bench", "exp": int(time.time()) + 3600}
        headers = {
            "X-Xet-Cas-Url": access["casUrl"],
            "X-Xet-Access-Token": access["accessToken"],
            "X-Xet-Token-Expiration": str(access["exp"]),
        }
        self._say(access, headers={name: str(value) for name, value in headers.items()})

    def xorb(self, name: str) -> None:
        self._store(f"xorb.{name}")
        self._say({"was_inserted": True})

    def shard(self) -> None:
        self._store(f"shard.{next(_numbers)}")
        self._say({"result": 1})

    def commit(self, name: str, _revision: str) -> None:
        self._drain()
        url = f"{self._base()}/{name}/commit/{COMMIT}"
        self._say({"success": True, "commitOid": COMMIT, "commitUrl": url, "hookOutput": ""})

    def _store(self, name: str) -> None:
        with (self.server.folder / name).open("wb") as file:
            for piece in self._body():
                file.write(piece)
            if self.server.syncs:
                file.flush()
                os.fsync(file.fileno())

    def _drain(self) -> None:
        for _ in self._body():
            pass

    def _json(self) -> Any:
        return json.loads(b"".join(bytes(piece) for piece in self._body()) or b"{}")

    def _body(self) -> Any:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left and (piece := self.rfile.read1(min(left, PIECE))):
            left -= len(piece)
            yield piece

    def _say(self, value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _base(self) -> str:
        return f"http://{self.headers['Host']}"

    def log_message(self, *_: Any) -> None:
        pass


def _mode(planned: dict[str, Any]) -> str:
    return "lfs" if planned["size"] > 10 * 1024**2 else "regular"


_ID = r"((?:[^/]+/)?[^/]+)"
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", r"/api/whoami-v2", Handler.whoami),
    ("POST", r"/api/repos/create", Handler.create),
    ("POST", r"/api/validate-yaml", Handler.yaml),
    ("GET", rf"/api/models/{_ID}/xet-write-token/([^/]+)", Handler.token),
    ("GET", rf"/api/models/{_ID}/tree/([^/]+).*", Handler.tree),
    ("GET", rf"/api/models/{_ID}/revision/([^/]+)", Handler.info),
    ("POST", rf"/api/models/{_ID}/preupload/([^/]+)", Handler.preupload),
    ("POST", rf"/api/models/{_ID}/commit/([^/]+)", Handler.commit),
    ("GET", rf"/api/models/{_ID}", Handler.info),
    ("POST", rf"/{_ID}\.git/info/lfs/objects/batch", Handler.batch),
    ("POST", rf"/{_ID}\.git/info/lfs/objects/verify", Handler.done),
    ("PUT", r"/put/([0-9a-f.]+)", Handler.put),
    ("POST", r"/complete/([0-9a-f]+)", Handler.done),
    ("POST", r"/v1/xorbs/[a-z-]+/([0-9a-f]+)", Handler.xorb),
    ("POST", r"(?:/v1)?/shards", Handler.shard),
]


def main(folder: Path, port: int, settings: dict[str, list[str]]) -> None:
    mib = 1024 * 1024
    above = int(settings.get("parts_above_mib", ["1024"])[0]) * mib
    part = int(settings.get("part_mib", ["64"])[0]) * mib
    folder.mkdir(parents=True, exist_ok=True)
    syncs = settings.get("sync") == ["1"]
    Receiver(folder, port, parts_above=above, part=part, syncs=syncs).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), parse_qs("&".join(sys.argv[3:])))
