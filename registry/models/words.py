"""The words of the names of the register: the search looks up in them how common a word is, or what was mistyped."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models


class Word(models.Model):
    """One word of the search keys of the names in force. Counted by `import_registry`, read-only otherwise."""

    text = models.TextField(primary_key=True, db_collation="C")
    occurrences = models.PositiveIntegerField()

    class Meta:
        indexes = [
            # A figure is never nearly right: words that begin with one come before the letters.
            GinIndex(OpClass("text", name="gin_trgm_ops"), name="word_trigrams", condition=models.Q(text__gte="a"))
        ]

    def __str__(self) -> str:
        return self.text
