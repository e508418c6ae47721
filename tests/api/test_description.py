"""The OpenAPI description: valid, complete, and of the routes that there are."""

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from tests.api.calls import As

pytestmark = pytest.mark.django_db


@pytest.fixture
def description() -> dict:
    return Client().get("/api/v1/openapi.json").json()


def _operations(description: dict) -> list[tuple[str, str, dict]]:
    return [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_description_is_open_api_3_1(description):
    assert description["openapi"].startswith("3.1")
    assert description["info"]["title"]
    assert description["components"]["securitySchemes"]["Token"]["scheme"] == "bearer"


def test_each_schema_in_the_description_is_valid_json_schema(description):
    for schema in description["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_each_reference_in_the_description_leads_somewhere(description):
    def references(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    known = {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    assert set(references(description)) <= known


def test_each_operation_says_what_it_does_and_which_refusals_it_has(description):
    operations = _operations(description)
    assert len(operations) >= 9

    for path, method, operation in operations:
        name = f"{method} {path}"
        assert operation["summary"], name
        assert operation["tags"], name
        assert operation["security"], name
        refusals = {code for code in operation["responses"] if int(code) >= 400}
        assert refusals >= {"401"}, name
        for code in refusals:
            schema = operation["responses"][code]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Refusal"}, name


def test_operations_that_change_something_need_a_token(description):
    for path, method, operation in _operations(description):
        if method != "get":
            assert {} not in operation["security"], path


def test_operation_ids_are_unique(description):
    ids = [operation["operationId"] for _, _, operation in _operations(description)]
    assert len(set(ids)) == len(ids)


def test_the_root_of_the_api_leads_to_its_description():
    answer = As().get("/")

    assert answer.status_code == 302
    assert answer["Location"] == "/api/v1/openapi.json"
