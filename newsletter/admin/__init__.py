"""The agents' pages of the newsletter: campaigns, subscribers and their proofs, topics and wordings."""

from newsletter.admin import campaigns, subscribers, topics

__all__ = ("campaigns", "subscribers", "topics")
