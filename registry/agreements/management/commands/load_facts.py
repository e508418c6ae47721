"""`manage.py load_facts`: families, variants, licenses and policies, as published facts."""

from typing import Any

from django.core.management.base import BaseCommand

from registry.agreements import facts as license_facts
from registry.catalog import facts as catalog_facts


class Command(BaseCommand):
    help = "Load the facts that the registry ships: families, variants, licenses, policies."

    def handle(self, *args: Any, **options: Any) -> None:
        families, variants = catalog_facts.load()
        documents = license_facts.load()
        self.stderr.write(
            f"{families} families, {variants} variants, {documents} licenses and policies."
        )
