"""Production settings made stricter, for tests: unknown template variables fail, passwords hash fast."""

import os

os.environ.setdefault("SECRET_KEY", "tests-only")

from portal.settings import *  # noqa: F403 - settings are names in a module
from portal.settings import DATABASES, STATIC_ROOT, STORAGES, TEMPLATES
from tests.strictness import FailOnUnknown

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
SECURE_SSL_REDIRECT = False
# Django empties the tables after a test that commits; nobody else may empty the ledger.
DATABASES["default"]["OPTIONS"]["options"] = "-c comptoir.may_empty=on"
TEMPLATES[0]["OPTIONS"]["string_if_invalid"] = FailOnUnknown("%s")
# WhiteNoise warns about a folder that is not there.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
