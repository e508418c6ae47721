"""Put the smoke tests that were there before queues had names into that of processors."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def name_queues(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    jobs = apps.get_model("checks", "Job").objects.using(schema_editor.connection.alias)
    jobs.filter(kind="smoke", queue="scan").update(queue="smoke.cpu")


class Migration(migrations.Migration):
    dependencies = [
        ("checks", "0002_hosts_rescans_and_evidence"),
    ]

    operations = [
        migrations.RunPython(name_queues, migrations.RunPython.noop, elidable=True),
    ]
