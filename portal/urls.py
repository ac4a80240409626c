"""Every address of the portal."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import email_confirm
from portal import outbox, stylesheet, views

portal_patterns = (
    [
        path("", views.landing, name="landing"),
        path("language/", views.language, name="language"),
        path("style/<int:hue>/<slug:digest>.css", stylesheet.serve, name="stylesheet"),
        path("healthz", views.healthz, name="healthz"),
        path("readyz", views.readyz, name="readyz"),
        *outbox.urlpatterns,
        path("c/<slug:customer_id>/", views.home, name="home"),
    ],
    "portal",
)

urlpatterns = [
    path("", include(portal_patterns)),
    path("", include("accounts.urls")),
    path("", include("signatures.urls")),
    path("", include("organizations.urls")),
    path("", include("billing.urls")),
    path("", include("newsletter.urls")),
    # Before allauth's own, and under its name.
    path("accounts/confirm-email/<str:key>/", email_confirm, name="account_confirm_email"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "portal.views.bad_request"
handler403 = "portal.views.permission_denied"
handler404 = "portal.views.page_not_found"
handler500 = "portal.views.server_error"
