"""All settings. What differs between sites comes from `REGISTRY_*` variables, documented in docs/configuration.md.

An instance lives in one data folder (`REGISTRY_DATA_DIR`): blobs, keys, mail, and with the
embedded profile the database and the broker too. `manage.py up` writes the folder's secrets and
addresses; every other command reads them from there.
"""

import os
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from registry import environment

BASE_DIR = Path(__file__).resolve().parent.parent


# The data folder

DATA_DIR = Path(os.environ.get("REGISTRY_DATA_DIR") or BASE_DIR / "var").absolute()
BLOB_DIR = DATA_DIR / "blobs"
KEY_DIR = DATA_DIR / "keys"
CACHE_DIR = DATA_DIR / "cache"


def _from_instance(name: str) -> str:
    """A secret or an address that `manage.py up` wrote into the data folder, or ''."""
    try:
        return (DATA_DIR / "run" / name).read_text().strip()
    except FileNotFoundError:
        return ""


# Commands that prepare an instance or the source, and so run before it has a secret or a database;
# and workers, which sign nothing
_WITHOUT_INSTANCE = {
    "up",
    "worker",
    "demo",
    "restore",
    "makemigrations",
    "compilemessages",
    "makemessages",
    "collectstatic",
    "help",
}
_preparing = Path(sys.argv[0]).name == "manage.py" and (
    len(sys.argv) < 2 or sys.argv[1] in _WITHOUT_INSTANCE or "--help" in sys.argv
)

# Security

SECRET_KEY = os.environ.get("REGISTRY_SECRET_KEY") or _from_instance("secret-key")
if not SECRET_KEY and _preparing:
    SECRET_KEY = "prepare-only-" + os.urandom(24).hex()
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "No secret key: set REGISTRY_SECRET_KEY (32 characters or more), or start the instance "
        f"with `python manage.py up`, which makes one in {DATA_DIR}."
    )
DEBUG = False
ALLOWED_HOSTS = environment.listed("REGISTRY_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.listed("REGISTRY_TRUSTED_ORIGINS", "")
HTTPS = environment.flag("REGISTRY_HTTPS", default=False)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
BEHIND_PROXY = environment.flag("REGISTRY_BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}
RATE_LIMITS = environment.limits(
    "REGISTRY_RATE_LIMITS",
    "api=6000/300,resolve=30000/300,upload=30000/300,login=600/300,page=3000/300",
)
CSRF_FAILURE_VIEW = "registry.web.views.errors.csrf_failure"

# Applications

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "template_partials",
    "django_linear_migrations",
    "registry.audit",
    "registry.accounts",
    "registry.outbox",
    "registry.storage",
    "registry.catalog",
    "registry.discussions",
    "registry.checks",
    "registry.agreements",
    "registry.releases",
    "registry.hub",
    "registry.api",
    "registry.web",
    "registry.instance",
]
if find_spec("django_migration_linter"):  # a tool of developers: `make check` runs it
    INSTALLED_APPS.append("django_migration_linter")
MIDDLEWARE = [
    "registry.web.middleware.RequestIdMiddleware",
    "registry.web.rate_limits.RateLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "registry.web.middleware.CallerMiddleware",
    "registry.web.middleware.LanguageMiddleware",
    "registry.web.middleware.FormerNameMiddleware",
    "registry.web.middleware.StorageAwayMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "registry.urls"
WSGI_APPLICATION = "registry.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["registry.web.templatetags.dates"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "registry.web.context.site",
            ],
        },
    }
]

# The site

SITE_NAME = os.environ.get("REGISTRY_SITE_NAME", "Model Registry")
# What mails and webhooks call the site by; pages and the wire use the address that was asked for
SITE_URL = (
    os.environ.get("REGISTRY_URL")
    or _from_instance("address")
    or f"http://{(ALLOWED_HOSTS or ['localhost'])[0]}"
).rstrip("/")
SIGNUP_OPEN = environment.flag("REGISTRY_SIGNUP_OPEN", default=True)
VERIFIED_OWNERS = environment.listed("REGISTRY_VERIFIED_OWNERS", "meta-llama")
ALLOW_PLAIN_HUB = environment.flag("REGISTRY_ALLOW_PLAIN_HUB", default=True)
REPOSITORY_TYPES = ["model"]
if environment.flag("REGISTRY_DATASETS", default=False):
    REPOSITORY_TYPES.append("dataset")

# Database

DATABASE_PREPARE = environment.flag("REGISTRY_DATABASE_PREPARE", default=True)


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("REGISTRY_DATABASE_URL must begin with postgresql://")
    return {
        "ENGINE": "registry.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        # A restarted database costs a request some time, and not an error
        "CONN_HEALTH_CHECKS": True,
        # Each thread keeps a connection of its own, tried before each request. A pool would be
        # shared, but after a restart of the database it tries its broken connections one by one,
        # a longer pause after each, while the request waits.
        "CONN_MAX_AGE": 600,
        "OPTIONS": {"prepare_threshold": 2 if DATABASE_PREPARE else None},
    }


_database_url = os.environ.get("REGISTRY_DATABASE_URL") or _from_instance("database-url")
if not _database_url and not _preparing:
    raise ImproperlyConfigured(
        "No database: set REGISTRY_DATABASE_URL, or start the embedded one with "
        f"`python manage.py up` (looked for a running instance in {DATA_DIR})."
    )
DATABASES = {"default": _database(_database_url or "postgresql://nobody@127.0.0.1:1/none")}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entries",
    }
}

# People

AUTH_USER_MODEL = "accounts.User"
# The user name is unique in any case of letters, by a constraint which that check does not know
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "registry.web.accounts_adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "registry.web.forms.accounts.LoginForm",
    "signup": "registry.web.forms.accounts.SignupForm",
    "change_password": "registry.web.forms.accounts.ChangePasswordForm",
    "reset_password": "registry.web.forms.accounts.ResetPasswordForm",
    "reset_password_from_key": "registry.web.forms.accounts.ResetPasswordKeyForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"

# Mail: to a server where one is named, else as files that an operator can read

EMAIL_HOST = os.environ.get("REGISTRY_MAIL_HOST", "")
EMAIL_PORT = environment.number("REGISTRY_MAIL_PORT", 587)
EMAIL_HOST_USER = os.environ.get("REGISTRY_MAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("REGISTRY_MAIL_PASSWORD", "")
EMAIL_USE_TLS = environment.flag("REGISTRY_MAIL_TLS", default=True)
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = DATA_DIR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("REGISTRY_MAIL_FROM", "registry@localhost")

EMAIL_TIMEOUT = 20

# What is sent: mails, and webhooks, to outward addresses and those that an operator allows

OUTBOX_CARRIERS = {
    "mail": "registry.outbox.mail.send",
    "webhook": "registry.releases.announcements.send",
}
OUTBOX_DAYS = environment.number("REGISTRY_OUTBOX_DAYS", 3)
WEBHOOK_ALLOW = environment.networks("REGISTRY_WEBHOOK_ALLOW")

# Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Static files

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Uploads: bodies of commits and LFS files are read from the stream, never by Django

DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
# No form has files: small ones are left in memory, and large ones nowhere, least of all on the disk
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
MAX_FILE_SIZE = 50_000_000_000
MAX_FILES = 10_000
MAX_COMMIT_BODY = environment.number("REGISTRY_MAX_COMMIT_MIB", 256) * 1024**2
# Larger objects go by parts, each sent again alone where a connection breaks
LFS_PARTS_THRESHOLD = environment.number("REGISTRY_LFS_PARTS_MIB", 1024) * 1024**2
QUOTA_BYTES = environment.number("REGISTRY_QUOTA_GIB", 0) * 1024**3
UPLOAD_KEEP_HOURS = environment.number("REGISTRY_UPLOAD_KEEP_HOURS", 48)
COLLECT_GRACE_HOURS = environment.number("REGISTRY_COLLECT_GRACE_HOURS", 72)
COLLECT_AUTOMATICALLY = environment.flag("REGISTRY_COLLECT", default=True)
LFS_THRESHOLD = 10 * 1024**2
XET_KEEP_HOURS = environment.number("REGISTRY_XET_KEEP_HOURS", 72)

# Where bytes lie, and who sends them

STORAGE = environment.one_of("REGISTRY_STORAGE", "local", "s3")
S3 = {
    "bucket": os.environ.get("REGISTRY_S3_BUCKET", ""),
    "endpoint": os.environ.get("REGISTRY_S3_ENDPOINT", ""),
    "public_endpoint": os.environ.get("REGISTRY_S3_PUBLIC_ENDPOINT", ""),
    "region": os.environ.get("REGISTRY_S3_REGION") or "us-east-1",
    "access_key": os.environ.get("REGISTRY_S3_ACCESS_KEY", ""),
    "secret_key": os.environ.get("REGISTRY_S3_SECRET_KEY", ""),
    "addressing": environment.one_of("REGISTRY_S3_ADDRESSING", "path", "virtual"),
}
S3_PREFIX = os.environ.get("REGISTRY_S3_PREFIX", "").strip("/")
S3_PREFIX = f"{S3_PREFIX}/" if S3_PREFIX else ""
if STORAGE == "s3" and not S3["bucket"]:
    raise ImproperlyConfigured("REGISTRY_STORAGE is s3: name the bucket in REGISTRY_S3_BUCKET.")
DOWNLOADS = environment.one_of(
    "REGISTRY_DOWNLOADS", "s3" if STORAGE == "s3" else "own", "own", "nginx", "s3"
)
if {"nginx": "local", "s3": "s3"}.get(DOWNLOADS, STORAGE) != STORAGE:
    raise ImproperlyConfigured(
        f"REGISTRY_DOWNLOADS={DOWNLOADS} does not go with REGISTRY_STORAGE={STORAGE}: nginx sends "
        "from a local folder, s3 from a bucket, and own from both."
    )
LINK_SECONDS = environment.number("REGISTRY_LINK_SECONDS", 300)
OPEN_LINK_SECONDS = environment.number("REGISTRY_OPEN_LINK_SECONDS", 3600)
COPIES_BYTES = environment.number("REGISTRY_COPIES_GB", 50) * 10**9

# Background work

CELERY_BROKER_URL = os.environ.get("REGISTRY_BROKER_URL") or _from_instance("broker-url")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    # Whoever sends it says which of the queues of checks
    "registry.checks.tasks.take": {"queue": "scan"},
    "registry.outbox.tasks.send_due": {"queue": "outbox"},
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 10, "socket_connect_timeout": 5}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Else every task would open a connection of its own; `registry.celery` sees that it still works
CELERY_DB_REUSE_MAX = 500
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "run" / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    # A sweep that a worker comes to late is one too many: the next one is on its way
    "sweep checks": {
        "task": "registry.checks.tasks.sweep",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "send": {
        "task": "registry.outbox.tasks.send_due",
        "schedule": 3.0,
        "options": {"expires": 3},
    },
    "sweep access": {
        "task": "registry.agreements.tasks.sweep_access",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "tell of campaigns": {
        "task": "registry.releases.tasks.tell_of_campaigns",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "tell of advisories": {
        "task": "registry.releases.tasks.tell_of_advisories",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "refresh entries": {
        "task": "registry.releases.tasks.refresh_entries",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "count duties": {
        "task": "registry.releases.tasks.count_duties",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
    "rescan on upgrade": {
        "task": "registry.checks.tasks.rescan_on_upgrade",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "forget words": {"task": "registry.agreements.tasks.forget_words", "schedule": 3600.0},
    "housekeeping": {"task": "registry.instance.tasks.housekeeping", "schedule": 3600.0},
    "collect": {"task": "registry.instance.tasks.collect_garbage", "schedule": 6 * 3600.0},
}
if CELERY_BROKER_URL.startswith("amqp"):
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum"
    CELERY_WORKER_DETECT_QUORUM_QUEUES = True
    CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}

# Checks

CHECK_QUIET_SECONDS = environment.number("REGISTRY_CHECK_QUIET_SECONDS", 4)
CHECK_LEASE_SECONDS = environment.number("REGISTRY_CHECK_LEASE_SECONDS", 30)
CHECK_MIN_ISOLATION = environment.number("REGISTRY_CHECK_MIN_ISOLATION", 2)
CHECK_MEMORY_MIB = environment.number("REGISTRY_CHECK_MEMORY_MIB", 8192)
CHECK_CPUS = environment.number("REGISTRY_CHECK_CPUS", 0)
CHECK_CGROUP = os.environ.get("REGISTRY_CHECK_CGROUP", "").strip()
CHECK_RUN_SECONDS = environment.number("REGISTRY_CHECK_RUN_SECONDS", 600)
CHECK_ENGINES = environment.listed("REGISTRY_CHECK_ENGINES", "picklescan")
CHECK_ENGINE_SECONDS = environment.number("REGISTRY_CHECK_ENGINE_SECONDS", 120)
CHECK_CLAMD = os.environ.get("REGISTRY_CHECK_CLAMD", "unix:/run/clamav/clamd.ctl")
CHECK_CLAMD_MIB = environment.number("REGISTRY_CHECK_CLAMD_MIB", 25)
CHECK_CONCURRENT = environment.number("REGISTRY_CHECK_CONCURRENT", 4)
CHECK_DAILY_MINUTES = environment.number("REGISTRY_CHECK_DAILY_MINUTES", 240)
CHECK_REFUSE_TYPES = environment.flag("REGISTRY_CHECK_REFUSE_TYPES", default=False)
RESCAN_ON_UPGRADE = environment.flag("REGISTRY_RESCAN_ON_UPGRADE", default=False)
WORKER_NAME = os.environ.get("REGISTRY_WORKER_NAME", "").strip() or socket.gethostname()
WORKER_DEVICES = os.environ.get("REGISTRY_WORKER_DEVICES", "").strip().lower() or "auto"
METRICS_TOKEN = os.environ.get("REGISTRY_METRICS_TOKEN", "").strip()

# Reviews

REVIEW_DUE_DAYS = environment.number("REGISTRY_REVIEW_DUE_DAYS", 3)
REVIEW_CLAIM_HOURS = environment.number("REGISTRY_REVIEW_CLAIM_HOURS", 24)

# Campaigns

CAMPAIGN_GRACE_HOURS = environment.number("REGISTRY_CAMPAIGN_GRACE_HOURS", 72)
CAMPAIGN_REMINDER_HOURS = environment.number("REGISTRY_CAMPAIGN_REMINDER_HOURS", 72)

# Reports of the public

REPORT_DUE_DAYS = environment.number("REGISTRY_REPORT_DUE_DAYS", 7)
REPORT_APPEAL_DAYS = environment.number("REGISTRY_REPORT_APPEAL_DAYS", 180)

# How long words of people are kept once nothing needs them; 0 for good

REQUEST_WORDS_DAYS = environment.number("REGISTRY_REQUEST_WORDS_DAYS", 365)
ACCEPTANCE_WORDS_DAYS = environment.number("REGISTRY_ACCEPTANCE_WORDS_DAYS", 3650)

# Logs: one line an event, with the request's id; never a token

LOG_FORMAT = environment.one_of("REGISTRY_LOG_FORMAT", "line", "json")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "registry.web.request_ids.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(levelname)s %(name)s [%(request_id)s] %(message)s"},
        "json": {"()": "registry.web.request_ids.JsonFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("REGISTRY_LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"level": "INFO"},
        # What it says of a 404, the line of the request says too
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": ["stderr"], "propagate": False},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
