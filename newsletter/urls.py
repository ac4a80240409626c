"""Subscribing, choosing, leaving; the links of messages."""

from django.urls import path

from newsletter import archive, hooks, views

app_name = "newsletter"
urlpatterns = [
    path("newsletter/", archive.archive_list, name="archive-list"),
    path("newsletter/archive/feed.<slug:language>.xml", archive.feed, name="feed"),
    path("newsletter/archive/<slug:public_id>/", archive.archive_detail, name="archive-detail"),
    path("newsletter/hooks/<slug:service>/", hooks.receive, name="hook"),
    path("newsletter/subscribe/", views.subscribe, name="subscribe"),
    path("newsletter/subscribe/sent/", views.subscribe_sent, name="subscribe-sent"),
    path("newsletter/confirm/<str:token>/", views.confirm, name="confirm"),
    path("newsletter/preferences/<str:token>/", views.preferences, name="preferences"),
    path("newsletter/unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("profile/newsletter/", views.profile, name="profile"),
    path("profile/newsletter/leave/", views.profile_leave, name="profile-leave"),
]
