"""Ways in: being recognised, asking to be, activation links; and asking for a permission."""

from django.urls import path

app_name = "organizations"
urlpatterns: list[path] = []
