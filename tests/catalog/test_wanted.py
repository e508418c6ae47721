"""A state of the catalog is its address."""

import pytest
from django.http import QueryDict

from registry.catalog.wanted import Wanted, parse


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("", ""),
        ("q=++llama++3.1", "q=llama+3.1"),
        ("task=B&task=a&task=a&task=", "task=a&task=b"),
        ("license=mit&family=llama&x=y&page=3", "family=llama&license=mit"),
        ("parameters=max:13.5b, min:6B", "parameters=min:6B,max:13.5B"),
        ("parameters_min=13B&parameters_max=6B", "parameters=min:6B,max:13B"),
        ("parameters=min:8030261248", "parameters=min:8030261.248K"),
        ("context=min:32k&context_max=128K", "context=min:32K,max:128K"),
        ("context=min:4000", "context=min:4000"),
        ("sort=name", "sort=name"),
        ("sort=relevance", ""),
        ("base=Ada/One", "base=ada/one"),
        ("q=%00a%00&license=%00", "q=a"),
    ],
)
def test_what_is_read_is_written_in_one_way(sent: str, written: str) -> None:
    wanted = parse(QueryDict(sent))

    assert wanted.as_query() == written
    assert parse(QueryDict(written)) == wanted
    assert wanted.problems == ()


@pytest.mark.parametrize(
    "sent",
    ["sort=x", "parameters=min:x", "parameters=6B", "context=min:8B", "parameters=least:6B"],
)
def test_what_nobody_can_mean_is_left_out_and_said(sent: str) -> None:
    wanted = parse(QueryDict(f"{sent}&license=mit"))

    assert len(wanted.problems) == 1
    assert wanted.as_query() == "license=mit"


def test_a_long_search_is_cut_and_numbers_have_an_end() -> None:
    wanted = parse(QueryDict(f"q={'x' * 300}&parameters=min:999999999999T"))

    assert len(wanted.query) == 200
    assert len(wanted.problems) == 1
    assert wanted.parameters == (2**63 - 1, None)


def test_choices_are_added_and_taken_away() -> None:
    wanted = Wanted(query="a", sort="name").adding("license", "mit").adding("license", "gemma")

    assert wanted.as_query() == "q=a&license=gemma&license=mit&sort=name"
    assert wanted.without("license", "mit").as_query() == "q=a&license=gemma&sort=name"
    assert wanted.without("license").as_query() == "q=a&sort=name"
    assert wanted.without("query").without("license").as_query(sort="likes") == "sort=likes"
    ranged = parse(QueryDict("parameters=min:6B"))
    assert (ranged.is_filtered, ranged.without("parameters").is_filtered) == (True, False)
    assert wanted.as_query(after="x=") == "q=a&license=gemma&license=mit&sort=name&after=x%3D"
