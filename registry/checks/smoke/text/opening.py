"""Whether the tokenizer opens: first in a helper, which may hang or die of it, then here (TOK-LOAD)."""

from collections.abc import Iterator

from registry.checks.findings import Finding, block, show
from registry.checks.smoke import aside, loading
from registry.checks.smoke.text import subject

SECONDS = 30
MEMORY_MIB = 2048


def check(target: loading.Target) -> Iterator[Finding]:
    file = target.file or "tokenizer.json"
    place = target.folder / "tokenizer.json"
    try:
        count = None
        if not target.file and place.is_file():
            count = _opened(path=str(place))
        tokenizer = subject.load(target)
        if count is None:
            # Converted by the library, so that the helper takes the result.
            count = _opened(text=tokenizer.backend_tokenizer.to_str())
        if not count:
            yield _cannot("it has no tokens", file)
    except aside.NoAnswer as problem:
        yield _cannot(show(str(problem)), file)
    except MemoryError:
        raise
    # The tokenizer library panics with a class that is not an Exception.
    except BaseException as error:
        yield _cannot(show(f"{type(error).__name__}: {error}"), file)


def _opened(**kept: str) -> int:
    return int(aside.call("open_tokenizer", seconds=SECONDS, memory_mib=MEMORY_MIB, **kept))


def _cannot(why: str, file: str) -> Finding:
    return block("TOK-LOAD", f"The tokenizer cannot be loaded: {why}.", file=file)
