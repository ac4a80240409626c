"""The WSGI entry point of web servers."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()
# What was loaded stays for good: collections of garbage, several a request, need not walk through it each time.
gc.collect()
gc.freeze()
