"""The portal app: pages that cross apps, and commands; and the agents' site, in place of Django's own."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class PortalConfig(AppConfig):
    name = "portal"
    default = True

    def ready(self) -> None:
        from portal import checks  # noqa: F401, PLC0415 - registered once the settings are there


class AgentsAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "portal.site.AgentsSite"
