"""The index of the order by size."""

import django.db.models.fields.json
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_orders_of_lists"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="searchentry",
            index=models.Index(
                models.OrderBy(
                    django.db.models.functions.comparison.Coalesce(
                        django.db.models.functions.comparison.Cast(
                            django.db.models.fields.json.KeyTextTransform("size", "facts"),
                            models.BigIntegerField(),
                        ),
                        models.Value(0),
                        output_field=models.BigIntegerField(),
                    ),
                    descending=True,
                ),
                models.OrderBy(models.F("repository"), descending=True),
                name="entry_order_size",
            ),
        ),
    ]
