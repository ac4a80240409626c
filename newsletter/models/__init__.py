"""What may be sent to whom: topics and wordings, subscribers and their consents, campaigns."""

from newsletter.models.campaigns import Campaign, CampaignQuerySet, Recipient, RecipientQuerySet
from newsletter.models.consents import Consent, SignUp
from newsletter.models.subscribers import Subscriber, SubscriberQuerySet, Subscription, SubscriptionQuerySet
from newsletter.models.topics import Newsletter, Topic, TopicQuerySet, Wording

__all__ = (
    "Campaign",
    "CampaignQuerySet",
    "Consent",
    "Newsletter",
    "Recipient",
    "RecipientQuerySet",
    "SignUp",
    "Subscriber",
    "SubscriberQuerySet",
    "Subscription",
    "SubscriptionQuerySet",
    "Topic",
    "TopicQuerySet",
    "Wording",
)
