"""Every setting, read from the environment, safe by default; nothing here depends on the machine."""

from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from portal import embedded
from portal.cache import ImpatientConnection
from portal.mailers import mailers
from portal.unfold import UNFOLD  # noqa: F401 - a setting of the admin

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).resolve()

# With DATABASE_URL or REDIS_URL unset, the addresses of the embedded services under VAR_DIR.
EMBEDDED = embedded.environment(var_dir=VAR_DIR)

DEBUG = env.bool("DEBUG", default=False)
# The demo shows every message sent at /outbox/ and prints its accounts: never on with real people.
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY", default=EMBEDDED.get("SECRET_KEY", ""))
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Set it to 50 random characters, or start with `make run`, which makes one."
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Absolute links in e-mails start here.
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
IS_SECURE = SITE_URL.startswith("https://")

INSTALLED_APPS = [
    "portal",
    "newsletter",
    "billing",
    "organizations",
    "registry",
    "signatures",
    "accounts",
    "unfold.apps.BasicAppConfig",  # the site is ours: portal.site
    "portal.apps.AgentsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",  # GIN indexes, trigrams
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "guardian",
    "phonenumber_field",
    "django_htmx",
    "pgtrigger",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "portal.language.LanguageMiddleware",
    "portal.privacy.PrivatePages",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.frame",
            ],
        },
    },
]

FORM_RENDERER = "portal.inputs.Renderer"

# --- data -------------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", default=EMBEDDED.get("DATABASE_URL", ""))
DATABASES = {
    "default": {
        # Without any address, commands that need no database (compilemessages) still work.
        **env.db_url_config(DATABASE_URL or "postgres://unset:unset@127.0.0.1:1/unset"),
        "ENGINE": "portal.database",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # Prepared from the fifth time on: planning a page costs the database more than answering it.
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 5, "connect_timeout": 5},
    }
}
REDIS_URL = env.str("REDIS_URL", default=EMBEDDED.get("REDIS_URL", "redis://127.0.0.1:1/0"))
CACHES = {
    "default": {
        "BACKEND": "portal.cache.DeadIsEmpty",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "comptoir",
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 1,
            "CONNECTION_POOL_KWARGS": {"connection_class": ImpatientConnection, "retry": Retry(NoBackoff(), 0)},
            # A dead cache is a miss: sessions are then read from PostgreSQL.
            "IGNORE_EXCEPTIONS": True,
            "LOG_IGNORED_EXCEPTIONS": True,
        },
    }
}
SESSION_ENGINE = "portal.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_SECURE
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14

# --- files ------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "files"
STORAGE_URL = env.str("STORAGE_URL", default="")
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        # Nothing under MEDIA_ROOT has an address of its own: views read it, after asking who is there.
        "OPTIONS": {"location": str(MEDIA_ROOT), "base_url": None, "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if STORAGE_URL:
    # s3://KEY:SECRET@endpoint/bucket; s3+http:// for one beside us, without TLS
    _storage = environ.urlparse(STORAGE_URL)
    _scheme = "http" if _storage.scheme == "s3+http" else "https"
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "access_key": _storage.username,
            "secret_key": _storage.password,
            "endpoint_url": f"{_scheme}://{_storage.netloc.rpartition('@')[2]}",
            "bucket_name": _storage.path.strip("/"),
            "default_acl": "private",
            "file_overwrite": True,
            "querystring_auth": True,
        },
    }

# --- people and sign-in -----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
    "organizations.backends.CustomerBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "portal.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_HONEYPOT_FIELD = "website"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 3
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm"}
ACCOUNT_REAUTHENTICATION_REQUIRED = True
USERSESSIONS_TRACK_ACTIVITY = False
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_FORMS = {"add_webauthn": "accounts.forms.PasskeyForm"}
# A protected profile may change its e-mail; an address nobody confirmed never signs in anyway.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Comptoir"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or DEMO
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
PHONENUMBER_DEFAULT_REGION = "CA"
PHONENUMBER_DB_FORMAT = "E164"
PHONENUMBER_DEFAULT_FORMAT = "NATIONAL"

# --- languages --------------------------------------------------------------------------------
LANGUAGE_CODE = "fr-ca"
LANGUAGES = [("fr-ca", _("French")), ("en-ca", _("English"))]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
LANGUAGE_COOKIE_AGE = 60 * 60 * 24 * 365
LANGUAGE_COOKIE_SECURE = IS_SECURE
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "America/Toronto"
USE_TZ = True

# --- how we write to people -------------------------------------------------------------------
# smtp://user:password@host:port, smtp+tls://…, smtps://…; empty: .eml files under VAR_DIR/mail
EMAIL_URL = env.str("EMAIL_URL", default="")
MAILERS = mailers(url=EMAIL_URL, folder=VAR_DIR / "mail")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Comptoir <comptoir@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Where mail programs that cannot press the button write to unsubscribe; empty: the merchant’s desk.
NEWSLETTER_MAILTO = env.str("NEWSLETTER_MAILTO", default="")
# The private key (PEM) that signs campaigns, where the mail service does not, and its name in the DNS.
DKIM_KEY = env.str("DKIM_KEY", default="", multiline=True)
DKIM_SELECTOR = env.str("DKIM_SELECTOR", default="comptoir")
# What proves that a mail service speaks, at /newsletter/hooks/: Mailgun’s key, or user:password in Postmark’s address.
ANYMAIL = {
    "MAILGUN_WEBHOOK_SIGNING_KEY": env.str("MAILGUN_WEBHOOK_SIGNING_KEY", default=""),
    "WEBHOOK_SECRET": env.str("MAIL_WEBHOOK_SECRET", default="") or None,
}
SMS_URL = env.str("SMS_URL", default="")  # twilio://SID:TOKEN@+15145550123; empty: files under VAR_DIR

# --- signatures -------------------------------------------------------------------------------
# What seals signed documents: the path of a .pem or .p12, the text of a PEM, or a PKCS #12 in base64; empty: one is
# made once under VAR_DIR, which nobody else vouches for.
SIGNING_CERTIFICATE = env.str("SIGNING_CERTIFICATE", default="")
SIGNING_CERTIFICATE_PASSWORD = env.str("SIGNING_CERTIFICATE_PASSWORD", default="")
TIMESTAMP_URL = env.str("TIMESTAMP_URL", default="")  # of an RFC 3161 server; empty: no time stamp

# --- work done by the worker ------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A dead broker must neither fail nor slow a request: what is owed is a row, and a sweep finds it.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 0,
    "socket_connect_timeout": 1,
    "socket_timeout": 2,
    "visibility_timeout": 3600,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "deliver what the outbox owes": {"task": "accounts.deliver", "schedule": 30.0},
    "render what billing owes": {"task": "billing.render_owed_pdfs", "schedule": 60.0},
    "watch the register for verified companies": {"task": "organizations.watch_register", "schedule": 600.0},
    "begin the reviews of access, and remind of them": {
        "task": "organizations.look_after_reviews",
        "schedule": crontab(hour="8-18", minute=25),
    },
    "seal what was signed": {"task": "signatures.seal_owed", "schedule": 60.0},
    "close signatures out of time": {"task": "signatures.expire", "schedule": 600.0},
    "remind signers": {"task": "signatures.remind", "schedule": crontab(hour="8-18", minute=5)},
    "blank secrets of old failed messages": {"task": "accounts.forget_secrets", "schedule": crontab(hour=3, minute=10)},
    "begin the campaigns whose time has come": {"task": "newsletter.begin_due", "schedule": 30.0},
    "note what purchases imply": {"task": "newsletter.note_implied", "schedule": crontab(hour=2, minute=30)},
    "wake the campaigns nobody works at": {"task": "newsletter.wake", "schedule": 30.0},
    "forget sign-ups nobody confirmed": {"task": "newsletter.forget_sign_ups", "schedule": crontab(hour=3, minute=30)},
    "clear old sessions": {"task": "accounts.clear_sessions", "schedule": crontab(hour=3, minute=20)},
}

# --- what browsers are told -------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=IS_SECURE)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if IS_SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_SECURE
if env.bool("TRUST_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Else all visitors have the proxy's address, and share its limits of attempts.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"mask_links": {"()": "portal.privacy.MaskLinks"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["mask_links"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # It tells each step of each document.
    "loggers": {"weasyprint.progress": {"level": "WARNING"}},
}
