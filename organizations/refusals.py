"""What a rule answers when it says no, as the services of this app know it."""

from accounts.refusals import Refusal

__all__ = ("Refusal",)
