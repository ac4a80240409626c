"""Editions of the register, what each rejected, and what each changed. Ordinary tables: they outlive their edition."""

from __future__ import annotations

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class EditionQuerySet(models.QuerySet["Edition"]):
    def current(self) -> Edition | None:
        """The edition the tables of the register hold; None before the first import."""
        return self.filter(is_current=True).first()

    def held(self) -> Edition | None:
        """The same, and no other takes its place before the transaction ends: what is read next is this edition's."""
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE registry_enterprise IN ACCESS SHARE MODE")
        return self.current()


class Edition(models.Model):
    """One published ZIP that was imported whole. Written by `import_registry` alone."""

    published_on = models.DateField(_("published"), help_text=_("The date of the newest file in the ZIP."))
    imported_at = models.DateTimeField(_("imported"), default=timezone.now)
    sha256 = models.CharField("SHA-256", max_length=64, help_text=_("Of the ZIP: the same one is not imported twice."))
    is_current = models.BooleanField(_("current"), default=False, help_text=_("The one the register holds now."))
    enterprise_count = models.PositiveIntegerField(_("enterprises"), default=0)
    name_count = models.PositiveIntegerField(_("names"), default=0)
    establishment_count = models.PositiveIntegerField(_("establishments"), default=0)
    link_count = models.PositiveIntegerField(_("mergers and continuations"), default=0)
    reject_count = models.PositiveIntegerField(_("rejected records"), default=0)
    new_count = models.PositiveIntegerField(
        _("new enterprises"), default=0, help_text=_("Not in the edition before; 0 for the first edition.")
    )

    objects = EditionQuerySet.as_manager()

    class Meta:
        verbose_name = _("edition of the register")
        verbose_name_plural = _("editions of the register")
        constraints = [
            models.UniqueConstraint(fields=["sha256"], name="edition_imported_once"),
            models.UniqueConstraint(
                fields=["is_current"], condition=models.Q(is_current=True), name="edition_one_current"
            ),
        ]

    def __str__(self) -> str:
        return str(self.published_on)


class Reject(models.Model):
    """A record of an edition that was not taken, and why."""

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="rejects")
    file = models.CharField(_("file"), max_length=200, help_text=_("Its name in the ZIP."))
    line = models.PositiveIntegerField(_("line"), help_text=_("The first one of the record."))
    column = models.CharField(_("column"), max_length=60, blank=True)
    value = models.TextField(_("value"), blank=True, help_text=_("Its beginning."))
    code = models.CharField(_("reason"), max_length=40)
    known = models.CharField(_("what would have been right"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("rejected record")
        verbose_name_plural = _("rejected records")

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.code}"


class Change(models.Model):
    """What an edition says of an enterprise that the edition before said otherwise.

    The first edition changes nothing, and new enterprises are only counted (`Edition.new_count`).
    """

    class Kind(models.TextChoices):
        STRUCK_OFF = "struck_off", _("Struck off")
        LAPSED = "lapsed", _("Registration lapsed")
        RESTORED = "restored", _("Registered again")
        RENAMED = "renamed", _("Legal name changed")
        MERGED = "merged", _("Merger or division")
        ADDRESS_CHANGED = "address_changed", _("Address changed")

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="changes", db_index=False)
    # No key: the tables of the register are replaced whole, and an enterprise may be gone from the next edition.
    neq = models.CharField("NEQ", max_length=10)
    kind = models.CharField(_("change"), max_length=20, choices=Kind)
    before = models.JSONField(_("before"), help_text=_("The same keys in both, by kind of change."))
    after = models.JSONField(_("after"))

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        constraints = [models.UniqueConstraint(fields=["edition", "neq", "kind"], name="change_once_an_edition")]

    def __str__(self) -> str:
        return f"{self.neq} {self.kind}"
