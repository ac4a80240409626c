"""What the agents' menu holds, in the settings of django-unfold. Its look is templates/admin and static/agents."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def _entry(title: Any, icon: str, name: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}"), **more}


PLACES = [
    _entry(_("What waits"), "inbox", "index"),
    _entry(_("Customers"), "users", "organizations_customer_changelist"),
    _entry(_("Members"), "contact", "organizations_membership_changelist"),
    _entry(_("Invoices"), "file-text", "billing_invoice_changelist"),
    _entry(_("Payments"), "wallet", "billing_payment_changelist"),
    _entry(_("Unrecognised people"), "user-search", "organizations_accessrequest_changelist"),
    _entry(_("Activation requests"), "key-round", "organizations_activationrequest_changelist"),
    _entry(_("Verifications"), "badge-check", "organizations_verification_changelist"),
    _entry(_("Changes in the register"), "scan-search", "organizations_registeralert_changelist"),
    _entry(_("Mandates"), "stamp", "organizations_mandate_changelist"),
    _entry(_("Take-overs"), "user-cog", "organizations_takeover_changelist"),
    _entry(_("Parents and subsidiaries"), "network", "organizations_companylink_changelist"),
    _entry(_("Questions about refusals"), "circle-question-mark", "organizations_countercase_changelist"),
    _entry(_("Signatures"), "signature", "signatures_signaturerequest_changelist"),
    _entry(_("Campaigns"), "megaphone", "newsletter_campaign_changelist"),
    _entry(_("Subscribers"), "newspaper", "newsletter_subscriber_changelist"),
    _entry(_("Consents"), "scroll-text", "newsletter_consent_changelist"),
    _entry(_("Topics"), "tags", "newsletter_topic_changelist"),
    _entry(_("Wordings"), "quote", "newsletter_wording_changelist"),
    _entry(_("Newsletters"), "settings", "newsletter_newsletter_changelist"),
    _entry(_("Messages"), "mail", "accounts_outgoingmessage_changelist"),
    _entry(_("History"), "history", "organizations_auditevent_changelist"),
    _entry(_("Merchants"), "store", "organizations_merchant_changelist"),
    _entry(_("Branches"), "map-pin", "organizations_branch_changelist"),
    _entry(_("People"), "user", "accounts_user_changelist", permission=is_superuser),
]

UNFOLD: dict[str, Any] = {"SITE_TITLE": "Comptoir", "SIDEBAR": {"navigation": [{"items": PLACES}]}}
