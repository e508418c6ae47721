"""Find what was begun lately; and jobs no longer say when workers were told of them.

The column stays for the version before this one, which still reads it.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("checks", "0003_queues_of_smoke_tests"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["queue", "started_at"], name="job_begun_lately"),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="job", name="sent_at")],
        ),
    ]
