"""How gunicorn serves the site: a few processes with threads, patient with long uploads."""

import gc
import os
import signal
from pathlib import Path
from typing import Any

from registry.instance.processes import die_with_parent

wsgi_app = "registry.wsgi"
worker_class = "gthread"
workers = 2
preload_app = True  # loaded once for both processes
threads = 8
# A thread may send or take a file for hours; this only notices a process that hangs as a whole
timeout = 120
graceful_timeout = 8
keepalive = 75
limit_request_line = 8190
control_socket_disable = True  # it would lie in the home folder, shared by all instances
accesslog = None  # the site writes a line for each request itself
# numpy's helpers for large matrices, which nothing here has: they would spin beside the requests
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
_LINES = {"format": "%(message)s"}
if os.environ.get("REGISTRY_LOG_FORMAT") == "json":
    _LINES = {"()": "registry.web.request_ids.JsonFormatter"}
_ERRORS = {"level": "INFO", "handlers": ["error_console"], "propagate": False}
logconfig_dict = {  # no time and no name of its own: the supervisor puts them before each line
    "loggers": {"gunicorn.error": _ERRORS},
    "formatters": {"generic": _LINES},
}
if Path("/dev/shm").is_dir():  # noqa: S108 (memory, so that a slow disk never looks like a hang)
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def pre_fork(server: Any, worker: Any) -> None:
    gc.freeze()  # what is loaded stays for good, and in memory that the processes share


def post_fork(server: Any, worker: Any) -> None:
    die_with_parent(signal.SIGKILL)()
