"""The questions that clients ask most: how fast they are answered, and with how many queries."""

from pathlib import Path

from benchmarks import instance, load
from benchmarks.load import Request
from benchmarks.report import Table

CONNECTIONS = (1, 8)
# A model with its shards, tokenizer and configuration
USUAL = 16


def measure(folder: Path, *, quick: bool) -> list[Table]:
    files, models, seconds = (20, 3, 0.3) if quick else (1000, 100, 5.0)
    table = Table(
        "Metadata, with gate, access log and PostgreSQL",
        ["question", "connections", "a second", "p50 ms", "p95 ms", "p99 ms", "queries"],
        notes=["Asked with the token of a reader who accepted the terms of the release."],
    )
    with instance.running(folder) as running:
        tokens = running.make("people")
        usual = running.make("tree", name="usual", files=USUAL)["name"]
        name = running.make("tree", name="many-files", files=files)["name"]
        running.make("listed", count=models)
        questions = {
            "HEAD resolve": ("HEAD", f"/{usual}/resolve/main/model.safetensors"),
            f"model_info, {USUAL} files": ("GET", f"/api/models/{usual}"),
            f"revision info, {USUAL} files": ("GET", f"/api/models/{usual}/revision/main"),
            f"model_info, {files} files": ("GET", f"/api/models/{name}"),
            f"tree of {files} files": ("GET", f"/api/models/{name}/tree/main/parts"),
            f"list of {models}": ("GET", f"/api/models?limit={models}&sort=lastModified"),
        }
        counts = running.make(
            "queries", calls=[list(call) for call in questions.values()], token=tokens["reader"]
        )
        for (title, (method, path)), count in zip(questions.items(), counts, strict=True):
            request = Request(running.url + path, method, tokens["reader"])
            for connections in CONNECTIONS:
                found = load.repeated(load.same(request), connections=connections, seconds=seconds)
                percentiles = [found.percentile(share) for share in (0.5, 0.95, 0.99)]
                table.add(title, connections, found.requests_a_second, *percentiles, count)
    return [table]
