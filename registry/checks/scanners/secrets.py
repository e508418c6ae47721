"""Keys and tokens that somebody forgot in a file (SEC-SECRET). Of each, four characters are kept."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from registry.checks.findings import Finding, ModelFile, block, show
from registry.checks.scanners import gguf, safetensors
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.scanners.types import Kind, kind_of
from registry.checks.scanners.walk import texts_of

CHUNK = 1024 * 1024
# Longer than any of the secrets below: a chunk begins again so far before its end.
OVERLAP = 8 * 1024
LEAST_ENTROPY = 3.0
# Of fewer different ones no text has that entropy, which takes longer to find out
LEAST_CHARACTERS = 8
KEPT = 4
MAX_FINDINGS = 10
# How far the metadata may reach in a file of weights that cannot be read
BROKEN_HEADER = 16 * 1024 * 1024

_PLACEHOLDER = re.compile(
    rb"x{4,}|\*{3,}|\.{3,}|_{4,}|your|example|placeholder|dummy|redacted|changeme|replace|sample|fake"
    rb"|secret|passw|token|1234567|abcdef|<|>|\$\{|\{\{|%\(|\["
)


@dataclass(frozen=True)
class Rule:
    """A secret begins with one of `marks` and goes on as its pattern says, which begins with the
    mark; the group is the secret. `mixed` ones have letters of both cases; `inside` says that a word
    may stand before the mark."""

    kind: str
    marks: tuple[bytes, ...]
    patterns: tuple[re.Pattern[bytes], ...]
    mixed: bool = False
    inside: bool = False


def _rule(kind: str, marks: str, rest: str, *, mixed: bool = False, inside: bool = False) -> Rule:
    """Of the pattern the mark comes first: such text is passed over fastest."""
    found = marks.encode().split()
    before = b"" if inside else rb"(?<![A-Za-z0-9_-]%s)"
    patterns = [
        re.escape(mark) + before.replace(b"%s", re.escape(mark)) + rest.encode() for mark in found
    ]
    return Rule(kind, tuple(found), tuple(map(re.compile, patterns)), mixed, inside)


_END = r"(?![A-Za-z0-9])"
RULES = (
    _rule("hub token", "hf_", r"([A-Za-z0-9_-]{34,64})" + _END, mixed=True),
    _rule("hub token", "api_org_", r"([A-Za-z0-9]{34})" + _END),
    _rule("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"([A-Za-z0-9]{36,255})" + _END),
    _rule("GitHub token", "github_pat_", r"([A-Za-z0-9_]{60,255})" + _END),
    _rule("GitLab token", "glpat-", r"([A-Za-z0-9_-]{20,64})" + _END, mixed=True),
    _rule("AWS key", "AKIA ASIA", r"([A-Z2-7]{16})" + _END),
    _rule("Google key", "AIza", r"([A-Za-z0-9_-]{35})" + _END, mixed=True),
    _rule("Google token", "ya29.", r"([A-Za-z0-9_-]{40,400})", mixed=True),
    _rule("Azure key", "AccountKey=", r"([A-Za-z0-9+/]{86}==)", inside=True),
    _rule(
        "OpenAI key",
        "sk-",
        r"((?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,200}|[A-Za-z0-9]{48})" + _END,
        mixed=True,
    ),
    _rule("Anthropic key", "sk-ant-", r"[a-z0-9]{3,12}-([A-Za-z0-9_-]{60,120})"),
    _rule("OpenRouter key", "sk-or-v1-", r"([0-9a-f]{64})" + _END),
    _rule("Groq key", "gsk_", r"([A-Za-z0-9]{48,64})" + _END, mixed=True),
    _rule("Replicate token", "r8_", r"([A-Za-z0-9]{37})" + _END, mixed=True),
    _rule("Slack token", "xoxb- xoxp- xoxa- xoxe- xoxr- xoxs-", r"([A-Za-z0-9-]{24,250})"),
    _rule("Stripe key", "sk_live_ rk_live_", r"([A-Za-z0-9]{24,247})" + _END),
    _rule("npm token", "npm_", r"([A-Za-z0-9]{36})" + _END, mixed=True),
    _rule("package index token", "pypi-AgE", r"([A-Za-z0-9_-]{50,250})"),
    _rule(
        "Weights & Biases key",
        "WANDB_API_KEY",
        r"[\"' ]{0,3}[=:][\"' ]{0,3}([0-9a-f]{40})" + _END,
        inside=True,
    ),
    _rule(
        "private key",
        "-----BEGIN",
        r" (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|[^A-Za-z0-9+/=]){1,8}+"
        r"(?:(?:Version|Comment|Proc-Type|DEK-Info): [^\n\\]{1,100}+(?:\\r|\\n|\s){1,8}+){0,4}"
        r"([A-Za-z0-9+/=]{40,})",
        inside=True,
    ),
    _rule(
        "URL with a password",
        "://",
        r"[^\s:/@\"'<>{}$`]{1,64}:([^\s:/@\"'`]{8,128})@[A-Za-z0-9.-]{2,253}",
        inside=True,
    ),
)


@dataclass(frozen=True)
class Secret:
    kind: str
    line: int
    begins: str


def check(folder: Folder) -> Iterator[Finding]:
    def judge(file: ModelFile) -> Iterator[Finding]:
        kind = kind_of(file.path, in_dataset=folder.is_dataset)
        if kind in (Kind.SAFETENSORS, Kind.GGUF):
            for secret in _few(_streamed(file, most=_header_bytes(folder, file, kind))):
                yield _finding(file, secret, "in its metadata")
        elif kind in (Kind.TEXT, Kind.DOCUMENT, Kind.OTHER):
            for secret in _in_file(folder, file):
                yield _finding(file, secret, f"line {secret.line}" if secret.line else "in a value")

    yield from folder.contents("SEC-SECRET", judge)


def secrets_in(data: bytes) -> Iterator[tuple[int, Secret]]:
    """What looks like a secret, with the place where it begins. Lines are counted from this text's."""
    for rule in RULES:
        for mark, pattern in zip(rule.marks, rule.patterns, strict=True):
            match = pattern.search(data) if mark in data else None
            while match:
                at, secret = match.start(), match[1]
                if _is_real(secret, mixed=rule.mixed):
                    line = data.count(b"\n", 0, at) + 1
                    begins = data[at : at + KEPT] if not rule.inside else secret[:KEPT]
                    yield at, Secret(rule.kind, line, begins.decode("ascii", "replace"))
                # One secret may begin inside of what only looks like another
                match = pattern.search(data, at + len(mark))


def entropy(text: bytes) -> float:
    """In bits a character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def _is_real(secret: bytes, *, mixed: bool) -> bool:
    """Not a placeholder of documentation, nor the name of a function, which has no mixed case."""
    if len(set(secret)) < LEAST_CHARACTERS or (mixed and (secret.islower() or secret.isupper())):
        return False
    return not _PLACEHOLDER.search(secret.lower()) and entropy(secret) >= LEAST_ENTROPY


def _header_bytes(folder: Folder, file: ModelFile, kind: Kind) -> int:
    """How many bytes of a file of weights are no numbers, or may be none where it is broken."""
    try:
        if kind is Kind.SAFETENSORS:
            return int(folder.parsed("safetensors", file.path, safetensors.header_of).data_start)
        return int(folder.parsed("gguf", file.path, gguf.header_of).data_start)
    except Problem:
        return BROKEN_HEADER


def _in_file(folder: Folder, file: ModelFile) -> Iterator[Secret]:
    found = list(_few(_streamed(file)))
    yield from found
    if not found and file.path.lower().endswith(".json"):
        yield from _few(_escaped(folder, file))


def _streamed(file: ModelFile, *, most: int | None = None) -> Iterator[Secret]:
    """Of a file of any size, or its first bytes, in little memory. Each is told once, although
    chunks overlap."""
    lines, at, before = 0, 0, b""
    told: set[int] = set()
    with file.local.open("rb") as stream:
        left = file.local.stat().st_size if most is None else most
        while left > 0 and (data := stream.read(min(CHUNK, left))):
            left -= len(data)
            text = before + data
            for start, secret in secrets_in(text):
                if at + start not in told:
                    told.add(at + start)
                    yield Secret(secret.kind, lines + secret.line, secret.begins)
            before = text[-OVERLAP:]
            passed = len(text) - len(before)
            lines += text.count(b"\n", 0, passed)
            at += passed


def _escaped(folder: Folder, file: ModelFile) -> Iterator[Secret]:
    """JSON may write any character by its number, so that only the value shows the secret."""
    with file.local.open("rb") as stream:
        if not any(
            b"\\u00" in data or b"\\/" in data for data in iter(lambda: stream.read(CHUNK), b"")
        ):
            return
    try:
        value = folder.json(file.path)
    except Problem:
        return
    text = "\n".join(text for _, text in texts_of(value) if len(text) > 2 * KEPT)
    for _, secret in secrets_in(text.encode("utf-8", "replace")):
        yield Secret(secret.kind, 0, secret.begins)


def _few(secrets: Iterator[Secret]) -> Iterator[Secret]:
    for count, secret in enumerate(secrets):
        if count == MAX_FINDINGS:
            return
        yield secret


def _finding(file: ModelFile, secret: Secret, where: str) -> Finding:
    return block(
        "SEC-SECRET",
        f"{show(file.path)} {where} looks like a {secret.kind}. Remove it and revoke it.",
        file=file.path,
        where=where,
        value=secret.begins,
    )
