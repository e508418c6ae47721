#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the registry's own commands."""

import os
import sys
from importlib.util import find_spec


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")
    if find_spec("django") is None:
        sys.exit(
            f"{sys.executable} has no Django. Use the project's own environment: "
            "`.venv/bin/python manage.py ...`, which `make install` makes."
        )
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
