"""Pages that explain: each check, and the words used here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from registry.checks import catalogue
from registry.web.glossary import WORDS


def checks(request: HttpRequest) -> HttpResponse:
    stages = [(stage, catalogue.of_stage(stage)) for stage in catalogue.STAGES]
    return render(request, "docs/checks.html", {"stages": stages, "edition": catalogue.CATALOGUE})


def glossary(request: HttpRequest) -> HttpResponse:
    return render(request, "docs/glossary.html", {"words": WORDS})
