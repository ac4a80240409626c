"""The register as of its current edition, the editions themselves, and what changed between them."""

from registry.models.editions import Change, Edition, Reject
from registry.models.enterprises import Enterprise, EnterpriseName, Establishment, Label, Link
from registry.models.words import Word

__all__ = ["Change", "Edition", "Enterprise", "EnterpriseName", "Establishment", "Label", "Link", "Reject", "Word"]
