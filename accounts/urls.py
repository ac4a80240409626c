"""Pages about oneself. Sign-in and sign-up are allauth's, but for its missing button."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("confirmation/send-again/", views.confirmation_resend, name="confirmation-resend"),
    path("profile/", views.profile, name="profile"),
    path("profile/devices/<int:session_id>/end/", views.session_end, name="session-end"),
]
