"""Production settings made stricter, for tests: unknown template variables fail, passwords hash fast."""

import os

os.environ.setdefault("SECRET_KEY", "tests-only")

from portal.settings import *
from portal.settings import STORAGES, TEMPLATES

DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
SECURE_SSL_REDIRECT = False
