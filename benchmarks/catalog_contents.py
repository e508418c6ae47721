"""A catalog of many invented models, and what asking it takes: run by `catalog` in a database of its
own. Prints JSON.

Rows are written in bulk, past the rules; facets and words are made by the code that makes them for
real models.
"""

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import django

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 2000
INVENTED = 10_000
INDEX = "CREATE INDEX entry_words ON catalog_searchentry USING gin (words)"
OTHERS = (("mistral", "Mistral-7B"), ("qwen2", "Qwen2.5-7B"), ("gemma2", "gemma-2-9b"))
RELATIONS = ("finetune",) * 8 + ("quantized",) * 6 + ("adapter",) * 3 + ("merge",) * 2 + ("base",)
LANGUAGES = ("en",) * 10 + ("de", "fr", "es", "it", "pt", "hi", "th", "zh", "ja", "ko", "pl", "nl")
LICENSES = ("apache-2.0", "mit", "cc-by-nc-4.0", "openrail", "gemma")
METHODS = ("sft", "dpo", "lora", "qlora", "orpo", "kto", "grpo", "distillation", "merge")
TASKS = ("text-generation",) * 12 + ("image-text-to-text", "text-classification", "summarization")
MARKS = ("Instruct", "Chat", "Medical", "Legal", "Code", "Math", "Story", "Tools", "Turbo", "Mini")
QUANTIZED = ("gptq", "awq", "bitsandbytes", "fp8")
SYLLABLES = ("ba", "ko", "ri", "ten", "mu", "sol", "ve", "dra", "lin", "pha", "go", "ist", "er")


class Maker:
    """Invents models, the same ones each time."""

    def __init__(self) -> None:
        from django.utils import timezone

        from registry.catalog.models import Tree, Variant
        from tests import factories

        self.random = Random(1)  # noqa: S311 - invents names, guards nothing
        self.owner = factories.make_user("somebody")
        self.member = factories.make_user("member")
        first = factories.make_repository(self.owner, "first")
        self.tree = Tree.objects.filter(repository=first).first()
        found = Variant.objects.exclude(hub_repo_id="").select_related("family")
        self.variants = list(found)
        self.words = [
            "".join(self.random.choices(SYLLABLES, k=self.random.randint(1, 4)))
            for _ in range(4000)
        ]
        self.now = timezone.now()
        self.namespaces: list[Any] = []
        self.made = 0

    def fill(self, total: int) -> None:
        """Add until there are so many: invented as far as `INVENTED`, and these again under other
        names beyond."""
        while self.made < min(total, INVENTED):
            number = min(BATCH, total - self.made)
            self._batch(number)
            self.made += number
            print(f"{self.made} of {total}", file=sys.stderr)
        if total > self.made:
            _copy(total - self.made)
            self.made = total

    def _batch(self, number: int) -> None:
        from registry.accounts.models import Namespace, NamespaceKind
        from registry.catalog import models
        from registry.checks.models import CheckRun
        from registry.releases.models import Release

        more = max(number // 12, 1)
        self.namespaces += Namespace.objects.bulk_create(
            Namespace(name=f"lab-{self._name()}-{self.made + at}", kind=NamespaceKind.ORGANISATION)
            for at in range(more)
        )
        rows = models.Repository.objects.bulk_create(self._repositories(number))
        cards = [self._card() for _ in rows]
        out = [
            (row, card)
            for row, card in zip(rows, cards, strict=True)
            if self.random.random() > 0.05
        ]
        revisions = models.Revision.objects.bulk_create(
            self._revision(row, card) for row, card in out
        )
        models.Ref.objects.bulk_create(
            models.Ref(repository=one.repository, name=models.MAIN, head=one, public=one)
            for one in revisions
        )
        releases = Release.objects.bulk_create(self._release(one) for one in revisions)
        runs = CheckRun.objects.bulk_create(self._run(one) for one in revisions)
        models.SearchEntry.objects.bulk_create(self._entries(rows, revisions, releases, runs))

    def _repositories(self, number: int) -> Iterator[Any]:
        from registry.catalog.models import Repository

        for at in range(number):
            use = int(self.random.paretovariate(0.6)) % 3_000_000
            yield Repository(
                namespace=self.random.choice(self.namespaces),
                name=f"{self._model()}-{self._name()}-{self.made + at}"[:96],
                created_by=self.owner,
                visibility="private" if self.random.random() < 0.05 else "public",
                downloads=use,
                likes=use // 40,
                trending=use // 300,
            )

    def _revision(self, repository: Any, card: dict[str, Any]) -> Any:
        from registry.catalog import cards
        from registry.catalog.models import Revision

        config: dict[str, Any] = {"model_type": self.random.choice(("llama", "mistral", "qwen2"))}
        if card.get("base_model_relation") == "quantized":
            config["quantization_config"] = {"quant_method": self.random.choice(QUANTIZED)}
        parameters = int(
            self.random.choice((1, 3, 7, 8, 13, 70)) * 1e9 * self.random.uniform(1, 1.1)
        )
        return Revision(
            repository=repository,
            oid=f"{self.random.getrandbits(160):040x}",
            tree=self.tree,
            author=self.owner,
            title="Add files",
            committed_at=NOW,
            state="released",
            card=card,
            tags=cards.tags(card, ["model.safetensors"], config),
            manifest_digest="0" * 64,
            total_size=parameters * 2,
            facts={"config": config, "relation": card.get("base_model_relation", "")},
            parameters=parameters,
        )

    def _release(self, revision: Any) -> Any:
        from registry.releases.models import Release

        at = NOW - timedelta(minutes=self.random.randint(0, 10**6))
        return Release(
            repository=revision.repository,
            revision=revision,
            version="v1.0",
            status="released",
            opened_by=self.owner,
            opened_at=at,
            due_at=at,
            released_at=at,
            terms={"needs_acceptance": self.random.random() < 0.7},
            terms_hash="0" * 64,
            manifest_digest="0" * 64,
            digest=f"{self.random.getrandbits(256):064x}",
        )

    def _run(self, revision: Any) -> Any:
        from registry.checks.models import CheckRun

        verdict = "warned" if self.random.random() < 0.2 else "passed"
        return CheckRun(
            revision=revision, state="finished", verdict=verdict, queued_at=NOW, finished_at=NOW
        )

    def _entries(self, rows: Any, revisions: Any, releases: Any, runs: Any) -> Iterator[Any]:
        from registry.catalog import search_names, search_words
        from registry.catalog.models import SearchEntry
        from registry.releases import entry_facts
        from registry.releases.entries import FORMAT

        of = {
            revision.repository_id: (revision, release, run)
            for revision, release, run in zip(revisions, releases, runs, strict=True)
        }
        for row in rows:
            names = search_names.names_of(row)
            entry = SearchEntry(repository=row, name=row.full_name.lower(), built_at=self.now)
            if row.pk in of:
                revision, release, run = of[row.pk]
                grounds = entry_facts.Grounds(
                    repository=row,
                    revision=revision,
                    run=run,
                    release=release,
                    needs_acceptance=release.terms["needs_acceptance"],
                )
                entry.revision = revision
                generation = self.random.choice(self.variants).family.slug
                entry.facets = [*entry_facts.facets(grounds), f"generation:{generation}"]
                entry.facts = entry_facts.facts(grounds) | {"format": FORMAT}
                entry.parameters = revision.parameters
                entry.context_length = self.random.choice((4096, 8192, 32768, 131072))
                entry.released_at = release.released_at
                names.append(search_words.Weighted("B", tuple(revision.tags)))
            entry.words = search_words.vector(names, self._prose() if entry.facets else "")
            yield entry

    def _card(self) -> dict[str, Any]:
        relation = self.random.choice(RELATIONS)
        of_llama = self.random.random() < 0.7
        base = self.random.choice(self.variants)
        card: dict[str, Any] = {
            "pipeline_tag": self.random.choice(TASKS),
            "library_name": "transformers",
            "language": sorted({self.random.choice(LANGUAGES) for _ in range(2)}),
            "license": base.facts.get("license") if of_llama else self.random.choice(LICENSES),
            "tags": [self.random.choice(METHODS), self.random.choice(MARKS).lower()],
        }
        if relation != "base":
            other = f"others/{self.random.choice(OTHERS)[1]}"
            card["base_model"] = [base.hub_repo_id if of_llama else other]
            card["base_model_relation"] = relation
        return card

    def _model(self) -> str:
        if self.random.random() < 0.7:
            name = self.random.choice(self.variants).hub_repo_id.partition("/")[2]
        else:
            name = self.random.choice(OTHERS)[1]
        return f"{name}-{self.random.choice(MARKS)}"

    def _name(self) -> str:
        return self.random.choice(self.words)

    def _prose(self) -> str:
        return " ".join(self.random.choices(self.words, k=self.random.randint(60, 300)))


COPY = """
WITH made AS (
    SELECT nextval(pg_get_serial_sequence('catalog_repository', 'id')) AS id, old.id AS old,
        '-' || to_hex(row_number() OVER () + %(number)s) AS mark
    FROM catalog_repository AS old JOIN catalog_searchentry ON repository_id = old.id
    CROSS JOIN generate_series(1, %(number)s / (SELECT count(*) FROM catalog_searchentry) + 1)
    LIMIT %(number)s
), repository AS (
    INSERT INTO catalog_repository (id, public_id, type, namespace_id, name, visibility, gated,
        created_by_id, created_at, updated_at, downloads, likes, trending)
    SELECT made.id, left(md5(made.id::text), 24), type, namespace_id, left(name, 86) || mark,
        visibility, gated, created_by_id, created_at, updated_at,
        (downloads * (0.5 + random()))::bigint, likes, trending
    FROM made JOIN catalog_repository AS old ON old.id = made.old
), revision AS (
    INSERT INTO catalog_revision (repository_id, oid, tree_id, parents, author_id, title, message,
        committed_at, state, card, tags, manifest_digest, total_size, parameters)
    SELECT made.id, revision.oid, tree_id, parents, author_id, title, message, committed_at, state,
        card, tags, manifest_digest, total_size, parameters
    FROM made JOIN catalog_revision AS revision ON revision.repository_id = made.old
    WHERE revision.state = 'released'
    RETURNING id, repository_id
), ref AS (
    INSERT INTO catalog_ref (repository_id, name, head_id, public_id, is_locked, updated_at)
    SELECT repository_id, 'refs/heads/main', id, id, false, now() FROM revision
), run AS (
    INSERT INTO checks_checkrun
        (public_id, revision_id, profile, state, verdict, reason, queued_at, finished_at)
    SELECT left(md5(id::text), 24), id, 'full', 'finished', 'passed', '', %(at)s, %(at)s
    FROM revision
)
INSERT INTO catalog_searchentry (repository_id, revision_id, name, words, facets, facts,
    is_official, parameters, context_length, released_at, built_at)
SELECT made.id, revision.id, left(name, 150) || mark, words, facets, facts, is_official,
    parameters, context_length, released_at - random() * interval '300 days', built_at
FROM made JOIN catalog_searchentry AS old ON old.repository_id = made.old
LEFT JOIN revision ON revision.repository_id = made.id
"""


def _copy(number: int) -> None:
    """Those that are there again, under other names, each downloaded as often as it happens."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP INDEX IF EXISTS entry_words")
        cursor.execute(COPY, {"number": number, "at": NOW})
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(INDEX)


def measure(rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way to ask, in turns."""
    from django.core.cache import cache
    from django.http import QueryDict
    from django.utils import timezone

    from registry.accounts.callers import NOBODY, of_session
    from registry.accounts.models import User
    from registry.catalog import search
    from registry.releases import entries

    member = of_session(User.objects.get(username="member"))
    ways = {
        "list": ("", NOBODY),
        "list, of somebody signed in": ("", member),
        "by downloads": ("sort=downloads", NOBODY),
        "by size": ("sort=size", NOBODY),
        "words that many bear": ("q=llama+instruct", NOBODY),
        "words that few bear": ("q=bakori+llama", NOBODY),
        "words with mistakes": ("q=mistrl+medicl", NOBODY),
        "three facets": (
            "relation=finetune&license=llama3.1&license=llama3.2&language=de&language=en",
            NOBODY,
        ),
        "a range and words": ("q=code&parameters=min:6B,max:9B", NOBODY),
    }
    deep = _deep(member)
    listed = search.parse(QueryDict("sort=downloads"))
    taken: dict[str, list[float]] = {}

    def timed(name: str, work: Any) -> None:
        began = timezone.now()
        work()
        taken.setdefault(name, []).append((timezone.now() - began).total_seconds() * 1000)

    for _ in range(rounds):
        timed("bare SELECT of a page", _bare)
        for name, (query, who) in ways.items():
            wanted = search.parse(QueryDict(query))
            cache.clear()
            timed(f"{name}, counted anew", lambda w=wanted, c=who: search.find(c, w))
            timed(name, lambda w=wanted, c=who: search.find(c, w))
        cache.clear()
        timed(
            "a page in the middle, without counts",
            lambda: search.find(NOBODY, listed, after=deep, with_facets=False),
        )
        timed("number of all", lambda: search.find(NOBODY, listed, with_facets=False, size=1))
        timed("looking for entries to build", lambda: entries.stale(timezone.now()))
    return taken


def _deep(caller: Any) -> str:
    """A cursor into the middle of the list by downloads."""
    from registry.catalog import search_orders
    from registry.catalog.models import Repository, SearchEntry
    from registry.catalog.wanted import Wanted

    order = search_orders.of(Wanted(sort="downloads"), None, caller=caller)
    found = SearchEntry.objects.order_by("-repository__downloads", "-pk")
    middle = found.annotate(sort_key=order.parts[0][1])[Repository.objects.count() // 2]
    return search_orders.cursor(middle, order)


def _bare() -> None:
    _run(
        "SELECT repository.*, namespace.name FROM catalog_repository AS repository "
        "JOIN accounts_namespace AS namespace ON namespace.id = repository.namespace_id "
        "ORDER BY repository.id DESC LIMIT 25"
    )


def _run(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def main() -> None:
    sizes, rounds = json.loads(sys.argv[1]), int(sys.argv[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    django.setup()
    from django.core.management import call_command

    from registry.catalog import facts

    call_command("migrate", verbosity=0)
    call_command("createcachetable")
    facts.load()
    maker = Maker()
    found = {}
    for size in sizes:
        maker.fill(size)
        _run("VACUUM ANALYZE")
        measure(1)
        found[size] = measure(rounds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
