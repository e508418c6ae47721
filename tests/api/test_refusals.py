"""Each refusal that a rule may raise has an answer of this entrance."""

import json
from collections.abc import Iterator

import pytest
from django.test import RequestFactory

from registry import errors
from registry.api import answers
from registry.errors import RegistryError


def kinds(of: type[RegistryError] = RegistryError) -> Iterator[type[RegistryError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind is not errors.Moved])
def test_no_refusal_is_an_error_of_ours(kind: type[RegistryError]) -> None:
    answer = answers.refuse(RequestFactory().get("/api/v1/releases"), kind("So it is."))

    assert answer.status_code in {401, 403, 404, 409, 413, 422, 429, 503, 507}
    assert json.loads(answer.content) == {"error": "So it is.", "next": ""}
    assert answer.has_header("Retry-After") == (answer.status_code in {429, 503})
