"""The registry app: the enterprise register."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
