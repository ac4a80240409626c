"""What the people of a merchant are told of their campaigns, when nobody is looking."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import Language
from newsletter.models import Campaign
from organizations.letters import absolute, language_of, write_to


def tell_desk(*, campaign: Campaign, template: str, **context: object) -> None:
    """Write to the merchant's desk about a campaign, in the language of who reads there, else of its author."""
    author, merchant = campaign.created_by, campaign.merchant
    write_to(
        merchant=merchant,
        to=merchant.email,
        template=f"newsletter/emails/{template}",
        context={
            **context,
            "campaign": campaign,
            "action_url": absolute(reverse("admin:newsletter_campaign_change", args=[campaign.pk])),
        },
        language=language_of(email=merchant.email, otherwise=author.language if author else Language.FRENCH.value),
    )
