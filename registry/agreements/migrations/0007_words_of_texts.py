"""Texts that were loaded before their words were hashed get that hash."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from registry.agreements import wording


def hash_words(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """The table refuses every change; this one adds what could not be known when rows were made."""
    versions = apps.get_model("agreements", "DocumentVersion").objects
    table = "agreements_documentversion"
    schema_editor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_is_append_only")
    for version in versions.filter(normalised="").exclude(text=None).iterator(chunk_size=20):
        words = wording.hash_of(bytes(version.text).decode(errors="replace"))
        versions.filter(pk=version.pk).update(normalised=words)
    schema_editor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_is_append_only")


class Migration(migrations.Migration):
    dependencies = [("agreements", "0006_receipts_are_evidence")]

    operations = [migrations.RunPython(hash_words, migrations.RunPython.noop, elidable=True)]
