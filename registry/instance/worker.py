"""The Celery application of a worker whose pool processes never outlive it."""

import signal
import warnings
from typing import Any

from celery.exceptions import CPendingDeprecationWarning
from celery.signals import worker_process_init

from registry.celery import app
from registry.instance.processes import die_with_parent

__all__ = ["app"]

# Messages are JSON with ids in it, which root may read as well as anybody
warnings.filterwarnings("ignore", message="You're running the worker with superuser")
# About tasks that are acknowledged late; ours are acknowledged early
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


@worker_process_init.connect
def _die_with_the_worker(**_: Any) -> None:
    # A killed worker would leave its running task behind, to finish beside the next attempt
    die_with_parent(signal.SIGKILL)()
