"""The portal app: pages that cross apps, and commands."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
