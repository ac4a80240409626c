"""The agents' site: signed in through allauth, so that its second factor applies; its home is what waits."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from organizations.agents import served_merchants
from portal.queue import waiting

# Passwords are allauth's; the others answer for any object of any merchant, or are used by scripts we do not run.
CLOSED = frozenset({"password_change", "password_change_done", "view_on_site", "autocomplete", "search", "jsi18n"})


class AgentsSite(UnfoldAdminSite):
    empty_value_display = "–"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Only our own pages: those of installed libraries know nothing of merchants."""
        if admin_class is not None and issubclass(admin_class, ModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [url for url in super().get_urls() if getattr(url, "name", None) not in CLOSED]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return secure_admin_login(super().login)(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        merchants = served_merchants(request)
        piles = waiting(merchants=merchants, sees_all=request.user.is_superuser) if merchants else []
        context = {
            **self.each_context(request),
            "title": _("What waits"),
            "piles": piles,
            "merchants": merchants,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/index.html", context)
