"""What pages say when a part of them cannot be fetched: the words are there before they are needed."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

pytestmark = pytest.mark.django_db


def test_every_page_has_the_words_for_each_failure_that_the_script_tells_apart(
    client: Client,
) -> None:
    script = (Path(settings.BASE_DIR) / "static/js/waiting.js").read_text()
    kinds = set(re.findall(r'(?:say\(|return )"(\w+)"', script))

    page = client.get("/").text

    assert kinds == {"session", "gone", "often", "failed", "offline"}
    for kind in kinds:
        words = re.search(rf'<template id="trouble-{kind}">(.*?)</template>', page, re.DOTALL)
        assert words
        assert "data-trouble-close" in words[1]
    assert '<div class="trouble" id="trouble" role="alert"></div>' in page
    assert 'data-login="/accounts/login/"' in page
