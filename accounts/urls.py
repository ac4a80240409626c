"""Pages about oneself. Sign-in and sign-up are allauth's."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("profile/devices/<int:session_id>/end/", views.session_end, name="session-end"),
]
