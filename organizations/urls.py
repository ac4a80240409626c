"""Ways in: being recognised, asking to be, activation links; and asking for a permission or giving it."""

from django.urls import path

from organizations import views

app_name = "organizations"
urlpatterns = [
    path("welcome/", views.unrecognized, name="unrecognized"),
    path("welcome/look-again/", views.recognition_retry, name="look-again"),
    path("activate/<str:token>/", views.activation_use, name="activate"),
    path("activate/<str:token>/again/", views.activation_ask_again, name="activate-again"),
    path("c/<slug:customer_id>/ask/<slug:permission>/", views.permission_ask, name="ask-permission"),
    path(
        "c/<slug:customer_id>/team/<int:membership_id>/grant/<slug:permission>/",
        views.permission_grant,
        name="permission-grant",
    ),
]
