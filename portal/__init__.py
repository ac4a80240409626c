"""The top of the ladder: settings, addresses, pages that cross apps. Nobody imports it."""

from portal.celery import app as celery_app

__all__ = ("celery_app",)
