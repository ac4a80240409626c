"""Ways in, the identity of a company, its team, and asking for a permission or giving it."""

from django.urls import path

from organizations.views import (
    cards,
    counter,
    departures,
    identity,
    invitations,
    inviting,
    offline,
    petitions,
    team,
    ways_in,
)

app_name = "organizations"
urlpatterns = [
    path("counter/", counter.counter, name="counter"),
    path("counter/decide/", counter.counter_decide, name="counter-decide"),
    path("counter/unlisted/", counter.counter_unlisted, name="counter-unlisted"),
    path("counter/pin/", counter.counter_pin, name="counter-pin"),
    path("counter/list/", offline.offline_list, name="offline-list"),
    path("counter/list.csv", offline.offline_download, name="offline-download"),
    path("counter/list/check/", offline.offline_check, name="offline-check"),
    path("welcome/", ways_in.unrecognized, name="unrecognized"),
    path("welcome/look-again/", ways_in.recognition_retry, name="look-again"),
    path("activate/<str:token>/", ways_in.activation_use, name="activate"),
    path("activate/<str:token>/again/", ways_in.activation_ask_again, name="activate-again"),
    path("c/<slug:customer_id>/ask/<slug:permission>/", ways_in.permission_ask, name="ask-permission"),
    path(
        "c/<slug:customer_id>/team/<int:membership_id>/grant/<slug:permission>/",
        ways_in.permission_grant,
        name="permission-grant",
    ),
    path("c/<slug:customer_id>/card/", cards.card, name="card"),
    path("c/<slug:customer_id>/card/withdraw/", cards.card_revoke, name="card-revoke"),
    path("c/<slug:customer_id>/team/<int:membership_id>/left/", departures.member_left, name="member-left"),
    path("c/<slug:customer_id>/team/<int:membership_id>/card/", cards.card_print, name="card-print"),
    path("invitations/<str:token>/", invitations.invitation_accept, name="invitation"),
    path("invitations/<str:token>/opened/", invitations.invitation_opened, name="invitation-opened"),
    path("welcome/join/", petitions.join_ask, name="join"),
    path("c/<slug:customer_id>/team/requests/", petitions.join_requests, name="join-requests"),
    path("c/<slug:customer_id>/take-over/", petitions.take_over, name="take-over"),
    path("c/<slug:customer_id>/team/", team.team_list, name="team"),
    path("c/<slug:customer_id>/team/export.csv", team.team_export, name="team-export"),
    path("c/<slug:customer_id>/team/invite/", inviting.team_invite, name="team-invite"),
    path("c/<slug:customer_id>/team/mandates/", inviting.mandate_register, name="mandate-register"),
    path("c/<slug:customer_id>/team/mandates/<int:mandate_id>/", inviting.mandate_detail, name="mandate"),
    path("c/<slug:customer_id>/team/mandates/<int:mandate_id>/sign/", team.mandate_sign, name="mandate-sign"),
    path("c/<slug:customer_id>/team/mandates/<int:mandate_id>/mandate.pdf", inviting.mandate_pdf, name="mandate-pdf"),
    path("c/<slug:customer_id>/team/<int:membership_id>/", team.member_detail, name="member"),
    path("c/<slug:customer_id>/team/<int:membership_id>/remove/", team.member_remove, name="member-remove"),
    path("c/<slug:customer_id>/organization/", identity.organization_detail, name="organization-detail"),
    path("c/<slug:customer_id>/organization/declare/", identity.organization_declare, name="organization-declare"),
    path("c/<slug:customer_id>/organization/entries/", identity.organization_entries, name="organization-entries"),
]
